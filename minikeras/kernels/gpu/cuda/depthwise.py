"""Depthwise convolution and its gradients; see `kernels/gpu/depthwise.py`."""

import math

from minikeras.kernels.gpu.cuda.windows import AXES, numbers
from minikeras.kernels.gpu.launch import Source, are_floats, contiguous, slabs

_source = Source("depthwise")

# The kernel's gradient: filters and rows of a block, see depthwise.cu.
_TILE = 32, 8


def depthwise(xp, x, kernel, grid, out, dtype):
    """Write the forward pass to `out`."""
    if not _fit(x, kernel, grid, out):
        return NotImplemented
    channels, filters = x.shape[-1], out.shape[-1]
    x, kernel = contiguous(xp, x, kernel)
    geometry = numbers(x.shape[1:-1], grid)
    arguments = x, kernel, out, channels, filters // max(channels, 1), *geometry, out.size
    _source.launch(xp, "depthwise", out.size, *arguments)
    return out


def depthwise_input_grad(xp, g, kernel, grid, out, dtype):
    """Write `dx` to `out`."""
    if not _fit(g, kernel, grid, out):
        return NotImplemented
    channels, filters = out.shape[-1], g.shape[-1]
    g, kernel = contiguous(xp, g, kernel)
    geometry = numbers(out.shape[1:-1], grid)
    arguments = g, kernel, out, channels, filters // max(channels, 1), *geometry, out.size
    _source.launch(xp, "depthwise_input_grad", out.size, *arguments)
    return out


def depthwise_kernel_grad(xp, x, g, grid, out, dtype):
    """Write `dkernel` to `out`."""
    if not _fit(x, g, grid, out):
        return NotImplemented
    channels, filters = x.shape[-1], g.shape[-1]
    x, g = contiguous(xp, x, g)
    taps, rows = math.prod(grid.window), len(x) * math.prod(grid.outputs)
    tiles = -(-filters // _TILE[0])
    count, slab = slabs(rows, tiles * taps)
    parts = xp.empty((count, *out.shape), dtype)
    geometry = numbers(x.shape[1:-1], grid)
    arguments = x, g, parts, channels, filters // max(channels, 1), *geometry, rows, slab
    _source.launch_blocks(xp, "depthwise_kernel_grad", (tiles, taps, count), _TILE, *arguments)
    out[...] = parts.sum(axis=0)
    return out


def _fit(a, b, grid, out):
    return len(grid.window) <= AXES and are_floats(a, b, out) and out.flags.c_contiguous
