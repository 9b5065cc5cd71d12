"""Model of Keras 2: a network that is compiled into one training graph, and trained on arrays."""

from typing import Any

from minikeras.keras2 import optimizers
from minikeras.keras2.engine import loops
from minikeras.keras2.engine.by_generator import ByGenerator
from minikeras.keras2.engine.inner_names import InnerNames
from minikeras.keras2.engine.input_layer import Input
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.engine.network import Network
from minikeras.keras2.engine.settings import FitSettings, in_keras_2
from minikeras.keras2.engine.training_graph import TrainingGraph, predict_function
from minikeras.keras2.engine.training_utils import (
    check_array_length_consistency,
    check_loss_and_target_compatibility,
    check_num_samples,
    standardize_class_weights,
    standardize_input_data,
    standardize_sample_weights,
    standardize_weights,
)
from minikeras.keras2.utils.generic_utils import slice_arrays

_UNTRACKED = (
    *("_compiling", "_graph", "_predict_function"),
    *("history", "optimizer", "validation_data"),
)
"""What a model holds of its training; none of it is a part of the model."""


class Model(ByGenerator, InnerNames, Network):
    """A network with a training loop.

    Args:
        inputs: tensor from `Input`, or a list of them (`input` in Keras 1).
        outputs: tensor that depends on the inputs, or a list of them (`output` in Keras 1).
        name: a name, or None for an automatic one.

    Example:
        >>> from minikeras.keras2.layers import Dense, Input
        >>> from minikeras.keras2.models import Model
        >>> x = Input((3,))
        >>> Model(x, Dense(2)(x)).output_shape
        (None, 2)
    """

    # What the engine's models keep elsewhere.
    optimizer: Any
    metrics: Any
    optimizer = loss = loss_weights = sample_weight_mode = history = validation_data = None
    metrics = ()
    stop_training = False
    callback_model = None
    _old_arguments = ("input", "output", "name")

    def __new__(cls, *args, **kwargs):
        """Make what every layer is made as."""
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(self, inputs=None, outputs=None, name=None, **kwargs):
        super().__init__(inputs, outputs, name=name, **kwargs)

    # Compilation

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        metrics=None,
        loss_weights=None,
        sample_weight_mode=None,
        weighted_metrics=None,
        target_tensors=None,
        **kwargs,
    ):
        """Make the graph of training.

        Args:
            optimizer: optimizer or its name.
            loss: loss, its name, or a list or dict of them by output; None, also for one output,
                where there is no loss.
            metrics: list of metrics, or list or dict of them by output.
            loss_weights: list or dict of factors by output.
            sample_weight_mode: `"temporal"` for weights of steps; a list or dict by output.
            weighted_metrics: metrics that take weights into account.
            target_tensors: tensor, or list or dict of tensors by output, instead of fed targets.
            **kwargs: accepted, as arguments of sessions were.

        Raises:
            ValueError: if a name is unknown or there is no loss.
        """
        self.optimizer = optimizers.get(optimizer)
        self.loss, self.loss_weights = loss, loss_weights
        self.metrics, self.weighted_metrics = metrics or [], weighted_metrics
        self.sample_weight_mode = sample_weight_mode
        self._compiling = (
            self.optimizer,
            *(loss, metrics, loss_weights, sample_weight_mode),
            *(weighted_metrics, target_tensors),
        )
        self._graph = None
        if self._has_graph():
            self._compiled()

    def _has_graph(self):
        return self._is_graph

    def _compiled(self) -> Any:
        """The graph of training; made when it is first needed, if the model had no shape before."""
        if getattr(self, "_compiling", None) is None:
            raise RuntimeError(
                f"Model {self.name!r} has no loss and no optimizer yet: call `compile` first."
            )
        if self._graph is None:
            object.__setattr__(self, "_graph", TrainingGraph(self, *self._compiling))
        return self._graph

    def __setattr__(self, name, value):
        if name in _UNTRACKED:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    metrics_names = property(lambda self: self._compiled().metrics_names)
    metrics_tensors = property(lambda self: self._compiled().metrics_tensors)
    total_loss = property(lambda self: self._compiled().total_loss)
    targets = property(lambda self: [o.target for o in self._compiled().outputs])
    sample_weights = property(lambda self: [o.sample_weight for o in self._compiled().outputs])
    stateful_metric_functions = property(lambda self: self._compiled().stateful_metrics)
    stateful_metric_names = property(
        lambda self: [metric.name for metric in self._compiled().stateful_metrics]
    )

    def _step(self, kind):
        if kind != "predict":
            return self._compiled().function(kind)
        if getattr(self, "_predict_function", None) is None:
            self._predict_function = predict_function(self)
        return self._predict_function

    # Data

    def _set_inputs(self, x):
        """Let a model that a class's `call` describes have a graph, now that shapes are known."""
        if self._has_graph():
            return
        arrays = list(x) if isinstance(x, (list, tuple)) else [x]
        inputs = [Input(batch_shape=(None, *a.shape[1:])) for a in arrays]
        outputs = self.call(inputs if len(inputs) > 1 else inputs[0])
        self._declare(inputs, outputs)

    def _inputs_of(self, x):
        self._set_inputs(x)
        places = self.fed_inputs
        names = [t._keras_history.operation.name for t in places]
        return standardize_input_data(x, names, [t.shape for t in places], False, "input")

    def _arrays(self, x, y, sample_weight=None, class_weight=None) -> list[Any]:
        """Inputs, targets and weights as the training function takes them."""
        inputs = self._inputs_of(x)
        outputs = self._compiled().fed_outputs
        names = [o.name for o in outputs]
        shapes = [o.target_shape for o in outputs]
        targets = standardize_input_data(y, names, shapes, False, "target")
        by_output = zip(
            targets,
            standardize_sample_weights(sample_weight, names),
            standardize_class_weights(class_weight, names),
            [o.mode for o in outputs],
            strict=True,
        )
        weights = [standardize_weights(*parts) for parts in by_output]
        check_array_length_consistency(inputs, targets, weights)
        losses = [o.loss for o in outputs]
        check_loss_and_target_compatibility(targets, losses, [o.tensor.shape for o in outputs])
        return inputs + targets + weights

    def _check_batches(self, arrays, batch_size, steps, steps_name="steps"):
        """Demand that either samples or steps are counted; of samples, as many as states need."""
        count = check_num_samples(arrays, batch_size, steps, steps_name) or 0
        size = batch_size or 32
        if self.stateful and steps is None and count > size and count % size:
            raise ValueError(
                f"Model {self.name!r} keeps states from batch to batch, so that the number of "
                f"samples must be a multiple of the batch size. Received: {count} samples, "
                f"batch_size={size}"
            )

    # Training

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose=1,
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        **kwargs,
    ):
        """Train the model for a number of epochs.

        Args:
            x: array, list of arrays, dict by input, or None if the graph holds its data.
            y: targets in the same forms.
            batch_size: samples in a step; 32 if None.
            epochs: number of the epoch to stop before (`nb_epoch` in Keras 1).
            verbose: 0 for silence, 1 for a progress bar, 2 for a line per epoch.
            callbacks: list of callbacks.
            validation_split: fraction of the samples, taken from their end, to validate on.
            validation_data: `(x, y)` or `(x, y, sample_weight)`.
            shuffle: whether the order of samples is drawn again each epoch; `"batch"` for batches.
            class_weight: dict of class to weight.
            sample_weight: array of weights of the samples.
            initial_epoch: the first epoch's number.
            steps_per_epoch: steps of an epoch on all of the data, or None.
            validation_steps: the same for the validation.
            **kwargs: arguments of Keras 1.

        Returns:
            A `History`.

        Raises:
            ValueError: if the data do not fit.
        """
        old = in_keras_2(kwargs, ("epochs",), "fit")
        settings = FitSettings(
            32 if batch_size is None else int(batch_size),
            old.get("epochs", epochs),
            int(verbose),
            shuffle,
            initial_epoch,
            steps_per_epoch,
            validation_steps,
        )
        arrays = self._arrays(x, y, sample_weight, class_weight)
        self._check_batches(arrays, batch_size, steps_per_epoch, "steps_per_epoch")
        validation = None
        if validation_data is not None:
            validation = self._arrays(*validation_data)
        elif validation_split and 0.0 < validation_split < 1.0:
            at = int(arrays[0].shape[0] * (1.0 - validation_split))
            validation, arrays = slice_arrays(arrays, at), slice_arrays(arrays, 0, at)
        elif validation_steps:
            validation = []
        return loops.fit(self, arrays, validation, settings, callbacks)

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose=1, sample_weight=None, steps=None, **kwargs
    ):
        """Return the loss and the metrics on some data.

        Args:
            x: array, list of arrays, dict by input, or None if the graph holds its data.
            y: targets in the same forms.
            batch_size: samples in a step; 32 if None.
            verbose: 0 for silence, 1 for a progress bar.
            sample_weight: array of weights of the samples.
            steps: number of steps on all of the data, or None.
            **kwargs: arguments of Keras 1.

        Returns:
            A number, or a list of them in the order of `metrics_names`.
        """
        in_keras_2(kwargs, (), "evaluate")
        arrays = self._arrays(x, y, sample_weight)
        self._check_batches(arrays, batch_size, steps)
        return loops.evaluate(self, arrays, batch_size or 32, verbose, steps)

    def predict(self, x, batch_size=None, verbose=0, steps=None):
        """Return the outputs for some inputs.

        Args:
            x: array, list of arrays, or dict by input.
            batch_size: samples in a step; 32 if None.
            verbose: 0 for silence, 1 for a progress bar.
            steps: number of steps on all of the data, or None.

        Returns:
            An array, or a list of them.
        """
        arrays = self._inputs_of(x)
        self._check_batches(arrays, batch_size, steps)
        return loops.predict(self, arrays, batch_size or 32, verbose, steps)

    def train_on_batch(self, x, y, sample_weight=None, class_weight=None):
        """Train on one batch.

        Args:
            x: array, list of arrays, or dict by input.
            y: targets in the same forms.
            sample_weight: array of weights of the samples.
            class_weight: dict of class to weight.

        Returns:
            A number, or a list of them in the order of `metrics_names`.
        """
        arrays = self._arrays(x, y, sample_weight, class_weight)
        return loops.one(self._step("train")(arrays))

    def test_on_batch(self, x, y, sample_weight=None):
        """Return the loss and the metrics on one batch.

        Args:
            x: array, list of arrays, or dict by input.
            y: targets in the same forms.
            sample_weight: array of weights of the samples.

        Returns:
            A number, or a list of them in the order of `metrics_names`.
        """
        return loops.one(self._step("test")(self._arrays(x, y, sample_weight)))

    def predict_on_batch(self, x):
        """Return the outputs for one batch.

        Args:
            x: array, list of arrays, or dict by input.

        Returns:
            An array, or a list of them.
        """
        return loops.one(self._step("predict")(self._inputs_of(x)))
