"""Over axes: largest and smallest elements and their places, counts and tests.

Where several elements are the largest (or smallest) of their group, they share the gradient
equally, as in TensorFlow.
"""

from dataclasses import replace

import numpy as np

from minikeras.autograd.base_ops import broadcast_to, cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import reduction, shape_reduced, to_bool
from minikeras.autograd.primitive import primitive
from minikeras.core.docstrings import described
from minikeras.ops.elementwise.comparison import equal, isclose, isfinite, isnan
from minikeras.ops.elementwise.extremes import maximum, minimum
from minikeras.ops.reductions.sums import axis_key, spread, sum

_testing = replace(reduction, promote=to_bool).described(
    x="tensor of any shape and dtype; nonzero counts as True."
)
_placing = reduction.giving("int32").described(
    x="tensor of any shape and dtype; -0.0 counts as less than 0.0, and NaN is passed over.",
    axis="int, or None for the place in the flattened tensor.",
    keepdims="bool, whether the axis stays, with size 1.",
)


@primitive(reduction)
def amax(xp, x, *, axis=None, keepdims=False):
    """Return the largest elements along axes.

    Returns:
        A tensor without these axes, of the dtype of `x`.

    Raises:
        ValueError: if there are no elements.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.amax([[1.0, 4.0], [3.0, 2.0]], axis=0).tolist()
        [3.0, 4.0]
    """
    if not x.size:
        raise ValueError(f"Cannot compute the max of an empty tensor: its shape is {x.shape}.")
    return x.max(axis=axis_key(axis), keepdims=keepdims)


@primitive(reduction)
def amin(xp, x, *, axis=None, keepdims=False):
    """Return the smallest elements along axes.

    Returns:
        A tensor without these axes, of the dtype of `x`.

    Raises:
        ValueError: if there are no elements.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.amin([[1.0, 4.0], [3.0, 2.0]], axis=0).tolist()
        [1.0, 2.0]
    """
    if not x.size:
        raise ValueError(f"Cannot compute the min of an empty tensor: its shape is {x.shape}.")
    return x.min(axis=axis_key(axis), keepdims=keepdims)


@amax.vjp()
@amin.vjp()
def _(g, x, y, axis):
    chosen = cast(equal(x, spread(y, x.shape, axis)), dtype=g.dtype)
    return spread(g, x.shape, axis) * (chosen / sum(chosen, axis=axis, keepdims=True))


@op
@described(reduction.texts)
def max(x, axis=None, keepdims=False, initial=None):
    """Return the largest elements along axes.

    Args:
        initial: number that every result is at least, or None.

    Returns:
        A tensor without these axes, of the dtype of `x`.

    Raises:
        ValueError: if there are no elements, and no `initial`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.max([[1.0, 4.0], [3.0, 2.0]], axis=1, initial=3.5).tolist()
        [4.0, 3.5]
    """
    if initial is None:
        return amax(x, axis=axis, keepdims=keepdims)
    return _with_initial(amax, maximum, convert_to_tensor(x), axis, keepdims, initial)


@op
@described(reduction.texts)
def min(x, axis=None, keepdims=False, initial=None):
    """Return the smallest elements along axes.

    Args:
        initial: number that every result is at most, or None.

    Returns:
        A tensor without these axes, of the dtype of `x`.

    Raises:
        ValueError: if there are no elements, and no `initial`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.min([[1.0, 4.0], [3.0, 2.0]], axis=1, initial=1.5).tolist()
        [1.0, 1.5]
    """
    if initial is None:
        return amin(x, axis=axis, keepdims=keepdims)
    return _with_initial(amin, minimum, convert_to_tensor(x), axis, keepdims, initial)


def _with_initial(extreme, bound, x, axis, keepdims, initial):
    """Let a number take part in an extreme, in the dtype of the tensor; alone, if it is empty."""
    if x.size == 0:
        shape = shape_reduced([x.shape], {"axis": axis, "keepdims": keepdims})
        return broadcast_to(convert_to_tensor(initial, dtype=x.dtype), shape=shape)
    y = extreme(x, axis=axis, keepdims=keepdims)
    if y.dtype == "bool":
        return cast(bound(cast(y, dtype="int32"), int(initial)), dtype="bool")
    return bound(y, convert_to_tensor(initial, dtype=y.dtype))


