"""Signals in overlapping frames, and signals put together from them."""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core.dims import Dim


@op
def extract_sequences(x, sequence_length, sequence_stride):
    """Cut the last axis into frames of one length, which may overlap.

    Args:
        x: tensor `(..., n)` of any dtype.
        sequence_length: int, the length of a frame.
        sequence_stride: int, the step from one frame to the next.

    Returns:
        A tensor `(..., frames, sequence_length)`; what is left at the end is dropped.

    Raises:
        ValueError: if `x` is a scalar or one of the ints is not positive.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.extract_sequences([1, 2, 3, 4, 5, 6], 3, 2).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    x = convert_to_tensor(x)
    if not x.ndim:
        raise ValueError(f"Input should have rank >= 1. Received: input.shape={x.shape}")
    for name, value in (
        ("sequence_length", sequence_length),
        ("sequence_stride", sequence_stride),
    ):
        if value < 1:
            raise ValueError(f"`{name}` must be a positive int. Received: {name}={value}")
    return framed(x, length=sequence_length, stride=sequence_stride)


@primitive(elementwise)
def framed(xp, x, *, length, stride):
    """The frames of the last axis."""
    shape = _framed_shape(x.shape, length, stride)
    x = xp.ascontiguousarray(x)
    *outer, step = x.strides
    strides = (*outer, stride * step, step)
    return xp.lib.stride_tricks.as_strided(x, shape, strides).copy()


@framed.vjp()
def _(g, x_shape, stride):
    return overlap_added(g, size=x_shape[-1], stride=stride)


@framed.shape_rule
def _(x, *, length, stride):
    return Abstract(_framed_shape(x.shape, length, stride), x.dtype)


def _framed_shape(shape, length, stride):
    *batch, size = shape
    count = (size - length) // stride + 1
    return (*batch, count if isinstance(count, Dim) else max(count, 0), length)


@primitive(elementwise)
def overlap_added(xp, x, *, size, stride):
    """Frames `(..., frames, length)` added up, each `stride` after the one before, to `size`."""
    *batch, count, length = x.shape
    parts = -(-length // stride)
    # Part `j` of every frame is as long as a step: all parts `j` lie side by side in the signal.
    y = xp.zeros((*batch, count + parts, stride), x.dtype)
    for j in range(parts):
        part = x[..., j * stride : (j + 1) * stride]
        y[..., j : j + count, : part.shape[-1]] += part
    y = y.reshape(*batch, (count + parts) * stride)
    if y.shape[-1] >= size:
        return y[..., :size]
    whole = xp.zeros((*batch, size), x.dtype)
    whole[..., : y.shape[-1]] = y
    return whole


@overlap_added.vjp()
def _(g, x_shape, stride):
    return framed(g, length=x_shape[-1], stride=stride)


@overlap_added.shape_rule
def _(x, *, size, stride):
    return Abstract((*x.shape[:-2], size), x.dtype)
