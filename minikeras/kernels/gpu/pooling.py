"""Pooling of any rank over channels-last arrays, in two closed pairs.

The definitions are those of `kernels/cpu/pooling.py`. Each tap of the window is one call over the
cells that it meets in the whole batch.
"""

import math

from minikeras.kernels.gpu.override import on_cuda
from minikeras.kernels.gpu.working import working_dtype
from minikeras.kernels.shared.windows import Grid, overlaps


@on_cuda("pooling")
def max_pool(xp, x, *, window, strides, padding, out=None):
    """Maximum of each window.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        window: Cells of a window along each spatial axis.
        strides: Steps from window to window along each axis.
        padding: A pair `(lo, hi)` of cells that never win, for each axis.
        out: Optional array for the result.

    Returns:
        Array `(batch, *outputs, channels)`. NaN counts as smaller than any number; a window of
        nothing but NaN or padding gives minus infinity.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.pooling import max_pool
        >>> x = np.array([1.0, 3.0, 2.0, 0.0]).reshape(1, 4, 1)
        >>> max_pool(np, x, window=(2,), strides=(2,), padding=((0, 0),))[0, :, 0]
        array([3., 2.])
    """
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if out is None:
        out = xp.empty((x.shape[0], *grid.outputs, x.shape[-1]), x.dtype)
    out[...] = xp.iinfo(x.dtype).min if x.dtype.kind in "iu" else -math.inf
    for _, target, source in overlaps(x.shape[1:-1], grid):
        out[target] = xp.fmax(out[target], x[source])
    return out


@on_cuda("pooling")
def max_pool_index(xp, x, y, *, window, strides, padding):
    """Tap of each window that holds its maximum.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        y: The result of `max_pool` for the same arguments.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: As for `max_pool`.

    Returns:
        Array of the shape of `y` and of type int32: the row-major number of the tap in its window,
        the first one where several hold the maximum, and `prod(window)` where none does.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.pooling import max_pool, max_pool_index
        >>> x = np.array([1.0, 3.0, 2.0, 2.0]).reshape(1, 4, 1)
        >>> some = dict(window=(2,), strides=(2,), padding=((0, 0),))
        >>> max_pool_index(np, x, max_pool(np, x, **some), **some)[0, :, 0]
        array([1, 0], dtype=int32)
    """
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    index = xp.full(y.shape, math.prod(window), "int32")
    for number, target, source in reversed(_numbered(x.shape[1:-1], grid)):
        index[target] = xp.where(x[source] == y[target], number, index[target])
    return index


@on_cuda("pooling")
def pool_gather(xp, x, index, *, window, strides, padding, out=None):
    """Cell of each window that an index names.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        index: Array `(batch, *outputs, channels)` of tap numbers, from `max_pool_index`.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: As for `max_pool`.
        out: Optional array for the result.

    Returns:
        Array of the shape of `index`, 0 where the index names no cell.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.pooling import pool_gather
        >>> x = np.array([5.0, 6.0, 7.0, 8.0]).reshape(1, 4, 1)
        >>> index = np.array([1, 0]).reshape(1, 2, 1)
        >>> pool_gather(np, x, index, window=(2,), strides=(2,), padding=((0, 0),))[0, :, 0]
        array([6., 7.])
    """
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if out is None:
        out = xp.empty(index.shape, x.dtype)
    out[...] = 0
    for number, target, source in _numbered(x.shape[1:-1], grid):
        out[target] = xp.where(index[target] == number, x[source], out[target])
    return out


@on_cuda("pooling")
def pool_scatter(xp, g, index, *, input_shape, window, strides, padding, out=None):
    """Transpose of `pool_gather`: add each cell to the one that an index names.

    Args:
        xp: The array module.
        g: Array `(batch, *outputs, channels)`.
        index: Array of the same shape with tap numbers, from `max_pool_index`.
        input_shape: Sizes of the spatial axes of the input of the pooling.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: As for `max_pool`.
        out: Optional array for the result.

    Returns:
        Array `(batch, *input_shape, channels)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.pooling import pool_scatter
        >>> g = np.array([1.0, 2.0]).reshape(1, 2, 1)
        >>> index = np.array([1, 0]).reshape(1, 2, 1)
        >>> pool_scatter(np, g, index, input_shape=(3,), window=(2,), strides=(1,),
        ...              padding=((0, 0),))[0, :, 0]
        array([0., 3., 0.])
    """
    grid = Grid.over(input_shape, window, strides, padding)
    shape = (g.shape[0], *input_shape, g.shape[-1])
    total = xp.zeros(shape, working_dtype(xp, g.dtype))
    for number, target, source in _numbered(input_shape, grid):
        total[source] += xp.where(index[target] == number, g[target], 0)
    return _given(total.astype(g.dtype, copy=False), out)


@on_cuda("pooling")
def avg_pool(xp, x, *, window, strides, padding, out=None):
    """Mean of the cells of each window that lie inside the array.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)` of floats.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: A pair `(lo, hi)` of cells that do not count, for each axis.
        out: Optional array for the result.

    Returns:
        Array `(batch, *outputs, channels)`, 0 for a window of nothing but padding.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.pooling import avg_pool
        >>> x = np.array([1.0, 3.0, 5.0]).reshape(1, 3, 1)
        >>> avg_pool(np, x, window=(2,), strides=(2,), padding=((0, 1),))[0, :, 0]
        array([2., 5.])
    """
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    dtype = working_dtype(xp, x.dtype)
    total = xp.zeros((x.shape[0], *grid.outputs, x.shape[-1]), dtype)
    taps = overlaps(x.shape[1:-1], grid)
    for _, target, source in taps:
        total[target] += x[source]
    total /= _counts(xp, taps, grid, dtype)
    return _given(total.astype(x.dtype, copy=False), out)


@on_cuda("pooling")
def avg_pool_grad(xp, g, *, input_shape, window, strides, padding, out=None):
    """Transpose of `avg_pool`: spread each cell evenly over its window.

    Args:
        xp: The array module.
        g: Array `(batch, *outputs, channels)` of floats.
        input_shape: Sizes of the spatial axes of the input of `avg_pool`.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: As for `avg_pool`.
        out: Optional array for the result.

    Returns:
        Array `(batch, *input_shape, channels)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.pooling import avg_pool_grad
        >>> g = np.array([2.0, 5.0]).reshape(1, 2, 1)
        >>> avg_pool_grad(np, g, input_shape=(3,), window=(2,), strides=(2,),
        ...               padding=((0, 1),))[0, :, 0]
        array([1., 1., 5.])
    """
    grid = Grid.over(input_shape, window, strides, padding)
    dtype = working_dtype(xp, g.dtype)
    taps = overlaps(input_shape, grid)
    share = g / _counts(xp, taps, grid, dtype)
    total = xp.zeros((g.shape[0], *input_shape, g.shape[-1]), dtype)
    for _, target, source in taps:
        total[source] += share[target]
    return _given(total.astype(g.dtype, copy=False), out)


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


def _given(result, out):
    if out is None:
        return result
    out[...] = result
    return out
