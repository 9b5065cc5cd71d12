"""What `compile` makes: the one graph of training, from inputs, targets and weights to the loss.

Losses and metrics are functions that are called here, once, on symbolic tensors. The total loss is
the sum of the outputs' losses, each times its weight, and of what layers add:

    L = sum_k w_k * mean(s_k * loss_k(t_k, y_k)) / mean(s_k != 0) + sum(penalties and added losses)

with targets t, outputs y, and weights s of samples (or, in the mode "temporal", of steps). The
variables that training changes are those that are trainable now.
"""

import inspect
import warnings
from typing import Any

from minikeras import ops
from minikeras.keras2 import backend as K
from minikeras.keras2 import losses, metrics
from minikeras.keras2.backend.phases import is_fed
from minikeras.keras2.backend.running import Function
from minikeras.keras2.backend.tensors import symbolic_function
from minikeras.keras2.engine.training_utils import collect_metrics, weighted_masked_objective


class Output:
    """One output of a model as it is trained: its target, weights, loss.

    Args:
        name: the output's name.
        tensor: the prediction.
        loss: loss function, or None for an output without one.
        weight: the factor of its loss.
        mode: `"temporal"` for weights of steps, else None.
        target: tensor for the targets, or None for a placeholder.
    """

    def __init__(self, name, tensor, loss, weight, mode, target):
        self.name = name
        self.tensor = tensor
        self.loss = loss
        self.weight = weight
        self.mode = mode
        self.target = self.sample_weight = None
        self.is_fed = loss is not None and (target is None or is_fed(target))
        if loss is not None:
            self.target = self._placeholder() if target is None else target
        if self.is_fed:
            ndim = 2 if mode == "temporal" else 1
            self.sample_weight = K.placeholder(ndim=ndim, name=f"{name}_sample_weights")

    def _placeholder(self):
        return K.placeholder(
            ndim=K.ndim(self.tensor), dtype=K.dtype(self.tensor), name=f"{self.name}_target"
        )

    @property
    def target_shape(self):
        """The shape that the targets must have, None where any will do."""
        shape = tuple(self.tensor.shape)
        if self.loss is losses.sparse_categorical_crossentropy:
            return (*shape[:-1], 1)
        return (
            shape if getattr(losses, getattr(self.loss, "__name__", ""), 0) is self.loss else None
        )

    def value_of(self, function, is_weighted=True):
        """Return the mean of a loss or metric over the batch, by mask and weights."""
        mask = getattr(self.tensor, "_keras_mask", None)
        mean: Any = weighted_masked_objective(function)
        return mean(self.target, self.tensor, self.sample_weight if is_weighted else None, mask)


