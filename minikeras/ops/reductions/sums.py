"""Over axes: sums, products and averages.

`axis` is an int, a tuple of ints, or None for all axes. Half-precision sums are taken in single
precision.
"""

import math
from dataclasses import replace

from minikeras.autograd.base_ops import broadcast_to, cast, reshaped
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import cached, floating, floating_reduction, reduction
from minikeras.autograd.primitive import primitive
from minikeras.core import dims, dtypes
from minikeras.core.docstrings import described
from minikeras.kernels.shared.sums import total
from minikeras.ops.elementwise.arithmetic import square
from minikeras.ops.elementwise.comparison import isfinite, where
from minikeras.ops.elementwise.exponential import exp
from minikeras.ops.elementwise.roots import sqrt
from minikeras.ops.shapes.shaping import reshape, transpose

_HALF = "e"
_WIDER = {
    "bool": "int32",
    "int8": "int32",
    "int16": "int32",
    "uint8": "uint32",
    "uint16": "uint32",
}


@cached
def _to_sum(names):
    """Cast to the dtype of a sum: narrow integers become 32 bits wide."""
    name = dtypes.strong(names[0])
    return (_WIDER.get(name, name),)


_summing = replace(reduction, promote=_to_sum)


@primitive(_summing)
def sum(xp, x, *, axis=None, keepdims=False):
    """Add up the elements along axes.

    Returns:
        A tensor without these axes; bools and integers below 32 bits become int32 or uint32.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sum([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
        [4.0, 6.0]
    """
    return total(xp, x, axis=axis_key(axis), keepdims=keepdims)


@sum.vjp()
def _(g, x_shape, axis):
    return spread(g, x_shape, axis)


@primitive(_summing)
def _product(xp, x, *, axis=None, keepdims=False):
    return xp.multiply.reduce(x, axis=axis_key(axis), dtype=x.dtype, keepdims=keepdims)


@_product.vjp()
def _(g, x, axis):
    axes = dims.normalize_axes(axis, x.ndim)
    others = tuple(i for i in range(x.ndim) if i not in axes)
    order = axes + others
    moved = transpose(x, axes=order)
    count = math.prod(x.shape[i] for i in axes)
    columns = reshape(moved, (count, math.prod(x.shape[i] for i in others)))
    slopes = reshape(_products_of_others(columns), moved.shape)
    back = tuple(order.index(i) for i in range(x.ndim))
    return spread(g, x.shape, axis) * transpose(slopes, axes=back)


def _products_of_others(x):
    """For every row, the product of all other rows; by halves, so that a zero needs no division."""
    count, width = x.shape
    if count < 2:
        return _with_ones(x[:0], size=count)
    half = (count + 1) // 2
    pairs = reshape(_with_ones(x, size=2 * half), (half, 2, width))
    above = _products_of_others(pairs[:, 0] * pairs[:, 1])
    return reshape(reshape(above, (half, 1, width)) * pairs[:, ::-1], (2 * half, width))[:count]


@primitive(reduction.shaped(lambda shapes, statics: (statics["size"], *shapes[0][1:])))
def _with_ones(xp, x, *, size):
    """The rows of `x` and, after them, rows of ones."""
    padded = xp.ones((size, *x.shape[1:]), x.dtype)
    padded[: x.shape[0]] = x
    return padded


@_with_ones.vjp()
def _(g, x_shape):
    return g[: x_shape[0]]


@op
@described(reduction.texts)
def prod(x, axis=None, keepdims=False, dtype=None):
    """Multiply the elements along axes.

    Args:
        dtype: dtype name to compute in, or None for that of `x`.

    Returns:
        A tensor without these axes; bools and integers below 32 bits become int32 or uint32.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.prod([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
        [3.0, 8.0]
    """
    x = convert_to_tensor(x)
    return _product(x if dtype is None else cast(x, dtype=dtype), axis=axis, keepdims=keepdims)


@primitive(floating_reduction)
def mean(xp, x, *, axis=None, keepdims=False):
    """Average the elements along axes.

    Returns:
        A float tensor without these axes; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.mean([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
        [2.0, 3.0]
    """
    count = _count(x.shape, axis)
    if x.dtype.char == _HALF:
        return mean.kernel(xp, x.astype("float32"), axis=axis, keepdims=keepdims).astype(x.dtype)
    return xp.true_divide(total(xp, x, axis=axis_key(axis), keepdims=keepdims), count)


