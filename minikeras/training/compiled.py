"""A layer that has been compiled: an optimizer, losses and metrics, and steps that use them.

Users override the steps. What `compile` sets is in a `TrainingState`, and so is all else that a
model holds for its training.
"""

import copy
import warnings

from minikeras import ops
from minikeras.autograd.gradient import GradientTape
from minikeras.core import dtypes, registry, settings
from minikeras.core.old_names import explains_old_arguments
from minikeras.layers.base.call_spec import signature_of
from minikeras.layers.base.layer import Layer
from minikeras.training.data.unpack import batch_size_of, unpack_x_y_sample_weight
from minikeras.training.state import TrainingState, attribute


class CompiledLayer(Layer):
    """A layer with `compile` and with the steps of training, evaluation and prediction.

    Args:
        *args: see `Layer`.
        **kwargs: see `Layer`.
    """

    compiled = attribute("compiled", "Whether `compile` has been called.")
    optimizer = attribute("optimizer", "The optimizer, or None.")
    loss = attribute("loss", "The loss as `compile` received it.")
    run_eagerly = attribute("run_eagerly", "Whether every step runs as it is written.")
    jit_compile = attribute("jit_compile", "What `compile` received; nothing depends on it.")
    steps_per_execution = attribute("steps_per_execution", "How many steps callbacks see as one.")
    stop_training = attribute("stop_training", "Whether `fit` stops after this batch.")
    stop_evaluating = attribute("stop_evaluating", "Whether `evaluate` stops after this batch.")
    stop_predicting = attribute("stop_predicting", "Whether `predict` stops after this batch.")
    history = attribute("history", "The `History` of the last `fit`, or None.")

    _training: TrainingState

    def __new__(cls, *args, **kwargs):
        """Make the state of training first, which the attributes above belong to."""
        self = super().__new__(cls, *args, **kwargs)
        self._training = TrainingState()
        return self

    def __getstate__(self):
        """What the layer holds; a copy has a state of training of its own."""
        state = super().__getstate__()
        if "_training" not in state:
            return state
        return {**state, "_training": copy.copy(self._training)}

    @property
    def _steps(self):
        return self._training.steps

    def _has_own(self, name):
        """Whether a subclass has a method of its own in place of the one here."""
        return getattr(type(self), name) is not getattr(CompiledLayer, name)

    @explains_old_arguments
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
        """Set the optimizer, the losses and the metrics.

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
            steps_per_execution: how many steps are taken between two calls of callbacks, which
                see them as one; an epoch has a multiple of so many steps.
            jit_compile: accepted; there is no compiler for whole steps.
            auto_scale_loss: whether a float16 model's loss is scaled up for the gradients.

        Raises:
            ValueError: if a name is unknown.
        """
        arguments = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": False if jit_compile == "auto" else jit_compile,
        }
        scales_loss = auto_scale_loss and self.dtype_policy.name == "mixed_float16"
        self._training.compile(arguments, scales_loss, getattr(self, "output_names", None))

    def get_compile_config(self):
        """Return the arguments of `compile` in their saved form; none before `compile`."""
        return self._training.get_config()

    def compile_from_config(self, config):
        """Compile with the arguments that `get_compile_config` returned.

        A `compile` of the model's own is not called: its arguments are not known here.
        """
        if type(self).compile is not CompiledLayer.compile:
            warnings.warn(
                f"`compile()` was not called on model '{self.name}', because its class "
                f"{type(self).__name__} overrides it. Call it yourself, or override "
                "`get_compile_config()` and `compile_from_config(config)` as well.",
                stacklevel=2,
            )
            return
        self.compile(**registry.deserialize(dict(config)))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def metrics(self):
        """The loss's mean, the metrics of `compile`, the model's own and the layers' metrics."""
        metrics = self._training.metrics + self._metrics
        for layer in self._flatten_layers(include_self=False):
            if not isinstance(layer, CompiledLayer):
                metrics += layer._metrics
        return metrics

    @property
    def metrics_names(self):
        """The names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self):
        """Reset the state of all metrics."""
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
        if self._training.compile_loss is not None:
            loss = self._training.compile_loss(y, y_pred, sample_weight)
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
        if self._training.compile_metrics is not None:
            self._training.compile_metrics.update_state(y, y_pred, sample_weight)
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
        """The loss of which the optimizer takes the gradient."""
        return loss if self.optimizer is None else self.optimizer.scale_loss(loss)

    def _forward(self, x, training):
        signature = signature_of(type(self).call)
        takes_training = signature.has("training") or signature.takes_any
        return self(x, training=training) if takes_training else self(x)

    def train_step(self, data):
        """Train on one batch; users may override it.

        Stochastic gradient descent on the weights w, with the rule of the optimizer in the last
        line:

            y_pred = f(x; w)
            L = loss(y, y_pred) + what layers added
            g = dL/dw
            w = w + update(g)

        With a loss scale g is the gradient of a multiple of L; the optimizer divides it again.

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
            warnings.warn(
                "The model has no trainable weights, so `fit` changes nothing.",
                stacklevel=2,
            )
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
        if self._training.loss_tracker is not None:
            self._training.loss_tracker.update_state(loss, sample_weight=batch_size_of(x))


def _as_float(term):
    term = term if dtypes.is_float(term.dtype) else ops.cast(term, settings.floatx())
    return ops.sum(term) if len(term.shape) else term
