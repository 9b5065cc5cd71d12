"""Windows as columns of a matrix, and back, in one launch each; see `kernels/gpu/columns.py`."""

import math

from minikeras.kernels.gpu.cuda.windows import AXES, numbers
from minikeras.kernels.gpu.launch import Source, contiguous

_source = Source("columns")


def im2col(xp, x, grid, groups, dtype):
    """The windows of images as matrices `(groups, positions, taps * channels)`."""
    if len(grid.window) > AXES:
        return NotImplemented
    (x,) = contiguous(xp, x.astype(dtype, copy=False))
    channels = x.shape[-1] // groups
    rows = len(x) * math.prod(grid.outputs)
    columns = xp.empty((groups, rows, math.prod(grid.window) * channels), dtype)
    geometry = numbers(x.shape[1:-1], grid)
    arguments = x, columns, groups, channels, rows, *geometry
    _source.launch_channels(xp, "im2col", rows, channels, *arguments)
    return columns


def col2im(xp, columns, grid, shape):
    """Add the columns' numbers to the cells of images `(batch, *sizes, channels)`."""
    if len(grid.window) > AXES:
        return NotImplemented
    (columns,) = contiguous(xp, columns)
    groups, rows, _ = columns.shape
    x = xp.empty(shape, columns.dtype)
    geometry = numbers(shape[1:-1], grid)
    channels, cells = shape[-1] // groups, math.prod(shape[:-1])
    arguments = columns, x, groups, channels, rows, cells, *geometry
    _source.launch_channels(xp, "col2im", cells, channels, *arguments)
    return x
