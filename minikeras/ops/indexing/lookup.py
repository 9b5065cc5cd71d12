"""Parts of tensors: slices, look-ups, masks, and the scatters that are their gradients.

Every way of indexing comes down to two closed pairs. A basic slice (ints, slices, new axes) is a
view, and its gradient puts the parts back among zeros. Everything else is a `take` along one axis:
several index arrays are joined into one by the rule of row-major order. The gradient of `take`
adds rows at repeated places, and its gradient in turn is `take`.
"""

import numpy as np

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, as_they_are, cached, elementwise, moving, same
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.per_device import scatter_add_rows
from minikeras.ops.shapes.shaping import reshape, transpose

_WHOLE = slice(None)


@cached
def first_and_indices(names):
    """Leave the first input as it is; the others are indices, int32 unless they are integers."""
    return (
        *as_they_are(names[:1]),
        *(name if name is None or dtypes.is_integer(name) else "int32" for name in names[1:]),
    )


indexed = Family(first_and_indices, same, None)
"""A tensor and integer indices into it."""


@primitive(indexed)
def take(xp, x, indices, *, axis=None):
    """Take elements, rows or slices of a tensor at given places.

    Args:
        x: tensor of any shape and dtype.
        indices: integer tensor of any shape; -1 is the last place.
        axis: int; the flattened tensor is indexed by default.

    Returns:
        A tensor in which the shape of `indices` stands in place of the axis.

    Raises:
        IndexError: if an index is outside the axis.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.take([[1, 2], [3, 4]], [1, 0, 1], axis=0).tolist()
        [[3, 4], [1, 2], [3, 4]]
    """
    try:
        return x.take(indices, axis=axis)
    except IndexError:
        raise _out_of_range(x, indices, axis) from None


def _out_of_range(x, indices, axis):
    size = x.size if axis is None else x.shape[axis]
    wrong = indices[(indices < -size) | (indices >= size)]
    return IndexError(
        f"indices must lie in [{-size}, {size}) to take from axis {axis} of a tensor of shape "
        f"{x.shape}, but received {wrong.flat[0] if wrong.size else 'none'}."
    )


@take.vjp("x")
def _(g, indices, x_shape, axis):
    total = put(g, indices, shape=x_shape, axis=axis)
    if axis == 0:
        # Optimizers look at the rows of a look-up one by one, as Keras's do.
        total.rows = ((g.data, indices.data),)
    return total


@take.shape_rule
def _(x, indices, *, axis):
    if axis is None:
        return Abstract(indices.shape, x.dtype)
    place = dims.normalize_axis(axis, x.ndim)
    return Abstract([*x.shape[:place], *indices.shape, *x.shape[place + 1 :]], x.dtype)


@primitive(indexed)
def put(xp, x, indices, *, shape, axis):
    """Add the slices of `x` into zeros, at the places that `take` would take them from."""
    place = 0 if axis is None else dims.normalize_axis(axis, len(shape))
    size = int(np.prod(shape)) if axis is None else shape[place]
    rest = () if axis is None else shape[:place] + shape[place + 1 :]
    if place:
        x = xp.moveaxis(x, tuple(range(place, place + indices.ndim)), tuple(range(indices.ndim)))
    table = xp.zeros((size, int(np.prod(rest))), x.dtype)
    scatter_add_rows(xp, table, indices.reshape(-1), x.reshape(indices.size, table.shape[1]))
    return shape_back(xp, table, shape, place)


def shape_back(xp, table, shape, place):
    """Turn a table of rows into a tensor of `shape` whose axis `place` numbers the rows."""
    if not place:
        return table.reshape(shape)
    rest = shape[:place] + shape[place + 1 :]
    return xp.moveaxis(table.reshape(shape[place], *rest), 0, place)


@put.vjp("x")
def _(g, indices, axis):
    return take(g, indices, axis=axis)


@put.shape_rule
def _(x, indices, *, shape, axis):
    return Abstract(shape, x.dtype)


@op
@described(elementwise.texts)
def get_item(x, key):
    """Return `x[key]`.

    Args:
        key: what stands in the brackets: ints, slices, `...`, `None` for a new axis, integer arrays
            or tensors, boolean masks, or a tuple of them, with the meaning they have in NumPy.

    Returns:
        A tensor.

    Raises:
        IndexError: if an index lies outside its axis, or there are too many of them.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.convert_to_tensor([[1, 2, 3], [4, 5, 6]])
        >>> keras.ops.get_item(x, (slice(None), -1)).tolist()
        [3, 6]
        >>> x[x > 4].tolist()
        [5, 6]
    """
    x = convert_to_tensor(x)
    keys = key if type(key) is tuple else (key,)
    if all(_is_basic(k) for k in keys):
        return basic_slice(x, key=key)
    return _advanced(x, _spelled_out(keys, x.ndim))


getitem = get_item


def _is_basic(key):
    kind = type(key)
    if kind is int or kind is slice or key is None or key is Ellipsis:
        return True
    return isinstance(key, (np.integer, Dim))


@primitive(moving)
def basic_slice(xp, x, *, key):
    """The part of a tensor that ints, slices, `...` and new axes name; a view where it can be."""
    return x[key]


@basic_slice.vjp()
def _(g, x_shape, key):
    return among_zeros(g, shape=x_shape, key=key)


@basic_slice.shape_rule
def _(x, *, key):
    keys = _with_whole(key if type(key) is tuple else (key,), x.ndim)
    sizes, shape = iter(x.shape), []
    for k in keys:
        if k is None:
            shape.append(1)
        elif isinstance(k, slice):
            shape.append(_length(next(sizes), k))
        else:
            size = next(sizes)
            if isinstance(size, int) and isinstance(k, int) and not -size <= k < size:
                raise IndexError(f"Index {k} is out of range for an axis of size {size}.")
    return Abstract(shape, x.dtype)


