"""Blocks of a tensor, cut out or written over, and indices that differ from line to line."""

import builtins

from minikeras.arrays import device
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.ops.indexing.lookup import get_item, take
from minikeras.ops.shapes.shaping import ravel

_part = builtins.slice


@op
def slice(inputs, start_indices, shape):  # the public name
    """Cut a block out of a tensor.

    Args:
        inputs: tensor of any shape and dtype.
        start_indices: an int for every axis, where the block begins; also an integer tensor.
        shape: an int for every axis, the block's size; -1 for all that is left.

    Returns:
        A tensor.

    Raises:
        ValueError: if the block does not lie inside the tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2)).tolist()
        [[2, 3], [5, 6]]
    """
    x = convert_to_tensor(inputs)
    if isinstance(start_indices, Abstract):
        return Abstract([None if count == -1 else count for count in shape], x.dtype)
    starts = _ints(start_indices)
    stops = [
        size if count == -1 else start + count
        for start, count, size in zip(starts, shape, x.shape, strict=True)
    ]
    for start, stop, size in zip(starts, stops, x.shape, strict=True):
        if isinstance(stop, int) and isinstance(size, int) and not 0 <= start <= stop <= size:
            raise ValueError(
                f"A slice of shape {tuple(shape)} that starts at {tuple(starts)} does not lie in a "
                f"tensor of shape {dims.to_public(x.shape)}."
            )
    return x[tuple(_part(start, stop) for start, stop in zip(starts, stops, strict=True))]


@op
@described(slice)
def slice_update(inputs, start_indices, updates):
    """Write a block into a copy of a tensor.

    Args:
        start_indices: an int for every axis, where the block begins; also an integer tensor. A
            block that would stick out is moved inside.
        updates: tensor of any dtype and of the rank of `inputs`, the block.

    Returns:
        A tensor of the shape and dtype of `inputs`.

    Raises:
        ValueError: if the block is larger than the tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.slice_update([1, 2, 3], [1], [7]).tolist()
        [1, 7, 3]
    """
    inputs = convert_to_tensor(inputs)
    updates = convert_to_tensor(updates, dtype=inputs.dtype)
    _check_block(inputs.shape, updates.shape)
    if isinstance(start_indices, Abstract):
        return Abstract(inputs.shape, inputs.dtype)
    key = _block(inputs.shape, updates.shape, _ints(start_indices))
    return block_written(inputs, updates, key=key)


@primitive(elementwise)
def block_written(xp, x, block, *, key):
    """A copy of `x` in which the block that `key` names is replaced."""
    whole = x.copy()
    whole[key] = block
    return whole


@block_written.vjp("x")
def _(g, key):
    return _block_cleared(g, key=key)


@block_written.vjp("block")
def _(g, key):
    return g[key]


@primitive(elementwise)
def _block_cleared(xp, x, *, key):
    """A copy of `x` in which the block that `key` names is zero."""
    whole = x.copy()
    whole[key] = 0
    return whole


@_block_cleared.vjp()
def _(g, key):
    return _block_cleared(g, key=key)


def _check_block(shape, block):
    fits = zip(shape, block, strict=False)
    if len(block) != len(shape) or any(_larger(count, size) for size, count in fits):
        raise ValueError(
            f"Updates of shape {dims.to_public(block)} do not fit into a tensor of shape "
            f"{dims.to_public(shape)}."
        )


def _larger(a, b):
    return not isinstance(a, Dim) and not isinstance(b, Dim) and a > b


def _block(shape, sizes, starts):
    """The slices of a block, moved inside where it would stick out."""
    inside = [
        min(max(start, 0), size - count) if dims.is_known((size, count)) else start
        for start, size, count in zip(starts, shape, sizes, strict=True)
    ]
    return tuple(_part(start, start + count) for start, count in zip(inside, sizes, strict=True))


def _ints(values):
    if isinstance(values, (list, tuple)):
        return [v if isinstance(v, int) else v.__index__() for v in values]
    return convert_to_tensor(values).tolist()


@op
@described(elementwise.texts)
def take_along_axis(x, indices, axis=None):
    """Take elements at places that differ from line to line.

    Args:
        indices: integer tensor of the rank of `x`, broadcast with it on the other axes; -1 is the
            last place.
        axis: int; the flattened tensor is indexed by default.

    Returns:
        A tensor of the shape of `indices`, broadcast.

    Raises:
        ValueError: if the ranks differ.
        IndexError: if an index lies outside the axis.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1).tolist()
        [[2], [3]]
    """
    x, indices = convert_to_tensor(x), convert_to_tensor(indices)
    if axis is None:
        return take(x, ravel(indices), axis=0) if x.ndim == 1 else take(ravel(x), ravel(indices))
    if x.ndim != indices.ndim:
        raise ValueError(
            "`x` and `indices` must have the same rank, but received shapes "
            f"{dims.to_public(x.shape)} and {dims.to_public(indices.shape)}."
        )
    axis = dims.normalize_axis(axis, x.ndim)
    key = [
        indices if i == axis else _all_places(indices, i, size) for i, size in enumerate(x.shape)
    ]
    return get_item(x, tuple(key))


def _all_places(indices, axis, size):
    """The numbers of all places along an axis, to be broadcast with the other indices."""
    if size == 1:
        return 0
    shape = tuple(size if i == axis else 1 for i in range(indices.ndim))
    if isinstance(indices, Abstract) or isinstance(size, Dim):
        return Abstract(shape, "int64")
    return Tensor(device.namespace(indices.data).arange(size).reshape(shape))


@primitive(elementwise)
def unravel_index(xp, indices, *, shape):
    """Turn places in a flattened tensor into indices for its axes.

    Args:
        indices: integer tensor of any shape; -1 is the last place.
        shape: tuple of ints, the sizes of the axes.

    Returns:
        A tuple with a tensor of the shape and dtype of `indices` for every axis.

    Example:
        >>> import minikeras as keras
        >>> [i.tolist() for i in keras.ops.unravel_index([1, 5], (2, 3))]
        [[0, 1], [1, 2]]
    """
    indices_by_axis = []
    for size in reversed(shape):
        indices_by_axis.append(indices % size)
        indices = indices // size
    return tuple(reversed(indices_by_axis))


@unravel_index.shape_rule
def _(indices, *, shape):
    return tuple(Abstract(indices.shape, indices.dtype) for _ in shape)
