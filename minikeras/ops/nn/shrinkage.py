"""Elementwise activation functions: the smooth, the sparse and the shrinking.

Each is a short formula over other ops.
"""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import division, floating
from minikeras.autograd.fused import fused
from minikeras.autograd.primitive import primitive
from minikeras.core.docstrings import described
from minikeras.kernels.shared import activations as kernels
from minikeras.kernels.shared import curves, slopes
from minikeras.ops.elementwise.arithmetic import absolute, square
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.elementwise.exponential import sigmoid, tanh
from minikeras.ops.elementwise.roots import quotient_slope, sqrt


@primitive(floating)
def softplus(xp, x):
    """Smooth ramp: `log(1 + exp(x))`.

    Equations (activations.softplus):
        y = maximum(x, 0) + log1p(exp(-abs(x)))

    Equations (activations.softplus_backward):
        dx = g / (1 + exp(-x))

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.softplus([-1000.0, 1000.0]).tolist()
        [0.0, 1000.0]
    """
    return kernels.softplus(xp, x)


@softplus.vjp()
def _(g, x):
    return _softplus_slope(x, g)


@primitive(division)
def _softplus_slope(xp, x, dy):
    """The slope of `softplus`, which is the sigmoid, times `dy`."""
    return slopes.softplus_slope(xp, x, dy)


@_softplus_slope.vjp("x")
def _(g, x, dy):
    y = sigmoid(x)
    return g * dy * y * (1 - y)


@_softplus_slope.vjp("dy")
def _(g, x):
    return _softplus_slope(x, g)


@op
def _log_sigmoid_reference(x):
    return -softplus(-x)


_log_sigmoid = fused(
    "log_sigmoid",
    reference=_log_sigmoid_reference,
    forward=curves.log_sigmoid,
    backward=curves.log_sigmoid_backward,
    family=floating,
)


@op
@described(floating.texts)
def log_sigmoid(x):
    """Logarithm of the sigmoid, exact for elements far below zero.

    Equations (activations.log_sigmoid):
        y = -softplus(-x)

    Equations (activations.log_sigmoid_backward):
        dx = g * sigmoid(-x)

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.log_sigmoid([-1000.0, 1000.0]).tolist()
        [-1000.0, -0.0]
    """
    return _log_sigmoid(x)


@primitive(floating)
def _softsign_reference(xp, x):
    return x / (xp.abs(x) + 1)


@_softsign_reference.vjp()
def _(g, x):
    return quotient_slope(g, square(absolute(x) + 1.0))


_softsign = fused(
    "softsign",
    reference=_softsign_reference,
    forward=curves.softsign,
    backward=curves.softsign_backward,
    family=floating,
)


@op
@described(floating.texts)
def softsign(x):
    """Divide each element by one plus its absolute value.

    Equations (activations.softsign):
        y = x / (1 + abs(x))

    Equations (activations.softsign_backward):
        dx = g / (1 + abs(x)) ** 2

    Returns:
        A float tensor of the same shape, between -1 and 1.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.softsign([-1.0, 3.0]).tolist()
        [-0.5, 0.75]
    """
    return _softsign(x)


@op
def _mish_reference(x):
    """Self-regularized smooth unit: `x * tanh(softplus(x))`.

    Equations (activations.mish):
        t = tanh(softplus(x))
        y = x * t

    Equations (activations.mish_backward):
        dx = g * (t + x * (1 - t**2) * sigmoid(x))
    """
    return x * tanh(softplus(x))


mish = fused(
    "mish",
    reference=_mish_reference,
    forward=curves.mish,
    backward=curves.mish_backward,
    family=floating,
)


@_log_sigmoid.shape_rule
@_softsign.shape_rule
@mish.shape_rule
def _(x):
    return x


@op
@described(floating.texts)
def squareplus(x, b=4):
    """Smooth ramp without exponentials: `(x + sqrt(x**2 + b)) / 2`.

    Barron, "Squareplus: A Softplus-Like Algebraic Rectifier" (2021).

    Args:
        b: number that sets how smooth the bend is.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.squareplus([0.0, 1.5]).tolist()
        [1.0, 2.0]
    """
    x = convert_to_tensor(x)
    return (x + sqrt(square(x) + b)) / 2


@op
@described(floating.texts)
def tanh_shrink(x):
    """Subtract from each element its hyperbolic tangent.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.tanh_shrink([0.0, 100.0]).tolist()
        [0.0, 99.0]
    """
    x = convert_to_tensor(x)
    return x - tanh(x)


@op
@described(floating.texts)
def soft_shrink(x, threshold=0.5):
    """Move each element towards zero by `threshold`, and not beyond.

    Args:
        threshold: float.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.soft_shrink([-2.0, 0.25, 2.0]).tolist()
        [-1.5, 0.0, 1.5]
    """
    x = convert_to_tensor(x)
    below = where(x < -threshold, x + threshold, 0.0)
    return where(x > threshold, x - threshold, below)


@op
@described(soft_shrink)
def hard_shrink(x, threshold=0.5):
    """Replace elements that are no further than `threshold` from zero by zero.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hard_shrink([-2.0, 0.25, 2.0]).tolist()
        [-2.0, 0.0, 2.0]
    """
    x = convert_to_tensor(x)
    return where(absolute(x) > threshold, x, 0.0)


@op
@described(floating.texts)
def threshold(x, threshold, default_value):
    """Keep elements above a threshold and replace the others.

    Args:
        threshold: number.
        default_value: number that replaces elements up to the threshold.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.threshold([0.5, 2.0], 1.0, -1.0).tolist()
        [-1.0, 2.0]
    """
    x = convert_to_tensor(x)
    return where(x > threshold, x, default_value)


@op
@described(floating.texts)
def sparse_plus(x):
    """A ramp that is a parabola from -1 to 1: zero before, straight after.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sparse_plus([-2.0, 0.0, 2.0]).tolist()
        [0.0, 0.25, 2.0]
    """
    x = convert_to_tensor(x)
    return where(x <= -1, 0.0, where(x < 1, 0.25 * square(x + 1), x))


@op
@described(floating.texts)
def sparse_sigmoid(x):
    """A sigmoid of straight lines: 0 up to -1, 1 from 1 on.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sparse_sigmoid([-2.0, 0.0, 2.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    x = convert_to_tensor(x)
    return where(x <= -1, 0.0, where(x >= 1, 1.0, 0.5 * (x + 1)))
