"""Shape without arithmetic: the same elements in other shapes and orders, joined and parted.

Every gradient here is the op that puts the elements back in their places. Shapes may hold
unknown sizes; a reshape divides them out where it can, so that `(n, 3, 4)` as `(-1, 12)` is
`(n, 12)`.
"""

from minikeras.autograd.base_ops import broadcast_to, reshaped
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, elementwise, moving, same, to_common
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.docstrings import described
from minikeras.core.work import spend
from minikeras.ops.shapes.sizes import known_of, may_agree, resolved_shape

__all__ = [
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "moveaxis",
    "ravel",
    "reshape",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "transpose",
]

joining = Family(to_common, same, None)
"""Inputs of one dtype whose shape rule every op brings itself."""


@primitive(moving)
def reshape(xp, x, *, newshape):
    """Give a tensor another shape with the same number of elements, in row-major order.

    Args:
        newshape: int or tuple of ints; at most one may be -1, which stands for what is left.

    Returns:
        A tensor of shape `newshape`.

    Raises:
        ValueError: if the numbers of elements differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.reshape([1, 2, 3, 4], (2, -1)).tolist()
        [[1, 2], [3, 4]]
    """
    return x.reshape(newshape)


@reshape.vjp()
def _(g, x_shape):
    return reshaped(g, shape=x_shape)


@reshape.shape_rule
def _(x, *, newshape):
    return Abstract(resolved_shape(x.shape, newshape), x.dtype)


@op
@described(elementwise.texts)
def ravel(x):
    """Flatten a tensor to one axis, in row-major order.

    Returns:
        A tensor of rank 1.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.ravel([[1, 2], [3, 4]]).tolist()
        [1, 2, 3, 4]
    """
    return reshape(x, (-1,))


@primitive(moving)
def transpose(xp, x, *, axes=None):
    """Reorder the axes of a tensor.

    Args:
        axes: tuple of ints or None, for every axis of the result, the axis of `x` that goes there;
            reversed by default.

    Returns:
        A tensor.

    Raises:
        ValueError: if `axes` is no permutation of the axes.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.transpose([[1, 2], [3, 4]]).tolist()
        [[1, 3], [2, 4]]
    """
    return x.transpose(axes)


@transpose.vjp()
def _(g, axes):
    return transpose(g, axes=axes if axes is None else _inverse(axes))


@transpose.shape_rule
def _(x, *, axes):
    rank = x.ndim
    axes = tuple(range(rank))[::-1] if axes is None else tuple(axes)
    order = dims.normalize_axes(axes, rank)
    if len(order) != rank:
        raise ValueError(
            "axes must be a permutation of the axes of `x`. Received: "
            f"x.shape={dims.to_public(x.shape)}, axes={axes}"
        )
    return Abstract([x.shape[axis] for axis in order], x.dtype)


def _inverse(axes):
    order = dims.normalize_axes(tuple(axes), len(axes))
    return tuple(sorted(range(len(order)), key=order.__getitem__))


@op
@described(elementwise.texts)
def swapaxes(x, axis1, axis2):
    """Exchange two axes.

    Args:
        axis1: int.
        axis2: int.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.swapaxes(keras.ops.zeros((2, 3, 4)), 0, -1).shape
        (4, 3, 2)
    """
    x = convert_to_tensor(x)
    order = list(range(x.ndim))
    a, b = dims.normalize_axis(axis1, x.ndim), dims.normalize_axis(axis2, x.ndim)
    order[a], order[b] = order[b], order[a]
    return transpose(x, axes=tuple(order))


@op
@described(elementwise.texts)
def moveaxis(x, source, destination):
    """Move axes to new places; the others keep their order.

    Args:
        source: int or tuple of ints.
        destination: int or tuple of as many ints.

    Returns:
        A tensor.

    Raises:
        ValueError: if the numbers of axes differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.moveaxis(keras.ops.zeros((2, 3, 4)), 0, -1).shape
        (3, 4, 2)
    """
    x = convert_to_tensor(x)
    source = dims.normalize_axes(source, x.ndim)
    destination = dims.normalize_axes(destination, x.ndim)
    if len(source) != len(destination):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements, but "
            f"received source={source} and destination={destination}"
        )
    order = [axis for axis in range(x.ndim) if axis not in source]
    for place, axis in sorted(zip(destination, source, strict=True)):
        order.insert(place, axis)
    return transpose(x, axes=tuple(order))


@primitive(moving)
def squeeze(xp, x, *, axis=None):
    """Drop axes of size 1.

    Args:
        axis: int or tuple of ints; all axes of size 1 by default.

    Returns:
        A tensor.

    Raises:
        ValueError: if a named axis has another size.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.squeeze(keras.ops.zeros((1, 3, 1)), axis=0).shape
        (3, 1)
    """
    return xp.squeeze(x, tuple(axis) if isinstance(axis, list) else axis)


@squeeze.vjp()
def _(g, x_shape):
    return reshaped(g, shape=x_shape)


@squeeze.shape_rule
def _(x, *, axis):
    if axis is None:
        return Abstract([size for size in x.shape if size != 1], x.dtype)
    axes = dims.normalize_axes(axis, x.ndim)
    if any(isinstance(x.shape[i], int) and x.shape[i] != 1 for i in axes):
        raise ValueError(
            f"`squeeze` takes away axes of size 1 alone. Received: axis={axis} for "
            f"x.shape={dims.to_public(x.shape)}"
        )
    return Abstract([size for i, size in enumerate(x.shape) if i not in axes], x.dtype)


