"""Normalization in a few launches; see `kernels/shared/normalization`."""

import math

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous, slabs
from minikeras.kernels.shared.normalization.group_norm import Groups
from minikeras.kernels.shared.normalization.norm import check_factors

_source = Source("norm")

# Columns and rows of a block that sums down columns, see norm.cu.
_TILE = 32, 8


def layer_norm(xp, x, gamma=None, beta=None, *, axes=1, epsilon=1e-3, save=False):
    """Normalize over the last axes, for each position along the others."""
    check_factors(x.shape[x.ndim - axes :], gamma, beta)
    results = _forward(xp, x, gamma, beta, _as_one_group(x, axes), epsilon, centred=True)
    if results is NotImplemented:
        return results
    y, mean, inverse = results
    return y, (mean, inverse) if save else None


def layer_norm_backward(xp, g, arrays, saved, needs, *, axes=1, epsilon=1e-3):
    """Gradients of `layer_norm`: `[dx, dgamma, dbeta]`."""
    (x, gamma, _), (mean, inverse) = arrays, saved
    form, shape = _as_one_group(x, axes), x.shape[x.ndim - axes :]
    return _backward(xp, g, x, gamma, mean, inverse, needs, form, shape, centred=True)


def rms_norm(xp, x, gamma=None, *, axes=1, epsilon=1e-3, save=False):
    """Divide by the root of the mean square over the last axes."""
    check_factors(x.shape[x.ndim - axes :], gamma)
    results = _forward(xp, x, gamma, None, _as_one_group(x, axes), epsilon, centred=False)
    if results is NotImplemented:
        return results
    return results[0], results[2] if save else None


def rms_norm_backward(xp, g, arrays, saved, needs, *, axes=1, epsilon=1e-3):
    """Gradients of `rms_norm`: `[dx, dgamma]`."""
    (x, gamma), mean = arrays, xp.zeros(saved.shape, saved.dtype)
    needs, form, shape = (*needs, False), _as_one_group(x, axes), x.shape[x.ndim - axes :]
    results = _backward(xp, g, x, gamma, mean, saved, needs, form, shape, centred=False)
    return results if results is NotImplemented else results[:2]


def group_norm(xp, x, gamma=None, beta=None, *, groups=1, axis=-1, epsilon=1e-3, save=False):
    """Normalize each sample over its positions and over each group of its channels."""
    form = Groups(x.shape, groups, axis)
    check_factors((form.channels,), gamma, beta)
    results = _forward(xp, x, gamma, beta, form, epsilon, centred=True)
    if results is NotImplemented:
        return results
    y, mean, inverse = results
    return y, (mean, inverse) if save else None


def group_norm_backward(xp, g, arrays, saved, needs, *, groups=1, axis=-1, epsilon=1e-3):
    """Gradients of `group_norm`: `[dx, dgamma, dbeta]`."""
    (x, gamma, _), (mean, inverse) = arrays, saved
    form = Groups(x.shape, groups, axis)
    return _backward(xp, g, x, gamma, mean, inverse, needs, form, (form.channels,), centred=True)


