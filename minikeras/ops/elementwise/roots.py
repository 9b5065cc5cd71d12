"""Element by element: roots and the reciprocal, whose slopes are infinite at 0.

Where the gradient with respect to the output is 0, so is the one with respect to the input, even at
an infinite slope, where the product of the two would be NaN: a branch that `where` has masked out,
or a distance between equal points that no loss uses, takes no part in training. TensorFlow does so
for `sqrt`, `rsqrt` and `reciprocal`, and for no other slope: `log` at 0 gives NaN.
"""

from minikeras.autograd.families import division, floating
from minikeras.autograd.primitive import primitive
from minikeras.kernels.shared import slopes
from minikeras.ops.elementwise.promotion import wide


@primitive(floating)
def sqrt(xp, x, *, out=None):
    """Return the square root of every element; NaN for negative ones.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    return xp.sqrt(x, out=out)


@sqrt.vjp()
def _(g, y):
    return _sqrt_slope(y, g)


@primitive(division)
def _sqrt_slope(xp, y, dy):
    """`dy / (2 y)`: the slope of the square root in terms of its value `y`, times `dy`."""
    return slopes.sqrt_slope(xp, y, dy)


@_sqrt_slope.vjp("y")
def _(g, y, dy):
    return -(g / y) * _sqrt_slope(y, dy)


@_sqrt_slope.vjp("dy")
def _(g, y):
    return g / y * 0.5


@primitive(floating)
def rsqrt(xp, x):
    """Return 1 divided by the square root of every element.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.rsqrt([4.0, 0.25]).tolist()
        [0.5, 2.0]
    """
    root = xp.sqrt(x)
    return xp.divide(1, root)


@rsqrt.vjp()
def _(g, y):
    return _rsqrt_slope(y, g)


@primitive(division)
def _rsqrt_slope(xp, y, dy):
    """`-dy y³ / 2`: the slope of `rsqrt` in terms of its value `y`, times `dy`."""
    return slopes.rsqrt_slope(xp, y, dy)


@_rsqrt_slope.vjp("y")
def _(g, y, dy):
    return g * -1.5 * dy * (y * y)


@_rsqrt_slope.vjp("dy")
def _(g, y):
    return _rsqrt_slope(y, g)


@primitive(wide)
def cbrt(xp, x, *, out=None):
    """Return the cube root of every element, negative ones included.

    Returns:
        A float tensor of the same shape; integers become the default float, 64-bit ones float64.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.cbrt(-27.0).item(), 5)
        -3.0
    """
    return xp.cbrt(x, out=out)


@cbrt.vjp()
def _(g, y):
    return g / (3 * y * y)


@primitive(floating)
def reciprocal(xp, x, *, out=None):
    """Divide 1 by every element.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.reciprocal([2.0, -4.0]).tolist()
        [0.5, -0.25]
    """
    return xp.divide(1, x, out=out)


@reciprocal.vjp()
def _(g, y):
    return _reciprocal_slope(y, g)


@primitive(division)
def _reciprocal_slope(xp, y, dy):
    """`-dy y²`: the slope of the reciprocal in terms of its value `y`, times `dy`."""
    return slopes.reciprocal_slope(xp, y, dy)


@_reciprocal_slope.vjp("y")
def _(g, y, dy):
    return g * -2.0 * dy * y


@_reciprocal_slope.vjp("dy")
def _(g, y):
    return _reciprocal_slope(y, g)


@primitive(division)
def quotient_slope(xp, dy, divisor):
    """`dy / divisor`: a slope that is a reciprocal, times `dy`.

    Its gradient with respect to the divisor is that of `dy * reciprocal(divisor)`.
    """
    return xp.divide(dy, divisor)


@quotient_slope.vjp("dy")
def _(g, divisor):
    return quotient_slope(g, divisor)


@quotient_slope.vjp("divisor")
def _(g, dy, divisor):
    return _reciprocal_slope(reciprocal(divisor), g * dy)
