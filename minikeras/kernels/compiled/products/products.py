"""Products of matrices by the register tile of `tiles`, with the bias and ReLU after them.

The products of a training step are long and thin: a batch of 128 rows by a thousand weights, of
which each thread takes a part. BLAS is made for large squares and copies both sides before it
begins. Here at most the right-hand side is copied, a block of rows at a time, into panels as wide
as a tile; a panel stays in the first-level cache while the rows of the left-hand side pass by (Goto
and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008). The left-hand side is
read where it lies, transposed or not, since a tile needs one number of it at a time. Where the
right-hand side is large and is multiplied by many rows, copying pays, and BLAS computes the chunk.

All products that are wanted at once are one call: a table of numbers says what they are, another
which chunk is which part of which product, and the threads take chunk after chunk.

    out = max(a @ b + bias, lower_bound)        which is 0 for ReLU and minus infinity otherwise
"""

import math
from functools import lru_cache
from operator import call

import numpy as np

from minikeras.arrays import threads
from minikeras.arrays.blas_threads import hold_at_one
from minikeras.kernels.compiled.compiler import compiled, fetch, inner, matrix_at
from minikeras.kernels.compiled.products.blas import gemm, gemm_code
from minikeras.kernels.compiled.products.tile_instructions import tile_code, transpose_square
from minikeras.kernels.compiled.products.tiles import VECTOR, address, multiply, panel_columns
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_chunks
from minikeras.kernels.cpu.buffers import aligned_empty

# Most terms of a sum that are added up in registers: so many rows of a panel are near the core.
_TERMS = 384
# Rows of the left-hand side for which it does not pay to copy the right-hand side.
_FEW = 48
# Rows that are fetched ahead of the one that is copied.
_AHEAD = 6
# Rows of the left-hand side that stay in the second-level cache.
_LINES = 120
# Rows and bytes of the two sides from which BLAS, which copies both, is faster.
_TALL, _WIDE = 256, 1 << 21
# Rows for each thread from which it makes panels of its own rather than share lines of the result.
_MANY = 128
# Most chunks for each thread, if a chunk is some panels of the right-hand side.
_EACH_THREAD = 2

# What a line of the plan says of a product: its sizes; how many bytes it is from row to row and
# from column to column of the two sides; whether a bias and ReLU follow; the columns of a panel
# and how many of its rows are made at a time, or whether none are made; whether BLAS computes it;
# and in how many parts, of some columns each or of some rows.
_HEIGHT, _DEPTH, _WIDTH, _A_ROW, _A_STEP, _B_ROW, _B_STEP, _BIASED, _RELU = range(9)
_COLUMNS, _BLOCK, _DIRECT, _BY_BLAS, _PARTS, _BY_COLUMNS = range(9, 15)
# And where the two sides, the result and the bias lie.
_A, _B, _OUT, _BIAS = range(4)


def grouped_products(xp, products):
    """Compute several products of matrices; see `shared.products.grouped_products`."""
    if not all([_is_supported(*product[:3]) for product in products]):
        return NotImplemented
    dtype = products[0][0].dtype
    blas = gemm_code(dtype)
    kinds = tuple(
        [
            (a.shape, b.shape, a.strides, b.strides, bias is not None, r)
            for a, b, bias, r in products
        ]
    )
    operations = sum([2 * a.size * b.shape[1] for a, b, _, _ in products])
    count = len(threads.ends(operations, operations / threads.OPERATIONS, 1)) - 1
    table, tasks, workspace, calls_blas = _plan(kinds, dtype.itemsize, blas[0] != 0, count)
    outs = [np.empty((a.shape[0], b.shape[1]), dtype) for a, b, _, _ in products]
    places = np.array(
        [
            (a.ctypes.data, b.ctypes.data, out.ctypes.data, 0 if bias is None else bias.ctypes.data)
            for (a, b, bias, _), out in zip(products, outs, strict=True)
        ]
    )
    workspaces = aligned_empty(np, (len(tasks), workspace), dtype)
    ends = tuple(range(len(tasks) + 1))
    run = hold_at_one if calls_blas else call
    run(parallel_chunks, _compute, ends, table, places, tasks, workspaces, tile_code(dtype), blas)
    return outs


