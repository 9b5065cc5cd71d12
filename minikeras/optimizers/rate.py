"""The learning rate of an optimizer: a variable, a schedule or a function."""

import numpy as np

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.core import registry, settings
from minikeras.optimizers.schedules import LearningRateSchedule


def made_of(learning_rate):
    """Return what an optimizer keeps of the learning rate that it is given.

    Args:
        learning_rate: a number, a `LearningRateSchedule` or its saved form, or a callable.

    Returns:
        A variable for a number, a `LearningRateSchedule`, or the callable.

    Raises:
        ValueError: if it is none of these.
    """
    if isinstance(learning_rate, dict):
        learning_rate = registry.deserialize(learning_rate)
    if isinstance(learning_rate, LearningRateSchedule) or _is_function(learning_rate):
        return learning_rate
    if not isinstance(learning_rate, (int, float)) and not hasattr(learning_rate, "dtype"):
        raise ValueError(
            "`learning_rate` must be a number, a `LearningRateSchedule`, or a function that "
            f"returns one. Received: learning_rate={learning_rate!r}"
        )
    # The scalars of an optimizer are read at each step: a GPU would be waited for.
    with device.device("cpu"):
        return Variable(
            float(learning_rate), dtype=settings.floatx(), trainable=False, name="learning_rate"
        )


def of_step(kept, iterations):
    """Return the learning rate of a step: the variable, or what the schedule or callable says.

    Args:
        kept: what `made_of` returned.
        iterations: the variable that counts the steps.
    """
    if isinstance(kept, Variable):
        return kept
    with device.device("cpu"):
        return kept(iterations) if isinstance(kept, LearningRateSchedule) else kept()


def replaced(kept, learning_rate):
    """Return what an optimizer keeps after another learning rate was assigned.

    Args:
        kept: what it kept before; a variable gets a number as its value.
        learning_rate: a number, a `LearningRateSchedule`, or a callable.

    Raises:
        TypeError: if a number is to take the place of a schedule.
    """
    if isinstance(kept, Variable):
        if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
            return learning_rate
        kept.assign(float(learning_rate))
        return kept
    if isinstance(learning_rate, LearningRateSchedule):
        return learning_rate
    raise TypeError(
        "The learning rate of this optimizer follows a schedule and cannot be set: make the "
        "optimizer with a number as `learning_rate` to set it later. Schedule: "
        f"{type(kept).__name__}"
    )


def as_scalar(learning_rate):
    """Return a learning rate as a NumPy scalar."""
    if isinstance(learning_rate, Variable):
        return learning_rate.array[()]
    if isinstance(learning_rate, Tensor):
        return learning_rate.data[()]
    return np.float32(learning_rate)


def _is_function(learning_rate):
    """Whether a learning rate is to be called for its value; a variable is not."""
    return callable(learning_rate) and not hasattr(learning_rate, "as_operand")
