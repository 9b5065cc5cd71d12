"""Element by element: rounding, through which no gradient flows, and the parts of a float."""

from dataclasses import replace

from minikeras.autograd.families import division, elementwise, floating
from minikeras.autograd.primitive import primitive
from minikeras.ops.elementwise.arithmetic import zeros_of
from minikeras.ops.elementwise.comparison import isfinite, where
from minikeras.ops.elementwise.promotion import float_and_integer, wide_pair

_scaled = replace(division, promote=float_and_integer)


@primitive(floating)
def floor(xp, x, *, out=None):
    """Round every element down.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.floor([1.7, -1.2]).tolist()
        [1.0, -2.0]
    """
    return xp.floor(x, out=out)


@primitive(floating)
def ceil(xp, x, *, out=None):
    """Round every element up.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.ceil([1.2, -1.7]).tolist()
        [2.0, -1.0]
    """
    return xp.ceil(x, out=out)


@primitive(elementwise)
def trunc(xp, x):
    """Round every element towards zero.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.trunc([1.7, -1.7]).tolist()
        [1.0, -1.0]
    """
    return xp.trunc(x) if x.dtype.kind == "f" else x


@primitive(elementwise)
def round(xp, x, *, decimals=0):
    """Round every element to the nearest number with so many decimals, halves to the even one.

    Args:
        decimals: int; negative to round to tens, hundreds and so on.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.round([0.5, 1.5, 2.6]).tolist()
        [0.0, 2.0, 3.0]
    """
    is_float = x.dtype.kind == "f"
    if decimals == 0 or (decimals > 0 and not is_float):
        return xp.rint(x) if is_float else x
    wide = x if is_float else x.astype("float32")
    factor = wide.dtype.type(10.0**decimals)
    return (xp.rint(wide * factor) / factor).astype(x.dtype)


@primitive(elementwise)
def nan_to_num(xp, x, *, nan=0.0, posinf=None, neginf=None):
    """Put numbers in place of NaN and of the infinities.

    Args:
        x: tensor of any shape and dtype; integers stay what they are.
        nan: number for NaN.
        posinf: number for infinity; None for the largest of the dtype.
        neginf: number for negative infinity; None for the lowest of the dtype.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0).tolist()
        [1.0, 0.0, 9.0]
    """
    return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf) if x.dtype.kind == "f" else x


@nan_to_num.vjp()
def _(g, x):
    return where(isfinite(x), g, 0.0)


@primitive(elementwise.giving("bool"))
def signbit(xp, x):
    """Say which elements have their sign bit set, -0.0 among them.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.signbit([1.0, -0.0]).tolist()
        [False, True]
    """
    return xp.signbit(x) if x.dtype.kind in "fi" else xp.zeros(x.shape, dtype=bool)


@primitive(wide_pair)
def heaviside(xp, x1, x2):
    """Return 0 for negative elements, 1 for positive ones, and `x2` at zero (and NaN).

    Args:
        x2: tensor or number, the value at zero, broadcast with `x1`.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.heaviside([-2.0, 0.0, 3.0], 0.5).tolist()
        [0.0, 0.5, 1.0]
    """
    zero, one = x1.dtype.type(0), x1.dtype.type(1)
    return xp.where(x1 < 0, zero, xp.where(x1 > 0, one, x2))


@heaviside.vjp("x2")
def _(g, x1):
    return where((x1 < 0) | (x1 > 0), 0.0, g)


@primitive(division)
def nextafter(xp, x1, x2):
    """Return the float64 next to `x1` on the way to `x2`, rounded to the result's dtype.

    Only float64 inputs therefore see a step, as with Keras on TensorFlow.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.array(0.0, dtype="float64")
        >>> keras.ops.nextafter(x, 1.0).item()
        5e-324
    """
    return xp.nextafter(x1.astype("float64"), x2.astype("float64")).astype(x1.dtype)


@nextafter.vjp("x1")
def _(g):
    return g


@nextafter.vjp("x2")
def _(g):
    return zeros_of(g)


@primitive(_scaled)
def ldexp(xp, x1, x2):
    """Return `x1 * 2**x2`, element by element.

    Args:
        x2: integer tensor or number, whose shape broadcasts with that of `x1`.

    Returns:
        A float tensor of the broadcast shape.

    Raises:
        TypeError: if `x2` is not of an integer dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.ldexp([1.0, 3.0], [2, -1]).tolist()
        [4.0, 1.5]
    """
    # A float64 has no more than 2100 binary orders of magnitude.
    return xp.ldexp(x1, xp.clip(x2, -2200, 2200).astype("int32"))


@ldexp.vjp("x1")
def _(g, x2):
    return ldexp(g, x2)
