"""Normalization of each sample: layer, group and root-mean-square normalization, unit length.

What every training step runs is fused; the references below say the same in plain ops.
"""

import warnings

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import floating
from minikeras.autograd.fused import fused
from minikeras.core import dims, dtypes, settings
from minikeras.core.docstrings import described
from minikeras.core.types import Axes
from minikeras.kernels.shared.normalization import group_norm as groups_kernels
from minikeras.kernels.shared.normalization import norm as kernels
from minikeras.kernels.shared.normalization import rms
from minikeras.ops.elementwise.arithmetic import absolute, square
from minikeras.ops.elementwise.extremes import maximum
from minikeras.ops.elementwise.roots import rsqrt
from minikeras.ops.nn.batch_norm import along, moments_over, normalizing
from minikeras.ops.reductions.sums import mean, sum
from minikeras.ops.shapes.shaping import expand_dims, reshape


@op
def layer_normalization(x, gamma=None, beta=None, axis: Axes = -1, epsilon=None, rms_scaling=False):
    """Normalize each sample over some of its own axes.

    Ba, Kiros and Hinton, "Layer Normalization" (2016). Half precision is computed in float32.

    Args:
        x: float tensor of rank 1 or more.
        gamma: float tensor to multiply by, of the shape of the normalized axes, or None.
        beta: float tensor to add, of that shape, or None.
        axis: int or sequence of ints.
        epsilon: float added to the variance; `settings.epsilon()` by default.
        rms_scaling: bool, deprecated: divide by the root of the variance without subtracting the
            mean.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.layer_normalization([[1.0, 3.0]]).tolist()
        [[-1.0, 1.0]]
    """
    x = convert_to_tensor(x)
    wide = dtypes.result_type(x.dtype, "float32")
    epsilon = settings.epsilon() if epsilon is None else epsilon
    axes = tuple(sorted(dims.normalize_axes(axis, x.ndim)))
    sizes = [size if i in axes else 1 for i, size in enumerate(x.shape)]
    gamma, beta = (None if v is None else cast(v, dtype=wide) for v in (gamma, beta))
    if rms_scaling:
        y = _variance_scaled(cast(x, dtype=wide), _spread(gamma, sizes), axes, epsilon)
    elif axes == tuple(range(x.ndim - len(axes), x.ndim)):
        y = _layer_norm(cast(x, dtype=wide), gamma, beta, axes=len(axes), epsilon=epsilon)
    else:
        gamma, beta = _spread(gamma, sizes), _spread(beta, sizes)
        y = _normalized(cast(x, dtype=wide), gamma, beta, axes, epsilon)
    return cast(y, dtype=x.dtype)


layer_normalization.class_name = "LayerNorm"


def _spread(v, sizes):
    """Give the factors of some axes the rank of the tensor."""
    return v if v is None or v.ndim == len(sizes) else reshape(v, sizes)


def _normalized(x, gamma, beta, axes, epsilon):
    centre, variance = moments_over(x, axes, True)
    factor = rsqrt(variance + epsilon)
    y = (x - centre) * (factor if gamma is None else factor * gamma)
    return y if beta is None else y + beta


def _variance_scaled(x, gamma, axes, epsilon):
    warnings.warn(
        "You passed `rms_scaling=True`, which is deprecated: it scales by the variance, not by "
        "the root mean square. Use `ops.rms_normalization` instead.",
        stacklevel=3,
    )
    y = x * rsqrt(moments_over(x, axes, True)[1] + epsilon)
    return y if gamma is None else y * gamma


@op
def _layer_norm_reference(x, gamma=None, beta=None, axes=1, epsilon=1e-3):
    """Normalize over the last `axes` axes, here taken as one.

    Equations (normalization.layer_norm):
        mean = x.mean(axis=1, keepdims=True)  # (rows, 1)
        variance = ((x - mean) ** 2).mean(axis=1, keepdims=True)  # (rows, 1)
        z = (x - mean) / sqrt(variance + epsilon)  # (rows, features)
        y = z * gamma + beta

    Equations (normalization.layer_norm_backward):
        dgamma = sum(g * z, axis=0)  # (features,)
        dbeta = sum(g, axis=0)  # (features,)
        dz = g * gamma  # (rows, features)
        across = dz.mean(axis=1, keepdims=True) + z * (dz * z).mean(axis=1, keepdims=True)
        dx = (dz - across) / sqrt(variance + epsilon)
    """
    return _normalized(x, gamma, beta, tuple(range(x.ndim - axes, x.ndim)), epsilon)


_layer_norm = fused(
    "layer_norm",
    reference=_layer_norm_reference,
    forward=kernels.layer_norm,
    backward=kernels.layer_norm_backward,
    family=normalizing,
)


@_layer_norm.shape_rule
def _(x, gamma=None, beta=None, *, axes, epsilon):
    shape = x.shape[x.ndim - axes :]
    for name, v in (("gamma", gamma), ("beta", beta)):
        if v is not None and v.shape != shape:
            raise ValueError(
                f"Expected `{name}` of the shape of the normalized axes, {dims.to_public(shape)}. "
                f"Received: {name}.shape={dims.to_public(v.shape)}"
            )
    return x


