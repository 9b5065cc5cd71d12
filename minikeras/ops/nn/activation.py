"""Elementwise activation functions.

Slopes at kinks are those of TensorFlow: `relu` and `leaky_relu` count 0 as negative, `elu` and
`selu` give 0 the slope of their exponential and of their linear side.
"""

import math

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import arithmetic, division, floating, numeric
from minikeras.autograd.fused import fused
from minikeras.autograd.primitive import primitive
from minikeras.core import dims
from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared import activations as kernels
from minikeras.kernels.shared import curves, slopes
from minikeras.kernels.shared.activations import SELU_ALPHA, SELU_SCALE
from minikeras.kernels.shared.dense import where_positive
from minikeras.kernels.shared.wide import wide
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.elementwise.exponential import expm1, sigmoid, tanh
from minikeras.ops.elementwise.extremes import clip, maximum, minimum
from minikeras.ops.elementwise.special import erf
from minikeras.ops.shapes.shaping import split


@primitive(numeric)
def relu(xp, x):
    """Replace negative elements by zero.

    Equations (activations.relu):
        y = maximum(x, 0)

    Equations (activations.relu_backward):
        dx = g * (y > 0)

    Args:
        x: tensor of any shape and dtype; bools become int32.

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

    Args:
        x: tensor of any shape and dtype; bools become int32.

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
        x: float tensor of any shape; integers become the default float type.
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
def elu(x, alpha=1.0):
    """Exponential linear unit: `alpha * (exp(x) - 1)` below zero, the element itself above.

    Clevert, Unterthiner and Hochreiter, "Exponential Linear Units" (2016).

    Equations (activations.elu):
        y = where(x > 0, x, expm1(minimum(x, 0)))

    Equations (activations.elu_backward):
        dx = where(y < 0, g * (y + 1), g)

    Args:
        x: float tensor of any shape; integers become the default float type.
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

    Args:
        x: float tensor of any shape; integers become the default float type.

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
def celu(x, alpha=1.0):
    """Exponential linear unit with a continuous slope: `alpha * (exp(x / alpha) - 1)` below zero.

    Args:
        x: float tensor of any shape; integers become the default float type.
        alpha: float, minus the limit on the negative side.

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
def gelu(x, approximate=True):
    """Gaussian error linear unit: `x` times the probability that a normal number is below `x`.

    Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).

    Equations (activations.gelu):
        u = sqrt(2 / pi) * (x + 0.044715 * x**3)
        t = tanh(u)
        y = x * (1 + t) / 2

    Equations (activations.erf_gelu):
        below = (1 + erf(x * sqrt(0.5))) / 2
        y = x * below

    Args:
        x: float tensor of any shape; integers become the default float type.
        approximate: whether to use the formula with `tanh` in place of the error function.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.gelu([0.0, 100.0]).tolist()
        [0.0, 100.0]
    """
    if approximate:
        return _tanh_gelu(x)
    return _erf_gelu(x)


@op
def _tanh_gelu_reference(x):
    return 0.5 * x * (1.0 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


_tanh_gelu = fused(
    "gelu",
    reference=_tanh_gelu_reference,
    forward=kernels.gelu,
    backward=kernels.gelu_backward,
    family=floating,
)


@op
def _silu_reference(x):
    return x * sigmoid(x)


_silu = fused(
    "silu",
    reference=_silu_reference,
    forward=kernels.silu,
    backward=kernels.silu_backward,
    family=floating,
)


@op
def _erf_gelu_reference(x):
    return 0.5 * x * (1.0 + erf(x * math.sqrt(0.5)))


_erf_gelu = fused(
    "erf_gelu",
    reference=_erf_gelu_reference,
    forward=curves.erf_gelu,
    backward=curves.erf_gelu_backward,
    family=floating,
)


@op
def _hard_sigmoid_reference(x):
    return relu6(x + 3.0) / 6.0


_hard_sigmoid = fused(
    "hard_sigmoid",
    reference=_hard_sigmoid_reference,
    forward=curves.hard_sigmoid,
    backward=curves.hard_sigmoid_backward,
    family=floating,
)


@op
def _hard_silu_reference(x):
    return x * _hard_sigmoid_reference(x)


_hard_silu = fused(
    "hard_silu",
    reference=_hard_silu_reference,
    forward=curves.hard_silu,
    backward=curves.hard_silu_backward,
    family=floating,
)


@_tanh_gelu.shape_rule
@_silu.shape_rule
@_erf_gelu.shape_rule
@_hard_sigmoid.shape_rule
@_hard_silu.shape_rule
def _(x):
    return x


@op
def silu(x):
    """Multiply each element by its own sigmoid; also called swish.

    Equations (activations.silu):
        s = sigmoid(x)
        y = x * s

    Args:
        x: float tensor of any shape; integers become the default float type.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.silu([0.0, 100.0]).tolist()
        [0.0, 100.0]
    """
    return _silu(x)


swish = silu


@op
def glu(x, axis=-1):
    """Gated linear unit: one half of the axis times the sigmoid of the other half.

    Args:
        x: float tensor of rank 1 or more; integers become the default float type.
        axis: int, an axis of even size.

    Returns:
        A float tensor with half the size along the axis.

    Raises:
        ValueError: if the size is odd.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.glu([4.0, 0.0]).tolist()
        [2.0]
    """
    x = convert_to_tensor(x)
    size = x.shape[dims.normalize_axis(axis, x.ndim)]
    if not isinstance(size, dims.Dim) and size % 2:
        raise ValueError(
            "axis size must be divisible by 2. Received: "
            f"x.shape={dims.to_public(x.shape)} with axis={axis}"
        )
    values, gates = split(x, 2, axis=axis)
    return values * sigmoid(gates)


@op
def hard_sigmoid(x):
    """A sigmoid of straight lines: 0 up to -3, 1 from 3 on.

    Equations (activations.hard_sigmoid):
        y = minimum(maximum(x + 3, 0), 6) / 6

    Args:
        x: float tensor of any shape; integers become the default float type.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hard_sigmoid([-4.0, 0.0, 4.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    return _hard_sigmoid(x)


@op
def hard_silu(x):
    """Multiply each element by its own `hard_sigmoid`; also called hard swish.

    Equations (activations.hard_silu):
        y = x * hard_sigmoid(x)

    Args:
        x: float tensor of any shape; integers become the default float type.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hard_silu([-1.5, 0.0, 4.0]).tolist()
        [-0.375, 0.0, 4.0]
    """
    return _hard_silu(x)


hard_swish = hard_silu


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
