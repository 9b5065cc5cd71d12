"""The windows of a convolution's input, copied side by side as matrices, block by block (im2col).

A block is some whole images, or some lines of one image, such that its matrix stays in a core's
second-level cache while the matrix product reads it. The next block overwrites it.
"""

import math
import operator
from typing import Any

from minikeras.kernels.cpu.buffers import aligned_empty, aligned_zeros
from minikeras.kernels.shared.windows import window_view

BLOCK_BYTES = 3 << 19
"""A column matrix that fits the L2 cache of a core beside the block of output made from it."""

# Fewer rows than this would leave a matrix product waiting for its right operand.
_LEAST_ROWS = 256
# Elements in a run below which copying costs more by the run than by the element.
_SHORT_RUN = 16


def column_blocks(xp, x, grid, groups, filters, dtype):
    """Yield the windows of an array, block by block, as matrices.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        grid: The windows.
        groups: Number of groups.
        filters: Filters of a group, so many numbers of output belong to each row of the matrix.
        dtype: The type of number of the matrix.

    Yields:
        `(block, columns)`: two slices, of the batch and of the lines of each image; and an array
        `(groups, positions, taps * channels of a group)` that the next block overwrites.
    """
    x = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)
    crop = tuple(slice(max(-low, 0), None) for low in grid.lows)
    x = xp.moveaxis(x, -2, 0)[(slice(None), slice(None), *crop)]
    lows = tuple(max(low, 0) for low in grid.lows)
    batch, sizes, channels = x.shape[1], x.shape[2:-1], x.shape[-1]
    row = groups * (math.prod(grid.window) * channels + filters)
    images, lines = _block_sizes(batch, grid.outputs, row * dtype.itemsize)
    rows = images * lines * math.prod(grid.outputs[1:])
    buffer = aligned_empty(xp, (groups * rows * math.prod(grid.window) * channels,), dtype)
    source: Any = None
    place: Any = None
    if any(lows) or x.dtype != dtype or any(map(operator.gt, grid.extents, sizes)):
        frame = aligned_zeros(xp, (groups, images, *grid.extents, channels), dtype)
        source, place = _inner_parts(x, frame, lows)
        windows = window_view(xp, frame, grid)
    else:
        windows = window_view(xp, x, grid)
    for first in range(0, batch if rows else 0, images):
        count = min(images, batch - first)
        block = slice(first, first + count)
        if place is None:
            cells = windows[:, block]
        else:
            place[:, :count] = source[:, block]
            cells = windows[:, :count]
        for line in range(0, grid.outputs[0], lines):
            some = slice(line, min(line + lines, grid.outputs[0]))
            yield (block, some), _columns(xp, cells[:, :, some], len(sizes), buffer)


def _block_sizes(batch, outputs, row_bytes):
    """Images, and lines of each, to a block: all lines, unless one image is too much."""
    positions = math.prod(outputs)
    rows = max(BLOCK_BYTES // row_bytes, _LEAST_ROWS)
    if rows >= positions:
        return max(min(rows // max(positions, 1), batch), 1), outputs[0]
    blocks = -(-outputs[0] // max(rows * outputs[0] // positions, 1))
    return 1, -(-outputs[0] // blocks)


def _inner_parts(x, frame, lows):
    """The part of the input that windows reach, and its place in a frame of zeros.

    No block ever writes the frame's border.
    """
    lead = (slice(None), slice(None))
    inside = frame[(*lead, *(slice(low, None) for low in lows))]
    sizes = zip(inside.shape[2:], x.shape[2:], strict=True)
    common = (*lead, *(slice(min(pair)) for pair in sizes))
    return x[common], inside[common]


def _columns(xp, cells, rank, buffer):
    """Lay windows `(groups, images, *outputs, *window, channels)` side by side in a matrix."""
    groups, rows, taps = cells.shape[0], cells.shape[1 : rank + 2], cells.shape[rank + 2 :]
    height, width = math.prod(rows), math.prod(taps)
    if width == taps[-1]:
        return cells.reshape(groups, height, width)
    flat = buffer[: cells.size]
    if taps[-1] * taps[-2] >= _SHORT_RUN:
        xp.copyto(flat.reshape(cells.shape), cells)
        return flat.reshape(groups, height, width)
    order = (0, *range(rank + 2, cells.ndim), *range(1, rank + 2))
    xp.copyto(flat.reshape(groups, *taps, *rows), cells.transpose(order))
    return flat.reshape(groups, width, height).swapaxes(1, 2)
