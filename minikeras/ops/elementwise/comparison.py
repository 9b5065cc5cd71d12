"""Element by element: comparisons, logic, tests for special values, and choice by a condition.

All but `where` give bools, through which no gradient flows.
"""

from dataclasses import replace

from minikeras.autograd.composite import op
from minikeras.autograd.families import (
    arithmetic,
    comparison,
    elementwise,
    logical,
    shape_of_first,
)
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.docstrings import described
from minikeras.ops.elementwise.promotion import condition_first

_test = elementwise.giving("bool")
_choice = replace(arithmetic, promote=condition_first)


@primitive(_choice)
def where(xp, condition, x1=None, x2=None):
    """Take elements of `x1` where a condition holds, and of `x2` elsewhere.

    Args:
        condition: tensor of any shape and dtype; nonzero counts as True.
        x1: tensor or number, broadcast with the others.
        x2: tensor or number, broadcast with the others.

    Returns:
        A tensor of the shape to which the three broadcast; given the condition alone, a tuple with
        one int32 tensor of indices per axis, the places where it holds.

    Raises:
        ValueError: if only one of `x1` and `x2` is given.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.where([True, False], [1.0, 2.0], 0.0).tolist()
        [1.0, 0.0]
    """
    if x1 is None or x2 is None:
        if x1 is not x2:
            raise ValueError("`where` takes both `x1` and `x2`, or neither; received only one.")
        return tuple(places.astype("int32") for places in xp.nonzero(condition))
    return xp.where(condition, x1, x2)


@where.shape_rule
def _(condition, x1, x2):
    if x1 is None or x2 is None:
        if x1 is not x2:
            raise ValueError("`where` takes both `x1` and `x2`, or neither; received only one.")
        count = dims.Dim()
        return tuple(Abstract((count,), "int32") for _ in condition.shape)
    return Abstract(dims.broadcast(condition.shape, x1.shape, x2.shape), x1.dtype)


@where.vjp("x1")
def _(g, condition):
    return where(condition, g, 0.0)


@where.vjp("x2")
def _(g, condition):
    return where(condition, 0.0, g)


@primitive(comparison)
def equal(xp, x1, x2):
    """Say where two tensors are equal, element by element.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.equal([1, 2], [1, 3]).tolist()
        [True, False]
    """
    return x1 == x2


@primitive(comparison)
def not_equal(xp, x1, x2):
    """Say where two tensors differ, element by element.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.not_equal([1, 2], [1, 3]).tolist()
        [False, True]
    """
    return x1 != x2


@primitive(comparison)
def less(xp, x1, x2):
    """Say where `x1 < x2`, element by element.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.less([1, 2, 3], 2).tolist()
        [True, False, False]
    """
    return x1 < x2


@primitive(comparison)
def less_equal(xp, x1, x2):
    """Say where `x1 <= x2`, element by element.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.less_equal([1, 2, 3], 2).tolist()
        [True, True, False]
    """
    return x1 <= x2


@primitive(comparison)
def greater(xp, x1, x2):
    """Say where `x1 > x2`, element by element.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.greater([1, 2, 3], 2).tolist()
        [False, False, True]
    """
    return x1 > x2


@primitive(comparison)
def greater_equal(xp, x1, x2):
    """Say where `x1 >= x2`, element by element.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.greater_equal([1, 2, 3], 2).tolist()
        [False, True, True]
    """
    return x1 >= x2


