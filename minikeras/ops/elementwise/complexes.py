"""Element by element: real numbers seen as complex ones without an imaginary part."""

import math

from minikeras.autograd.families import elementwise, floating
from minikeras.autograd.primitive import primitive


@primitive(floating)
def angle(xp, x):
    """Return the angle of every element as a complex number: 0, or π for negative ones.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.angle([2.0, 0.0]).tolist()
        [0.0, 0.0]
    """
    return xp.where(x < 0, x.dtype.type(math.pi), x.dtype.type(0))


@primitive(elementwise)
def real(xp, x):
    """Return the real part of every element, which here is the element.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.real([1.0, -2.0]).tolist()
        [1.0, -2.0]
    """
    return x


@real.vjp()
def _(g):
    return g


@primitive(elementwise)
def imag(xp, x):
    """Return the imaginary part of every element, which here is 0.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.imag([1.0, -2.0]).tolist()
        [0.0, 0.0]
    """
    return xp.zeros_like(x)


@primitive(elementwise)
def conjugate(xp, x):
    """Return the complex conjugate of every element, which here is the element.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.conjugate([1.0, -2.0]).tolist()
        [1.0, -2.0]
    """
    return x


@conjugate.vjp()
def _(g):
    return g


conj = conjugate
