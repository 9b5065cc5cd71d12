"""Trainer: `fit`, `evaluate` and `predict`, and their forms for a single batch.

A user's arguments become data here, which the loops in `loops` go through.
"""

from minikeras.core.limits import capped_epochs, capped_steps
from minikeras.core.old_names import (
    argument_hint,
    explains_old_arguments,
    explains_old_methods,
)
from minikeras.core.old_names.tables import OF_MODELS
from minikeras.training import loops
from minikeras.training.arguments import checked, checked_fraction
from minikeras.training.compiled import CompiledLayer
from minikeras.training.data import Epochs, data_source, split_validation
from minikeras.training.data.convert import as_arrays, own_arrays
from minikeras.training.data.unpack import check_class_weight, class_weights_to_sample_weights
from minikeras.training.loops import on_device_of_weights


@explains_old_methods(OF_MODELS)
class Trainer(CompiledLayer):
    """A layer that is trained on data: what makes a layer a model.

    Args:
        *args: see `Layer`.
        **kwargs: see `Layer`.
    """

    @on_device_of_weights
    @explains_old_arguments
    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose: int | str = "auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Train the model for a number of epochs.

        Args:
            x: nest of arrays or data frames, an iterable of batches, or a PyDataset.
            y: nest of targets, if `x` is of arrays.
            batch_size: samples per step; by default as many as make `steps_per_epoch` steps of all
                samples, or else 32.
            epochs: number of the epoch to stop before, counted from 0.
            verbose: 0 for silence, 1 for a progress bar, 2 for a line per epoch, `"auto"` for 1.
            callbacks: list of callbacks.
            validation_split: fraction of the arrays, taken from their end, to validate on.
            validation_data: `(x, y)` or `(x, y, sample_weight)`, a generator or a PyDataset.
            shuffle: whether the order of samples is drawn again each epoch; `"batch"` for batches.
            class_weight: dict of class to weight.
            sample_weight: array of weights of the samples.
            initial_epoch: the first epoch's number.
            steps_per_epoch: steps per epoch, or None for all batches.
            validation_steps: steps per validation, or None for all batches.
            validation_batch_size: samples per validation step; `batch_size` by default.
            validation_freq: validate every so many epochs, or a list of epochs (from 1).

        Returns:
            A `History` callback whose `history` holds the values by epoch.

        Raises:
            ValueError: if the model is not compiled or the data do not fit; nothing has changed.
        """
        self._training.check_compiled("fit")
        epochs, initial_epoch = checked(needed=True, epochs=epochs, initial_epoch=initial_epoch)
        epochs = capped_epochs(epochs)
        batch_size, steps_per_epoch = checked(
            batch_size=batch_size, steps_per_epoch=steps_per_epoch
        )
        steps_per_epoch = capped_steps(steps_per_epoch)
        if checked_fraction(validation_split) and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation(
                _sliceable(x, y, sample_weight), validation_split
            )
        source = data_source(
            x, y, sample_weight, batch_size, shuffle, class_weight, steps_per_epoch
        )
        data = Epochs(source, steps_per_epoch)
        steps, size = checked(
            validation_steps=validation_steps, validation_batch_size=validation_batch_size
        )
        if validation_data is not None:
            steps = capped_steps(steps)
        validation = loops.Validation(
            self, validation_data, steps, size or batch_size, validation_freq
        )
        return loops.fit(self, data, validation, callbacks, verbose, range(initial_epoch, epochs))

    @on_device_of_weights
    @explains_old_arguments
    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose: int | str = "auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
        **kwargs,
    ):
        """Return the loss and the metrics on some data.

        Args:
            x: nest of arrays or data frames, an iterable of batches, or a PyDataset.
            y: nest of targets, if `x` is of arrays.
            batch_size: samples per step; by default as many as make `steps` steps, or else 32.
            verbose: 0 for silence, 1 for a progress bar, 2 for a line, `"auto"` for 1.
            sample_weight: array of weights of the samples.
            steps: number of steps, or None for all batches.
            callbacks: list of callbacks.
            return_dict: whether to return a dict by metric name.
            **kwargs: refused; there are no further arguments.

        Returns:
            A number, a list of numbers in the order of `metrics_names`, or a dict.

        Raises:
            ValueError: if the model is not compiled or the data do not fit.
        """
        self._training.check_compiled("evaluate")
        if kwargs:
            hint = argument_hint(kwargs)
            raise ValueError(f"Arguments not recognized: {kwargs}{hint}")
        batch_size, steps = checked(batch_size=batch_size, steps=steps)
        steps = capped_steps(steps)
        data = Epochs(data_source(x, y, sample_weight, batch_size, steps=steps), steps)
        logs = loops.evaluate(self, data, callbacks, verbose)
        return logs if return_dict else loops.results_in_order(self.metrics, logs)

    @on_device_of_weights
    @explains_old_arguments
    def predict(self, x, batch_size=None, verbose: int | str = "auto", steps=None, callbacks=None):
        """Return the model's outputs for some inputs, computed batch by batch.

        Args:
            x: nest of arrays or data frames, an iterable of batches, or a PyDataset.
            batch_size: samples per step; by default as many as make `steps` steps, or else 32.
            verbose: 0 for silence, 1 for a progress bar, 2 for a line, `"auto"` for 1.
            steps: number of steps, or None for all batches.
            callbacks: list of callbacks.

        Returns:
            A NumPy array, or a nest of them like the model's outputs.
        """
        batch_size, steps = checked(batch_size=batch_size, steps=steps)
        steps = capped_steps(steps)
        source = data_source(x, batch_size=batch_size, steps=steps)
        data = Epochs(source, steps, may_be_empty=True)
        return loops.predict(self, data, callbacks, verbose)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """Train on one batch.

        Args:
            x: nest of arrays.
            y: nest of targets, or None.
            sample_weight: array of weights of the samples, or None.
            class_weight: dict of class to weight, or None.
            return_dict: whether to return a dict by metric name.

        Returns:
            A number, a list of numbers, or a dict: the metrics of this batch.
        """
        self._training.check_compiled("train_on_batch")
        if class_weight is not None:
            check_class_weight(y, sample_weight)
            sample_weight = class_weights_to_sample_weights(own_arrays(y, "y"), class_weight)
        return self._on_batch("train_step", x, y, sample_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Evaluate one batch.

        Args:
            x: nest of arrays.
            y: nest of targets, or None.
            sample_weight: array of weights of the samples, or None.
            return_dict: whether to return a dict by metric name.

        Returns:
            A number, a list of numbers, or a dict: the metrics of this batch.
        """
        self._training.check_compiled("test_on_batch")
        return self._on_batch("test_step", x, y, sample_weight, return_dict)

    def _on_batch(self, step, x, y, sample_weight, return_dict):
        logs = loops.on_batch(self, step, x, y, sample_weight)
        return logs if return_dict else loops.results_in_order(self.metrics, logs)

    @on_device_of_weights
    def predict_on_batch(self, x):
        """Return the model's outputs for one batch.

        Args:
            x: nest of arrays.

        Returns:
            A NumPy array, or a nest of them.
        """
        return loops.predict_on_batch(self, x)


def _sliceable(x, y, sample_weight):
    return as_arrays(x, "x"), as_arrays(y, "y"), as_arrays(sample_weight, "sample_weight")
