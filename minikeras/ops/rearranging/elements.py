"""The elements of a tensor repeated, mirrored, shifted, padded, or dealt out again."""

from typing import Any

import numpy as np

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise, shape_along
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.core.work import spend_numbers
from minikeras.ops.creation.filled import arange
from minikeras.ops.indexing.lookup import put, take
from minikeras.ops.shapes.shaping import broadcast_to, expand_dims, ravel, reshape, swapaxes

_WHOLE = slice(None)


@op
@described(elementwise.texts)
def repeat(x, repeats, axis=None):
    """Repeat every element next to itself.

    Args:
        repeats: int, or a list with one int for every place along the axis.
        axis: int; the flattened tensor is repeated by default.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.repeat([[1, 2], [3, 4]], 2, axis=1).tolist()
        [[1, 1, 2, 2], [3, 3, 4, 4]]
    """
    x = ravel(x) if axis is None else convert_to_tensor(x)
    axis = 0 if axis is None else dims.normalize_axis(axis, x.ndim)
    counts: Any = _counts(repeats)
    if len(counts) > 1:
        spend_numbers(sum(counts))
        return take(x, np.repeat(np.arange(len(counts), dtype="int32"), counts), axis=axis)
    (count,) = counts
    front, size, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    repeated = broadcast_to(expand_dims(x, axis=axis + 1), shape=(*front, size, count, *after))
    return reshape(repeated, (*front, size * count, *after))


def _counts(repeats):
    """How often to repeat, as a tuple of ints and unknown sizes."""
    return dims.as_shape(np.asarray(repeats, dtype=object).reshape(-1))


