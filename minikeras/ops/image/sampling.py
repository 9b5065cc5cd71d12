"""The values of images, or of tensors of any rank, between their elements and beyond their ends."""

import functools
import itertools
import operator

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes
from minikeras.core.checks import one_of
from minikeras.core.docstrings import described
from minikeras.ops.creation.filled import arange
from minikeras.ops.elementwise.arithmetic import absolute
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.elementwise.division import mod
from minikeras.ops.elementwise.extremes import clip, minimum
from minikeras.ops.elementwise.rounding import floor, round
from minikeras.ops.image.layout import IMAGES
from minikeras.ops.image.lookups import weighted_rows
from minikeras.ops.indexing.lookup import take
from minikeras.ops.reductions.sums import sum as sum_
from minikeras.ops.shapes.shaping import expand_dims, reshape, stack

FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


@op
@described(IMAGES)
def map_coordinates(inputs, coordinates, order, fill_mode="constant", fill_value=0):
    """Look up a tensor at places between its elements.

    Args:
        inputs: tensor of any shape and dtype.
        coordinates: tensor `(rank of inputs, ...)`: for each axis of `inputs` the places along it.
        order: 0 for the nearest element, 1 for linear interpolation between the elements around.
        fill_mode: what continues `inputs` beyond the ends of an axis `a b c d`: `"constant"`
            (`k k k k | a b c d | k k k k`), `"nearest"` (`a a a a | a b c d | d d d d`), `"wrap"`
            (`a b c d | a b c d | a b c d`), `"mirror"` (`c d c b | a b c d | c b a b`) or
            `"reflect"` (`d c b a | a b c d | d c b a`).
        fill_value: number, the `k` of the mode `"constant"`.

    Returns:
        A tensor of the dtype of `inputs` with a value for each place; integers are rounded.
        Gradients reach `inputs` and, for order 1, `coordinates`.

    Raises:
        ValueError: if there are not as many coordinates as axes, or the mode is unknown.
        NotImplementedError: if the order is another one.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.convert_to_tensor([[0.0, 1.0], [2.0, 3.0]])
        >>> keras.ops.image.map_coordinates(x, [[0.5, 1.0], [0.5, 0.25]], order=1).tolist()
        [1.5, 2.25]
    """
    x, places = convert_to_tensor(inputs), convert_to_tensor(coordinates)
    _check_places(x, places)
    one_of("fill_mode", fill_mode, FILL_MODES)
    if order not in (0, 1):
        raise NotImplementedError(f"`order` must be 0 or 1. Received: order={order}")
    if isinstance(x, Abstract) or isinstance(places, Abstract):
        return Abstract(places.shape[1:], x.dtype)
    wide = dtypes.result_type(places.dtype, "float32") if order else x.dtype
    if dtypes.is_float(x.dtype):
        wide = dtypes.result_type(x.dtype, wide)
    table = reshape(cast(x, dtype=wide), (1, *x.shape, 1))
    y = sampled(table, list(places[:, None]), order, fill_mode, fill_value)[0, ..., 0]
    return cast(y if dtypes.is_float(x.dtype) else round(y), dtype=x.dtype)


def _check_places(x, places):
    if places.ndim < 2:
        raise ValueError(
            "Invalid coordinates rank: expected at least rank 2. "
            f"Received: coordinates.shape={dims.to_public(places.shape)}"
        )
    if places.shape[0] != x.ndim:
        raise ValueError(
            "The first size of `coordinates` must be the rank of `inputs`. Received: "
            f"inputs.shape={dims.to_public(x.shape)}, "
            f"coordinates.shape={dims.to_public(places.shape)}"
        )


