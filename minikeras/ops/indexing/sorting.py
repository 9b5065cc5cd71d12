"""Order: sorting, the largest elements, and which elements occur."""

from typing import NamedTuple

from minikeras.arrays import device
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, cached, elementwise, shape_along
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, values_of
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.ops.indexing.blocks import take_along_axis
from minikeras.ops.shapes.shaping import ravel

_places = elementwise.giving("int32").shaped(shape_along)


@op
def sort(x, axis=-1):
    """Sort a tensor along an axis, NaN last.

    Args:
        x: tensor of rank 1 or more, of any dtype.
        axis: int, the axis along which to sort; None sorts the flattened tensor.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sort([3, 1, 2]).tolist()
        [1, 2, 3]
    """
    x = ravel(x) if axis is None else convert_to_tensor(x)
    axis = -1 if axis is None else axis
    return take_along_axis(x, order_along(x, axis=axis), axis=axis)


@op
@described(elementwise.texts)
def argsort(x, axis=-1):
    """Find the places that would sort a tensor along an axis; equal elements keep their order.

    Args:
        axis: int; None sorts the flattened tensor.

    Returns:
        An int32 tensor of the shape of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.argsort([3, 1, 2]).tolist()
        [1, 2, 0]
    """
    x = convert_to_tensor(x)
    flat = axis is None or not x.ndim
    return order_along(ravel(x), axis=-1) if flat else order_along(x, axis=axis)


@primitive(_places)
def order_along(xp, x, *, axis):
    """The places that sort along an axis, found by a stable sort."""
    return xp.argsort(x, axis=axis, kind="stable").astype("int32")


@primitive(_places)
def argpartition(xp, x, *, kth, axis=-1):
    """Find places that put the `kth` smallest element in its place, smaller ones before it.

    Args:
        kth: int, the place in the order of the elements.
        axis: int, the axis along which elements are compared.

    Returns:
        An int32 tensor of the shape of `x`: the smallest elements in order, then the others as
        they stand.

    Raises:
        ValueError: if `kth` lies outside the axis.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.argpartition([3, 1, 2, 0], 1).tolist()
        [3, 1, 0, 2]
    """
    first = dims.normalize_axis(kth, x.shape[dims.normalize_axis(axis, x.ndim)]) + 1
    order = xp.moveaxis(xp.argsort(x, axis=axis, kind="stable"), axis, -1)
    parted = xp.concatenate([order[..., :first], xp.sort(order[..., first:], axis=-1)], axis=-1)
    return xp.moveaxis(parted, -1, axis).astype("int32")


class TopK(NamedTuple):
    """The largest elements and their places.

    Args:
        values: tensor `(..., k)`.
        indices: int32 tensor `(..., k)`.
    """

    values: object
    indices: object


@op
def top_k(x, k, sorted=True):
    """Find the `k` largest elements along the last axis, the largest first.

    Args:
        x: tensor `(..., n)` of any dtype.
        k: int.
        sorted: bool, whether the order matters; they come in falling order either way.

    Returns:
        A named tuple of `values` and int32 `indices`, each `(..., k)`; of equal elements the first
        one comes first.

    Raises:
        ValueError: if the axis has fewer than `k` elements.

    Example:
        >>> import minikeras as keras
        >>> values, indices = keras.ops.top_k([1, 3, 2], 2)
        >>> values.tolist(), indices.tolist()
        ([3, 2], [1, 2])
    """
    x = convert_to_tensor(x)
    indices = _largest_places(x, k=k)
    return TopK(take_along_axis(x, indices, axis=-1), indices)


@primitive(_places)
def _largest_places(xp, x, *, k):
    """The places of the `k` largest: a stable sort of the reversed axis, read from its end."""
    _check_count(x.shape, k)
    last = x.shape[-1] - 1
    rising = xp.argsort(x[..., ::-1], axis=-1, kind="stable")
    return (last - rising[..., ::-1][..., :k]).astype("int32")


@_largest_places.shape_rule
def _(x, *, k):
    _check_count(x.shape, k)
    return Abstract((*x.shape[:-1], k), "int32")


