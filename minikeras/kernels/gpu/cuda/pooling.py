"""Pooling in one launch each; the definitions are those of `kernels/gpu/pooling.py`."""

from minikeras.kernels.gpu.cuda.windows import AXES, numbers
from minikeras.kernels.gpu.launch import Source, are_floats, contiguous
from minikeras.kernels.shared.windows import Grid

_source = Source("pooling")


def max_pool(xp, x, *, window, strides, padding, out=None):
    """Maximum of each window."""
    return _pooled(xp, "max_pool", x, window, strides, padding, out)


def avg_pool(xp, x, *, window, strides, padding, out=None):
    """Mean of the cells of each window that lie inside the array."""
    return _pooled(xp, "avg_pool", x, window, strides, padding, out)


def max_pool_index(xp, x, y, *, window, strides, padding):
    """Tap of each window that holds its maximum."""
    if not are_floats(x, y) or len(window) > AXES:
        return NotImplemented
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    x, y = contiguous(xp, x, y)
    index = xp.empty(y.shape, "int32")
    _launch(xp, "max_pool_index", grid, x.shape[1:-1], x, y, index)
    return index


def pool_gather(xp, x, index, *, window, strides, padding, out=None):
    """Cell of each window that an index names."""
    if not are_floats(x) or len(window) > AXES or out is not None:
        return NotImplemented
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    x, index = contiguous(xp, x, index.astype("int32", copy=False))
    y = xp.empty(index.shape, x.dtype)
    _launch(xp, "pool_gather", grid, x.shape[1:-1], x, index, y)
    return y


def pool_scatter(xp, g, index, *, input_shape, window, strides, padding, out=None):
    """Transpose of `pool_gather`."""
    if not are_floats(g) or len(window) > AXES or out is not None:
        return NotImplemented
    grid = Grid.over(input_shape, window, strides, padding)
    g, index = contiguous(xp, g, index.astype("int32", copy=False))
    dx = xp.empty((len(g), *input_shape, g.shape[-1]), g.dtype)
    _launch(xp, "pool_scatter", grid, input_shape, g, index, dx)
    return dx


def avg_pool_grad(xp, g, *, input_shape, window, strides, padding, out=None):
    """Transpose of `avg_pool`."""
    if not are_floats(g) or len(window) > AXES or out is not None:
        return NotImplemented
    grid = Grid.over(input_shape, window, strides, padding)
    (g,) = contiguous(xp, g)
    dx = xp.empty((len(g), *input_shape, g.shape[-1]), g.dtype)
    _launch(xp, "avg_pool_grad", grid, input_shape, g, dx)
    return dx


def _pooled(xp, name, x, window, strides, padding, out):
    if not are_floats(x) or len(window) > AXES or out is not None:
        return NotImplemented
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    (x,) = contiguous(xp, x)
    y = xp.empty((len(x), *grid.outputs, x.shape[-1]), x.dtype)
    _launch(xp, name, grid, x.shape[1:-1], x, y)
    return y


def _launch(xp, name, grid, sizes, *arrays):
    """One thread for each element of the last array."""
    result = arrays[-1]
    geometry = numbers(sizes, grid)
    _source.launch(xp, name, result.size, *arrays, result.shape[-1], *geometry, result.size)
