"""Writing into tensors at given places.

The places are rows of indices; they are joined into one index by row-major order, and the tensor is
a table whose rows are written. At places that repeat, every value replaced gets the gradient of the
place, as in the reference implementation.
"""

import numpy as np

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, cached, elementwise, same
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.checks import one_of
from minikeras.ops.indexing.lookup import indexed, put, take
from minikeras.ops.indexing.segments import segment_extremes, segment_products
from minikeras.ops.shapes.shaping import concatenate, reshape


@cached
def _to_table(names):
    return names[0], names[0], "int64"


_written_rows = Family(_to_table, same, None)


@op
def scatter(indices, values, shape):
    """Add values into zeros at given places.

    Args:
        indices: integer tensor `(count, k)`; every row names a place on the first `k` axes.
        values: tensor of any dtype, `(count, ...)` of what to add; the last axes are those of
            `shape` after `k`.
        shape: tuple of ints, that of the result.

    Returns:
        A tensor of `shape` and the dtype of `values`.

    Raises:
        IndexError: if a place lies outside `shape`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.scatter([[0], [2], [0]], [1, 2, 3], (3,)).tolist()
        [4, 0, 2]
    """
    values, indices = convert_to_tensor(values), convert_to_tensor(indices)
    depth = indices.shape[-1]
    rows = dims.product(shape[:depth])
    table = put(
        reshape(values, (-1, *shape[depth:])),
        _places(indices, tuple(shape[:depth])),
        shape=(rows, *shape[depth:]),
        axis=0,
    )
    return reshape(table, tuple(shape))


@op
def scatter_update(inputs, indices, updates, reduction=None):
    """Write values into a copy of a tensor at given places.

    Args:
        inputs: tensor of any shape and dtype.
        indices: integer tensor `(..., k)`; every row names a place on the first `k` axes.
        updates: tensor or array-like, cast to the dtype of `inputs`, of shape `(count, ...)`: a
            value for every row of `indices`.
        reduction: how a value is combined with what is there: None replaces it (the last one wins
            at places that repeat), `"add"`, `"mul"`, `"max"` or `"min"` combine them.

    Returns:
        A tensor of the shape and dtype of `inputs`.

    Raises:
        ValueError: if the reduction is unknown.
        IndexError: if a place lies outside the tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.scatter_update([1, 2, 3], [[0], [2]], [7, 8]).tolist()
        [7, 2, 8]
        >>> keras.ops.scatter_update([1, 2, 3], [[0], [0]], [7, 8], reduction="add").tolist()
        [16, 2, 3]
    """
    one_of("reduction", reduction, (None, "add", "max", "min", "mul"))
    inputs, indices = convert_to_tensor(inputs), convert_to_tensor(indices)
    updates = convert_to_tensor(updates, dtype=inputs.dtype)
    depth = indices.shape[-1]
    front, rest = inputs.shape[:depth], inputs.shape[depth:]
    table = reshape(inputs, (dims.product(front), *rest))
    places = _places(indices, front)
    rows = reshape(updates, (-1, *rest))
    return reshape(_written(table, rows, places, reduction), inputs.shape)


def _written(table, rows, places, reduction):
    count = table.shape[0]
    if reduction == "add":
        return table + put(rows, places, shape=table.shape, axis=0)
    if reduction == "mul":
        return table * segment_products(rows, places, count=count)
    if reduction is None:
        return overwritten(table, rows, places)
    # The table's own rows take part, each in the segment of its own number.
    both = concatenate([table, rows], axis=0)
    numbers = concatenate([_row_numbers(table), places], axis=0)
    return segment_extremes(both, numbers, count=count, largest=reduction == "max", empty=None)


@primitive(elementwise)
def _row_numbers(xp, table):
    return xp.arange(len(table))


@_row_numbers.shape_rule
def _(table):
    return Abstract(table.shape[:1], "int64")


def _places(indices, sizes):
    """One index for several axes, a shape alone where a size is not known yet."""
    if dims.is_known(sizes):
        return _flat_places(indices, sizes=sizes)
    return Abstract((dims.product(indices.shape[:-1]),), "int64")


@primitive(elementwise)
def _flat_places(xp, indices, *, sizes):
    """Join rows of indices `(..., k)` into places `(count,)` by row-major order."""
    rows = indices.reshape(-1, indices.shape[-1]).astype("int64")
    if xp is np:  # a GPU would have to be waited for; there a wrong index wraps around
        _refuse_outside(rows, sizes)
    places = xp.zeros(len(rows), "int64")
    for axis, size in enumerate(sizes):
        places *= size
        places += rows[:, axis]
    return places


def _refuse_outside(rows, sizes):
    wrong = ((rows < 0) | (rows >= np.asarray(sizes))).any(axis=-1)
    if wrong.any():
        raise IndexError(f"The index {rows[wrong][0].tolist()} lies outside a shape {sizes}.")


@_flat_places.shape_rule
def _(indices, *, sizes):
    return Abstract((dims.product(indices.shape[:-1]),), "int64")


@primitive(_written_rows)
def overwritten(xp, table, rows, places):
    """The table with some rows replaced; of rows for one place the last one wins."""
    whole = table.copy()
    whole[places] = rows
    return whole


@overwritten.vjp("table")
def _(g, places):
    return _cleared(g, places)


@overwritten.vjp("rows")
def _(g, places):
    return take(g, places, axis=0)


@primitive(indexed)
def _cleared(xp, table, places):
    """The table with zeros in some rows."""
    whole = table.copy()
    whole[places] = 0
    return whole


@_cleared.vjp("table")
def _(g, places):
    return _cleared(g, places)


@overwritten.shape_rule
def _(table, rows, places):
    return Abstract(table.shape, table.dtype)


@_cleared.shape_rule
def _(table, places):
    return Abstract(table.shape, table.dtype)
