"""Element by element: error functions and the modified Bessel function."""

import math

from minikeras.autograd.families import floating
from minikeras.autograd.primitive import primitive
from minikeras.kernels.shared import special
from minikeras.ops.elementwise.exponential import exp
from minikeras.ops.elementwise.promotion import wide

_SLOPE_AT_0 = 2 / math.sqrt(math.pi)


@primitive(floating)
def erf(xp, x):
    """Return the error function of every element.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.erf(1.0).item(), 5)
        0.8427
    """
    return special.erf(xp, x)


@erf.vjp()
def _(g, x):
    return g * (exp(-(x * x)) * _SLOPE_AT_0)


@primitive(floating)
def erfc(xp, x):
    """Return one minus the error function, exact also where that is tiny.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.erfc(1.0).item(), 5)
        0.1573
    """
    return special.erfc(xp, x)


@erfc.vjp()
def _(g, x):
    return g * (exp(-(x * x)) * -_SLOPE_AT_0)


@primitive(floating)
def erfinv(xp, x):
    """Return the number whose error function is given; NaN outside [-1, 1].

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.erfinv(0.5).item(), 5)
        0.47694
    """
    return special.erfinv(xp, x)


@erfinv.vjp()
def _(g, y):
    return g * (exp(y * y) / _SLOPE_AT_0)


@primitive(wide)
def i0(xp, x):
    """Return the modified Bessel function of the first kind of order 0.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.i0(1.0).item(), 5)
        1.26607
    """
    return special.bessel_i(xp, x, 0)


@i0.vjp()
def _(g, x):
    return g * _bessel_i(x, order=1)


@primitive(wide)
def _bessel_i(xp, x, *, order):
    """The modified Bessel function of the first kind of any integer order."""
    return special.bessel_i(xp, x, order)


@_bessel_i.vjp()
def _(g, x, order):
    # Abramowitz and Stegun, Handbook of Mathematical Functions, 9.6.26.
    lower, higher = _bessel_i(x, order=order - 1), _bessel_i(x, order=order + 1)
    return g * ((lower + higher) * 0.5)