@mean.vjp()
def _(g, x_shape, axis):
    return spread(g / _count(x_shape, axis), x_shape, axis)


@op
@described(floating_reduction.texts)
def var(x, axis=None, keepdims=False):
    """Return the variance along axes: the mean squared distance from the mean.

    Returns:
        A float tensor without these axes; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.var([1.0, 3.0]).item()
        1.0
    """
    x = convert_to_tensor(x)
    result = dtypes.result_type(x.dtype, "float")
    x = _in_dtype(x, dtypes.result_type(result, "float32"))
    squares = square(x - mean(x, axis=axis, keepdims=True))
    return _in_dtype(mean(squares, axis=axis, keepdims=keepdims), result)


@op
@described(floating_reduction.texts)
def std(x, axis=None, keepdims=False):
    """Return the standard deviation along axes, the root of the variance.

    Returns:
        A float tensor without these axes; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.std([1.0, 5.0]).item()
        2.0
    """
    return sqrt(var(x, axis=axis, keepdims=keepdims))


@op
@described(floating.texts)
def average(x, axis=None, weights=None):
    """Average along an axis, with weights.

    Args:
        axis: int or None for all axes.
        weights: None, or a tensor that broadcasts with `x`, or one weight per place on `axis`.

    Returns:
        A float tensor without the axis: the weighted sum divided by the sum of the weights.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.average([[1.0, 2.0], [3.0, 4.0]], axis=1, weights=[3.0, 1.0]).tolist()
        [1.25, 3.25]
    """
    x = convert_to_tensor(x)
    if weights is None:
        return mean(x, axis=axis)
    weights = convert_to_tensor(weights)
    dtype = dtypes.result_type(x.dtype, weights.dtype, "float")
    x, weights = _in_dtype(x, dtype), _in_dtype(weights, dtype)
    if axis is None or x.ndim == weights.ndim:
        return sum(x * weights, axis=axis) / sum(weights, axis=axis)
    place = dims.normalize_axis(axis, x.ndim)
    if weights.ndim != 1:
        raise ValueError(
            f"`weights` must have one axis or as many as `x`, but their shape is {weights.shape} "
            f"for `x` of shape {x.shape}."
        )
    spread = reshape(weights, (-1, *(1,) * (x.ndim - 1 - place)))
    return sum(x * spread, axis=axis) / sum(weights)


@primitive(floating_reduction)
def logsumexp(xp, x, *, axis=None, keepdims=False):
    """Return the logarithm of the sum of exponentials along axes, without overflow.

    Returns:
        A float tensor without these axes.

    Example:
        >>> import minikeras as keras
        >>> round(keras.ops.logsumexp([1000.0, 1000.0]).item(), 2)
        1000.69
    """
    axis = axis_key(axis)
    if not x.size:
        return xp.log(total(xp, x, axis=axis, keepdims=keepdims))
    peak = x.max(axis=axis, keepdims=True)
    peak = xp.where(xp.isfinite(peak), peak, x.dtype.type(0))
    shifted = xp.exp(x - peak)
    added = total(xp, shifted, axis=axis, keepdims=keepdims)
    return xp.log(added) + peak.reshape(added.shape)


@logsumexp.vjp()
def _(g, x, y, axis):
    # Dividing by their sum takes out of the shares what the rounding of a large `y` put in.
    # Less an infinite `y`, the finite `x` are shares of 0 and not NaN.
    shares = exp(x - spread(where(isfinite(y), y, 0.0), x.shape, axis))
    return spread(g, x.shape, axis) * (shares / sum(shares, axis=axis, keepdims=True))


def _in_dtype(x, dtype):
    return x if x.dtype == dtype else cast(x, dtype=dtype)


def axis_key(axis):
    """An axis argument as NumPy takes it."""
    return tuple(axis) if isinstance(axis, list) else axis


def _count(shape, axis):
    """How many elements one result is made of."""
    return math.prod(shape[i] for i in dims.normalize_axes(axis, len(shape)))


def spread(g, shape, axis):
    """Undo a reduction's change of shape: repeat along the reduced axes."""
    axes = dims.normalize_axes(axis, len(shape))
    with_ones = tuple(1 if i in axes else size for i, size in enumerate(shape))
    return broadcast_to(reshaped(g, shape=with_ones), shape=shape)