@primitive(comparison)
def isclose(xp, x1, x2, *, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Say where two tensors agree up to a tolerance: `|x1 - x2| <= atol + rtol |x2|`.

    Args:
        x1: tensor or number, of any shape and dtype; integers must be equal.
        rtol: float, the relative tolerance.
        atol: float, the absolute tolerance.
        equal_nan: bool, whether NaN agrees with NaN.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.isclose([1.0, 1.0], [1.000001, 1.1]).tolist()
        [True, False]
    """
    if x1.dtype.kind != "f":
        return x1 == x2
    close = xp.abs(x1 - x2) <= atol + rtol * xp.abs(x2)
    return close | (xp.isnan(x1) & xp.isnan(x2)) if equal_nan else close


@primitive(logical)
def logical_and(xp, x1, x2):
    """Say where both tensors are nonzero, element by element.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.logical_and([True, True], [True, False]).tolist()
        [True, False]
    """
    return x1 & x2


@primitive(logical)
def logical_or(xp, x1, x2):
    """Say where at least one of two tensors is nonzero, element by element.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.logical_or([True, False], [False, False]).tolist()
        [True, False]
    """
    return x1 | x2


@primitive(logical)
def logical_xor(xp, x1, x2):
    """Say where exactly one of two tensors is nonzero, element by element.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.logical_xor([True, True], [True, False]).tolist()
        [False, True]
    """
    return x1 ^ x2


@primitive(logical)
def logical_not(xp, x):
    """Say where a tensor is zero, element by element.

    Args:
        x: tensor of any shape and dtype; nonzero counts as True.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.logical_not([True, False]).tolist()
        [False, True]
    """
    return ~x


@primitive(_test)
def isfinite(xp, x):
    """Say which elements are neither infinite nor NaN.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.isfinite([1.0, float("inf")]).tolist()
        [True, False]
    """
    return xp.isfinite(x)


@primitive(_test)
def isinf(xp, x):
    """Say which elements are infinite, of either sign.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.isinf([1.0, float("-inf")]).tolist()
        [False, True]
    """
    return xp.isinf(x)


@primitive(_test)
def isnan(xp, x):
    """Say which elements are NaN.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.isnan([1.0, float("nan")]).tolist()
        [False, True]
    """
    return xp.isnan(x)


@primitive(_test)
def isneginf(xp, x):
    """Say which elements are negative infinity.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.isneginf([float("inf"), float("-inf")]).tolist()
        [False, True]
    """
    return x == -xp.inf


@primitive(_test)
def isposinf(xp, x):
    """Say which elements are positive infinity.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.isposinf([float("inf"), float("-inf")]).tolist()
        [True, False]
    """
    return x == xp.inf


@primitive(_test)
def isreal(xp, x):
    """Say which elements have no imaginary part: all of them, as tensors here are real.

    Returns:
        A bool tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.isreal([1.0, 2.0]).tolist()
        [True, True]
    """
    return xp.ones(x.shape, dtype=bool)


@op
@described(comparison.texts)
def isin(x1, x2, assume_unique=False, invert=False):
    """Say of each element whether it is one of those of another tensor.

    Args:
        x2: tensor of any shape and dtype, the elements to look among.
        assume_unique: bool, accepted for compatibility; repeated elements do no harm.
        invert: bool, whether to say the opposite.

    Returns:
        A bool tensor of the shape of `x1`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.isin([1, 2, 3], [3, 1]).tolist()
        [True, False, True]
    """
    return _is_among(x1, x2, invert=invert)


isin.class_name = "IsIn"


@primitive(comparison.shaped(shape_of_first))
def _is_among(xp, x1, x2, *, invert):
    return xp.isin(x1, x2, invert=invert)


@op
def select(condlist, choicelist, default=0):
    """Take each element from the first choice whose condition holds there.

    Args:
        condlist: list of bool tensors, whose shapes broadcast with each other.
        choicelist: list of as many tensors of any dtype.
        default: number, or tensor of any dtype that broadcasts with the choices: what is taken
            where no condition holds.

    Returns:
        A tensor of the promoted (common) dtype of choices and default.

    Raises:
        ValueError: if there are not as many choices as conditions.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.arange(5)
        >>> keras.ops.select([x < 2, x > 2], [x, x * x], 7).tolist()
        [0, 1, 7, 9, 16]
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            "Expected one choice for each of one or more conditions. "
            f"Received: {len(condlist)} conditions and {len(choicelist)} choices."
        )
    y = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = where(condition, choice, y)
    return y