@op
@described(elementwise.texts)
def tile(x, repeats):
    """Repeat a tensor as a whole along its axes.

    Args:
        repeats: int or tuple of ints, one for each of the last axes; more than there are axes add
            axes in front.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.tile([[1, 2]], (2, 2)).tolist()
        [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    x = convert_to_tensor(x)
    counts = list(_counts(repeats))
    rank = max(x.ndim, len(counts))
    counts = [1] * (rank - len(counts)) + counts
    sizes = [1] * (rank - x.ndim) + list(x.shape)
    paired = [part for size in sizes for part in (1, size)]
    spread = [part for pair in zip(counts, sizes, strict=True) for part in pair]
    tiled = broadcast_to(reshape(x, paired), shape=tuple(spread))
    return reshape(tiled, [size * count for count, size in zip(counts, sizes, strict=True)])


@op
@described(elementwise.texts)
def flip(x, axis=None):
    """Reverse the order of the elements along axes.

    Args:
        axis: int or tuple of ints; all axes by default.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.flip([[1, 2], [3, 4]], axis=1).tolist()
        [[2, 1], [4, 3]]
    """
    x = convert_to_tensor(x)
    axes = dims.normalize_axes(axis, x.ndim)
    return x[tuple(slice(None, None, -1) if i in axes else _WHOLE for i in range(x.ndim))]


@op
def flipud(x):
    """Reverse the first axis.

    Args:
        x: tensor `(n, ...)` of any dtype.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.flipud([[1, 2], [3, 4]]).tolist()
        [[3, 4], [1, 2]]
    """
    return flip(x, axis=0)


@op
def fliplr(x):
    """Reverse the second axis.

    Args:
        x: tensor `(n, m, ...)` of any dtype.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.fliplr([[1, 2], [3, 4]]).tolist()
        [[2, 1], [4, 3]]
    """
    return flip(x, axis=1)


@op
def rot90(array, k=1, axes=(0, 1)):
    """Turn a tensor by quarter turns in the plane of two axes.

    Args:
        array: tensor of rank 2 or more, of any dtype.
        k: int, the number of quarter turns, from the first of the axes towards the second.
        axes: two different ints.

    Returns:
        A tensor.

    Raises:
        ValueError: if the rank is below 2 or the axes are not two different ones.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.rot90([[1, 2], [3, 4]]).tolist()
        [[2, 4], [1, 3]]
    """
    x = convert_to_tensor(array)
    if x.ndim < 2:
        raise ValueError(
            "`rot90` turns a plane of two axes, so `array` must have two or more. Received: "
            f"array.shape={dims.to_public(x.shape)}"
        )
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(
            "`axes` must be two different axes, which span the plane that is turned. Received: "
            f"axes={axes}"
        )
    first, second = axes
    if k % 4 == 2:
        return flip(x, axis=(first, second))
    if k % 4 == 1:
        return swapaxes(flip(x, axis=second), first, second)
    return flip(swapaxes(x, first, second), axis=second) if k % 4 else x


@primitive(elementwise.shaped(shape_along))
def roll(xp, x, *, shift, axis=None):
    """Shift elements along axes; what leaves at the end comes in at the front.

    Args:
        shift: int or tuple of ints, one for every axis.
        axis: int or tuple of ints; the flattened tensor is shifted by default.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.roll([1, 2, 3], 1).tolist()
        [3, 1, 2]
    """
    return xp.roll(x, shift, axis)


@roll.vjp()
def _(g, shift, axis):
    back = tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift
    return roll(g, shift=back, axis=axis)


@op
@described(elementwise.texts)
def pad(x, pad_width, mode="constant", constant_values=None):
    """Add elements before and after the axes of a tensor.

    Args:
        pad_width: `(before, after)` for every axis; one pair or one int serves all axes.
        mode: `"constant"`; `"reflect"`, mirrored without the edge; `"symmetric"`, with the edge.
        constant_values: number to pad with in the mode `"constant"`; 0 by default.

    Returns:
        A tensor.

    Raises:
        ValueError: if the mode is unknown, or a constant comes with another mode, or more is to be
            mirrored than there is.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.pad([1, 2, 3], 1).tolist()
        [0, 1, 2, 3, 0]
        >>> keras.ops.pad([1, 2, 3], (0, 2), mode="reflect").tolist()
        [1, 2, 3, 2, 1]
    """
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError(
            'Value of argument `mode` expected to be one of "constant", "reflect", or "symmetric". '
            f"Received `mode` = {mode}"
        )
    if mode != "constant" and constant_values is not None:
        raise ValueError(
            "`constant_values` fill the margin in the mode 'constant' alone. Received: "
            f"mode={mode!r}, constant_values={constant_values}"
        )
    x = convert_to_tensor(x)
    widths = _widths(pad_width, x.ndim)
    if mode == "constant":
        return padded(x, widths=widths, value=constant_values or 0)
    return mirrored(x, widths=widths, mode=mode)


def _widths(pad_width, rank):
    """One `(before, after)` for every axis."""
    if isinstance(pad_width, int):
        return ((pad_width, pad_width),) * rank
    width = tuple(pad_width)
    if len(width) == 2 and all(isinstance(n, int) for n in width):
        return (width,) * rank
    if len(width) == 1:
        return (tuple(width[0]),) * rank
    if len(width) != rank:
        raise ValueError(
            f"`pad_width` needs a pair `(before, after)` for each of the {rank} axes, or one for "
            f"all. Received: pad_width={pad_width} of length {len(width)}"
        )
    return tuple(tuple(pair) for pair in width)


@primitive(elementwise)
def padded(xp, x, *, widths, value=0):
    """A tensor among copies of one number."""
    sizes = [lo + size + hi for size, (lo, hi) in zip(x.shape, widths, strict=True)]
    whole = xp.zeros(sizes, x.dtype) if value == 0 else xp.full(sizes, value, x.dtype)
    whole[_inside(widths, x.shape)] = x
    return whole


def _inside(widths, shape):
    return tuple(slice(lo, lo + size) for size, (lo, _) in zip(shape, widths, strict=True))


@padded.vjp()
def _(g, x_shape, widths):
    return g[_inside(widths, x_shape)]


@padded.shape_rule
def _(x, *, widths, value):
    return Abstract(_padded_shape(x.shape, widths), x.dtype)


def _padded_shape(shape, widths):
    return [size + (lo + hi) for size, (lo, hi) in zip(shape, widths, strict=True)]


@primitive(elementwise)
def mirrored(xp, x, *, widths, mode):
    """A tensor that goes on as its own mirror image."""
    _check_mirror(x.shape, widths, mode)
    return xp.pad(x, widths, mode=mode)


@mirrored.vjp()
def _(g, x_shape, widths, mode):
    for axis, (size, width) in enumerate(zip(x_shape, widths, strict=True)):
        if any(width):
            places = mirrored(arange(size, dtype="int32"), widths=(width,), mode=mode)
            shape = (*x_shape[: axis + 1], *g.shape[axis + 1 :])
            g = put(g, places, shape=shape, axis=axis)
    return g


@mirrored.shape_rule
def _(x, *, widths, mode):
    _check_mirror(x.shape, widths, mode)
    return Abstract(_padded_shape(x.shape, widths), x.dtype)


def _check_mirror(shape, widths, mode):
    for axis, (size, width) in enumerate(zip(shape, widths, strict=True)):
        if isinstance(size, Dim) or not any(width):
            continue
        most = size - 1 if mode == "reflect" else size
        if max(width) > most:
            raise ValueError(
                f"Paddings must be at most {most} to {mode} axis {axis} of a tensor of shape "
                f"{dims.to_public(shape)}, but received {width}."
            )
