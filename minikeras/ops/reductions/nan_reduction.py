"""Over axes: reductions that pass over NaN."""

import math

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import floating_reduction, reduction
from minikeras.core import dtypes
from minikeras.core.docstrings import described
from minikeras.ops.elementwise.arithmetic import square
from minikeras.ops.elementwise.comparison import isnan, logical_not, where
from minikeras.ops.elementwise.roots import sqrt
from minikeras.ops.elementwise.rounding import nan_to_num
from minikeras.ops.reductions.cumulative import cumprod, cumsum
from minikeras.ops.reductions.selection import all, amax, amin, argmax, argmin
from minikeras.ops.reductions.sums import prod, sum


@op
@described(reduction.texts)
def nansum(x, axis=None, keepdims=False):
    """Add up the elements along axes, NaN counting as 0.

    Returns:
        A tensor without these axes.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nansum([1.0, float("nan"), 3.0]).item()
        4.0
    """
    return sum(_replaced(x, 0.0), axis=axis, keepdims=keepdims)


@op
@described(reduction.texts)
def nanprod(x, axis=None, keepdims=False):
    """Multiply the elements along axes, NaN counting as 1.

    Returns:
        A tensor without these axes.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nanprod([1.0, float("nan"), 3.0]).item()
        3.0
    """
    return prod(_replaced(x, 1.0), axis=axis, keepdims=keepdims)


@op
@described(floating_reduction.texts)
def nanmean(x, axis=None, keepdims=False):
    """Average the elements along axes that are not NaN.

    Returns:
        A float tensor without these axes; NaN where all elements are.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nanmean([1.0, float("nan"), 3.0]).item()
        2.0
    """
    x = _as_float(x)
    count = sum(cast(logical_not(isnan(x)), dtype=x.dtype), axis=axis, keepdims=keepdims)
    return nansum(x, axis=axis, keepdims=keepdims) / count


@op
@described(floating_reduction.texts)
def nanvar(x, axis=None, keepdims=False):
    """Return the variance along axes of the elements that are not NaN.

    Returns:
        A float tensor without these axes; NaN where all elements are.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nanvar([1.0, float("nan"), 3.0]).item()
        1.0
    """
    x = _as_float(x)
    distance = where(isnan(x), 0.0, x - nanmean(x, axis=axis, keepdims=True))
    count = sum(cast(logical_not(isnan(x)), dtype=x.dtype), axis=axis, keepdims=keepdims)
    return sum(square(distance), axis=axis, keepdims=keepdims) / count


@op
@described(floating_reduction.texts)
def nanstd(x, axis=None, keepdims=False):
    """Return the standard deviation along axes of the elements that are not NaN.

    Returns:
        A float tensor without these axes; NaN where all elements are.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nanstd([1.0, float("nan"), 3.0]).item()
        1.0
    """
    return sqrt(nanvar(x, axis=axis, keepdims=keepdims))


@op
@described(reduction.texts)
def nanmax(x, axis=None, keepdims=False):
    """Return the largest elements along axes that are not NaN.

    Returns:
        A tensor without these axes; NaN where all elements are.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nanmax([1.0, float("nan"), 3.0]).item()
        3.0
    """
    return _extreme(amax, -math.inf, x, axis, keepdims)


@op
@described(reduction.texts)
def nanmin(x, axis=None, keepdims=False):
    """Return the smallest elements along axes that are not NaN.

    Returns:
        A tensor without these axes; NaN where all elements are.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nanmin([1.0, float("nan"), 3.0]).item()
        1.0
    """
    return _extreme(amin, math.inf, x, axis, keepdims)


@op
@described(argmax)
def nanargmax(x, axis=None, keepdims=False):
    """Return the place of the largest element along an axis that is not NaN.

    Args:
        x: tensor of any shape and dtype; -0.0 counts as less than 0.0.

    Returns:
        An int32 tensor without the axis; -1 where all elements are NaN.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nanargmax([1.0, float("nan"), 3.0]).item()
        2
    """
    return _place(argmax, -math.inf, x, axis, keepdims)


@op
@described(nanargmax)
def nanargmin(x, axis=None, keepdims=False):
    """Return the place of the smallest element along an axis that is not NaN.

    Returns:
        An int32 tensor without the axis; -1 where all elements are NaN.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nanargmin([1.0, float("nan"), 3.0]).item()
        0
    """
    return _place(argmin, math.inf, x, axis, keepdims)


@op
@described(cumsum)
def nancumsum(x, axis=None, dtype=None):
    """Add up the elements along an axis, keeping every stage; NaN counts as 0.

    Args:
        x: tensor of any shape and dtype; infinities count as the largest and lowest numbers of the
            dtype.

    Returns:
        A tensor of the shape of `x`, or of rank 1 if `axis` is None.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nancumsum([1.0, float("nan"), 3.0]).tolist()
        [1.0, 1.0, 4.0]
    """
    return cumsum(nan_to_num(x), axis=axis, dtype=dtype)


@op
@described(nancumsum)
def nancumprod(x, axis=None, dtype=None):
    """Multiply the elements along an axis, keeping every stage; NaN counts as 1.

    Returns:
        A tensor of the shape of `x`, or of rank 1 if `axis` is None.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.nancumprod([1.0, float("nan"), 3.0]).tolist()
        [1.0, 1.0, 3.0]
    """
    return cumprod(nan_to_num(x, nan=1.0), axis=axis, dtype=dtype)


def _as_float(x):
    x = convert_to_tensor(x)
    return x if dtypes.is_float(x.dtype) else cast(x, dtype="float32")


def _replaced(x, value):
    """The same tensor with a number in place of NaN; integers have none."""
    x = convert_to_tensor(x)
    return where(isnan(x), value, x) if dtypes.is_float(x.dtype) else x


def _extreme(find, worst, x, axis, keepdims):
    """An extreme among what is not NaN, which nothing else yields to."""
    x = convert_to_tensor(x)
    result = find(_replaced(x, worst), axis=axis, keepdims=keepdims)
    if not dtypes.is_float(x.dtype):
        return result
    return where(all(isnan(x), axis=axis, keepdims=keepdims), math.nan, result)


def _place(find, worst, x, axis, keepdims):
    """The place of an extreme among what is not NaN."""
    x = convert_to_tensor(x)
    result = find(_replaced(x, worst), axis=axis, keepdims=keepdims)
    return where(all(isnan(x), axis=axis, keepdims=keepdims), -1, result)
