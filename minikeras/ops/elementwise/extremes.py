"""Element by element: the larger or smaller of two, and bounds.

Where two candidates of `maximum` or `minimum` tie, the first takes the whole gradient; at a bound
of `clip` the gradient passes. Both as in TensorFlow.
"""

from dataclasses import replace

from minikeras.autograd.primitive import primitive
from minikeras.ops.elementwise.comparison import isnan, where
from minikeras.ops.elementwise.promotion import arithmetic, to_first

_bounded = replace(arithmetic, promote=to_first)


@primitive(arithmetic)
def maximum(xp, x1, x2, *, out=None):
    """Return the larger of two elements, NaN if either is.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.maximum([1.0, -2.0], 0.0).tolist()
        [1.0, 0.0]
    """
    return xp.maximum(x1, x2, out=out)


@maximum.vjp("x1")
def _(g, x1, x2):
    return where(x1 >= x2, g, 0.0)


@maximum.vjp("x2")
def _(g, x1, x2):
    return where(x1 >= x2, 0.0, g)


@primitive(arithmetic)
def minimum(xp, x1, x2, *, out=None):
    """Return the smaller of two elements, NaN if either is.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.minimum([1.0, -2.0], 0.0).tolist()
        [0.0, -2.0]
    """
    return xp.minimum(x1, x2, out=out)


@minimum.vjp("x1")
def _(g, x1, x2):
    return where(x1 <= x2, g, 0.0)


@minimum.vjp("x2")
def _(g, x1, x2):
    return where(x1 <= x2, 0.0, g)


@primitive(arithmetic)
def fmax(xp, x1, x2, *, out=None):
    """Return the larger of two elements, or the one that is not NaN.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.fmax([1.0, float("nan")], 2.0).tolist()
        [2.0, 2.0]
    """
    return xp.fmax(x1, x2, out=out)


@fmax.vjp("x1")
def _(g, x1, x2):
    return where((x1 >= x2) | (isnan(x2) & ~isnan(x1)), g, 0.0)


@fmax.vjp("x2")
def _(g, x1, x2):
    return where((x1 >= x2) | (isnan(x2) & ~isnan(x1)), 0.0, g)


@primitive(arithmetic)
def fmin(xp, x1, x2, *, out=None):
    """Return the smaller of two elements, or the one that is not NaN.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.fmin([1.0, float("nan")], 2.0).tolist()
        [1.0, 2.0]
    """
    return xp.fmin(x1, x2, out=out)


@fmin.vjp("x1")
def _(g, x1, x2):
    return where((x1 <= x2) | (isnan(x2) & ~isnan(x1)), g, 0.0)


@fmin.vjp("x2")
def _(g, x1, x2):
    return where((x1 <= x2) | (isnan(x2) & ~isnan(x1)), 0.0, g)


@primitive(_bounded)
def clip(xp, x, x_min, x_max):
    """Move every element into an interval, to its nearer end.

    Args:
        x: tensor of any shape and dtype; bools become int32.
        x_min: lower end, a number or a tensor broadcast with `x`.
        x_max: number or tensor, the upper end; what lies between it and a larger `x_min` becomes
            `x_min`.

    Returns:
        A tensor of the shape and dtype of `x`; bools become int32.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.clip([-3.0, 0.5, 3.0], -1.0, 1.0).tolist()
        [-1.0, 0.5, 1.0]
    """
    return xp.maximum(xp.minimum(x, x_max), x_min)


@clip.vjp("x")
def _(g, x, x_min, x_max):
    return where((x <= x_max) & (x >= x_min), g, 0.0)


@clip.vjp("x_min")
def _(g, x, x_min, x_max):
    return where(minimum(x, x_max) >= x_min, 0.0, g)


@clip.vjp("x_max")
def _(g, x, x_min, x_max):
    return where((x > x_max) & (x_max >= x_min), g, 0.0)
