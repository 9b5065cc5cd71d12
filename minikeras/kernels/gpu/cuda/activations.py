"""Activations and slopes in one launch each; see `kernels/shared/activations.py`, `slopes.py`."""

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous
from minikeras.kernels.shared.activations import GELU_CUBIC, GELU_SCALE, SELU_ALPHA, SELU_SCALE

_source = Source("activations")


def softplus(xp, x):
    """`log(1 + exp(x))`."""
    return _mapped(xp, "softplus", x)


def sigmoid(xp, x):
    """`1 / (1 + exp(-x))`."""
    return _mapped(xp, "sigmoid", x)


def silu(xp, x, *, save=False):
    """`x * sigmoid(x)`, and the sigmoid if `save`."""
    return _with_saved(xp, "silu", x, save)


def silu_backward(xp, g, arrays, saved, needs):
    """Gradient of `silu`."""
    return _gradient(xp, "silu_backward", g, arrays[0], saved)


def gelu(xp, x, *, save=False):
    """The tanh form of GELU, and the hyperbolic tangent if `save`."""
    return _with_saved(xp, "gelu", x, save, GELU_SCALE, GELU_CUBIC)


def gelu_backward(xp, g, arrays, saved, needs):
    """Gradient of `gelu`."""
    factors = GELU_SCALE, 3 * GELU_CUBIC * GELU_SCALE
    return _gradient(xp, "gelu_backward", g, arrays[0], saved, *factors)


def sigmoid_slope(xp, t, dt):
    """The slope of the sigmoid in terms of its value `t`, times `dt`."""
    return _slope(xp, "sigmoid_slope", t, dt)


def tanh_slope(xp, t, dt):
    """The slope of the hyperbolic tangent in terms of its value `t`, times `dt`."""
    return _slope(xp, "tanh_slope", t, dt)


def leaky_slope(xp, x, dy, *, below):
    """The gradient of a function with slope 1 above zero and another one below."""
    return _slope(xp, "leaky_slope", x, dy, below)


def exponential_slope(xp, y, dy, *, scale=1.0, shift=1.0):
    """The gradient of `scale * x` above zero and an exponential less `shift` below."""
    return _slope(xp, "exponential_slope", y, dy, scale, shift)


def softplus_slope(xp, x, dy):
    """The gradient of `log(1 + exp(x))`."""
    return _slope(xp, "softplus_slope", x, dy)


def between_slope(xp, y, dy, *, low, high):
    """`dy` where `y` lies inside its bounds, else zero."""
    return _slope(xp, "between_slope", y, dy, low, high)


def sqrt_slope(xp, y, dy):
    """The gradient of the square root in terms of its value `y`; 0 where `dy` is 0."""
    return _slope(xp, "sqrt_slope", y, dy)


def rsqrt_slope(xp, y, dy):
    """The gradient of `1 / sqrt(x)` in terms of its value `y`; 0 where `dy` is 0."""
    return _slope(xp, "rsqrt_slope", y, dy)


def reciprocal_slope(xp, y, dy):
    """The gradient of `1 / x` in terms of its value `y`; 0 where `dy` is 0."""
    return _slope(xp, "reciprocal_slope", y, dy)


def relu6(xp, x):
    """`x` between 0 and 6."""
    return _mapped(xp, "relu6", x)


def leaky_relu(xp, x, *, negative_slope=0.2):
    """`x`, multiplied by a small slope below zero."""
    return _mapped(xp, "leaky_relu", x, negative_slope)


def unit_elu(xp, x):
    """`exp(x) - 1` below zero, `x` above."""
    return _mapped(xp, "elu", x, 1, 1)


def selu(xp, x):
    """The scaled exponential linear unit."""
    return _mapped(xp, "elu", x, SELU_SCALE, SELU_ALPHA)


def _mapped(xp, name, x, *factors):
    if not are_floats(x):
        return NotImplemented
    (x,) = contiguous(xp, x)
    y = xp.empty(x.shape, x.dtype)
    _source.launch(xp, name, x.size, x, y, *factors, x.size)
    return y


def _slope(xp, name, t, dt, *factors):
    if not are_floats(t, dt) or t.shape != dt.shape:
        return NotImplemented
    t, dt = contiguous(xp, t, dt)
    dx = xp.empty(t.shape, t.dtype)
    _source.launch(xp, name, t.size, t, dt, dx, *factors, t.size)
    return dx


def _with_saved(xp, name, x, save, *factors):
    if not are_floats(x):
        return NotImplemented
    (x,) = contiguous(xp, x)
    y = xp.empty(x.shape, x.dtype)
    saved = xp.empty(x.shape, x.dtype) if save else y
    _source.launch(xp, name, x.size, x, y, saved, *factors, x.size, save)
    return y, saved if save else None


def _gradient(xp, name, g, x, saved, *factors):
    if not are_floats(g, x, saved):
        return NotImplemented
    g, x, saved = contiguous(xp, g, x, saved)
    dx = xp.empty(x.shape, x.dtype)
    _source.launch(xp, name, x.size, g, x, saved, dx, *factors, x.size)
    return [dx]