@op
def _group_norm_reference(x, gamma=None, beta=None, groups=1, axis=-1, epsilon=1e-3):
    """Normalize each sample over its places, here taken as one axis, and groups of its channels.

    Equations (normalization.group_norm):
        grouped = x.reshape(*x.shape[:2], groups, -1)  # (batch, places, groups, channels / groups)
        mean = grouped.mean(axis=(1, 3), keepdims=True)  # (batch, 1, groups, 1)
        variance = ((grouped - mean) ** 2).mean(axis=(1, 3), keepdims=True)
        z = ((grouped - mean) / sqrt(variance + epsilon)).reshape(x.shape)
        y = z * gamma + beta

    Equations (normalization.group_norm_backward):
        dgamma = sum(g * z, axis=(0, 1))  # (channels,)
        dbeta = sum(g, axis=(0, 1))  # (channels,)
        dz, z = ((a.reshape(*g.shape[:2], groups, -1)) for a in (g * gamma, z))
        across = dz.mean(axis=(1, 3), keepdims=True) + z * (dz * z).mean(axis=(1, 3), keepdims=True)
        dx = ((dz - across) / sqrt(variance + epsilon)).reshape(g.shape)
    """
    place = axis % x.ndim
    front, (channels, *after) = x.shape[:place], x.shape[place:]
    grouped = reshape(x, (*front, groups, channels // groups, *after))
    together = tuple(i for i in range(1, grouped.ndim) if i != place)
    y = reshape(_normalized(grouped, None, None, together, epsilon), x.shape)
    y = y if gamma is None else y * along(gamma, axis, x.ndim)
    return y if beta is None else y + along(beta, axis, x.ndim)


group_norm = fused(
    "group_norm",
    reference=_group_norm_reference,
    forward=groups_kernels.group_norm,
    backward=groups_kernels.group_norm_backward,
    family=normalizing,
)


@group_norm.shape_rule
def _(x, gamma=None, beta=None, *, groups, axis, epsilon):
    return x


@op
def rms_normalization(x, scale=None, axis: Axes = -1, epsilon=None):
    """Divide each sample by the root of its mean square over some axes.

    Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019). Half precision is computed
    in float32.

    Args:
        x: float tensor of any shape.
        scale: float tensor to multiply by, of the shape of the normalized axes, or None.
        axis: int or sequence of ints.
        epsilon: float added to the mean square; `settings.epsilon()` by default.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.rms_normalization([2.0, 2.0], epsilon=0.0).tolist()
        [1.0, 1.0]
    """
    x = convert_to_tensor(x)
    wide = cast(x, dtype=dtypes.result_type(x.dtype, "float32"))
    if not wide.ndim:
        wide = expand_dims(wide, axis=0)
    epsilon = settings.epsilon() if epsilon is None else epsilon
    axes = tuple(sorted(dims.normalize_axes(axis, wide.ndim)))
    scale = None if scale is None else cast(scale, dtype=wide.dtype)
    together = wide.shape[wide.ndim - len(axes) :]
    is_last = axes == tuple(range(wide.ndim - len(axes), wide.ndim))
    if is_last and (scale is None or scale.shape == together):
        return cast(_rms_norm(wide, scale, axes=len(axes), epsilon=epsilon), dtype=x.dtype)
    y = wide * rsqrt(mean(square(wide), axis=axes, keepdims=True) + epsilon)
    return cast(y if scale is None else y * scale, dtype=x.dtype)


rms_normalization.class_name = "RMSNorm"


@op
def _rms_norm_reference(x, gamma=None, axes=1, epsilon=1e-3):
    """Divide by the root of the mean square over the last `axes` axes, here taken as one.

    Equations (normalization.rms_norm):
        square = (x**2).mean(axis=1, keepdims=True)  # (rows, 1)
        z = x / sqrt(square + epsilon)  # (rows, features)
        y = z * gamma

    Equations (normalization.rms_norm_backward):
        dgamma = sum(g * z, axis=0)  # (features,)
        dz = g * gamma  # (rows, features)
        dx = (dz - z * (dz * z).mean(axis=1, keepdims=True)) / sqrt(square + epsilon)
    """
    together = tuple(range(x.ndim - axes, x.ndim))
    y = x * rsqrt(mean(square(x), axis=together, keepdims=True) + epsilon)
    return y if gamma is None else y * gamma


_rms_norm = fused(
    "rms_norm",
    reference=_rms_norm_reference,
    forward=rms.rms_norm,
    backward=rms.rms_norm_backward,
    family=normalizing,
)


@_rms_norm.shape_rule
def _(x, gamma=None, *, axes, epsilon):
    return x


@op
@described(floating.texts)
def normalize(x, axis: Axes = -1, order=2, epsilon=None):
    """Divide vectors along an axis by their length.

    Args:
        axis: int or tuple of ints; a tuple takes the axes as one, and only with `order=2`.
        order: int, the norm: the root of that order of the sum of powers.
        epsilon: float, the least length to divide by; `settings.epsilon()` by default.

    Returns:
        A float tensor of the shape of `x`.

    Raises:
        ValueError: if `order` is not a positive int.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.normalize([0.0, 2.0], order=1).tolist()
        [0.0, 1.0]
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"`order` must be an int, 1 or greater. Received: order={order}")
    x = convert_to_tensor(x)
    if not x.ndim:
        x = expand_dims(x, axis=0)
    epsilon = settings.epsilon() if epsilon is None else epsilon
    if order == 2:
        squares = sum(square(x), axis=axis, keepdims=True)
        return x * rsqrt(maximum(squares, epsilon**2))
    if not isinstance(axis, int):
        raise ValueError(
            f"Several axes go with order=2 alone. Received: axis={axis}, order={order}"
        )
    powers = absolute(x) if order == 1 else absolute(x) ** order
    length = sum(powers, axis=axis, keepdims=True)
    return x / maximum(length if order == 1 else length ** (1.0 / order), epsilon)
