"""Pooling over one or two axes, compiled: one pass over the windows, channels side by side.

`kernels/cpu/pooling.py` has the equations. A window's taps are taken one after the other, each
as a stretch of channels, and the result stays in the first-level cache meanwhile; every array is
read or written once. A window is cut to the cells that lie inside, so padding costs nothing.
"""

import math

import numpy as np

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled import pool_loops as loops
from minikeras.kernels.compiled.thread_pool import parallel_for
from minikeras.kernels.shared.windows import Grid


def max_pool(xp, x, *, window, strides, padding, out=None):
    """Maximum of each window; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if not _suit(grid, x, out):
        return NotImplemented
    if out is None:
        out = np.empty((len(x), *grid.outputs, x.shape[-1]), x.dtype)
    return _run(loops.largest, out, grid, (x,))


def max_pool_index(xp, x, y, *, window, strides, padding):
    """Tap that holds the maximum; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if not _suit(grid, x, y):
        return NotImplemented
    index = np.empty(y.shape, np.min_scalar_type(math.prod(window)))
    return _run(loops.first_largest, index, grid, (x, y))


def pool_gather(xp, x, index, *, window, strides, padding, out=None):
    """Pick the cell that an index names; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if not _suit(grid, x, out):
        return NotImplemented
    if out is None:
        out = np.empty(index.shape, x.dtype)
    return _run(loops.gather, out, grid, (x, index))


def pool_scatter(xp, g, index, *, input_shape, window, strides, padding, out=None):
    """Transpose of `pool_gather`; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(input_shape, window, strides, padding)
    if not _suit(grid, g, out):
        return NotImplemented
    if out is None:
        out = np.empty((len(g), *input_shape, g.shape[-1]), g.dtype)
    return _run(loops.scatter, out, grid, (g, index))


def avg_pool(xp, x, *, window, strides, padding, out=None):
    """Mean of each window; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if not _suit(grid, x, out):
        return NotImplemented
    if out is None:
        out = np.empty((len(x), *grid.outputs, x.shape[-1]), x.dtype)
    return _run(loops.mean, out, grid, (x,))


def avg_pool_grad(xp, g, *, input_shape, window, strides, padding, out=None):
    """Transpose of `avg_pool`; arguments as in `kernels/cpu/pooling.py`."""
    grid = Grid.over(input_shape, window, strides, padding)
    if not _suit(grid, g, out):
        return NotImplemented
    if out is None:
        out = np.empty((len(g), *input_shape, g.shape[-1]), g.dtype)
    return _run(loops.spread, out, grid, (g,))


def _suit(grid, first, other):
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
