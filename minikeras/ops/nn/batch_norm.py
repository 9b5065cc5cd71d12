"""Moments, and batch normalization: by given moments, and by those of the batch, fused."""

from typing import Any

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, arithmetic, cached, same
from minikeras.autograd.fused import fused
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes
from minikeras.kernels.shared.normalization import norm as kernels
from minikeras.kernels.shared.wide import wide
from minikeras.ops.elementwise.arithmetic import square
from minikeras.ops.elementwise.extremes import clip
from minikeras.ops.elementwise.roots import rsqrt
from minikeras.ops.reductions.sums import mean
from minikeras.ops.shapes.shaping import reshape

_FLOAT16_MAX = 65504.0


@op
def moments(x, axes, keepdims=False, synchronized=False):
    """Return the mean and the variance of a tensor over some axes.

    Args:
        x: float tensor of any shape; half precision is computed in float32.
        axes: int or tuple of ints.
        keepdims: bool, whether the axes stay, with size 1.
        synchronized: bool, whether to join the moments of several devices; there is one.

    Returns:
        Two tensors, mean and variance (the mean squared distance from the mean).

    Example:
        >>> import minikeras as keras
        >>> [m.item() for m in keras.ops.moments([1.0, 3.0], axes=[0])]
        [2.0, 1.0]
    """
    x = convert_to_tensor(x)
    axes = tuple(axes) if isinstance(axes, (list, tuple)) else axes
    if x.dtype == "float16":
        moments = moments_over(cast(x, dtype="float32"), axes, keepdims)
        return tuple(cast(clip(m, -_FLOAT16_MAX, _FLOAT16_MAX), dtype="float16") for m in moments)
    moments = moments_over(x, axes, keepdims)
    return tuple(m if m.dtype == x.dtype else cast(m, dtype=x.dtype) for m in moments)


def moments_over(x, axes, keepdims):
    """The mean, with its axes kept, and the variance of a float tensor over axes."""
    centre = mean(x, axis=axes, keepdims=True)
    variance = mean(square(x - centre), axis=axes, keepdims=keepdims)
    return centre if keepdims else reshape(centre, variance.shape), variance


@op
def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """Normalize a tensor with a given mean and variance for each channel.

    `(x - mean) / sqrt(variance + epsilon) * scale + offset`; Ioffe and Szegedy, "Batch
    Normalization" (2015).

    Equations (normalization.batch_norm_inference):
        y = (x - mean) / sqrt(variance + epsilon) * gamma + beta

    Args:
        x: float tensor of any shape.
        mean: float tensor `(channels,)`.
        variance: float tensor `(channels,)`.
        axis: int, the axis of the channels.
        offset: float tensor `(channels,)`, or None.
        scale: float tensor `(channels,)`, or None.
        epsilon: float that keeps the root from being zero.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.batch_normalization([[1.0], [3.0]], [1.0], [4.0], -1, epsilon=0.0).tolist()
        [[0.0], [1.0]]
    """
    x = convert_to_tensor(x)
    factors = (mean, variance, offset, scale)
    factors = [None if v is None else convert_to_tensor(v) for v in factors]
    mean, variance, offset, scale = (along(v, axis, x.ndim) for v in factors)
    inverse = rsqrt(variance + epsilon)
    if scale is not None:
        inverse = inverse * scale
    shift = -mean * inverse if offset is None else offset - mean * inverse
    return _scaled_and_shifted(x, cast(inverse, dtype=x.dtype), cast(shift, dtype=x.dtype))


batch_normalization.class_name = "BatchNorm"


@primitive(arithmetic)
def _scaled_and_shifted(xp, x, factor, shift):
    """`x * factor + shift`, in one pass over a large `x`."""

    def both(x, factor, shift):
        y = x * factor
        y += shift
        return y

    return wide(xp, both, x, factor, shift)


@_scaled_and_shifted.vjp("x")
def _(g, factor):
    return g * factor


@_scaled_and_shifted.vjp("factor")
def _(g, x):
    return g * x


@_scaled_and_shifted.vjp("shift")
def _(g):
    return g


def along(vector: Any, axis: int, rank: int) -> Any:
    """Give a vector the axes with which it broadcasts with a tensor along one axis."""
    place = dims.normalize_axis(axis, rank)
    if vector is None or place == rank - 1:
        return vector
    return reshape(vector, (-1, *(1,) * (rank - place - 1)))


@cached
def _at_least_float32(names):
    common = dtypes.result_type(*(name for name in names if name is not None), "float32")
    return tuple(None if name is None else common for name in names)


normalizing = Family(_at_least_float32, same, None)


@op
def _batch_norm_reference(x, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    """Normalize each channel of a batch with its own mean and variance.

    With all axes but the channels' taken as one, it computes, and passes back for `y`:

    Equations (normalization.batch_norm):
        mean = x.mean(axis=0)  # (channels,)
        variance = ((x - mean) ** 2).mean(axis=0)  # (channels,)
        z = (x - mean) / sqrt(variance + epsilon)  # (rows, channels)
        y = z * gamma + beta

    Equations (normalization.batch_norm_backward):
        dgamma = sum(g * z, axis=0)  # (channels,)
        dbeta = sum(g, axis=0)  # (channels,)
        dz = g * gamma  # (rows, channels)
        dx = (dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0)) / sqrt(variance + epsilon)

    Args:
        x: tensor; half precision is computed, and returned, in float32.
        gamma: tensor `(channels,)` to multiply by, or None.
        beta: tensor `(channels,)` to add, or None.
        axis: int, the axis of the channels.
        epsilon: float that keeps the root from being zero.

    Returns:
        Three tensors: the normalized one, and the mean and variance of each channel.
    """
    place = dims.normalize_axis(axis, x.ndim)
    others = tuple(i for i in range(x.ndim) if i != place)
    centre, variance = moments_over(x, others, False)
    centred = x - along(centre, axis, x.ndim)
    factor = rsqrt(variance + epsilon)
    y = centred * along(factor if gamma is None else factor * gamma, axis, x.ndim)
    return y if beta is None else y + along(beta, axis, x.ndim), centre, variance


batch_norm_train = fused(
    "batch_norm",
    reference=_batch_norm_reference,
    forward=kernels.batch_norm,
    backward=kernels.batch_norm_backward,
    family=normalizing,
)


@batch_norm_train.shape_rule
def _(x, gamma=None, beta=None, *, axis, epsilon):
    channels = x.shape[dims.normalize_axis(axis, x.ndim)]
    for name, vector in (("gamma", gamma), ("beta", beta)):
        if vector is not None and vector.shape != (channels,):
            raise ValueError(
                f"Expected `{name}` of shape ({channels},), one number for each channel of x with "
                f"shape {dims.to_public(x.shape)}. Received: {name}.shape="
                f"{dims.to_public(vector.shape)}"
            )
    return x, Abstract((channels,), x.dtype), Abstract((channels,), x.dtype)
