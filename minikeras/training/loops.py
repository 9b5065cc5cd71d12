"""The loops of `fit`, `evaluate` and `predict`, and their single-batch forms."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from minikeras.arrays import device
from minikeras.arrays.blas_threads import hold_at_one
from minikeras.arrays.memory import keep_freed_memory
from minikeras.core import trees
from minikeras.core.per_thread import kept_around
from minikeras.training.arguments import checked, checked_fraction, checked_frequency
from minikeras.training.callbacks import CallbackList
from minikeras.training.callbacks.callback_list import plain_logs
from minikeras.training.data import ArrayData, Epochs, data_source, split_validation
from minikeras.training.data.arrays import as_arrays, own_arrays
from minikeras.training.data.unpack import (
    class_weights_to_sample_weights,
    unpack_x_y_sample_weight,
)
from minikeras.training.steps import Steps, placed


def _over_data(method):
    """Let a loop compute on the device of the model's weights, BLAS held to one thread.

    The products of a step are small or divided among our own threads: BLAS's would only wait.
    An exception from within, Ctrl-C for example, leaves no scope or recording open.
    """

    @wraps(method)
    def run(self, *args, **kwargs):
        return kept_around(hold_at_one, _beside_weights, method, self, *args, **kwargs)

    return run


def _beside_weights(method, model, /, *args, **kwargs):
    weights = model.weights if device.in_use else ()
    with device.place_of(weights[0].array if weights else None):
        return method(model, *args, **kwargs)


class Loops:
    """The part of Model that goes through data."""

    # What Trainer and Layer give.
    optimizer: Any
    stop_training: bool
    stop_evaluating: bool
    stop_predicting: bool
    history: Any
    metrics: list[Any]
    trainable_variables: list[Any]
    trainable_weights: list[Any]
    train_step: Callable[..., Any]
    _steps: Steps
    _prepare: Callable[..., Any]
    test_step: Callable[..., Any]
    predict_step: Callable[..., Any]
    reset_metrics: Callable[[], None]
    get_metrics_result: Callable[[], dict[str, Any]]
    compute_output_spec: Callable[..., Any]
    _assert_compiled: Callable[[str], None]
    _flatten_layers: Callable[..., list[Any]]
    _results_in_order: Callable[[dict[str, Any]], Any]

    @_over_data
    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
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
            shuffle: whether the order of samples is drawn anew each epoch; `"batch"` for batches.
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
        self._assert_compiled("fit")
        epochs, initial_epoch = checked(needed=True, epochs=epochs, initial_epoch=initial_epoch)
        batch_size, steps_per_epoch = checked(
            batch_size=batch_size, steps_per_epoch=steps_per_epoch
        )
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
        validation = _Validation(self, validation_data, steps, size or batch_size, validation_freq)
        self._prepare(data.first(), "train_step", data.whole)
        validation.prepare()
        data.reset()
        callbacks = self._callback_list(callbacks, True, verbose, epochs, data.num_batches)
        self._set_quietly("stop_training", False)
        callbacks.on_train_begin()
        logs = {}
        for epoch in range(initial_epoch, epochs):
            logs = self._train_epoch(epoch, data, validation, callbacks)
            if self.stop_training:
                break
        if self.optimizer is not None and epochs > initial_epoch:
            self.optimizer.finalize_variable_values(self.trainable_weights)
        callbacks.on_train_end(logs=logs)
        return self.history

    def _train_epoch(self, epoch, data, validation, callbacks):
        self.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        logs = {}
        for step, batch in data:
            callbacks.on_train_batch_begin(step)
            logs = self._steps.run("train_step", placed(batch))
            callbacks.on_train_batch_end(step, logs)
            if self.stop_training:
                break
        logs = self._epoch_logs(logs)
        if validation.is_due(epoch):
            found = validation.run(callbacks)
            logs.update({f"val_{name}": value for name, value in found.items()})
        callbacks.on_epoch_end(epoch, logs)
        return logs

    def _epoch_logs(self, logs):
        """The metrics' results, or what a step of the user's own returned instead."""
        results = self.get_metrics_result()
        return results if set(logs or {}) == set(results) else dict(logs or {})

    def _set_quietly(self, name, value):
        object.__setattr__(self, name, value)

    def _callback_list(self, callbacks, history, verbose, epochs, steps):
        keep_freed_memory()
        if isinstance(callbacks, CallbackList):
            return callbacks
        verbose = 1 if verbose == "auto" else verbose
        return CallbackList(
            callbacks,
            add_history=history,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
            model=self,
        )

    @_over_data
    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
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
        self._assert_compiled("evaluate")
        if kwargs:
            raise ValueError(f"Arguments not recognized: {kwargs}")
        batch_size, steps = checked(batch_size=batch_size, steps=steps)
        data = Epochs(data_source(x, y, sample_weight, batch_size, steps=steps), steps)
        logs = self._evaluate_epoch(data, callbacks, verbose)
        return logs if return_dict else self._results_in_order(logs)

    def _evaluate_epoch(self, data, callbacks, verbose: Any = 0):
        self._prepare(data.first(), "test_step", data.whole)
        data.reset()
        callbacks = self._callback_list(callbacks, False, verbose, 1, data.num_batches)
        self._set_quietly("stop_evaluating", False)
        callbacks.on_test_begin()
        self.reset_metrics()
        logs = {}
        for step, batch in data:
            callbacks.on_test_batch_begin(step)
            logs = self._steps.run("test_step", placed(batch))
            callbacks.on_test_batch_end(step, logs)
            if self.stop_evaluating:
                break
        logs = plain_logs(self._epoch_logs(logs))
        callbacks.on_test_end(logs)
        return logs

    @_over_data
    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
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
        source = data_source(x, batch_size=batch_size, steps=steps)
        data = Epochs(source, steps, may_be_empty=True)
        callbacks = self._callback_list(callbacks, False, verbose, 1, data.num_batches)
        self._set_quietly("stop_predicting", False)
        callbacks.on_predict_begin()
        structure, parts = None, []
        for step, batch in data:
            callbacks.on_predict_batch_begin(step)
            structure = outputs = self._steps.run("predict_step", placed(batch))
            parts.append([_values(tensor) for tensor in trees.flatten(outputs)])
            callbacks.on_predict_batch_end(step, {"outputs": outputs})
            if self.stop_predicting:
                break
        callbacks.on_predict_end()
        whole = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return trees.pack_sequence_as(structure, whole)

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
        self._assert_compiled("train_on_batch")
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError(
                    "Arguments `sample_weight` and `class_weight` cannot be specified at the same "
                    f"time. Received: sample_weight={sample_weight}, class_weight={class_weight}"
                )
            sample_weight = class_weights_to_sample_weights(y, class_weight)
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
        self._assert_compiled("test_on_batch")
        return self._on_batch("test_step", x, y, sample_weight, return_dict)

    @_over_data
    def _on_batch(self, step, x, y, sample_weight, return_dict):
        whole = own_arrays(ArrayData(x, y, sample_weight).whole)
        self._prepare(whole, step, whole)
        self.reset_metrics()
        logs = plain_logs(self._steps.run(step, placed(unpack_x_y_sample_weight(whole))))
        return logs if return_dict else self._results_in_order(logs)

    @_over_data
    def predict_on_batch(self, x):
        """Return the model's outputs for one batch.

        Args:
            x: nest of arrays.

        Returns:
            A NumPy array, or a nest of them.
        """
        outputs = self._steps.run("predict_step", placed((own_arrays(x, "x"),)))
        return trees.map_structure(lambda tensor: _values(tensor).copy(), outputs)


class _Validation:
    """When to validate during `fit`, and on what."""

    def __init__(self, model, data, steps, batch_size, frequency):
        self._model = model
        self._frequency = checked_frequency(frequency)
        self._epochs = None
        if data is not None:
            x, y, sample_weight = _unpack_validation(data)
            source = data_source(x, y, sample_weight, batch_size, steps=steps)
            self._epochs = Epochs(source, steps)

    def prepare(self):
        """Check that the data fit the model."""
        if self._epochs is not None:
            self._model._prepare(self._epochs.first(), "test_step", self._epochs.whole)

    def is_due(self, epoch):
        if self._epochs is None:
            return False
        if isinstance(self._frequency, int):
            return (epoch + 1) % self._frequency == 0
        return epoch + 1 in self._frequency

    def run(self, callbacks):
        return self._model._evaluate_epoch(self._epochs, callbacks)


def _unpack_validation(data):
    if isinstance(data, (tuple, list)):
        return unpack_x_y_sample_weight(tuple(data))
    return data, None, None


def _sliceable(x, y, sample_weight):
    return as_arrays(x, "x"), as_arrays(y, "y"), as_arrays(sample_weight, "sample_weight")


def _values(tensor):
    """The values of a tensor that a step has returned, as a NumPy array."""
    is_tensor = hasattr(tensor, "data") and hasattr(tensor, "node")
    return device.to_numpy(tensor.data) if is_tensor else np.asarray(tensor)
