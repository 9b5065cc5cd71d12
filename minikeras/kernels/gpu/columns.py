"""The windows of images, copied side by side as the rows of a matrix, and the transpose of that.

    columns[o, (t, c)] = x[o * stride - low + t * dilation, c]            `im2col`
    dx[i, c]           = sum over o, t with o * stride - low + t * dilation = i of
                         dcolumns[o, (t, c)]                              `col2im`

Chellapilla, Puri and Simard, "High Performance Convolutional Neural Networks for Document
Processing" (2006).
"""

import math

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.windows import overlaps, window_view


@dispatched(cuda="columns")
def im2col(xp, x, grid, groups, dtype):
    """Copy the windows of images side by side.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        grid: The windows.
        groups: Number of independent slices of the channels.
        dtype: The type of number of the result.

    Returns:
        Array `(groups, batch * positions, taps * channels // groups)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.columns import im2col
        >>> from minikeras.kernels.shared.windows import Grid
        >>> x = np.arange(3.0).reshape(1, 3, 1)
        >>> im2col(np, x, Grid.over((3,), (2,), (1,), ((0, 0),)), 1, x.dtype)[0]
        array([[0., 1.],
               [1., 2.]])
    """
    cells = window_view(xp, _framed(xp, x, grid, dtype), grid)
    cells = cells.reshape(*cells.shape[:-1], groups, x.shape[-1] // groups)
    cells = xp.moveaxis(cells, -2, 0)
    taps = math.prod(cells.shape[len(grid.window) + 2 :])
    return cells.reshape(groups, cells.shape[1] * math.prod(grid.outputs), taps)


@dispatched(cuda="columns")
def col2im(xp, columns, grid, shape):
    """Transpose of `im2col`: add every number of the columns to the cell that it was read from.

    Args:
        xp: The array module.
        columns: Array `(groups, batch * positions, taps * channels // groups)`.
        grid: The windows.
        shape: Shape of the images, `(batch, *spatial, channels)`.

    Returns:
        Array of that shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.columns import col2im
        >>> from minikeras.kernels.shared.windows import Grid
        >>> grid = Grid.over((3,), (2,), (1,), ((0, 0),))
        >>> col2im(np, np.ones((1, 2, 2)), grid, (1, 3, 1)).ravel()
        array([1., 2., 1.])
    """
    groups = len(columns)
    split = groups, shape[0], *grid.outputs, *grid.window, shape[-1] // groups
    columns = xp.moveaxis(columns.reshape(split), 0, -2)
    columns = columns.reshape(*columns.shape[:-2], shape[-1])
    total = xp.zeros(shape, columns.dtype)
    for tap, outputs, inside in overlaps(shape[1:-1], grid):
        total[inside] += columns[(*outputs[: len(shape) - 1], *tap)]
    return total


def _framed(xp, x, grid, dtype):
    """The cells that windows read, padding included; nothing is copied where none is missing."""
    sizes = x.shape[1:-1]
    axes = zip(grid.lows, grid.extents, sizes, strict=True)
    inside = [slice(max(-low, 0), max(min(end - low, size), 0)) for low, end, size in axes]
    x = x[(slice(None), *inside)].astype(dtype, copy=False)
    if x.shape[1:-1] == grid.extents:
        return x
    frame = xp.zeros((x.shape[0], *grid.extents, x.shape[-1]), dtype)
    starts = [max(low, 0) for low in grid.lows]
    target = [slice(a, a + size) for a, size in zip(starts, x.shape[1:-1], strict=True)]
    frame[(slice(None), *target)] = x
    return frame
