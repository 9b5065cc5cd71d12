"""Element by element: circular functions of angles and their inverses; sides of triangles."""

import math

from minikeras.autograd.families import division, floating
from minikeras.autograd.primitive import primitive
from minikeras.kernels.shared import special
from minikeras.ops.elementwise.division import divide_no_nan
from minikeras.ops.elementwise.promotion import wide, wide_pair
from minikeras.ops.elementwise.roots import quotient_slope, sqrt


@primitive(floating)
def sin(xp, x, *, out=None):
    """Return the sine of every element, an angle in radians.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sin([0.0]).tolist()
        [0.0]
    """
    return xp.sin(x, out=out)


@sin.vjp()
def _(g, x):
    return g * cos(x)


@primitive(floating)
def cos(xp, x, *, out=None):
    """Return the cosine of every element, an angle in radians.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cos([0.0]).tolist()
        [1.0]
    """
    return xp.cos(x, out=out)


@cos.vjp()
def _(g, x):
    return -g * sin(x)


@primitive(floating)
def tan(xp, x, *, out=None):
    """Return the tangent of every element, an angle in radians.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.tan([0.0]).tolist()
        [0.0]
    """
    return xp.tan(x, out=out)


@tan.vjp()
def _(g, y):
    return g * (1 + y * y)


@primitive(floating)
def arcsin(xp, x, *, out=None):
    """Return the angle from -π/2 to π/2 whose sine is given.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.arcsin([0.0, 2.0]).tolist()
        [0.0, nan]
    """
    return xp.arcsin(x, out=out)


@arcsin.vjp()
def _(g, x):
    return quotient_slope(g, sqrt(1 - x * x))


@primitive(floating)
def arccos(xp, x, *, out=None):
    """Return the angle from 0 to π whose cosine is given.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.arccos([1.0, 2.0]).tolist()
        [0.0, nan]
    """
    return xp.arccos(x, out=out)


@arccos.vjp()
def _(g, x):
    return -quotient_slope(g, sqrt(1 - x * x))


@primitive(floating)
def arctan(xp, x, *, out=None):
    """Return the angle from -π/2 to π/2 whose tangent is given.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.arctan([0.0]).tolist()
        [0.0]
    """
    return xp.arctan(x, out=out)


@arctan.vjp()
def _(g, x):
    return g / (1 + x * x)


@primitive(division)
def arctan2(xp, x1, x2, *, out=None):
    """Return the angle from -π to π of the point whose height is `x1` and whose width is `x2`.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.arctan2(0.0, -1.0).item(), 5)
        3.14159
    """
    return xp.arctan2(x1, x2, out=out)


@arctan2.vjp("x1")
def _(g, x1, x2):
    return x2 * (g / (x1 * x1 + x2 * x2))


@arctan2.vjp("x2")
def _(g, x1, x2):
    return -x1 * (g / (x1 * x1 + x2 * x2))


@primitive(wide_pair)
def hypot(xp, x1, x2, *, out=None):
    """Return `sqrt(x1**2 + x2**2)` without overflow; the gradient at the origin is 0.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hypot(3.0, 4.0).item()
        5.0
    """
    return xp.hypot(x1, x2, out=out)


@hypot.vjp("x1")
def _(g, x1, y):
    return g * divide_no_nan(x1, y)


@hypot.vjp("x2")
def _(g, x2, y):
    return g * divide_no_nan(x2, y)


@primitive(floating)
def sinc(xp, x):
    """Return `sin(πx) / (πx)` of every element, and 1 at 0.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.sinc(0.5).item(), 5)
        0.63662
    """
    return special.sinc(xp, x, 0)


@sinc.vjp()
def _(g, x):
    return g * _sinc_derivative(x, order=1)


@primitive(floating)
def _sinc_derivative(xp, x, *, order):
    """The derivative of `sinc` of any order, exact at and near 0, too."""
    return special.sinc(xp, x, order)


@_sinc_derivative.vjp()
def _(g, x, order):
    return g * _sinc_derivative(x, order=order + 1)


@primitive(wide)
def deg2rad(xp, x):
    """Turn degrees into radians.

    Returns:
        A float tensor of the same shape; integers become the default float, 64-bit ones float64.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.deg2rad(180.0).item(), 5)
        3.14159
    """
    return x * x.dtype.type(math.pi / 180)


@deg2rad.vjp()
def _(g):
    return deg2rad(g)


@primitive(wide)
def rad2deg(xp, x):
    """Turn radians into degrees.

    Returns:
        A float tensor of the same shape; integers become the default float, 64-bit ones float64.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.rad2deg(3.14159265).item(), 3)
        180.0
    """
    return x * x.dtype.type(180 / math.pi)


@rad2deg.vjp()
def _(g):
    return rad2deg(g)