@op
@described(reduction.texts)
def ptp(x, axis=None, keepdims=False):
    """Return the distance from the smallest to the largest element along axes.

    Args:
        x: tensor of any shape, of any dtype but bool.

    Returns:
        A tensor without these axes, of the dtype of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.ptp([[1.0, 4.0], [3.0, 2.0]], axis=1).tolist()
        [3.0, 1.0]
    """
    return amax(x, axis=axis, keepdims=keepdims) - amin(x, axis=axis, keepdims=keepdims)


@primitive(_placing)
def argmax(xp, x, *, axis=None, keepdims=False):
    """Return the place of the largest element along an axis, the first of equals.

    Returns:
        An int32 tensor without the axis.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.argmax([[1.0, 4.0], [3.0, 3.0]], axis=1).tolist()
        [1, 0]
    """
    return _place(xp, x, axis, keepdims, "max")


@primitive(_placing)
def argmin(xp, x, *, axis=None, keepdims=False):
    """Return the place of the smallest element along an axis, the first of equals.

    Returns:
        An int32 tensor without the axis.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.argmin([[1.0, 4.0], [3.0, 3.0]], axis=1).tolist()
        [0, 0]
    """
    return _place(xp, x, axis, keepdims, "min")


def _place(xp, x, axis, keepdims, extreme):
    """The first place of an extreme, as Keras orders floats: -0.0 before 0.0, NaN never chosen."""
    find = getattr(xp, f"arg{extreme}")
    worst = -xp.inf if extreme == "max" else xp.inf
    if x.dtype.kind == "f" and x.ndim and (xp is not np or _needs_order(x, axis, extreme)):
        zero = (x == 0) & xp.signbit(x)
        x = xp.where(zero, -xp.finfo(x.dtype).tiny, x)
        x = xp.where(xp.isnan(x), x.dtype.type(worst), x)
    return find(x, axis=axis, keepdims=keepdims).astype("int32")


def _needs_order(x, axis, extreme):
    """Whether an extreme is NaN or zero, which NumPy orders in its own way.

    A GPU, which would have to be waited for, is not asked.
    """
    extreme_value = getattr(x, extreme)(axis=axis)
    return not (abs(extreme_value) > 0).all()


@primitive(_placing)
def count_nonzero(xp, x, *, axis=None):
    """Count the elements that are not zero along axes.

    Args:
        x: tensor of any shape and dtype; True counts as nonzero.
        axis: int, tuple of ints, or None for all axes.

    Returns:
        An int32 tensor without these axes.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.count_nonzero([[0, 1], [2, 3]], axis=0).tolist()
        [1, 2]
    """
    return (x != 0).sum(axis=axis_key(axis), dtype="int32")


@primitive(_testing)
def all(xp, x, *, axis=None, keepdims=False):
    """Say whether all elements along axes are nonzero.

    Returns:
        A bool tensor without these axes.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.all([[True, False], [True, True]], axis=1).tolist()
        [False, True]
    """
    return x.all(axis=axis_key(axis), keepdims=keepdims)


@primitive(_testing)
def any(xp, x, *, axis=None, keepdims=False):
    """Say whether any element along axes is nonzero.

    Returns:
        A bool tensor without these axes.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.any([[True, False], [False, False]], axis=1).tolist()
        [True, False]
    """
    return x.any(axis=axis_key(axis), keepdims=keepdims)


@op
def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Say whether two tensors agree everywhere up to a tolerance: `|x1 - x2| <= atol + rtol |x2|`.

    Args:
        x1: tensor or number, of any shape and dtype; integers and infinities must be equal.
        x2: float tensor or number, whose shape broadcasts with that of `x1`.
        rtol: float, the relative tolerance.
        atol: float, the absolute tolerance.
        equal_nan: bool, whether NaN agrees with NaN.

    Returns:
        A bool tensor of rank 0.

    Example:
        >>> import minikeras as keras
        >>> bool(keras.ops.allclose([1.0, 2.0], [1.000001, 2.0]))
        True
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    near = isfinite(x1) & isfinite(x2) & isclose(x1, x2, rtol=rtol, atol=atol)
    close = near | equal(x1, x2)
    return all(close | (isnan(x1) & isnan(x2)) if equal_nan else close)


allclose.class_name = "AllClose"
