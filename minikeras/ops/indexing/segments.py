"""Sums, products and extremes of rows that share a number: their segment.

Equal extremes share their gradient. The gradient of a product where elements are zero follows from
the product of the others.
"""

import numpy as np

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, values_of
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.per_device import reduce_rows
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.elementwise.extremes import maximum
from minikeras.ops.indexing.lookup import indexed, put, take
from minikeras.ops.shapes.shaping import reshape


@op
def segment_sum(data, segment_ids, num_segments=None, sorted=False):
    """Sum the rows of every segment.

    Args:
        data: tensor `(count, ...)` of any dtype.
        segment_ids: integer tensor `(count,)`, the number of every row's segment; rows with a
            negative one are left out.
        num_segments: int; one more than the largest number by default.
        sorted: bool, whether the numbers rise; it's checked, and changes nothing else here.

    Returns:
        A tensor `(num_segments, ...)`; 0 for an empty segment.

    Raises:
        ValueError: if `segment_ids` is no vector of the length of `data`, or does not rise.
        IndexError: if a number is too large.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.segment_sum([1, 2, 3], [0, 2, 0]).tolist()
        [4, 0, 2]
    """
    data, ids, count = _checked(data, segment_ids, num_segments, sorted)
    counts = reshape(ids >= 0, (-1, *(1,) * (data.ndim - 1)))
    rows = where(counts, data, 0)
    return put(rows, maximum(ids, 0), shape=(count, *data.shape[1:]), axis=0)


@op
@described(segment_sum)
def segment_max(data, segment_ids, num_segments=None, sorted=False):
    """Find the largest value of every segment.

    Args:
        sorted: bool, whether the numbers rise, which is checked.

    Returns:
        A tensor `(num_segments, ...)`; for an empty segment the dtype's lowest value, or 0 if
        `sorted`.

    Raises:
        ValueError: if `segment_ids` is no vector of the length of `data`, or does not rise.
        IndexError: if a number is too large.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.segment_max([1, 2, 3], [0, 1, 0]).tolist()
        [3, 2]
    """
    return _extreme(data, segment_ids, num_segments, sorted, largest=True)


@op
@described(segment_max)
def segment_min(data, segment_ids, num_segments=None, sorted=False):
    """Find the smallest value of every segment.

    Returns:
        A tensor `(num_segments, ...)`; for an empty segment the dtype's highest value, or 0 if
        `sorted`.

    Raises:
        ValueError: if `segment_ids` is no vector of the length of `data`, or does not rise.
        IndexError: if a number is too large.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.segment_min([1, 2, 3], [0, 1, 0]).tolist()
        [1, 2]
    """
    return _extreme(data, segment_ids, num_segments, sorted, largest=False)


def _extreme(data, segment_ids, num_segments, sorted, largest):
    data, segment_ids, count = _counted(data, segment_ids, num_segments, sorted)
    empty = 0 if sorted else None
    return segment_extremes(data, segment_ids, count=count, largest=largest, empty=empty)


@op
@described(segment_sum)
def segment_prod(data, segment_ids, num_segments=None, sorted=False):
    """Multiply the rows of every segment.

    Returns:
        A tensor `(num_segments, ...)`; 1 for an empty segment.

    Raises:
        ValueError: if `segment_ids` is no vector of the length of `data`, or does not rise.
        IndexError: if a number is too large.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.segment_prod([1, 2, 3], [0, 1, 0]).tolist()
        [3, 2]
    """
    data, segment_ids, count = _counted(data, segment_ids, num_segments, sorted)
    return segment_products(data, segment_ids, count=count)


def _checked(data, segment_ids, num_segments, rising):
    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    if ids.ndim != 1:
        raise ValueError(
            "`segment_ids` must have one axis, with the segment of each row of `data`. Received: "
            f"segment_ids.shape={dims.to_public(ids.shape)}"
        )
    if dims.is_known((*data.shape[:1], *ids.shape)) and data.shape[:1] != ids.shape:
        raise ValueError(
            f"`segment_ids` must name a segment for each row of `data`. Received: {ids.shape[0]} "
            f"segment_ids for data.shape={dims.to_public(data.shape)}"
        )
    return data, ids, _count(ids, num_segments, rising)


def _counted(data, segment_ids, num_segments, rising):
    """The same, without the rows that are left out."""
    data, ids, count = _checked(data, segment_ids, num_segments, rising)
    if isinstance(ids, Tensor) and (values_of(ids) < 0).any():
        data, ids = data[ids >= 0], ids[ids >= 0]
    return data, ids, count


def _count(ids, num_segments, rising):
    """The number of segments, a Dim where the numbers are not known."""
    if isinstance(ids, Abstract):
        return Dim() if num_segments is None else num_segments
    if rising and (values_of(ids)[1:] < values_of(ids)[:-1]).any():
        raise ValueError("The segment ids are not increasing, though `sorted` is True.")
    if num_segments is not None:
        return num_segments
    return int(values_of(ids).max()) + 1 if ids.size else 0


@primitive(indexed)
def segment_extremes(xp, x, ids, *, count, largest, empty):
    """The largest (or smallest) rows of segments, element by element."""
    _refuse_outside(xp, ids, count)
    if empty is None:
        info = xp.finfo(x.dtype) if x.dtype.kind == "f" else xp.iinfo(x.dtype)
        empty = info.min if largest else info.max
    y = xp.full((count, *x.shape[1:]), empty, x.dtype)
    return reduce_rows(xp, xp.maximum if largest else xp.minimum, y, ids, x)


@segment_extremes.vjp("x")
def _(g, x, ids, y):
    chosen = cast(x == take(y, ids, axis=0), dtype=x.dtype)
    shared = take(put(chosen, ids, shape=y.shape, axis=0), ids, axis=0)
    return chosen * take(g, ids, axis=0) / where(shared == 0, 1, shared)


@primitive(indexed)
def segment_products(xp, x, ids, *, count):
    """The products of the rows of segments, element by element."""
    _refuse_outside(xp, ids, count)
    y = xp.ones((count, *x.shape[1:]), x.dtype)
    return reduce_rows(xp, xp.multiply, y, ids, x)


@segment_products.vjp("x")
def _(g, x, ids, y):
    is_zero = x == 0
    zeros = take(put(cast(is_zero, dtype=x.dtype), ids, shape=y.shape, axis=0), ids, axis=0)
    others = where(is_zero, 1, x)
    nonzero = take(segment_products(others, ids, count=y.shape[0]), ids, axis=0)
    rest = where(is_zero, nonzero, take(y, ids, axis=0) / others)
    return where(zeros > 1, 0, take(g, ids, axis=0)) * rest


@segment_extremes.shape_rule
def _(x, ids, *, count, largest, empty):
    return Abstract((count, *x.shape[1:]), x.dtype)


@segment_products.shape_rule
def _(x, ids, *, count):
    return Abstract((count, *x.shape[1:]), x.dtype)


def _refuse_outside(xp, ids, count):
    """Raise for a number without a segment; a GPU, which would have to be waited for, wraps it."""
    if xp is np and ids.size and (ids.min() < 0 or ids.max() >= count):
        raise IndexError(f"The segment ids must lie in [0, {count}).")
