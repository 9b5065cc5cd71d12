"""Along one axis: running sums and products."""

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise, numeric
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.docstrings import described
from minikeras.ops.elementwise.division import divide_no_nan
from minikeras.ops.shapes.shaping import ravel


@op
@described(elementwise.texts)
def cumsum(x, axis=None, dtype=None):
    """Add up the elements along an axis, keeping every stage.

    Args:
        axis: int, or None for the flattened tensor.
        dtype: dtype name to compute in, or None for that of `x`.

    Returns:
        A tensor of the shape of `x`, or of rank 1 if `axis` is None; bools become int32.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cumsum([1.0, 2.0, 3.0]).tolist()
        [1.0, 3.0, 6.0]
    """
    x, axis = _flattened(x, axis, dtype)
    return _running_sum(x, axis=axis)


@op
@described(cumsum)
def cumprod(x, axis=None, dtype=None):
    """Multiply the elements along an axis, keeping every stage.

    The gradient with respect to an element that is 0 counts as 0, as in TensorFlow.

    Returns:
        A tensor of the shape of `x`, or of rank 1 if `axis` is None; bools become int32.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cumprod([1.0, 2.0, 3.0]).tolist()
        [1.0, 2.0, 6.0]
    """
    x, axis = _flattened(x, axis, dtype)
    return _running_product(x, axis=axis)


def _flattened(x, axis, dtype):
    """The tensor in the asked dtype, and the axis to run along."""
    x = convert_to_tensor(x)
    if dtype is not None:
        x = cast(x, dtype=dtype)
    return (ravel(x), 0) if axis is None else (x, axis)


@primitive(numeric)
def _running_sum(xp, x, *, axis, reverse=False):
    """Sums of all elements up to each place, or from each place on."""
    if reverse:
        return xp.flip(xp.cumsum(xp.flip(x, axis), axis=axis, dtype=x.dtype), axis)
    return xp.cumsum(x, axis=axis, dtype=x.dtype)


@_running_sum.vjp()
def _(g, axis, reverse):
    return _running_sum(g, axis=axis, reverse=not reverse)


@primitive(numeric)
def _running_product(xp, x, *, axis):
    """Products of all elements up to each place."""
    return xp.cumprod(x, axis=axis, dtype=x.dtype)


@_running_product.vjp()
def _(g, x, y, axis):
    return divide_no_nan(_running_sum(g * y, axis=axis, reverse=True), x)


@_running_sum.shape_rule
def _(x, *, axis, reverse):
    dims.normalize_axis(axis, x.ndim)
    return Abstract(x.shape, x.dtype)


@_running_product.shape_rule
def _(x, *, axis):
    dims.normalize_axis(axis, x.ndim)
    return Abstract(x.shape, x.dtype)
