"""Element by element: divisions that round, and what they leave; greatest common divisors."""

import numpy as np

from minikeras.autograd.families import division
from minikeras.autograd.primitive import primitive
from minikeras.ops.elementwise.arithmetic import absolute, sign, square
from minikeras.ops.elementwise.promotion import arithmetic, integral, modular


@primitive(division)
def divide_no_nan(xp, x1, x2):
    """Divide the first tensor by the second, giving 0 where the divisor is 0.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.divide_no_nan([1.0, 3.0], [0.0, 2.0]).tolist()
        [0.0, 1.5]
    """
    return xp.where(x2 == 0, x1.dtype.type(0), x1 / x2)


@divide_no_nan.vjp("x1")
def _(g, x2):
    return divide_no_nan(g, x2)


@divide_no_nan.vjp("x2")
def _(g, x1, x2):
    return -g * divide_no_nan(divide_no_nan(x1, x2), x2)


@primitive(arithmetic)
def floor_divide(xp, x1, x2):
    """Divide element by element and round down; no gradient flows through.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ZeroDivisionError: if integers are divided by zero.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.floor_divide([7, -7], 2).tolist()
        [3, -4]
    """
    _refuse_zero(xp, x2)
    return xp.floor_divide(x1, x2) if x1.dtype.kind != "f" else xp.floor(x1 / x2)


@primitive(modular)
def mod(xp, x1, x2):
    """Return what is left of a division rounded down; it has the sign of the divisor.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; bools count as int32.

    Raises:
        ZeroDivisionError: if integers are divided by zero.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.mod([7, -7], 4).tolist()
        [3, 1]
    """
    _refuse_zero(xp, x2)
    return xp.mod(x1, x2)


@mod.vjp("x1")
def _(g):
    return g


@mod.vjp("x2")
def _(g, x1, x2):
    return -g * floor_divide(x1, x2)


@primitive(modular)
def fmod(xp, x1, x2):
    """Return what is left of a division rounded towards zero; it has the sign of the dividend.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; bools count as int32.

    Raises:
        ZeroDivisionError: if integers are divided by zero.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.fmod([7, -7], 4).tolist()
        [3, -3]
    """
    _refuse_zero(xp, x2)
    return xp.fmod(x1, x2)


@fmod.vjp("x1")
def _(g, x1):
    return g * square(sign(x1))


@fmod.vjp("x2")
def _(g, x1, x2):
    return -g * (sign(x1) * sign(x2) * floor_divide(absolute(x1), absolute(x2)))


def _refuse_zero(xp, divisor):
    """Raise on integer division by zero, which has no value to give.

    A GPU, which would have to be waited for, is not asked; its result has no meaning then.
    """
    if xp is np and divisor.dtype.kind in "iu" and not divisor.all():
        raise ZeroDivisionError("Integer division by zero: cast to a float dtype, or mask zeros.")


@primitive(integral)
def gcd(xp, x1, x2):
    """Return the greatest common divisors of two integer tensors.

    Returns:
        An integer tensor, not negative.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.gcd([12, -9], 6).tolist()
        [6, 3]
    """
    return xp.gcd(x1, x2)


@primitive(integral)
def lcm(xp, x1, x2):
    """Return the least common multiples of two integer tensors.

    Returns:
        An integer tensor, not negative.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.lcm([4, 9], 6).tolist()
        [12, 18]
    """
    return xp.lcm(x1, x2)
