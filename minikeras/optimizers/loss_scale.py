"""Dynamic loss scaling, so that small float16 gradients do not vanish.

The loss is multiplied by a large factor and the gradients divided by it. The factor doubles after
many good steps and halves at a step whose gradients are not finite, which is left out. Source:
Micikevicius et al., "Mixed Precision Training" (2018), section 3.2.
"""

from minikeras import initializers
from minikeras.arrays import device
from minikeras.autograd.composite import convert_to_tensor
from minikeras.autograd.program import replayed
from minikeras.autograd.tensor import Tensor
from minikeras.core import registry
from minikeras.core.docstrings import described
from minikeras.optimizers.base import Optimizer, optimizer_table


@optimizer_table.add
@described()
class LossScaleOptimizer(Optimizer):
    """An optimizer around another one that scales the loss.

    Args:
        inner_optimizer: the optimizer that updates the weights.
        initial_scale: the first factor.
        dynamic_growth_steps: after how many good steps the factor doubles.
        **kwargs: none; the options of optimizers are for the inner one.

    Raises:
        ValueError: if a further option is given; options belong to the inner optimizer.

    Example:
        >>> import minikeras as keras
        >>> optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
        >>> float(optimizer.scale_loss(2.0))
        65536.0
    """

    def __init__(
        self,
        inner_optimizer,
        initial_scale=2.0**15,
        dynamic_growth_steps=2000,
        name=None,
        **kwargs,
    ):
        _check_no_options(kwargs)
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None  # or gradients would be scaled twice

    @property
    def variables(self):
        """This optimizer's variables and the inner one's."""
        return super().variables + self.inner_optimizer.variables

    @property
    def iterations(self):
        """How many updates the inner optimizer has made."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self):
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner_optimizer.learning_rate = value

    def build(self, variables):
        """Make the factor and its counter, and build the inner optimizer."""
        if self.built:
            return
        start = initializers.Constant(self.initial_scale)
        with device.device("cpu"):
            self.step_counter = self.add_variable((), dtype="int64", name="step_counter")
            self.dynamic_scale = self.add_variable((), start, dtype="float32", name="dynamic_scale")
        self.inner_optimizer.build(variables)
        super().build(variables)

    def scale_loss(self, loss):
        """Return the loss multiplied by the present factor."""
        if not self.built:
            return loss * self.initial_scale
        loss = convert_to_tensor(loss)
        return loss * self._scale_beside(loss)

    @replayed
    def _scale_beside(self, loss):
        return Tensor(device.beside(self.dynamic_scale.array, loss.data).copy())

    def _as_traced(self):
        traced = super()._as_traced()
        traced.inner_optimizer = self.inner_optimizer._as_traced()
        return traced

    def _apply(self, grads, trainable_variables):
        """Update weights with gradients of the scaled loss, unless one is not finite."""
        if not self.built and trainable_variables is not None:
            self.build(trainable_variables)
        if not all(device.namespace(g.data).isfinite(g.data).all() for g in grads if g is not None):
            self.step_counter.assign(0)
            self.dynamic_scale.assign(float(self.dynamic_scale) / 2.0)
            return
        scale = self.dynamic_scale.array
        unscaled = [None if g is None else Tensor(g.data / g.data.dtype.type(scale)) for g in grads]
        self.inner_optimizer.apply(unscaled, trainable_variables)
        if int(self.step_counter) == self.dynamic_growth_steps - 1:
            self.step_counter.assign(0)
            self.dynamic_scale.assign(float(self.dynamic_scale) * 2.0)
        else:
            self.step_counter.assign_add(1)

    def finalize_variable_values(self, var_list):
        """Let the inner optimizer finish."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "name": self.name,
            "inner_optimizer": registry.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make the optimizer from what `get_config` returned."""
        config = dict(config)
        config["inner_optimizer"] = registry.deserialize(config["inner_optimizer"], custom_objects)
        return cls(**config)


def _check_no_options(kwargs):
    """Old saved configs hold the options of all optimizers, at their defaults; others are wrong."""
    kwargs = dict(kwargs)
    if not kwargs.pop("dynamic", True):
        raise ValueError(
            "The scale of `LossScaleOptimizer` is always dynamic: for a constant one give "
            "`loss_scale_factor` to the inner optimizer. Received: dynamic=False"
        )
    for name, value in kwargs.items():
        if name not in _UNUSED:
            raise ValueError(f"LossScaleOptimizer does not support argument `{name}`.")
        if value != _UNUSED[name]:
            raise ValueError(
                f"`{name}` belongs to the inner optimizer: give it there. Received: "
                f"{name}={value!r}"
            )


_UNUSED = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


def with_loss_scaling(optimizer):
    """Return the optimizer inside a LossScaleOptimizer, unless it is one.

    Args:
        optimizer: an `Optimizer`.

    Example:
        >>> import minikeras as keras
        >>> keras.optimizers.with_loss_scaling(keras.optimizers.SGD()).name
        'loss_scale_optimizer'
    """
    if isinstance(optimizer, LossScaleOptimizer):
        return optimizer
    return LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
