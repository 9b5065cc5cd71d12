"""The learning rate of an optimizer: a variable, a schedule or a function."""

from typing import Any

import numpy as np

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.core import registry, settings
from minikeras.optimizers.schedules import LearningRateSchedule


class Rate:
    """The part of Optimizer that knows the learning rate."""

    _learning_rate: Any
    _iterations: Any
    _variables: list
    _track: Any

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step; assign to it to change a constant one."""
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        with device.device("cpu"):
            if isinstance(self._learning_rate, LearningRateSchedule):
                return self._learning_rate(self._iterations)
            return self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        if isinstance(self._learning_rate, Variable):
            if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
                self._variables.remove(self._learning_rate)
                self._learning_rate = learning_rate
                return
            self._learning_rate.assign(float(learning_rate))
        elif isinstance(learning_rate, LearningRateSchedule):
            self._learning_rate = learning_rate
        else:
            raise TypeError(
                "This optimizer instance was created with a `LearningRateSchedule` object as its "
                "`learning_rate` constructor argument, hence its learning rate is not settable. "
                "If you need the learning rate to be settable, you should instantiate the "
                "optimizer with a float `learning_rate` argument."
            )

    def _as_rate(self, learning_rate):
        if isinstance(learning_rate, dict):
            learning_rate = registry.deserialize(learning_rate)
        if isinstance(learning_rate, LearningRateSchedule):
            return learning_rate
        if _is_function(learning_rate):
            return learning_rate
        if not isinstance(learning_rate, (int, float)) and not hasattr(learning_rate, "dtype"):
            raise ValueError(
                "Argument `learning_rate` should be float, or an instance of "
                "LearningRateSchedule, or a callable (that takes in the current iteration value "
                "and returns the corresponding learning rate value). "
                f"Received instead: learning_rate={learning_rate}"
            )
        # The numbers of an optimizer are read at each step: a GPU would be waited for.
        with device.device("cpu"):
            rate = Variable(
                float(learning_rate),
                dtype=settings.floatx(),
                trainable=False,
                name="learning_rate",
            )
        return self._track(rate)

    def _present_rate(self):
        """The learning rate of this step as a NumPy scalar."""
        rate = self.learning_rate
        if isinstance(rate, Variable):
            return rate.array[()]
        return rate.data[()] if isinstance(rate, Tensor) else np.float32(rate)


def _is_function(rate):
    """Whether a learning rate is to be called for its value; a variable is not."""
    return callable(rate) and not hasattr(rate, "as_operand")