@lru_cache(1024)
def _plan(kinds, size, has_blas, count):
    """Say how products are computed.

    Args:
        kinds: tuple of `(shapes, strides of the two sides, whether there is a bias, relu)`.
        size: bytes of an element.
        has_blas: whether BLAS can be called.
        count: how many threads are worth waking.

    Returns:
        A line for each product, `(product, part)` of every chunk, the elements of the workspace of
        a chunk, and whether BLAS is called.
    """
    table = np.array([_line(kind, size, has_blas, count) for kind in kinds])
    tasks = np.array([(j, i) for j, line in enumerate(table) for i in range(line[_PARTS])])
    panels = [line[_BLOCK] * -(-line[_WIDTH] // line[_COLUMNS]) * line[_COLUMNS] for line in table]
    return table, tasks, max(panels), bool(table[:, _BY_BLAS].any())


def _is_supported(a, b, bias):
    """Whether the loops can compute this product: dtype, alignment, sizes and order."""
    arrays = [a, b] if bias is None else [a, b, bias]
    return (
        a.dtype in (np.float32, np.float64)
        and all([array.dtype == a.dtype and array.flags.aligned for array in arrays])
        and all([array.size for array in arrays])
        and (b.flags.c_contiguous or b.flags.f_contiguous)
        and (bias is None or bias.flags.c_contiguous)
    )


def _line(kind, size, has_blas, count):
    """The line of a product that is to be computed in about so many parts."""
    (height, depth), (_, width), a_strides, b_strides, biased, relu = kind
    wide = panel_columns(width, size)
    panels = -(-width // wide)
    by_blas = has_blas and height >= _TALL and depth * width * size > _WIDE and size in a_strides
    by_columns = width > height if by_blas else panels >= count and height < _MANY * count
    if by_columns and not by_blas and count > 1:
        count = min(panels, count * _EACH_THREAD)
    direct = height <= _FEW and b_strides[1] == size
    return (
        *(height, depth, width, *a_strides, *b_strides, biased, relu),
        *(wide, math.ceil(depth / math.ceil(depth / _TERMS)), direct, by_blas),
        *(min(count, width if by_columns else height), by_columns),
    )


@compiled()
def _compute(pool, ends, chunk, table, places, tasks, workspaces, code, blas):
    """Compute a part of a product."""
    if chunk == ALL:
        return fork_join(pool, ends, (table, places, tasks, workspaces, code, blas))
    product, i = tasks[chunk]
    if table[product, _BY_BLAS]:
        _by_blas(table[product], places[product], i, blas, workspaces)
    else:
        _by_tiles(table[product], places[product], i, code, workspaces[chunk])


@inner()
def _by_tiles(job, place, i, code, workspace):
    size, wide, height, width = workspace.itemsize, job[_COLUMNS], job[_HEIGHT], job[_WIDTH]
    if job[_BY_COLUMNS]:  # no panel is made twice
        panels = (width + wide - 1) // wide
        low, high = 0, height
        first, end = _part(panels, i, job)
        first, end = first * wide, min(end * wide, width)
    else:
        low, high = _part(height, i, job)
        first, end = 0, width
    _multiply(
        code,
        (place[_A] + low * job[_A_ROW], job[_A_ROW], job[_A_STEP]),
        matrix_at(place[_B], 1, job[_DEPTH] * width, workspace)[0],
        job[_B_STEP] != size,
        matrix_at(place[_OUT] + low * width * size, high - low, width, workspace),
        (job[_DEPTH], width, first, end, wide, job[_BLOCK]),
        matrix_at(place[_BIAS], 1, width * job[_BIASED], workspace)[0],
        0.0 if job[_RELU] else -np.inf,
        matrix_at(workspace.ctypes.data, workspace.size // wide, wide, workspace),
        job[_DIRECT],
    )


@inner()
def _by_blas(job, place, i, blas, like):
    size, width = like.itemsize, job[_WIDTH]
    if job[_BY_COLUMNS]:
        low, high = 0, job[_HEIGHT]
        first, end = _part(width, i, job)
    else:
        low, high = _part(job[_HEIGHT], i, job)
        first, end = 0, width
    a_across, b_across = job[_A_STEP] != size, job[_B_STEP] != size
    out = place[_OUT] + (low * width + first) * size
    gemm(
        blas,
        high - low,
        end - first,
        job[_DEPTH],
        (place[_A] + low * job[_A_ROW], max(job[_A_ROW], job[_A_STEP]) // size, a_across),
        (place[_B] + first * job[_B_STEP], max(job[_B_ROW], job[_B_STEP]) // size, b_across),
        (out, width),
        like,
    )
    if job[_BIASED] or job[_RELU]:
        bias = matrix_at(place[_BIAS] + first * size, 1, (end - first) * job[_BIASED], like)[0]
        lower_bound = 0.0 if job[_RELU] else -np.inf
        for row in range(high - low):
            _finish(matrix_at(out + row * width * size, 1, end - first, like)[0], bias, lower_bound)


@inner()
def _part(length, i, job):
    """Where a part of so many rows, columns or panels begins and ends."""
    return length * i // job[_PARTS], length * (i + 1) // job[_PARTS]


@inner()
def _finish(y, bias, lower_bound):
    """Add a bias to a row, and take the larger of each element and the lower bound."""
    least = y.dtype.type(lower_bound)
    for j in range(bias.size):
        y[j] += bias[j]
    for j in range(y.size):
        y[j] = least if y[j] <= least else y[j]  # NaN stays


@inner()
def _multiply(code, a, b, across, out, shape, bias, lower_bound, panels, direct):
    """Write some columns of `max(a @ b + bias, lower_bound)`, for a block of terms after another.

    Args:
        code: Address of the tile.
        a: `(address, bytes from row to row, bytes from column to column)`.
        b: Array of all numbers of the right-hand side.
        across: Whether they lie column by column.
        out: Array `(rows, width)`.
        shape: `(terms, width, first, end, wide, depth)`: terms of a sum, columns in all, those to
            write, columns of a panel, and terms of a block.
        bias: Array of a number for each column; empty if there is none.
        lower_bound: Least result.
        panels: Buffer for the panels of a block.
        direct: Whether to read `b` where it lies, without panels.
    """
    terms, width, first, end, wide, depth = shape
    size = out.itemsize
    for low in range(0, terms, depth):
        count = min(depth, terms - low)
        right = address(panels), wide * size, count * wide * size
        if direct:
            right = address(b[low * width + first :]), width * size, wide * size
        elif across:
            _pack_columns(b, terms, low, count, first, end, panels)
        else:
            _pack_rows(b, width, low, count, first, end, panels)
        left = a[0] + low * a[2], a[1], a[2]
        least = lower_bound if low + count == terms else -np.inf
        for line in range(0, len(out), _LINES):
            lines = line, min(line + _LINES, len(out))
            columns = first, end, wide
            _add_block(code, left, right, count, out, lines, columns, low, bias, least)


@inner()
def _add_block(code, a, b, count, out, lines, columns, low, bias, lower_bound):
    """Add the products of a block of rows and a block of terms, panel after panel."""
    (a_at, a_row, a_step), (first, end, wide) = a, columns
    rows, row = lines[1] - lines[0], out.strides[0]
    result = address(out[lines[0], first:]), row
    zeros = np.zeros(0 if low or bias.size else end - first, out.dtype)
    start = address(bias[first:] if bias.size else zeros), 0
    multiply(
        code,
        rows=rows,
        columns=end - first,
        terms=count,
        a=(a_at + lines[0] * a_row, a_row, a_step),
        b=b,
        start=result if low else start,
        out=result,
        lower_bound=lower_bound,
        wide=wide,
        size=out.itemsize,
    )


@inner()
def _pack_rows(b, width, low, count, first, end, panels):
    """Copy a block of rows of the right-hand side to its panels."""
    wide, ahead = panels.shape[1], _AHEAD * width * b.itemsize
    for k in range(count):
        row = b[(low + k) * width + first : (low + k) * width + end]
        fetch(np.int64(row.ctypes.data) + ahead, np.int64(row.nbytes))
        for column in range(0, end - first, wide):
            part = row[column : column + wide]
            place = panels[column // wide * count + k]
            for j in range(part.size):
                place[j] = part[j]


@inner()
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