class TrainingGraph:
    """The graph of a compiled model.

    Args:
        model: the model.
        optimizer: optimizer with `get_updates`.
        loss: loss, or list or dict of them by output.
        metric: list of metrics, or list or dict of them by output.
        loss_weights: list or dict of numbers by output, or None.
        sample_weight_mode: `"temporal"` or None, or list or dict of these by output.
        weighted_metrics: metrics that take weights into account.
        target_tensors: tensor, or list or dict of tensors by output, or None.
    """

    def __init__(
        self,
        model,
        optimizer,
        loss=None,
        metric=None,
        loss_weights=None,
        sample_weight_mode=None,
        weighted_metrics=None,
        target_tensors=None,
    ):
        self.model = model
        self.optimizer = optimizer
        self.outputs = _outputs(model, loss, loss_weights, sample_weight_mode, target_tensors)
        self.trained = [o for o in self.outputs if o.loss is not None]
        self.fed_outputs = [o for o in self.trained if o.is_fed]
        self.metrics_names = ["loss"]
        self.metrics_tensors = []
        self.stateful_metrics = []
        self.metric_updates = []
        self.total_loss = self._total()
        with_names = len(model.output_names) > 1
        for which, is_weighted in ((metric, False), (weighted_metrics, True)):
            by_output = collect_metrics(which, model.output_names)
            for output, functions in zip(self.outputs, by_output, strict=True):
                if output.loss is not None:
                    self._add_metrics(output, functions, is_weighted, with_names)
        self.trainable = list(model.trainable_weights)
        self.fed_inputs = model.fed_inputs
        self._functions = {}

    def _total(self):
        total = None
        for output in self.trained:
            value = output.value_of(output.loss)
            if len(self.model.outputs) > 1:
                self.metrics_tensors.append(value)
                self.metrics_names.append(f"{output.name}_loss")
            value = value * output.weight
            total = value if total is None else total + value
        for term in self.model.losses:
            total = term if total is None else total + term
        if total is None:
            raise ValueError(
                "The model cannot be compiled because it has no loss to optimize: pass `loss`, or "
                "call `add_loss`."
            )
        return _scalar(total)

    def _add_metrics(self, output, functions, is_weighted, with_names):
        for function in functions:
            name, function = _metric(function, output)
            if is_weighted:
                name = f"weighted_{name}"
            name = f"{output.name}_{name}" if with_names else name
            first, count = name, 1
            while name in self.metrics_names:
                name, count = f"{first}_{count}", count + 1
            self.metrics_names.append(name)
            if hasattr(function, "reset_states"):
                self.stateful_metrics.append(function)
                before = len(function.updates)
                self.metrics_tensors.append(function(output.target, output.tensor))
                self.metric_updates += function.updates[before:]
            else:
                self.metrics_tensors.append(output.value_of(function, is_weighted))

    def feeds(self):
        """Return the placeholders in the order in which values are given."""
        targets = [o.target for o in self.fed_outputs]
        return self.fed_inputs + targets + [o.sample_weight for o in self.fed_outputs]

    def function(self, kind):
        """Return the function of a training, test or prediction step.

        Args:
            kind: `"train"`, `"test"` or `"predict"`.

        Returns:
            A `Function`.
        """
        if kind not in self._functions:
            self._functions[kind] = getattr(self, f"_{kind}_function")()
        return self._functions[kind]

    def _train_function(self):
        updates = self.model.updates + self.metric_updates
        if self.trainable:
            updates = updates + self._optimizer_updates()
        return Function(self.feeds(), [self.total_loss, *self.metrics_tensors], updates, phase=1)

    def _optimizer_updates(self):
        get_updates, more = self.optimizer.get_updates, {}
        if "constraints" in inspect.signature(get_updates).parameters:  # written for Keras 1
            constrained = [w for w in self.trainable if w.constraint is not None]
            more = {"constraints": {w: w.constraint for w in constrained}}
        return list(get_updates(loss=self.total_loss, params=self.trainable, **more))

    def _test_function(self):
        updates = self.model.state_updates + self.metric_updates
        return Function(self.feeds(), [self.total_loss, *self.metrics_tensors], updates, phase=0)


def predict_function(model):
    """Return the function from a model's inputs to its outputs, at test time."""
    return Function(model.fed_inputs, model.outputs, model.state_updates, phase=0)


@symbolic_function
def _scalar(x):
    """A loss as a scalar: one with axes counts by its mean, as TensorFlow's gradients sum them."""
    return x if not len(x.shape) else ops.mean(x)


def _outputs(model, loss, loss_weights, modes, targets):
    names = model.output_names
    functions = [losses.get(f) for f in by_output(loss, names, "loss", None)]
    factors = by_output(loss_weights, names, "loss_weights", 1.0)
    modes = by_output(modes, names, "sample_weight_mode", None)
    targets = by_output(targets, names, "target_tensors", None)
    parts = zip(names, model.outputs, functions, factors, modes, targets, strict=True)
    return [Output(*part) for part in parts]


def by_output(value, names, argument, missing):
    """Return an argument of `compile` as a list with an entry for each output.

    Args:
        value: list, dict by name, or one value for all; None for `missing`.
        names: the outputs' names.
        argument: the argument's name, for messages.
        missing: what stands for an output that is not named.

    Returns:
        A list.

    Raises:
        ValueError: if a name is unknown, or the number of entries is another.
    """
    if value is None:
        return [missing] * len(names)
    if isinstance(value, dict):
        unknown = [name for name in value if name not in names]
        if unknown:
            raise ValueError(
                f"`{argument}` names '{unknown[0]}', which is no output of the model. Its outputs: "
                f"{names}"
            )
        absent = [name for name in names if name not in value]
        if absent and argument == "loss":
            warnings.warn(
                f'Output "{absent[0]}" missing from loss dictionary: no data are expected for it '
                "during training.",
                stacklevel=4,
            )
        return [value.get(name, missing) for name in names]
    if isinstance(value, (list, tuple)):
        if len(value) == 0:
            return [missing] * len(names)
        if len(value) != len(names):
            raise ValueError(
                f"When passing a list as {argument}, it should have one entry per model output. "
                f"The model has {len(names)} outputs, but you passed {argument}={value}"
            )
        return list(value)
    return [value] * len(names)


def _metric(metric, output) -> tuple[str, Any]:
    """The name in the logs, and the function, of a metric of an output."""
    shape = K.int_shape(output.tensor)
    if metric in ("accuracy", "acc"):
        return "acc", metrics.accuracy_for(shape, output.loss)
    if metric in ("crossentropy", "ce"):
        return "ce", metrics.crossentropy_for(shape, output.loss)
    function: Any = metrics.get(metric)
    return getattr(function, "name", None) or function.__name__, function
