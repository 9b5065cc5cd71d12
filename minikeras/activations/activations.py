"""Activations that differ from the op of that name, and the table in which all are found."""

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import floating
from minikeras.core import registry
from minikeras.core.docstrings import described
from minikeras.ops.elementwise import exponential as exponential_ops
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.nn import activation, gates, shrinkage

table = registry.Table("activation function", "keras.activations")


@op
def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """Rectified linear unit, with a slope below a threshold and a ceiling.

    It is `x` above `threshold` and `negative_slope * (x - threshold)` below, at most `max_value`.

    Args:
        x: tensor of any shape and dtype; bools become int32.
        negative_slope: float, the slope below the threshold.
        max_value: number, the ceiling, or None.
        threshold: number, where the slope ends.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.activations.relu([-2.0, 0.5, 3.0], negative_slope=0.5, max_value=2.0).tolist()
        [-1.0, 0.5, 2.0]
    """
    x = convert_to_tensor(x)
    if negative_slope and max_value is None and not threshold:
        return activation.leaky_relu(x, negative_slope=negative_slope)
    positive = cast(_capped(x, max_value, threshold), dtype=x.dtype)
    if not negative_slope:
        return positive
    return positive - negative_slope * activation.relu(threshold - x)


def _capped(x, ceiling, threshold):
    """What is above the threshold, at most `ceiling`, and zero elsewhere."""
    if ceiling == 6 and not threshold:
        return activation.relu6(x)
    positive = where(x > threshold, x, 0) if threshold else activation.relu(x)
    if ceiling is None:
        return positive
    ceiling = max(ceiling, 0)
    return where(positive > ceiling, ceiling, positive)


def linear(x):
    """Return the argument itself.

    Args:
        x: anything.

    Returns:
        `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.activations.linear(3.0)
        3.0
    """
    return x


@described(floating.texts)
def exponential(x):
    """Exponential function, element by element.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.activations.exponential([0.0, 1.0]).tolist()
        [1.0, 2.718282]
    """
    return exponential_ops.exp(x)


@described(floating.texts)
def gelu(x, approximate=False):
    """Gaussian error linear unit: `x` times the normal distribution function of `x`.

    Source: D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units" (2016).

    Args:
        approximate: whether the distribution function is approximated with a tanh.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.activations.gelu([-1.0, 1.0]).tolist()
        [-0.158655, 0.841345]
    """
    return gates.gelu(x, approximate=approximate)


@op
@described(floating.texts)
def mish(x):
    """Self-regularized smooth unit: `x * tanh(softplus(x))`.

    Source: D. Misra, "Mish: A Self Regularized Non-Monotonic Neural Activation Function" (2019).

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.activations.mish([-1.0, 1.0]).tolist()
        [-0.303401, 0.865098]
    """
    return shrinkage.mish(x)
