"""Element by element: exponentials, logarithms, and the two curves of activations.

The slopes of `tanh` and `sigmoid` are ops of their own, since they are needed in every training
step: one array instead of three.
"""

import math

from minikeras.autograd.families import division, floating
from minikeras.autograd.primitive import primitive
from minikeras.kernels.providers import dispatched
from minikeras.ops.elementwise.roots import quotient_slope

_LN2 = math.log(2.0)
_LN10 = math.log(10.0)


@primitive(floating)
def exp(xp, x, *, out=None):
    """Raise e to the power of every element.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.exp(1.0).item(), 5)
        2.71828
    """
    return xp.exp(x, out=out)


@exp.vjp()
def _(g, y):
    return g * y


@primitive(floating)
def exp2(xp, x, *, out=None):
    """Raise 2 to the power of every element.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.exp2([0.0, 3.0]).tolist()
        [1.0, 8.0]
    """
    return xp.exp2(x, out=out)


@exp2.vjp()
def _(g, y):
    return g * (y * _LN2)


@primitive(floating)
def expm1(xp, x, *, out=None):
    """Return `exp(x) - 1`, exact also for small `x`.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.expm1(1e-10).item(), 15)
        1e-10
    """
    return xp.expm1(x, out=out)


@expm1.vjp()
def _(g, x):
    return g * exp(x)


@primitive(floating)
def log(xp, x, *, out=None):
    """Return the natural logarithm of every element.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.log([1.0, 0.0]).tolist()
        [0.0, -inf]
    """
    return xp.log(x, out=out)


@log.vjp()
def _(g, x):
    return quotient_slope(g, x)


@primitive(floating)
def log10(xp, x, *, out=None):
    """Return the logarithm to base 10 of every element.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.log10(1000.0).item(), 5)
        3.0
    """
    return xp.log10(x, out=out)


@log10.vjp()
def _(g, x):
    return quotient_slope(g, x * _LN10)


@primitive(floating)
def log2(xp, x, *, out=None):
    """Return the logarithm to base 2 of every element.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.log2([1.0, 8.0]).tolist()
        [0.0, 3.0]
    """
    return xp.log2(x, out=out)


@log2.vjp()
def _(g, x):
    return quotient_slope(g, x * _LN2)


@primitive(floating)
def log1p(xp, x, *, out=None):
    """Return `log(1 + x)`, exact also for small `x`.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.log1p(1e-10).item(), 15)
        1e-10
    """
    return xp.log1p(x, out=out)


@log1p.vjp()
def _(g, x):
    return quotient_slope(g, 1 + x)


@primitive(division)
def logaddexp(xp, x1, x2, *, out=None):
    """Return `log(exp(x1) + exp(x2))` without overflow.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.logaddexp(0.0, 0.0).item(), 6)
        0.693147
    """
    return xp.logaddexp(x1, x2, out=out)


@logaddexp.vjp("x1")
def _(g, x1, x2):
    return g * sigmoid(x1 - x2)


@logaddexp.vjp("x2")
def _(g, x1, x2):
    return g * sigmoid(x2 - x1)


@primitive(division)
def logaddexp2(xp, x1, x2, *, out=None):
    """Return `log2(2**x1 + 2**x2)` without overflow.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.logaddexp2(3.0, 3.0).item()
        4.0
    """
    return xp.logaddexp2(x1, x2, out=out)


@logaddexp2.vjp("x1")
def _(g, x1, x2):
    return g * sigmoid((x1 - x2) * _LN2)


@logaddexp2.vjp("x2")
def _(g, x1, x2):
    return g * sigmoid((x2 - x1) * _LN2)


@primitive(floating)
@dispatched(cuda="activations")
def sigmoid(xp, x):
    """Return the logistic function `1 / (1 + exp(-x))` of every element.

    Equations (activations.sigmoid):
        y = 1 / (1 + exp(-x))

    Equations (activations.sigmoid_backward):
        dx = g * y * (1 - y)

    Returns:
        A float tensor of the same shape, between 0 and 1.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sigmoid([0.0, 100.0]).tolist()
        [0.5, 1.0]
    """
    y = xp.negative(x, out=xp.empty_like(x))
    xp.exp(y, out=y)
    xp.add(y, 1, out=y)
    return xp.divide(1, y, out=y)


@sigmoid.vjp()
def _(g, y):
    return _sigmoid_slope(y, g)


@primitive(division)
@dispatched(cuda="activations")
def _sigmoid_slope(xp, t, dt):
    """The slope of the logistic function in terms of its value `t`, times `dt`: `dt t (1 - t)`."""
    slope = xp.subtract(1, t, out=xp.empty_like(t))
    xp.multiply(slope, t, out=slope)
    return xp.multiply(slope, dt, out=slope)


@_sigmoid_slope.vjp("t")
def _(g, t, dt):
    return g * dt * (1 - 2 * t)


@_sigmoid_slope.vjp("dt")
def _(g, t):
    return _sigmoid_slope(t, g)


@primitive(floating)
def tanh(xp, x, *, out=None):
    """Return the hyperbolic tangent of every element.

    Equations (activations.tanh_backward):
        dx = g * (1 - y**2)

    Returns:
        A float tensor of the same shape, between -1 and 1.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.tanh([0.0, 100.0]).tolist()
        [0.0, 1.0]
    """
    return xp.tanh(x, out=out)


@tanh.vjp()
def _(g, y):
    return _tanh_slope(y, g)


@primitive(division)
@dispatched(cuda="activations")
def _tanh_slope(xp, t, dt):
    """The slope of the hyperbolic tangent in terms of its value `t`, times `dt`: `dt (1 - t²)`."""
    slope = xp.multiply(t, t, out=xp.empty_like(t))
    xp.subtract(1, slope, out=slope)
    return xp.multiply(slope, dt, out=slope)


@_tanh_slope.vjp("t")
def _(g, t, dt):
    return g * dt * (-2 * t)


@_tanh_slope.vjp("dt")
def _(g, t):
    return _tanh_slope(t, g)