@primitive(moving)
def expand_dims(xp, x, *, axis):
    """Insert axes of size 1.

    Args:
        axis: int or tuple of ints, places in the result.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.expand_dims(keras.ops.zeros((2, 3)), axis=(0, -1)).shape
        (1, 2, 3, 1)
    """
    return x.reshape(_expanded(x.shape, axis))


@expand_dims.vjp()
def _(g, x_shape):
    return reshaped(g, shape=x_shape)


@expand_dims.shape_rule
def _(x, *, axis):
    return Abstract(_expanded(x.shape, axis), x.dtype)


def _expanded(shape, axis):
    added = axis if isinstance(axis, (tuple, list)) else (axis,)
    rank = len(shape) + len(added)
    places = dims.normalize_axes(tuple(added), rank)
    sizes = iter(shape)
    return tuple([1 if i in places else next(sizes) for i in range(rank)])


@primitive(joining, variadic=True)
def concatenate(xp, *xs, axis=0):
    """Join tensors along an axis that they all have.

    Args:
        xs: list of tensors of any dtype, whose shapes agree but along the axis.
        axis: int, the axis along which they are joined.

    Returns:
        A tensor of the promoted (common) dtype of the inputs.

    Raises:
        ValueError: if the other sizes differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.concatenate([[[1], [2]], [[3], [4]]], axis=1).tolist()
        [[1, 3], [2, 4]]
    """
    return xp.concatenate(xs, axis=axis)


@concatenate.vjp_all
def _(g, xs_shape, axis, needs):
    front = (slice(None),) * dims.normalize_axis(axis, g.ndim)
    gradients, start = [], 0
    for shape, needed in zip(xs_shape, needs, strict=True):
        stop = start + shape[len(front)]
        gradients.append(g[(*front, slice(start, stop))] if needed else None)
        start = stop
    return gradients


@concatenate.shape_rule
def _(xs, *, axis):
    place = dims.normalize_axis(axis, xs[0].ndim)
    shapes = [x.shape for x in xs]
    rests = [shape[:place] + shape[place + 1 :] for shape in shapes]
    if any(not may_agree(rest, rests[0]) for rest in rests):
        raise ValueError(
            f"The tensors to be joined must have equal sizes along all axes but {axis}. Received: "
            f"shapes {[dims.to_public(shape) for shape in shapes]}"
        )
    rest = [known_of(sizes) for sizes in zip(*rests, strict=True)]
    total = sum([shape[place] for shape in shapes[1:]], shapes[0][place])
    return Abstract([*rest[:place], total, *rest[place:]], xs[0].dtype)


@primitive(joining, variadic=True)
def stack(xp, *x, axis=0):
    """Join tensors of one shape along a new axis.

    Args:
        x: list of tensors.
        axis: int, the place of the new axis in the result.

    Returns:
        A tensor of the promoted (common) dtype of the inputs.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.stack([[1, 2], [3, 4]], axis=1).tolist()
        [[1, 3], [2, 4]]
    """
    return xp.stack(x, axis=axis)


@stack.vjp_all
def _(g, axis, needs):
    front = (slice(None),) * dims.normalize_axis(axis, g.ndim)
    return [g[(*front, i)] if needed else None for i, needed in enumerate(needs)]


@stack.shape_rule
def _(x, *, axis):
    if any(not may_agree(each.shape, x[0].shape) for each in x):
        raise ValueError(
            "The tensors to be stacked must have one shape. Received: shapes "
            f"{[dims.to_public(each.shape) for each in x]}"
        )
    place = dims.normalize_axis(axis, x[0].ndim + 1)
    shape = [known_of(sizes) for sizes in zip(*(each.shape for each in x), strict=True)]
    return Abstract([*shape[:place], len(x), *shape[place:]], x[0].dtype)


@op
def split(x, indices_or_sections, axis=0):
    """Part a tensor along an axis.

    Args:
        x: tensor of rank 1 or more, of any dtype.
        indices_or_sections: the number of equal parts, or a list of the places to cut at.
        axis: int, the axis that is cut.

    Returns:
        A list of tensors.

    Raises:
        ValueError: if the axis cannot be cut into so many equal parts.

    Example:
        >>> import minikeras as keras
        >>> [part.tolist() for part in keras.ops.split([1, 2, 3, 4], 2)]
        [[1, 2], [3, 4]]
        >>> [part.tolist() for part in keras.ops.split([1, 2, 3, 4], [1])]
        [[1], [2, 3, 4]]
    """
    x = convert_to_tensor(x)
    axis = dims.normalize_axis(axis, x.ndim)
    size = x.shape[axis]
    if isinstance(indices_or_sections, int):
        if isinstance(size, int) and size % indices_or_sections:
            raise ValueError(
                f"The size of axis {axis} must be a multiple of the number of parts; for unequal "
                "parts give the indices at which to cut, or use `array_split`. Received: size "
                f"{size}, indices_or_sections={indices_or_sections}"
            )
        step = size // indices_or_sections
        spend(indices_or_sections)
        cuts = [step * i for i in range(1, indices_or_sections)]
    else:
        cuts = list(indices_or_sections)
    return parts(x, cuts, axis)


def parts(x, cuts, axis):
    """Return the pieces of `x` between the places in `cuts`."""
    front = (slice(None),) * axis
    edges = zip([None, *cuts], [*cuts, None], strict=True)
    return [x[(*front, slice(start, stop))] for start, stop in edges]
