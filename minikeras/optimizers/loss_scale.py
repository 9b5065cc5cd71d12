"""Dynamic loss scaling, so that small float16 gradients do not vanish.

The loss is multiplied by a large factor and the gradients divided by it. The factor doubles after
many good steps and halves at a step whose gradients are not finite, which is left out. Source:
Micikevicius et al., "Mixed Precision Training" (2018), section 3.2.
"""

import numpy as np

from minikeras.autograd.tensor import Tensor
from minikeras.core import registry
from minikeras.optimizers.base import Optimizer, optimizer_table


@optimizer_table.add
class LossScaleOptimizer(Optimizer):
    """An optimizer around another one that scales the loss.

    Args:
        inner_optimizer: the optimizer that updates the weights.
        initial_scale: the first factor.
        dynamic_growth_steps: after how many good steps the factor doubles.
        name: a name, or None for an automatic one.

    Example:
        >>> import minikeras as keras
        >>> float(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()).dynamic_scale)
        32768.0
    """

    def __init__(
        self,
        inner_optimizer,
        initial_scale=2.0**15,
        dynamic_growth_steps=2000,
        name=None,
        **kwargs,
    ):
        super().__init__(learning_rate=0.0, name=name, **kwargs)
        self._variables.remove(self._learning_rate)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), dtype="float32", name="dynamic_scale")
        self.dynamic_scale.assign(initial_scale)

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
        """Build the inner optimizer."""
        if not self.inner_optimizer.built:
            self.inner_optimizer.build(variables)
        super().build(variables)

    def scale_loss(self, loss):
        """Return the loss multiplied by the present factor."""
        return loss * self.dynamic_scale.value

    def apply(self, grads, trainable_variables=None):
        """Update weights by gradients of the scaled loss, unless one is not finite.

        Args:
            grads: list of tensors, None where there is no gradient.
            trainable_variables: list of weights; by default those of `build`.
        """
        if not self.built and trainable_variables is not None:
            self.build(trainable_variables)
        scale = float(self.dynamic_scale)
        unscaled = [
            None if g is None else Tensor(g.data / g.data.dtype.type(scale)) for g in grads
        ]
        if not all(np.isfinite(g.data).all() for g in unscaled if g is not None):
            self.step_counter.assign(0)
            self.dynamic_scale.assign(scale / 2.0)
            return
        self.inner_optimizer.apply(unscaled, trainable_variables)
        self.step_counter.assign_add(1)
        if int(self.step_counter) == self.dynamic_growth_steps:
            self.step_counter.assign(0)
            if np.isfinite(np.float32(scale * 2.0)):
                self.dynamic_scale.assign(scale * 2.0)

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
        config["inner_optimizer"] = registry.deserialize(
            config["inner_optimizer"], custom_objects
        )
        return cls(**config)


def with_loss_scaling(optimizer):
    """Return the optimizer inside a LossScaleOptimizer, unless it is one."""
    if isinstance(optimizer, LossScaleOptimizer):
        return optimizer
    return LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
