"""Quantiles: values below which a share of the elements lies.

Elements are sorted; a quantile that falls between two of them is found as `method` says. Source of
the definition: Hyndman and Fan, "Sample quantiles in statistical packages" (1996), type 7.
"""

from minikeras.arrays.device import device
from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import floating, floating_reduction
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, host_array
from minikeras.core import dims, dtypes
from minikeras.core.docstrings import described
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.indexing.blocks import take_along_axis
from minikeras.ops.indexing.sorting import sort
from minikeras.ops.shapes.shaping import expand_dims, moveaxis, reshape

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@op
@described(floating_reduction.texts)
def quantile(x, q, axis=None, method="linear", keepdims=False):
    """Find quantiles along axes; NaN if an element is NaN.

    Args:
        q: number from 0 to 1, or a vector of them, which makes a new first axis.
        method: `"linear"`, `"lower"`, `"higher"`, `"midpoint"` or `"nearest"`.

    Returns:
        A float tensor.

    Raises:
        ValueError: if the method is unknown or `q` has more than one axis.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.quantile([1.0, 2.0, 3.0], [0.5, 0.75]).tolist()
        [2.0, 2.5]
    """
    return _quantiles(x, q, axis, method, keepdims, skip_nan=False)


@op
@described(quantile)
def nanquantile(x, q, axis=None, method="linear", keepdims=False):
    """Find quantiles along axes of the elements that are not NaN.

    Returns:
        A float tensor; NaN where all elements are.

    Example:
        >>> import minikeras as keras
        >>> float(keras.ops.nanquantile([1.0, float("nan"), 3.0], 0.5))
        2.0
    """
    return _quantiles(x, q, axis, method, keepdims, skip_nan=True)


@op
@described(quantile)
def percentile(x, q, axis=None, method="linear", keepdims=False):
    """Find quantiles named in percent; see `quantile`.

    Args:
        q: number from 0 to 100, or a vector of them, which makes a new first axis.

    Returns:
        A float tensor.

    Example:
        >>> import minikeras as keras
        >>> float(keras.ops.percentile([1.0, 2.0, 3.0], 75))
        2.5
    """
    return quantile(x, _shares(q), axis=axis, method=method, keepdims=keepdims)


@op
@described(percentile)
def nanpercentile(x, q, axis=None, method="linear", keepdims=False):
    """Find quantiles in percent of the elements that are not NaN; see `nanquantile`.

    Returns:
        A float tensor.

    Example:
        >>> import minikeras as keras
        >>> float(keras.ops.nanpercentile([1.0, float("nan"), 3.0], 50))
        2.0
    """
    return nanquantile(x, _shares(q), axis=axis, method=method, keepdims=keepdims)


@op
@described(quantile)
def median(x, axis=None, keepdims=False):
    """Find the middle element along axes, the mean of two if there are as many on either side.

    Returns:
        A float tensor; NaN where an element is NaN.

    Example:
        >>> import minikeras as keras
        >>> float(keras.ops.median([1, 5, 2, 3]))
        2.5
    """
    return quantile(x, 0.5, axis=axis, keepdims=keepdims)


@op
@described(quantile)
def nanmedian(x, axis=None, keepdims=False):
    """Find the middle element along axes of those that are not NaN.

    Returns:
        A float tensor; NaN where all elements are.

    Example:
        >>> import minikeras as keras
        >>> float(keras.ops.nanmedian([1.0, float("nan"), 2.0]))
        1.5
    """
    return nanquantile(x, 0.5, axis=axis, keepdims=keepdims)


def _shares(percent):
    """Shares of one, worked out in main memory: they say at which places to look."""
    if isinstance(percent, Tensor):
        return percent / 100
    with device("cpu"):
        return convert_to_tensor(percent) / 100


def _quantiles(x, q, axis, method, keepdims, skip_nan):
    if method not in METHODS:
        raise ValueError(f"Invalid method: '{method}'. Expected one of {METHODS}.")
    shares = q.numpy() if isinstance(q, Tensor) else host_array(q)
    if shares.ndim > 1:
        raise ValueError(f"`q` must be a scalar or 1D. Received: q={q} with shape={shares.shape}")
    x = convert_to_tensor(x)
    x = x if dtypes.is_float(x.dtype) else cast(x, dtype=dtypes.result_type(x.dtype, "float"))
    axes = dims.normalize_axes(axis, x.ndim)
    values = _sorted_together(x, axes)
    lower, upper, fraction = _between(
        values, shares=tuple(shares.reshape(-1).tolist()), method=method, skip_nan=skip_nan
    )
    y = take_along_axis(values, lower, axis=-1)
    if method in ("linear", "midpoint"):
        above = take_along_axis(values, upper, axis=-1)
        y = where(fraction == 0, y, y * (1 - fraction) + above * fraction)
    y = y if skip_nan else where(_is_nan(values[..., -1:]), float("nan"), y)
    y = moveaxis(y, -1, 0) if shares.ndim else y[..., 0]
    places = tuple(i + shares.ndim for i in axes)
    return expand_dims(y, axis=places) if keepdims and places else y


def _is_nan(x):
    return x != x


def _sorted_together(x, axes):
    """Move some axes to the end, join them, and sort."""
    rest = [i for i in range(x.ndim) if i not in axes]
    moved = moveaxis(x, axes, tuple(range(len(rest), x.ndim)))
    return sort(reshape(moved, (*moved.shape[: len(rest)], -1)), axis=-1)


@primitive(floating)
def _between(xp, values, *, shares, method, skip_nan):
    """Where quantiles lie in sorted rows: the places below and above, and the fraction between."""
    count = values.shape[-1]
    if skip_nan:
        count = xp.maximum((~xp.isnan(values)).sum(axis=-1, keepdims=True), 1)
    else:
        count = xp.full((*values.shape[:-1], 1), count)
    last = (count - 1).astype(values.dtype)
    exact = xp.concatenate([last * values.dtype.type(share) for share in shares], axis=-1)
    exact = xp.clip(exact, 0, count - 1)
    lower, upper = xp.floor(exact), xp.ceil(exact)
    fraction = exact - lower if method == "linear" else (upper - lower) / 2
    chosen = {"higher": upper, "nearest": xp.round(exact)}.get(method, lower)
    return chosen.astype("int32"), upper.astype("int32"), fraction.astype(values.dtype)


@_between.shape_rule
def _(values, *, shares, method, skip_nan):
    shape = (*values.shape[:-1], len(shares))
    return Abstract(shape, "int32"), Abstract(shape, "int32"), Abstract(shape, values.dtype)
