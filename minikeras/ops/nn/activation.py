"""Elementwise activation functions.

Slopes at kinks are those of TensorFlow: `relu` and `leaky_relu` count 0 as negative, `elu` and
`selu` give 0 the slope of their exponential and of their linear side.
"""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import arithmetic, division, floating, numeric
from minikeras.autograd.primitive import primitive
from minikeras.core.docstrings import described
from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared import slopes
from minikeras.kernels.shared.activations import SELU_ALPHA, SELU_SCALE
from minikeras.kernels.shared.dense import where_positive
from minikeras.kernels.shared.wide import wide
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.elementwise.exponential import expm1
from minikeras.ops.elementwise.extremes import clip, maximum, minimum


@primitive(numeric)
def relu(xp, x):
    """Replace negative elements by zero.

    Equations (activations.relu):
        y = maximum(x, 0)

    Equations (activations.relu_backward):
        dx = g * (y > 0)

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.relu([-1.0, 0.0, 2.0]).tolist()
        [0.0, 0.0, 2.0]
    """
    return wide(xp, xp.maximum, x, 0)


@relu.vjp()
def _(g, y):
    return _where_positive(g, y)


@primitive(arithmetic)
def _where_positive(xp, g, y):
    """`g` where `y` is positive, else zero."""
    return where_positive(xp, g, y)


@_where_positive.vjp("g")
def _(g, y):
    return _where_positive(g, y)


@primitive(numeric)
@dispatched(cuda="activations")
def relu6(xp, x):
    """Replace negative elements by zero and those above 6 by 6.

    Equations (activations.relu6):
        y = minimum(maximum(x, 0), 6)

    Equations (activations.relu6_backward):
        dx = g * ((y > 0) & (y < 6))

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.relu6([-1.0, 2.0, 8.0]).tolist()
        [0.0, 2.0, 6.0]
    """
    return xp.minimum(xp.maximum(x, 0), 6)


@relu6.vjp()
def _(g, y):
    return _between_slope(y, g, low=0, high=6)


@primitive(arithmetic)
def _between_slope(xp, y, dy, *, low, high):
    """`dy` where `y` lies inside its bounds, else zero."""
    return slopes.between_slope(xp, y, dy, low=low, high=high)


@_between_slope.vjp("dy")
def _(g, y, low, high):
    return _between_slope(y, g, low=low, high=high)


@primitive(floating)
@dispatched(cuda="activations")
def leaky_relu(xp, x, *, negative_slope=0.2):
    """Multiply negative elements by a small slope.

    Equations (activations.leaky_relu):
        y = where(x > 0, x, negative_slope * x)

    Equations (activations.leaky_relu_backward):
        dx = where(x > 0, g, negative_slope * g)

    Args:
        negative_slope: float.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.leaky_relu([-2.0, 3.0], negative_slope=0.5).tolist()
        [-1.0, 3.0]
    """
    return xp.where(x > 0, x, x * negative_slope)


@leaky_relu.vjp()
def _(g, x, negative_slope):
    return _leaky_slope(x, g, below=negative_slope)


@primitive(division)
def _leaky_slope(xp, x, dy, *, below):
    """`dy`, multiplied by a slope where `x` is not positive."""
    return slopes.leaky_slope(xp, x, dy, below=below)


@_leaky_slope.vjp("dy")
def _(g, x, below):
    return _leaky_slope(x, g, below=below)


@op
@described(floating.texts)
def elu(x, alpha=1.0):
    """Exponential linear unit: `alpha * (exp(x) - 1)` below zero, the element itself above.

    Clevert, Unterthiner and Hochreiter, "Exponential Linear Units" (2016).

    Equations (activations.elu):
        y = where(x > 0, x, expm1(minimum(x, 0)))

    Equations (activations.elu_backward):
        dx = where(y < 0, g * (y + 1), g)

    Args:
        alpha: float, minus the limit on the negative side.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.elu([-100.0, 2.0]).tolist()
        [-1.0, 2.0]
    """
    x = convert_to_tensor(x)
    y = _unit_elu(x)
    return y if alpha == 1 else where(x > 0, y, alpha * y)


@primitive(floating)
@dispatched(cuda="activations")
def _unit_elu(xp, x):
    return xp.where(x > 0, x, xp.expm1(xp.minimum(x, 0)))


@_unit_elu.vjp()
def _(g, y):
    return _exponential_slope(y, g)


@primitive(division)
def _exponential_slope(xp, y, dy, *, scale=1.0, shift=1.0):
    """The slope of `elu` and `selu` in terms of their value `y`, times `dy`."""
    return slopes.exponential_slope(xp, y, dy, scale=scale, shift=shift)


@_exponential_slope.vjp("y")
def _(g, y, dy):
    return where(y < 0, g * dy, 0.0)


@_exponential_slope.vjp("dy")
def _(g, y, scale, shift):
    return _exponential_slope(y, g, scale=scale, shift=shift)


@primitive(floating)
@dispatched(cuda="activations")
def selu(xp, x):
    """Scaled exponential linear unit, which keeps mean 0 and variance 1 from layer to layer.

    Klambauer et al., "Self-Normalizing Neural Networks" (2017), equation 2.

    Equations (activations.selu):
        y = scale * where(x > 0, x, alpha * expm1(minimum(x, 0)))

    Equations (activations.selu_backward):
        dx = where(y < 0, g * (y + scale * alpha), g * scale)

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.selu([0.0, 1.0]).tolist()
        [0.0, 1.0507010221481323]
    """
    return SELU_SCALE * xp.where(x > 0, x, SELU_ALPHA * xp.expm1(xp.minimum(x, 0)))


@selu.vjp()
def _(g, y):
    return _exponential_slope(y, g, scale=SELU_SCALE, shift=SELU_SCALE * SELU_ALPHA)


@op
@described(elu)
def celu(x, alpha=1.0):
    """Exponential linear unit with a continuous slope: `alpha * (exp(x / alpha) - 1)` below zero.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.celu([-1000.0, 2.0], alpha=2.0).tolist()
        [-2.0, 2.0]
    """
    x = convert_to_tensor(x)
    return maximum(x, 0.0) + alpha * expm1(minimum(x, 0.0) / alpha)


@op
def hard_tanh(x):
    """Clip each element to the range from -1 to 1.

    Args:
        x: tensor of any shape, of floats or signed integers.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hard_tanh([-2.0, 0.5, 2.0]).tolist()
        [-1.0, 0.5, 1.0]
    """
    return clip(x, -1.0, 1.0)