def _check_count(shape, k):
    if not shape or (not isinstance(shape[-1], Dim) and shape[-1] < k):
        raise ValueError(
            f"top_k needs at least k={k} elements on the last axis. Received: "
            f"x.shape={dims.to_public(shape)}"
        )


@primitive(Family(cached(lambda names: tuple(names)), lambda _d, _s: "bool", None))
def in_top_k(xp, targets, predictions, *, k):
    """Say for every row whether its target class is among the `k` largest predictions.

    Args:
        targets: integer tensor `(batch,)`.
        predictions: float tensor `(batch, classes)`.
        k: int.

    Returns:
        A bool tensor `(batch,)`: True if fewer than `k` predictions are larger than the target's;
        False where the target is no class or a prediction is not finite.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.in_top_k([2, 0], [[0.1, 0.6, 0.3], [0.2, 0.5, 0.3]], k=2).tolist()
        [True, False]
    """
    classes = predictions.shape[1]
    valid = (targets >= 0) & (targets < classes) & xp.isfinite(predictions).all(axis=1)
    rows = xp.arange(len(targets))
    own = predictions[rows, xp.where(valid, targets, 0)]
    return valid & ((predictions > own[:, None]).sum(axis=1) < k)


@in_top_k.shape_rule
def _(targets, predictions, *, k):
    return Abstract(targets.shape, "bool")


@op
@described(elementwise.texts)
def unique(
    x,
    sorted=True,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    size=None,
    fill_value=None,
):
    """Find the different elements of a tensor, or its different slices.

    Args:
        sorted: bool, whether they rise; else they stand in the order in which they first occur.
        return_index: bool, whether to return where each first occurs.
        return_inverse: bool, whether to return the number of every element's representative.
        return_counts: bool, whether to return how often each occurs.
        axis: int, the axis whose slices are compared; elements of the flattened tensor by default.
        size: int, how many to return: fewer are cut off, missing ones filled up.
        fill_value: number, what fills up; 0 by default.

    Returns:
        A tensor, or a tuple of it and of the int32 tensors that were asked for.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.unique([3, 1, 1]).tolist()
        [1, 3]
    """
    x = convert_to_tensor(x)
    wanted = (True, return_index, return_inverse, return_counts)
    if isinstance(x, Abstract):
        results = _unique_shapes(x, axis, size)
    else:
        results = _unique(values_of(x), sorted, axis, size, fill_value or 0)
    chosen = tuple(result for result, want in zip(results, wanted, strict=True) if want)
    return chosen[0] if len(chosen) == 1 else chosen


def _unique_shapes(x, axis, size):
    count = Dim() if size is None else size
    shape = (count,)
    if axis is not None:
        place = dims.normalize_axis(axis, x.ndim)
        shape = (*x.shape[:place], count, *x.shape[place + 1 :])
    inverse = x.shape if axis is None else (x.shape[place],)
    return (
        Abstract(shape, x.dtype),
        Abstract((count,), "int32"),
        Abstract(inverse, "int32"),
        Abstract((count,), "int32"),
    )


def _unique(x, rising, axis, size, fill_value):
    """The four results as tensors."""
    xp = device.namespace(x)
    values, index, inverse, counts = xp.unique(
        x, return_index=True, return_inverse=True, return_counts=True, axis=axis
    )
    place = 0 if axis is None else axis
    if not rising:
        order = xp.argsort(index)
        values, index, counts = values.take(order, axis=place), index[order], counts[order]
        inverse = xp.argsort(order)[inverse]
    if size is not None:
        values = _resized(xp, values, size, fill_value, place)
        index, counts = _resized(xp, index, size, index[0], 0), _resized(xp, counts, size, 0, 0)
    inverse = inverse.reshape(x.shape if axis is None else -1)
    return (Tensor(values), *(Tensor(part.astype("int32")) for part in (index, inverse, counts)))


def _resized(xp, values, size, fill_value, axis):
    """Cut an axis off, or fill it up, to a size."""
    shape = list(values.shape)
    shape[axis] = size
    resized = xp.empty(shape, values.dtype)
    resized[...] = fill_value
    common = (slice(None),) * (axis % values.ndim) + (slice(min(size, values.shape[axis])),)
    resized[common] = values[common]
    return resized
