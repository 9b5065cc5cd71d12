"""The state of training: all that a model holds so that it can be trained, in one object.

A model has its weights as every layer does; here is the rest: what `compile` received and made of
it, the steps that were recorded, and what the loops and their callbacks tell each other.
"""

from typing import Any

from minikeras import optimizers
from minikeras.core import registry
from minikeras.metrics import Mean
from minikeras.training.arguments import checked
from minikeras.training.compile_loss import CompileLoss
from minikeras.training.compile_metrics import CompileMetrics
from minikeras.training.steps import Steps


class TrainingState:
    """What one model holds for its training.

    A copy has the same optimizer, losses and metrics, but records its steps again: a recording
    names the arrays of the model that it was made with.
    """

    def __init__(self):
        # What `compile` sets; `arguments` are its own, for `get_compile_config`.
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.compile_loss: CompileLoss | None = None
        self.compile_metrics: CompileMetrics | None = None
        self.loss_tracker: Mean | None = None
        self.steps_per_execution = 1
        self.jit_compile: Any = None
        self.arguments: dict[str, Any] | None = None
        # What is known of the batches so far: see `checks` and `steps`.
        self.prediction_specs: dict[Any, Any] = {}
        self.steps = Steps()
        # What callbacks set, and `fit` returns.
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False
        self.history: Any = None
        # The `Run` of `fit` while it lasts.
        self.run: Any = None

    def __getstate__(self):
        steps = Steps(self.run_eagerly)
        return {**vars(self), "prediction_specs": {}, "steps": steps, "run": None}

    @property
    def run_eagerly(self):
        """Whether every step runs as it is written."""
        return self.steps.run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value):
        self.steps.run_eagerly = value

    def compile(self, arguments, scales_loss, output_names):
        """Set what `Model.compile` received; nothing has changed if a name is unknown.

        Args:
            arguments: dict of the arguments that `get_compile_config` returns.
            scales_loss: whether the optimizer scales the loss, for float16.
            output_names: names of the model's outputs, or None.
        """
        optimizer = optimizers.get(arguments["optimizer"])
        arguments = {**arguments, "optimizer": optimizer}
        (steps_per_execution,) = checked(
            1, needed=True, steps_per_execution=arguments["steps_per_execution"]
        )
        if scales_loss and optimizer is not None:
            optimizer = optimizers.with_loss_scaling(optimizer)
        loss, metrics = arguments["loss"], arguments["metrics"]
        compile_loss, compile_metrics = self.compile_loss, self.compile_metrics
        if loss is not None:
            compile_loss = CompileLoss(loss, arguments["loss_weights"], output_names)
        if metrics is not None or arguments["weighted_metrics"] is not None:
            compile_metrics = CompileMetrics(metrics, arguments["weighted_metrics"], output_names)
        self.optimizer = optimizer
        self.loss = self.loss if loss is None else loss
        self.compile_loss, self.compile_metrics = compile_loss, compile_metrics
        self.loss_tracker = Mean(name="loss")
        self.steps_per_execution = steps_per_execution
        self.jit_compile = arguments["jit_compile"]
        self.arguments = arguments
        self.prediction_specs = {}
        self.steps = Steps(arguments["run_eagerly"])
        self.stop_training = False
        self.compiled = True

    def check_compiled(self, method):
        """Raise if `compile` has not been called.

        Args:
            method: the name of the method that needs it.
        """
        if not self.compiled:
            raise ValueError(
                f"You must call `compile()` before calling `{method}()`: the model needs an "
                "optimizer and a loss."
            )

    def get_config(self):
        """Return the arguments of `compile` in their saved form; none before `compile`."""
        if not self.compiled or self.arguments is None:
            return {}
        return registry.serialize_dict(self.arguments)

    @property
    def metrics(self):
        """The mean of the loss, the metrics of `compile`, and the means of the outputs' losses."""
        metrics = []
        if self.compiled:
            metrics.append(self.loss_tracker)
            if self.compile_metrics is not None:
                metrics.append(self.compile_metrics)
            if self.compile_loss is not None:
                metrics += self.compile_loss.metrics
        return metrics


def attribute(name, doc) -> Any:
    """Make a public attribute of a model that its `TrainingState` holds under the same name.

    Args:
        name: the attribute's name.
        doc: what it says.

    Returns:
        A property of a class whose objects hold their state as `_training`.
    """

    def read(model):
        return getattr(model._training, name)

    def write(model, value):
        setattr(model._training, name, value)

    return property(read, write, doc=doc)
