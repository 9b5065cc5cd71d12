"""Depthwise convolution and its gradients: one input channel to a group, any rank.

The equations are those of `kernels/cpu/depthwise.py`. There is too little arithmetic to a cell for
a product of matrices: each tap is one multiplication and one addition over all images.
"""

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.windows import overlaps


@dispatched(cuda="depthwise")
def depthwise(xp, x, kernel, grid, out, dtype):
    """Write `y` to `out`.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        kernel: Array `(*window, 1, filters)`, `filters` a multiple of `channels`.
        grid: The windows.
        out: Array `(batch, *outputs, filters)`.
        dtype: The type of number to compute with.
    """
    channels = x.shape[-1]
    total = xp.zeros((*out.shape[:-1], channels, out.shape[-1] // channels), dtype)
    x, kernel = x[..., None].astype(dtype, copy=False), _by_channel(kernel, channels, dtype)
    for tap, outputs, inside in overlaps(x.shape[1:-2], grid):
        total[outputs] += x[inside] * kernel[tap]
    out[...] = total.reshape(out.shape)


@dispatched(cuda="depthwise")
def depthwise_input_grad(xp, g, kernel, grid, out, dtype):
    """Write `dx` to `out`.

    Args:
        xp: The array module.
        g: Array `(batch, *outputs, filters)`.
        kernel: Array `(*window, 1, filters)`.
        grid: The windows.
        out: Array `(batch, *spatial, channels)`.
        dtype: The type of number to compute with.
    """
    channels = out.shape[-1]
    total = xp.zeros(out.shape, dtype)
    g, kernel = _split(g, channels, dtype), _by_channel(kernel, channels, dtype)
    for tap, outputs, inside in overlaps(out.shape[1:-1], grid):
        total[inside] += (g[outputs] * kernel[tap]).sum(axis=-1)
    out[...] = total


@dispatched(cuda="depthwise")
def depthwise_kernel_grad(xp, x, g, grid, out, dtype):
    """Write `dkernel` to `out`.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        g: Array `(batch, *outputs, filters)`.
        grid: The windows.
        out: Array `(*window, 1, filters)`.
        dtype: The type of number to compute with.
    """
    channels = x.shape[-1]
    out[...] = 0
    x, g = x[..., None].astype(dtype, copy=False), _split(g, channels, dtype)
    positions = tuple(range(len(grid.window) + 1))
    for tap, outputs, inside in overlaps(x.shape[1:-2], grid):
        out[tap] = (x[inside] * g[outputs]).sum(axis=positions).reshape(1, -1)


def _split(array, channels, dtype):
    """View `(..., filters)` as `(..., channels, multiplier)`."""
    filters = array.shape[-1]
    split = array.reshape(*array.shape[:-1], channels, filters // channels)
    return split.astype(dtype, copy=False)


def _by_channel(kernel, channels, dtype):
    """View a kernel `(*window, 1, filters)` as `(*window, channels, multiplier)`."""
    return _split(kernel[..., 0, :], channels, dtype)
