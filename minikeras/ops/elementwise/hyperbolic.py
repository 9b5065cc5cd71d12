"""Element by element: hyperbolic functions and their inverses (`tanh` is in `exponential`)."""

from minikeras.autograd.families import floating
from minikeras.autograd.primitive import primitive
from minikeras.ops.elementwise.roots import quotient_slope


@primitive(floating)
def sinh(xp, x, *, out=None):
    """Return the hyperbolic sine of every element.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sinh([0.0]).tolist()
        [0.0]
    """
    return xp.sinh(x, out=out)


@sinh.vjp()
def _(g, x):
    return g * cosh(x)


@primitive(floating)
def cosh(xp, x, *, out=None):
    """Return the hyperbolic cosine of every element.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cosh([0.0]).tolist()
        [1.0]
    """
    return xp.cosh(x, out=out)


@cosh.vjp()
def _(g, x):
    return g * sinh(x)


@primitive(floating)
def arcsinh(xp, x, *, out=None):
    """Return the number whose hyperbolic sine is given.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.arcsinh([0.0]).tolist()
        [0.0]
    """
    return xp.arcsinh(x, out=out)


@arcsinh.vjp()
def _(g, y):
    return g / cosh(y)


@primitive(floating)
def arccosh(xp, x, *, out=None):
    """Return the number, not negative, whose hyperbolic cosine is given.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.arccosh([1.0, 0.0]).tolist()
        [0.0, nan]
    """
    return xp.arccosh(x, out=out)


@arccosh.vjp()
def _(g, y):
    return g / sinh(y)


@primitive(floating)
def arctanh(xp, x, *, out=None):
    """Return the number whose hyperbolic tangent is given.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.arctanh([0.0, 1.0]).tolist()
        [0.0, inf]
    """
    return xp.arctanh(x, out=out)


@arctanh.vjp()
def _(g, x):
    return quotient_slope(g, 1 - x * x)
