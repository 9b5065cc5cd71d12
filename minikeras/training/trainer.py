"""Trainer: `compile`, and what one step of training, testing and prediction does.

The loops over epochs and batches are in `loops`; users override the steps here.
"""

import warnings
from collections.abc import Callable
from typing import Any

from minikeras import ops, optimizers
from minikeras.autograd.gradient import GradientTape
from minikeras.core import dtypes, registry, settings, trees
from minikeras.layers.base import tracking
from minikeras.layers.base.call_spec import signature_of
from minikeras.metrics import Mean
from minikeras.training.checks import check_indices, check_targets, rehearse
from minikeras.training.compile_loss import CompileLoss
from minikeras.training.compile_metrics import CompileMetrics
from minikeras.training.data.unpack import batch_size_of, unpack_x_y_sample_weight
from minikeras.training.loops import Loops
from minikeras.training.steps import Steps

# Batches of ever new lengths would make ever more results of rehearsals; these are cheap to repeat.
_MOST_REHEARSED = 64


class Trainer(Loops):
    """The part of Model that trains."""

    # What `__init__` and `compile` set, past the layer's watch over attributes.
    compiled: bool
    loss: Any
    optimizer: Any
    stop_training: bool
    run_eagerly: bool
    jit_compile: Any
    steps_per_execution: int
    history: Any
    _compile_loss: CompileLoss | None
    _compile_metrics: CompileMetrics | None
    _loss_tracker: Any
    _compile_arguments: dict[str, Any] | None
    _rehearsed: dict[Any, Any]
    _steps: Steps

    # What Layer and Model give.
    built: bool
    dtype_policy: Any
    losses: list[Any]
    output_names: list[str]
    trainable_variables: list[Any]
    trainable_weights: list[Any]
    call: Callable[..., Any]
    __call__: Callable[..., Any]
    _metrics: list[Any]
    _flatten_layers: Callable[..., list[Any]]

    def __init__(self):
        set_quietly = object.__setattr__
        set_quietly(self, "compiled", False)
        set_quietly(self, "loss", None)
        set_quietly(self, "optimizer", None)
        set_quietly(self, "stop_training", False)
        set_quietly(self, "run_eagerly", False)
        set_quietly(self, "jit_compile", None)
        set_quietly(self, "steps_per_execution", 1)
        set_quietly(self, "_compile_loss", None)
        set_quietly(self, "_compile_metrics", None)
        set_quietly(self, "_loss_tracker", None)
        set_quietly(self, "_compile_arguments", None)
        set_quietly(self, "history", None)
        set_quietly(self, "_rehearsed", {})
        set_quietly(self, "_steps", Steps(self))

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Settle the optimizer, the losses and the metrics.

        A second call without `loss`, or without `metrics` and `weighted_metrics`, keeps the former
        ones.

        Args:
            optimizer: optimizer or its name.
            loss: loss, its name, a function `(y_true, y_pred)`, or a nest of these by output.
            loss_weights: weight, or nest of weights, of the outputs' losses.
            metrics: nest of metrics or their names.
            weighted_metrics: nest of metrics that take the sample weights into account.
            run_eagerly: whether every step runs as it is written; if not, the first on each kind
                of batch is recorded, and later ones repeat it (see `training.steps`).
            steps_per_execution: accepted; every step is run by itself here.
            jit_compile: accepted; there is no compiler for whole steps.
            auto_scale_loss: whether a float16 model's loss is scaled up for the gradients.

        Raises:
            ValueError: if a name is unknown.
        """
        optimizer = optimizers.get(optimizer)
        given = optimizer
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and optimizer is not None:
            optimizer = optimizers.with_loss_scaling(optimizer)
        compile_loss, compile_metrics = self._compile_loss, self._compile_metrics
        if loss is not None:
            compile_loss = CompileLoss(loss, loss_weights, output_names=self._output_names())
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(
                metrics, weighted_metrics, output_names=self._output_names()
            )
        set_quietly = object.__setattr__
        set_quietly(self, "optimizer", optimizer)
        set_quietly(self, "loss", self.loss if loss is None else loss)
        set_quietly(self, "_compile_loss", compile_loss)
        set_quietly(self, "_compile_metrics", compile_metrics)
        set_quietly(self, "_loss_tracker", Mean(name="loss"))
        set_quietly(self, "run_eagerly", run_eagerly)
        set_quietly(self, "steps_per_execution", steps_per_execution)
        jit_compile = False if jit_compile == "auto" else jit_compile
        set_quietly(self, "jit_compile", jit_compile)
        set_quietly(self, "stop_training", False)
        set_quietly(self, "compiled", True)
        set_quietly(self, "_rehearsed", {})
        set_quietly(self, "_steps", Steps(self))
        set_quietly(
            self,
            "_compile_arguments",
            {
                "optimizer": given,
                "loss": loss,
                "loss_weights": loss_weights,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
            },
        )

    def _output_names(self):
        try:
            return list(self.output_names)
        except AttributeError:
            return None

    def get_compile_config(self):
        """Return the arguments of `compile` in their saved form, or None."""
        if not self.compiled or self._compile_arguments is None:
            return None
        return registry.serialize_dict(self._compile_arguments)

    def compile_from_config(self, config):
        """Compile with the arguments that `get_compile_config` returned."""
        self.compile(**registry.deserialize(dict(config)))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def metrics(self):
        """The loss's mean, the metrics of `compile`, the model's own and the layers' metrics."""
        found = []
        if self.compiled:
            found.append(self._loss_tracker)
            if self._compile_metrics is not None:
                found.append(self._compile_metrics)
            if self._compile_loss is not None:
                found += self._compile_loss.metrics
        found += self._metrics
        for layer in self._flatten_layers(include_self=False):
            if not isinstance(layer, Trainer):
                found += layer._metrics
        return found

    @property
    def metrics_names(self):
        """The names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self):
        """Let all metrics begin anew."""
        for metric in self.metrics:
            metric.reset_state()

    # One step

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the loss of one batch: the compiled loss and what layers have added.

        Args:
            x: inputs.
            y: targets.
            y_pred: predictions.
            sample_weight: weights of the samples, or None.
            training: whether this is a training step.

        Returns:
            A scalar tensor.

        Raises:
            ValueError: if there is nothing to sum.
        """
        terms = []
        if self._compile_loss is not None:
            loss = self._compile_loss(y, y_pred, sample_weight)
            if loss is not None:
                terms.append(loss)
        terms += [_as_float(term) for term in self.losses]
        if not terms:
            raise ValueError(
                "No loss to compute. Provide a `loss` argument in `compile()`, or let a layer call "
                "`add_loss()`."
            )
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Update the compiled metrics with one batch and return all results so far.

        Args:
            x: inputs.
            y: targets.
            y_pred: predictions.
            sample_weight: weights of the samples, or None.

        Returns:
            A dict of metric name to value.
        """
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self):
        """Return a dict of metric name to its value so far."""
        results = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                results.update(result)
            else:
                results[metric.name] = result
        return results

    def _scaled(self, loss):
        """The loss as the optimizer wants it differentiated."""
        return loss if self.optimizer is None else self.optimizer.scale_loss(loss)

    def _forward(self, x, training):
        return self(x, training=training) if self._call_has_training() else self(x)

    def _call_has_training(self):
        signature = signature_of(type(self).call)
        return signature.has("training") or signature.takes_any

    def train_step(self, data):
        """Train on one batch; users may override it.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            A dict of metric name to value.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self._forward(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
            scaled = self._scaled(loss)
        self._track_loss(loss, x)
        weights = self.trainable_weights
        if weights:
            gradients = tape.gradient(scaled, weights)
            self.optimizer.apply(gradients, weights)
        else:
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data):
        """Evaluate one batch; users may override it.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            A dict of metric name to value.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self._forward(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        self._track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data):
        """Predict one batch; users may override it.

        Args:
            data: `x`, or a tuple that begins with it.

        Returns:
            A nest of tensors.
        """
        x, _, _ = unpack_x_y_sample_weight(data)
        return self._forward(x, training=False)

    def _track_loss(self, loss, x):
        if self._loss_tracker is not None:
            self._loss_tracker.update_state(loss, sample_weight=batch_size_of(x))

    def _prepare(self, batch, step, whole=None):
        """Build what is not built yet, and check that data fit, before anything changes.

        Args:
            batch: a batch like the first one.
            step: the name of the step to be taken; a user's own may take its data as it likes.
            whole: all data at once, whose indices and targets are looked through, or None.
        """
        own_step = getattr(type(self), step) is not getattr(Trainer, step)
        unbuilt = not all(layer.built for layer in self._flatten_layers())
        checks_loss = not own_step and type(self).compute_loss is Trainer.compute_loss
        if unbuilt or not own_step:
            y_pred = self._rehearse(batch, checks_loss)
            if whole is not None and y_pred is not None:
                x, y, _ = unpack_x_y_sample_weight(whole)
                check_indices(self, x)
                if checks_loss:
                    check_targets(self, y, y_pred)
            unbuilt = not all(layer.built for layer in self._flatten_layers())
        # What only the step itself can build, it builds before it first applies gradients.
        if self.optimizer is not None and not self.optimizer.built and not unbuilt:
            self.optimizer.build(self.trainable_variables)

    def _rehearse(self, batch, checks_loss):
        """Run on the shapes of a batch, once for each kind of batch that comes."""
        kinds = tuple(
            (path, None if a is None else (a.shape, a.dtype.str))
            for path, a in trees.flatten_with_path(batch)
        )
        key = (kinds, tracking.version(), checks_loss)
        if key not in self._rehearsed:
            while len(self._rehearsed) >= _MOST_REHEARSED:
                del self._rehearsed[next(iter(self._rehearsed))]
            self._rehearsed[key] = rehearse(self, batch, checks_loss)
        return self._rehearsed[key]

    def _assert_compiled(self, method):
        if not self.compiled:
            raise ValueError(
                f"You must call `compile()` before calling `{method}()`: the model needs an "
                "optimizer and a loss."
            )

    def _results_in_order(self, logs):
        """The values of a dict of results as `evaluate` returns them: a number or a list."""
        names = []
        for metric in self.metrics:
            compiled = isinstance(metric, CompileMetrics)
            names += [m.name for m in metric.metrics] if compiled else [metric.name]
        values = [logs[name] for name in names if name in logs]
        values += [logs[name] for name in sorted(logs) if name not in names]
        return values[0] if len(values) == 1 else values


def _as_float(term):
    term = term if dtypes.is_float(term.dtype) else ops.cast(term, settings.floatx())
    return ops.sum(term) if len(term.shape) else term