def _as_one_group(x, axes):
    """What layer normalization is to the kernels: one group, whose channels are the last axes."""
    width = math.prod(x.shape[x.ndim - axes :])
    return Groups((x.size // max(width, 1), width), 1, -1)


def _forward(xp, x, gamma, beta, form, epsilon, centred):
    """The normalized array, the mean and the inverse deviation of each row."""
    if not are_floats(x, gamma, beta) or not x.size:
        return NotImplemented
    x, gamma, beta = contiguous(xp, x, gamma, beta)
    rows = x.size // form.size
    y, mean, inverse = (xp.empty(s, x.dtype) for s in (x.shape, (rows, 1), (rows, 1)))
    arrays = x, _or(gamma, x), _or(beta, x), y, mean, inverse
    flags = gamma is not None, beta is not None, centred
    args = *arrays, epsilon, *flags, *_numbers(form), rows
    _source.launch_rows(xp, "normalize_rows", rows, form.size, *args)
    return y, mean, inverse


def _backward(xp, g, x, gamma, mean, inverse, needs, form, shape, centred):
    """`[dx, dgamma, dbeta]`, None where one is not needed; `shape` is that of the factors."""
    if not are_floats(g, x, gamma, mean, inverse) or not x.size:
        return NotImplemented
    g, x, gamma = contiguous(xp, g, x, gamma)
    dx = dgamma = dbeta = None
    if needs[0]:
        dx, rows = xp.empty(x.shape, x.dtype), x.size // form.size
        args = g, x, _or(gamma, x), mean, inverse, dx, gamma is not None, centred
        args = *args, *_numbers(form), rows
        _source.launch_rows(xp, "normalize_rows_input_grad", rows, form.size, *args)
    if needs[1] or needs[2]:
        dgamma, dbeta = _factor_grads(xp, g, x, mean, inverse, form).reshape(2, *shape)
    return [dx, dgamma if needs[1] else None, dbeta if needs[2] else None]


def _factor_grads(xp, g, x, mean, inverse, form):
    """`dgamma` and `dbeta`, sums down the columns of a matrix `(samples * positions, columns)`."""
    columns = form.channels * form.inner
    rows, tiles = x.size // columns, -(-columns // _TILE[0])
    count, slab = slabs(rows, tiles)
    parts = xp.empty((2, count, columns), x.dtype if x.dtype.itemsize > 2 else "float32")
    shape = form.groups, form.width, form.front, columns, rows, slab
    args = g, x, mean, inverse, parts[0], parts[1], *shape
    _source.launch_blocks(xp, "factor_grad", (tiles, count), _TILE, *args)
    sums = parts.sum(axis=1)
    if form.inner > 1:
        sums = sums.reshape(2, form.channels, form.inner).sum(axis=2)
    return sums.astype(x.dtype, copy=False)


def _numbers(form):
    """Groups as the parameters of a kernel."""
    return form.groups, form.width, form.inner, form.size


def batch_norm(xp, x, gamma=None, beta=None, *, axis=-1, epsilon=1e-3, save=False):
    """Normalize each channel, the channels on the last axis."""
    check_factors(x.shape[axis : axis + 1 or None], gamma, beta)
    if axis % x.ndim != x.ndim - 1 or not are_floats(x, gamma, beta) or not x.size:
        return NotImplemented
    x, gamma, beta = contiguous(xp, x, gamma, beta)
    channels = x.shape[-1]
    rows = x.size // channels
    mean, variance, scale = xp.empty((3, channels), x.dtype)
    inverse, y = xp.empty(channels, "float64"), xp.empty(x.shape, x.dtype)
    tiles, count, slab, parts = _parts(xp, rows, channels)

    def sums(squared):
        arguments = x, mean, parts[0], squared, channels, rows, slab
        _source.launch_blocks(xp, "channel_sums", (tiles, count), _TILE, *arguments)

    sums(False)
    arguments = parts[0], mean, count, rows, channels
    _source.launch_rows(xp, "channel_means", channels, count, *arguments, real=x.dtype)
    sums(True)
    outputs = parts[0], _or(gamma, x), variance, inverse, scale
    flags = gamma is not None, count, rows, epsilon, channels
    _source.launch_rows(xp, "channel_factors", channels, count, *outputs, *flags, real=x.dtype)
    arguments = x, mean, scale, _or(beta, x), y, beta is not None, channels, x.size
    _source.launch(xp, "batch_norm", x.size, *arguments)
    return (y, mean, variance), (mean, inverse) if save else None


def batch_norm_backward(xp, gradients, arrays, saved, needs, *, axis=-1, epsilon=1e-3):
    """Gradients of `batch_norm`."""
    (x, gamma, _), (mean, inverse) = arrays, saved
    is_last = axis % x.ndim == x.ndim - 1
    if not is_last or not are_floats(x, gamma, mean, *gradients) or not x.size:
        return NotImplemented
    x, gamma, g, dmean, dvariance = contiguous(xp, x, gamma, *gradients)
    channels = x.shape[-1]
    rows = x.size // channels
    tiles, count, slab, parts = _parts(xp, rows, channels)
    arguments = g, x, mean, parts[0], parts[1], channels, rows, slab
    _source.launch_blocks(xp, "channel_gradient_sums", (tiles, count), _TILE, *arguments)
    dgamma, dbeta = xp.empty((2, channels), x.dtype)
    factors = xp.empty((3, channels), x.dtype)
    arguments = parts[0], parts[1], _or(gamma, x), inverse, dmean, dvariance
    arguments = *arguments, dgamma, dbeta, factors, gamma is not None, count, rows, channels
    _source.launch_rows(xp, "channel_gradients", channels, count, *arguments, real=x.dtype)
    dx = None
    if needs[0]:
        dx = xp.empty(x.shape, x.dtype)
        arguments = g, x, mean, factors, dx, channels, x.size
        _source.launch(xp, "batch_norm_input_grad", x.size, *arguments)
    return [dx, dgamma if needs[1] else None, dbeta if needs[2] else None]


def _or(array, other):
    """What to pass for an array that is not given; the kernel is told not to read it."""
    return other if array is None else array


def _parts(xp, rows, channels):
    """Blocks for sums down the columns, and a buffer for two sums of each slab."""
    tiles = -(-channels // _TILE[0])
    count, slab = slabs(rows, tiles)
    return tiles, count, slab, xp.empty((2, count, channels), "float64")
