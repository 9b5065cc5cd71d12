"""The activation whose formula has changed between Keras 2 and Keras 3."""

from minikeras import ops
from minikeras.core.registry import register_keras_serializable


@register_keras_serializable(package="keras2", name="hard_sigmoid")
def hard_sigmoid_of_keras_2(x):
    """Return `clip(0.2 * x + 0.5, 0, 1)`: the `hard_sigmoid` of Keras 1, Keras 2 and tf-keras.

    That of Keras 3 has a slope of 1/6. It is saved under its registered name, for the plain one
    stands for the other.

    Args:
        x: float tensor.

    Returns:
        A tensor of the same shape and dtype.
    """
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)