@primitive(elementwise)
def among_zeros(xp, x, *, shape, key):
    """Zeros of a shape in which the part that `key` names is `x`."""
    whole = xp.zeros(shape, x.dtype)
    whole[key] = x
    return whole


@among_zeros.vjp()
def _(g, key):
    return basic_slice(g, key=key)


@among_zeros.shape_rule
def _(x, *, shape, key):
    return Abstract(shape, x.dtype)


def _length(size, part):
    """How many elements of an axis a slice names."""
    start, stop, step = part.start, part.stop, part.step
    if not any(isinstance(v, Dim) for v in (size, start, stop, step)):
        return len(range(*part.indices(size)))
    step = 1 if step is None else step
    if step in (1, -1) and start is None and stop is None:
        return size
    if step == 1 and _is_count(start) and (stop is None or isinstance(stop, int) and stop < 0):
        return size - ((start or 0) - (stop or 0))
    if step == 1 and start in (None, 0) and isinstance(stop, Dim):
        return stop
    return Dim(("slice", *(getattr(v, "origin", v) for v in (size, start, stop, step))))


def _is_count(start):
    return start is None or (isinstance(start, int) and start >= 0)


def _with_whole(keys, rank):
    """Write out `...`, so that every axis has its key."""
    used = sum(_axes_of(k) for k in keys)
    if used > rank:
        raise IndexError(f"Too many indices: {used} for a tensor of rank {rank}.")
    where = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(where) > 1:
        raise IndexError("An index can have only a single ellipsis ('...').")
    split_at = where[0] if where else len(keys)
    return (*keys[:split_at], *[_WHOLE] * (rank - used), *keys[split_at + 1 :])


def _axes_of(key):
    """How many axes of the tensor a key uses up."""
    if key is None or key is Ellipsis:
        return 0
    return key.ndim if _is_mask(key) else 1


def _is_mask(key):
    return getattr(key, "dtype", None) == "bool"


def _spelled_out(keys, rank):
    """One key for every axis, masks turned into index tensors, new axes kept."""
    keys = tuple(k if _is_basic(k) else _index_tensor(k) for k in keys)
    spelled = []
    for key in _with_whole(keys, rank):
        spelled.extend(nonzero(key) if _is_mask(key) else [key])
    return spelled


def _index_tensor(key):
    if isinstance(key, (bool, np.bool_)):
        raise IndexError("A single bool is no index; use a mask, or `None` for a new axis.")
    key = convert_to_tensor(key)
    if not (dtypes.is_integer(key.dtype) or key.dtype == "bool" or 0 in key.shape):
        raise IndexError(f"Tensors used as indices must be integer or bool, not {key.dtype}.")
    return key


def _advanced(x, keys):
    """Index with at least one index tensor: slice first, then look up along one joined axis."""
    chosen = [i for i, k in enumerate(keys) if k is not None and not isinstance(k, slice)]
    x = basic_slice(x, key=tuple(_WHOLE if i in chosen else k for i, k in enumerate(keys)))
    first, count = chosen[0], len(chosen)
    if chosen != list(range(first, first + count)):
        rest = [i for i in range(x.ndim) if i not in chosen]
        x, first = transpose(x, axes=(*chosen, *rest)), 0
    sizes = x.shape[first : first + count]
    if count > 1:
        joined = (*x.shape[:first], dims.product(sizes), *x.shape[first + count :])
        x = reshape(x, joined)
    indices = [keys[i] for i in chosen]
    return take(x, indices[0] if count == 1 else _joined(indices, sizes), axis=first)


def _joined(indices, sizes):
    """One index for several axes, a shape alone where a size is not known yet."""
    if dims.is_known(sizes):
        return _joined_index(indices, sizes=sizes)
    shapes = [() if isinstance(index, int) else index.shape for index in indices]
    return Abstract(dims.broadcast(*shapes), "int64")


joined_index_family = Family(as_they_are, lambda _d, _s: "int64", None)


@primitive(joined_index_family, variadic=True)
def _joined_index(xp, *indices, sizes):
    """The places, in row-major order, of elements that have one index for every axis."""
    places = 0
    for axis, (index, size) in enumerate(zip(indices, sizes, strict=True)):
        index = index.astype("int64")
        # Asking a GPU would make every look-up wait for it; there a wrong index wraps around.
        if xp is np and ((index < -size) | (index >= size)).any():
            raise IndexError(f"An index lies outside [{-size}, {size}) on indexed axis {axis}.")
        places = places * size + xp.where(index < 0, index + size, index)
    return places


@_joined_index.shape_rule
def _(indices, *, sizes):
    return Abstract(dims.broadcast(*(index.shape for index in indices)), "int64")


@primitive(elementwise)
def nonzero(xp, x):
    """The places of the elements that are not zero.

    Args:
        x: tensor of rank 1 or more, of any dtype.

    Returns:
        A tuple with one int32 tensor for every axis, in row-major order of the elements.

    Example:
        >>> import minikeras as keras
        >>> [i.tolist() for i in keras.ops.nonzero([[0, 3], [4, 0]])]
        [[0, 1], [1, 0]]
    """
    return tuple([places.astype("int32") for places in xp.nonzero(x)])


@nonzero.shape_rule
def _(x):
    count = Dim()
    return tuple(Abstract((count,), "int32") for _ in x.shape)
