"""Products of matrices by the register tile of `tiles`, with the bias and `relu` behind them.

The products of a training step are long and thin: a batch of 128 rows by a thousand weights, of
which each thread takes a part. BLAS is made for large squares and copies both sides before it
begins. Here only the right-hand side is copied, a block of rows at a time, into panels as wide as a
tile; a panel stays in the first-level cache while the rows of the left-hand side pass by (Goto and
van de Geijn, "Anatomy of high-performance matrix multiplication", 2008). The left-hand side is read
where it lies, transposed or not, since a tile needs one number of it at a time.
"""

import math

import numpy as np

from minikeras.kernels.compiled.loops import compiled
from minikeras.kernels.compiled.tiles import (
    ROWS,
    VECTOR,
    panel_columns,
    tile,
    tile_code,
    transpose_square,
)
from minikeras.kernels.cpu.buffers import aligned_empty

# Most terms of a sum that are added up in registers: so many rows of a panel are near the core.
_TERMS = 384
# Rows of the left-hand side that stay in the second-level cache.
_LINES = 120
# Rows and bytes of the two sides from which BLAS, which copies both, is faster.
_TALL, _WIDE = 256, 1 << 21


def part_of_product(xp, a, b, out, i, count, bias=None, relu=False):
    """Compute one of `count` pieces of a product; see `shared.products.part_of_product`."""
    if not _suit(a, b, out, bias):
        return NotImplemented
    size, (rows, terms), width = out.itemsize, a.shape, b.shape[1]
    wide = panel_columns(width, size)
    panels = -(-width // wide)
    low, high, first, end = 0, rows, 0, width
    if panels >= count:  # no panel is made twice
        first, end = (min(panels * j // count * wide, width) for j in (i, i + 1))
    else:
        low, high = rows * i // count, rows * (i + 1) // count
    depth = math.ceil(terms / math.ceil(terms / _TERMS))
    room = aligned_empty(np, (depth * math.ceil((end - first) / wide), wide), out.dtype)
    across = not b.flags.c_contiguous
    _multiply(
        tile_code(out.dtype),
        (a.ctypes.data + low * a.strides[0], a.strides[0], a.strides[1]),
        (b.T if across else b).reshape(-1),
        across,
        out[low:high],
        (terms, width, first, end, depth),
        np.empty(0, out.dtype) if bias is None else bias,
        0.0 if relu else -math.inf,
        room,
    )
    return out


def _suit(a, b, out, bias):
    """Whether the matrices are such as the loops were made for."""
    given = [a, b, out] if bias is None else [a, b, out, bias]
    if len(a) >= _TALL and b.nbytes > _WIDE:
        return False
    return (
        out.dtype in (np.float32, np.float64)
        and all(array.dtype == out.dtype and array.flags.aligned for array in given)
        and all(array.size for array in given)
        and out.flags.c_contiguous
        and (b.flags.c_contiguous or b.flags.f_contiguous)
        and (bias is None or bias.flags.c_contiguous)
    )


@compiled()
def _multiply(code, a, b, across, out, shape, bias, floor, panels):
    """Write some columns of `max(a @ b + bias, floor)`, for a block of terms after another.

    Args:
        code: Address of the tile.
        a: `(address, bytes from row to row, bytes from column to column)`.
        b: Array of all numbers of the right-hand side.
        across: Whether they lie column by column.
        out: Array `(rows, width)`.
        shape: `(terms, width, first, end, depth)`: terms of a sum, columns in all, those to write,
            and terms of a block.
        bias: Array of a number for each column; empty if there is none.
        floor: Least result.
        panels: Buffer for the panels of a block.
    """
    terms, width, first, end, depth = shape
    for low in range(0, terms, depth):
        count = min(depth, terms - low)
        if across:
            _pack_columns(b, terms, low, count, first, end, panels)
        else:
            _pack_rows(b, width, low, count, first, end, panels)
        source = a[0] + low * a[2], a[1], a[2]
        least = floor if low + count == terms else -np.inf
        for line in range(0, len(out), _LINES):
            lines = line, min(line + _LINES, len(out))
            _add_block(code, source, panels, count, out, lines, (first, end), low, bias, least)


@compiled()
def _add_block(code, a, panels, count, out, lines, columns, low, bias, floor):
    """Add the products of a block of rows and a block of terms, panel after panel."""
    address, a_row, a_step = a
    first, end = columns
    size, wide, row = out.itemsize, panels.shape[1], out.strides[0]
    lanes, run = VECTOR // size, np.zeros(1, np.int64)
    zeros = np.zeros(wide, out.dtype)
    for column in range(first, end, wide):
        here = min(wide, end - column)
        vectors = (here + lanes - 1) // lanes
        panel = panels[(column - first) // wide * count :].ctypes.data
        start = bias[column:].ctypes.data if bias.size else zeros.ctypes.data
        tiles = (lines[1] - lines[0] + ROWS[vectors] - 1) // ROWS[vectors]
        for i in range(tiles):
            top = lines[0] + (lines[1] - lines[0]) * i // tiles
            height = lines[0] + (lines[1] - lines[0]) * (i + 1) // tiles - top
            to = out[top, column:].ctypes.data
            tile(
                code,
                height,
                vectors,
                here - (vectors - 1) * lanes,
                address + top * a_row,
                a_row,
                a_step,
                run.ctypes.data,
                panel,
                wide * size,
                run.ctypes.data,
                1,
                count,
                to if low else start,
                row if low else 0,
                to,
                row,
                floor,
            )


@compiled()
def _pack_rows(b, width, low, count, first, end, panels):
    """Copy a block of rows of the right-hand side to its panels."""
    wide = panels.shape[1]
    for k in range(count):
        row = b[(low + k) * width + first : (low + k) * width + end]
        for column in range(0, end - first, wide):
            part = row[column : column + wide]
            place = panels[column // wide * count + k]
            for j in range(part.size):
                place[j] = part[j]


@compiled()
def _pack_columns(b, terms, low, count, first, end, panels):
    """As `_pack_rows`, of one that lies column by column: square by square, as far as they go."""
    size, wide = panels.itemsize, panels.shape[1]
    lanes = VECTOR // size
    for column in range(0, end - first, lanes):
        some = min(lanes, end - first - column)
        top, left = column // wide * count, column % wide
        squares = count // lanes * lanes if some == lanes else 0
        for k in range(0, squares, lanes):
            source = b[(first + column) * terms + low + k :].ctypes.data
            target = panels[top + k, left:].ctypes.data
            transpose_square(panels, source, terms * size, target, wide * size)
        for j in range(some):
            line = b[(first + column + j) * terms + low :]
            for k in range(squares, count):
                panels[top + k, left + j] = line[k]
