"""Pooling of any rank over channels-last arrays, in two closed pairs.

The equations are those of `kernels/cpu/pooling.py`. Each tap of the window is one call over the
cells that it meets in the whole batch.
"""

import math

from minikeras.kernels.gpu.working import working_dtype
from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.windows import Grid, overlaps


@dispatched(cuda="pooling")
def max_pool(xp, x, *, window, strides, padding, out=None):
    """Maximum of each window; see `cpu.pooling.max_pool`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if out is None:
        out = xp.empty((x.shape[0], *grid.outputs, x.shape[-1]), x.dtype)
    out[...] = xp.iinfo(x.dtype).min if x.dtype.kind in "iu" else -math.inf
    for _, target, source in overlaps(x.shape[1:-1], grid):
        out[target] = xp.fmax(out[target], x[source])
    return out


@dispatched(cuda="pooling")
def max_pool_index(xp, x, y, *, window, strides, padding):
    """Tap of each window that holds its maximum; see `cpu.pooling.max_pool_index`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    index = xp.full(y.shape, math.prod(window), "int32")
    for number, target, source in reversed(_numbered(x.shape[1:-1], grid)):
        index[target] = xp.where(x[source] == y[target], number, index[target])
    return index


@dispatched(cuda="pooling")
def pool_gather(xp, x, index, *, window, strides, padding, out=None):
    """Pick the cell of each window that an index names; see `cpu.pooling.pool_gather`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if out is None:
        out = xp.empty(index.shape, x.dtype)
    out[...] = 0
    for number, target, source in _numbered(x.shape[1:-1], grid):
        out[target] = xp.where(index[target] == number, x[source], out[target])
    return out


@dispatched(cuda="pooling")
def pool_scatter(xp, g, index, *, input_shape, window, strides, padding, out=None):
    """Transpose of `pool_gather`; see `cpu.pooling.pool_scatter`."""
    grid = Grid.over(input_shape, window, strides, padding)
    shape = (g.shape[0], *input_shape, g.shape[-1])
    total = xp.zeros(shape, working_dtype(xp, g.dtype))
    for number, target, source in _numbered(input_shape, grid):
        total[source] += xp.where(index[target] == number, g[target], 0)
    return _returned(total.astype(g.dtype, copy=False), out)


@dispatched(cuda="pooling")
def avg_pool(xp, x, *, window, strides, padding, out=None):
    """Mean of the cells of each window that lie inside; see `cpu.pooling.avg_pool`."""
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    dtype = working_dtype(xp, x.dtype)
    total = xp.zeros((x.shape[0], *grid.outputs, x.shape[-1]), dtype)
    taps = overlaps(x.shape[1:-1], grid)
    for _, target, source in taps:
        total[target] += x[source]
    total /= _counts(xp, taps, grid, dtype)
    return _returned(total.astype(x.dtype, copy=False), out)


@dispatched(cuda="pooling")
def avg_pool_grad(xp, g, *, input_shape, window, strides, padding, out=None):
    """Transpose of `avg_pool`; see `cpu.pooling.avg_pool_grad`."""
    grid = Grid.over(input_shape, window, strides, padding)
    dtype = working_dtype(xp, g.dtype)
    taps = overlaps(input_shape, grid)
    share = g / _counts(xp, taps, grid, dtype)
    total = xp.zeros((g.shape[0], *input_shape, g.shape[-1]), dtype)
    for _, target, source in taps:
        total[source] += share[target]
    return _returned(total.astype(g.dtype, copy=False), out)


def _counts(xp, taps, grid, dtype):
    """Cells inside each window, `(*outputs, 1)`, at least 1 so that an empty window divides."""
    counts = xp.zeros((1, *grid.outputs, 1), dtype)
    for _, target, _ in taps:
        counts[target] += 1
    return xp.maximum(counts[0], 1)


def _numbered(sizes, grid):
    """`overlaps` with row-major tap numbers in place of tap indices."""
    hops = [math.prod(grid.window[axis + 1 :]) for axis in range(len(grid.window))]
    return [
        (sum(t * hop for t, hop in zip(tap, hops, strict=True)), target, source)
        for tap, target, source in overlaps(sizes, grid)
    ]


def _returned(result, out):
    if out is None:
        return result
    out[...] = result
    return out
