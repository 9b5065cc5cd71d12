"""Pooling over one or two axes, compiled: one pass over the windows, channels side by side.

A window's taps are taken one after the other, each as a stretch of channels, and the result stays
in the first-level cache meanwhile; every array is read or written once. Windows at the border are
cut to the positions inside the array, so padding costs nothing; `n**2` is the number of these.

Equations (pooling.max_pool):
    rows, columns = ((size - n) // s + 1 for size in x.shape[1:3])
    y = zeros((len(x), rows, columns, x.shape[3]))  # (batch, rows, columns, channels)
    for p, q in ndindex(rows, columns):
        y[:, p, q] = max(x[:, p * s : p * s + n, q * s : q * s + n], axis=(1, 2))

Equations (pooling.max_pool_backward):
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    for b, p, q, c in ndindex(g.shape):
        window = x[b, p * s : p * s + n, q * s : q * s + n, c]
        u, v = next(tap for tap in ndindex(n, n) if window[tap] == y[b, p, q, c])  # first
        dx[b, p * s + u, q * s + v, c] += g[b, p, q, c]

Equations (pooling.average_pool):
    rows, columns = ((size - n) // s + 1 for size in x.shape[1:3])
    y = zeros((len(x), rows, columns, x.shape[3]))  # (batch, rows, columns, channels)
    for p, q in ndindex(rows, columns):
        y[:, p, q] = mean(x[:, p * s : p * s + n, q * s : q * s + n], axis=(1, 2))

Equations (pooling.average_pool_backward):
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    for p, q in ndindex(g.shape[1:3]):
        dx[:, p * s : p * s + n, q * s : q * s + n] += g[:, p, q][:, None, None] / n**2
"""

import math

import numpy as np

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.pooling import loops
from minikeras.kernels.compiled.thread_pool import parallel_for
from minikeras.kernels.shared.windows import Grid


def max_pool(xp, x, *, window, strides, padding, out=None):
    """Maximum of each window; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if not _is_supported(grid, x, out):
        return NotImplemented
    if out is None:
        out = np.empty((len(x), *grid.outputs, x.shape[-1]), x.dtype)
    return _run(loops.largest, out, grid, (x,))


def max_pool_index(xp, x, y, *, window, strides, padding):
    """Tap that holds the maximum; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if not _is_supported(grid, x, y):
        return NotImplemented
    index = np.empty(y.shape, np.min_scalar_type(math.prod(window)))
    return _run(loops.first_largest, index, grid, (x, y))


def pool_gather(xp, x, index, *, window, strides, padding, out=None):
    """Pick the cell that an index names; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if not _is_supported(grid, x, out):
        return NotImplemented
    if out is None:
        out = np.empty(index.shape, x.dtype)
    return _run(loops.gather, out, grid, (x, index))


def pool_scatter(xp, g, index, *, input_shape, window, strides, padding, out=None):
    """Transpose of `pool_gather`; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(input_shape, window, strides, padding)
    if not _is_supported(grid, g, out):
        return NotImplemented
    if out is None:
        out = np.empty((len(g), *input_shape, g.shape[-1]), g.dtype)
    return _run(loops.scatter, out, grid, (g, index))


def avg_pool(xp, x, *, window, strides, padding, out=None):
    """Mean of each window; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if not _is_supported(grid, x, out):
        return NotImplemented
    if out is None:
        out = np.empty((len(x), *grid.outputs, x.shape[-1]), x.dtype)
    return _run(loops.mean, out, grid, (x,))


def avg_pool_grad(xp, g, *, input_shape, window, strides, padding, out=None):
    """Transpose of `avg_pool`; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(input_shape, window, strides, padding)
    if not _is_supported(grid, g, out):
        return NotImplemented
    if out is None:
        out = np.empty((len(g), *input_shape, g.shape[-1]), g.dtype)
    return _run(loops.spread, out, grid, (g,))


def _is_supported(grid, first, other):
    """Whether the loops can pool these arrays: dtype, rank, and at least one window."""
    if first.dtype not in (np.float32, np.float64) or len(grid.window) > 2:
        return False
    fits = other is None or other.dtype == first.dtype
    return fits and first.size > 0 and all(grid.outputs)


def _run(loop, out, grid, arrays):
    """Run a loop on all images, which threads share."""
    arrays = [_as_images(np.ascontiguousarray(array)) for array in arrays]
    result = out if out.flags.c_contiguous else np.empty(out.shape, out.dtype)
    target = _as_images(result)
    above = 2 - len(grid.window)
    window, strides = (1,) * above + grid.window, (1,) * above + tuple(grid.strides)
    lows = (0,) * above + grid.lows
    work = sum(array.nbytes for array in (*arrays, target)) / BYTES
    parallel_for(loop, len(target), work, *arrays, target, window, strides, lows)
    if result is not out:
        out[...] = result
    return out


def _as_images(x):
    """View `(batch, height, width, channels)`; an array of one spatial axis has one row."""
    return x.reshape(len(x), -1, *x.shape[-2:])