def sampled(x, coordinates, order, fill_mode, fill_value):
    """Look up the images of a batch at places of their own.

    Each place has nodes, the elements around it, with their shares: along an axis the node at
    `floor(c)` has the share `1 - (c - floor(c))`, the next one `c - floor(c)`; the share of an
    element is the product over the axes.

    Args:
        x: tensor `(batch, *sizes, channels)`; floats unless the order is 0.
        coordinates: for each size a tensor `(batch, *places)`, or `(1, *places)` for all images.
        order: 0 or 1.
        fill_mode: as for `map_coordinates`.
        fill_value: number.

    Returns:
        A tensor `(batch, *places, channels)` of the dtype of `x`.
    """
    batch, *sizes, channels = x.shape
    places = coordinates[0].shape[1:]
    axes = [
        [(*_FIXES[fill_mode](node, size), share) for node, share in _nodes(c, order)]
        for c, size in zip(coordinates, sizes, strict=True)
    ]
    nodes = [zip(*parts, strict=True) for parts in itertools.product(*axes)]
    index, inside, shares = zip(
        *[(_row_major(i, sizes), _joined(v, operator.and_), s) for i, v, s in nodes], strict=True
    )
    table = reshape(x, (batch, dims.product(sizes), channels))
    shape = (batch, *places, channels)
    if order:
        shares = [_joined(s, operator.mul) for s in shares]
        return reshape(_mixed(table, index, inside, shares, fill_value), shape)
    flat = (len(index[0]), dims.product(places))
    inside = None if inside[0] is None else reshape(inside[0], flat)
    return reshape(picked(table, reshape(index[0], flat), inside, fill_value), shape)


def _row_major(places, sizes):
    """One index for several axes."""
    return functools.reduce(
        lambda flat, pair: flat * pair[0] + pair[1],
        zip(sizes[1:], places[1:], strict=True),
        places[0],
    )


def _joined(parts, combine):
    """The parts of all axes as one, None if there are none."""
    return None if parts[0] is None else functools.reduce(combine, parts)


def picked(table, index, inside, fill_value):
    """Take one row of each table for each place.

    Args:
        table: tensor `(batch, rows, channels)`.
        index: int32 tensor `(batch or 1, places)`.
        inside: bool tensor of the same shape: where it is False, the fill value stands; or None.
        fill_value: number.

    Returns:
        A tensor `(batch, places, channels)`.
    """
    batch, rows, channels = table.shape
    if len(index) == 1:
        values = take(table, index[0], axis=1)
    else:
        starts = reshape(arange(batch, dtype="int32") * rows, (batch, 1))
        values = take(reshape(table, (batch * rows, channels)), index + starts, axis=0)
    if inside is None:
        return values
    return where(expand_dims(inside, axis=-1), values, cast(fill_value, dtype=table.dtype))


def _mixed(table, index, inside, shares, fill_value):
    """The sums of rows of each table, weighted by their shares."""
    count = (len(index), index[0].shape[0], dims.product(index[0].shape[1:]))
    index, weights = reshape(stack(index), count), reshape(stack(shares), count)
    weights = cast(weights, dtype=table.dtype)
    if inside[0] is None:
        return weighted_rows(table, weights, index)
    valid = reshape(stack(inside), count)
    y = weighted_rows(table, where(valid, weights, 0), index)
    if isinstance(fill_value, (int, float)) and not fill_value:
        return y
    outside = expand_dims(sum_(where(valid, 0, weights), axis=0), axis=-1)
    return y + where(outside > 0, outside * fill_value, 0)


def _nodes(coordinate, order):
    """The integer places around coordinates along an axis, and their shares."""
    if not order:
        return [(cast(round(coordinate), dtype="int32"), None)]
    below = floor(coordinate)
    place, share = cast(below, dtype="int32"), coordinate - below
    return [(place, 1 - share), (place + 1, share)]


def _constant(node, size):
    return clip(node, 0, size - 1), (node >= 0) & (node < size)


def _nearest(node, size):
    return clip(node, 0, size - 1), None


def _wrap(node, size):
    return mod(node, size), None


def _mirror(node, size):
    half = max(size - 1, 1)
    return (absolute(mod(node + half, 2 * half) - half) if size > 1 else node * 0), None


def _reflect(node, size):
    within = mod(node, 2 * size)
    return minimum(within, 2 * size - 1 - within), None


_FIXES = {
    "constant": _constant,
    "nearest": _nearest,
    "wrap": _wrap,
    "mirror": _mirror,
    "reflect": _reflect,
}
"""Functions `(node, size)` that return a place on an axis, and whether the node lies on it."""
