"""The loops of a convolution over images, rows, panels and tiles; `conv_plan` has their tables.

Each public function is one call for all the images of a thread. What belongs to one image stays in
a core's second-level cache between the steps: the padded copy, the gradient where `relu` let it
through, the sums. A panel of weights is used for all rows of an image before the next one.
"""

import numpy as np
from numba import njit

from minikeras.kernels.compiled.tiles import ROWS, VECTOR, VECTORS, most_rows, tile

_FEW_ROWS = most_rows("lanewise")[1]
# Bytes of cells and gradients that a tile walks through before the next tile does: they stay in the
# first-level cache, or near it.
_BLOCK = 1 << 16


@njit(nogil=True, cache=True)
def forward(code, x, frame, weights, bias, out, lines, tables, floor):
    """Convolve some images.

    Args:
        code: Address of the tile.
        x: Array `(images, numbers)`.
        frame: Buffer for an image with its padding; empty if there is none.
        weights: The panels of weights of all parts.
        bias: Array with a number for each output.
        out: Array `(images, numbers)`.
        lines: `Frame.rows`.
        tables: `Plan.tables`.
        floor: Least result.
    """
    frame[:] = 0
    for image in range(len(x)):
        source = _framed(x[image], frame, lines)
        given = weights.ctypes.data, bias.ctypes.data
        _correlate(code, source, given, out[image].ctypes.data, tables, floor)


@njit(nogil=True, cache=True)
def forward_few(code, x, frame, weights, bias, out, lines, tables, floor):
    """As `forward`, for few filters: vectors hold terms of one sum, and are added up at its end.

    Args:
        code: Address of the lanewise tile.
        x: As for `forward`.
        frame: As for `forward`.
        weights: Array `(filters, terms)`.
        bias: As for `forward`.
        out: As for `forward`.
        lines: As for `forward`.
        tables: As for `forward`; runs are whole vectors.
        floor: As for `forward`.
    """
    frame[:] = 0
    rows, part, size = tables[1], tables[0][0], x.itemsize
    width, step, gap = part[5], part[6], part[7] // size
    height, lanes = _height(width, _FEW_ROWS), VECTOR // size
    sums, zeros = np.empty((height, lanes), x.dtype), np.zeros(lanes, x.dtype)
    b_runs = np.arange(part[3]) * part[4] * size
    for image in range(len(x)):
        source, target = _framed(x[image], frame, lines), out[image]
        for row in range(rows.shape[1]):
            for first in range(0, width, height):
                at = min(first, width - height)
                read, place = source + rows[0, row] + at * step, rows[1, row] // size + at * gap
                for f in range(len(weights)):
                    _dot(code, read, weights[f], b_runs, zeros, sums, row, tables)
                    for m in range(height):
                        value = _added(sums, m) + bias[f]
                        target[place + m * gap + f] = floor if value < floor else value


@njit(nogil=True, cache=True)
def _dot(code, read, weights, b_runs, zeros, sums, row, tables):
    """Write the sums of a tile's outputs in a row, each still spread over a vector's lanes."""
    parts, rows, a_runs, _, _ = tables
    part, skipped = parts[0], rows[2, row]
    tile(
        code,
        len(sums),
        1,
        len(zeros),
        read,
        part[6],
        VECTOR,
        a_runs[skipped:].ctypes.data,
        weights.ctypes.data,
        VECTOR,
        b_runs[skipped:].ctypes.data,
        rows[3, row],
        part[4] * zeros.itemsize // VECTOR,
        zeros.ctypes.data,
        0,
        sums.ctypes.data,
        VECTOR,
        -np.inf,
    )


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _added(sums, m):
    """Sum of the lanes of a vector."""
    total = sums[m, 0]
    for lane in range(1, VECTOR // sums.itemsize):
        total += sums[m, lane]
    return total


@njit(nogil=True, cache=True)
def backward(
    codes,
    x,
    x_frame,
    x_lines,
    total,
    across,
    kernel_tables,
    g,
    y,
    g_frame,
    g_lines,
    sums,
    weights,
    zeros,
    by_input,
    input_tables,
):
    """Take all gradients of a convolution for some images.

    An array of no images or numbers is one that is not wanted, or not needed.

    Args:
        codes: Addresses of the tiles for the gradients by the input and by the kernel.
        x: Array `(images, numbers)`.
        x_frame: Buffer for an image with its padding.
        x_lines: `Frame.rows` of it.
        total: Array `(terms, filters)` for the gradient by the kernel, or its transpose.
        across: Whether it is the transpose, which is faster where filters are few.
        kernel_tables: `Plan.tables` of it.
        g: Array `(images, numbers)`, the gradient by the output.
        y: The output, where its negative results were cut off.
        g_frame: Buffer for the gradient with its padding.
        g_lines: `Frame.rows` of it.
        sums: Array of the length of a row of `g`, for the sum of all rows.
        weights: The panels of weights of the gradient by the input.
        zeros: As many zeros as there are channels.
        by_input: Array `(images, numbers)` for the gradient by the input.
        input_tables: `Plan.tables` of it.
    """
    x_frame[:], g_frame[:], total[:], sums[:] = 0, 0, 0, 0
    for image in range(len(g)):
        some = g[image]
        if len(y):
            _cut(some, y[image], g_frame, g_lines, sums)
            source = g_frame.ctypes.data
        else:
            source = _framed(some, g_frame, g_lines)
            _add_rows(some, g_lines, sums)
        if len(total):
            left = _framed(x[image], x_frame, x_lines)
            if across:
                _add_transposed(codes[1], left, source, total, kernel_tables)
            else:
                _add_products(codes[1], left, source, total, kernel_tables)
        if len(by_input):
            given, out = (weights.ctypes.data, zeros.ctypes.data), by_input[image].ctypes.data
            _correlate(codes[0], source, given, out, input_tables, -np.inf)


@njit(nogil=True, cache=True)
def _correlate(code, source, given, out, tables, floor):
    """Write all parts of one image."""
    weights, start = given
    parts, _, _, _, panels = tables
    for part in parts:
        for number, panel in enumerate(panels):
            block = weights + part[8] + number * part[9], start + panel[1]
            into = out + panel[1]
            _write_panel(code, source + panel[0], block, into, part, panel, tables, floor)


@njit(nogil=True, cache=True)
def _write_panel(code, source, block, out, part, panel, tables, floor):
    """Write the columns of one panel. The last tile of a row may overlap the one before."""
    weights, start = block
    _, rows, a_runs, b_runs, _ = tables
    length, width, step, hop, term = part[4], part[5], part[6], part[7], part[10]
    height = _height(width, panel[4])
    weight_row = part[9] // max(part[3] * length, 1)
    a_table, b_table = a_runs[part[2] :].ctypes.data, b_runs[part[2] :].ctypes.data
    for row in range(part[0], part[1]):
        read, write, skipped = source + rows[0, row], out + rows[1, row], 8 * rows[2, row]
        for first in range(0, width, height):
            at = min(first, width - height)
            tile(
                code,
                height,
                panel[2],
                panel[3],
                read + at * step,
                step,
                term,
                a_table + skipped,
                weights,
                weight_row,
                b_table + skipped,
                rows[3, row],
                length // part[11],
                start,
                0,
                write + at * hop,
                hop,
                floor,
            )


@njit(nogil=True, cache=True)
def _add_products(code, x, g, total, tables):
    """Add the products of one image's cells and gradients to the gradient by the kernel."""
    parts, rows, a_runs, _, panels = tables
    part, row = parts[0], total.strides[0]
    length, width, step, hop, term = part[4], part[5], part[6], part[7], part[10]
    some = max(_BLOCK // (width * (step + hop)), 1)
    for line in range(0, rows.shape[1], some):
        lines = min(some, rows.shape[1] - line)
        x_table, g_table = rows[0, line:].ctypes.data, rows[1, line:].ctypes.data
        for run in range(part[3]):
            for panel in panels:
                height = _height(length, panel[4])
                for first in range(0, length, height):
                    left = x + a_runs[run] + first * term
                    to = total.ctypes.data + (run * length + first) * row + panel[1]
                    tile(
                        code,
                        min(height, length - first),
                        panel[2],
                        panel[3],
                        left + panel[0],
                        term,
                        step,
                        x_table,
                        g + panel[1],
                        hop,
                        g_table,
                        lines,
                        width,
                        to,
                        row,
                        to,
                        row,
                        -np.inf,
                    )


@njit(nogil=True, cache=True)
def _add_transposed(code, x, g, total, tables):
    """As `_add_products`, with cells for columns and filters for rows."""
    parts, rows, a_runs, _, _ = tables
    part, row, size = parts[0], total.strides[0], total.itemsize
    length, width, step, hop = part[4], part[5], part[6], part[7]
    some, lanes = max(_BLOCK // (width * (step + hop)), 1), VECTOR // size
    wide = _height(-(-length // lanes), VECTORS) * lanes
    for line in range(0, rows.shape[1], some):
        lines = min(some, rows.shape[1] - line)
        x_table, g_table = rows[0, line:].ctypes.data, rows[1, line:].ctypes.data
        for run in range(part[3]):
            for first in range(0, length, wide):
                count = min(wide, length - first)
                vectors = -(-count // lanes)
                last, height = count - (vectors - 1) * lanes, _height(len(total), ROWS[vectors])
                right, place = x + a_runs[run] + first * size, (run * length + first) * size
                for f in range(0, len(total), height):
                    to = total.ctypes.data + f * row + place
                    left = g + f * size
                    tile(
                        code,
                        min(height, len(total) - f),
                        vectors,
                        last,
                        left,
                        size,
                        hop,
                        g_table,
                        right,
                        step,
                        x_table,
                        lines,
                        width,
                        to,
                        row,
                        to,
                        row,
                        -np.inf,
                    )


@njit(nogil=True, cache=True)
def _height(count, most):
    """Rows of a tile, so that `count` rows are about evenly divided."""
    tiles = -(-count // most)
    return -(-count // tiles)


@njit(nogil=True, cache=True)
def _framed(image, frame, lines):
    """Address of an image, copied to its frame if it has one."""
    if not len(frame):
        return image.ctypes.data
    row = len(image) // lines.shape[1]
    for line in range(lines.shape[1]):
        source, target = _line(image, lines[0, line], row), _line(frame, lines[1, line], row)
        for i in range(row):
            target[i] = source[i]
    return frame.ctypes.data


@njit(nogil=True, cache=True)
def _cut(g, y, frame, lines, sums):
    """Copy a gradient to its frame, zero where the output is not positive, and add up its rows."""
    row, one = len(g) // lines.shape[1], g.dtype.type(1)
    for line in range(lines.shape[1]):
        source, target = _line(g, lines[0, line], row), _line(frame, lines[1, line], row)
        result = _line(y, lines[0, line], row)
        for i in range(row):
            target[i] = source[i] * (one if result[i] > 0 else one - one)
        for i in range(len(sums)):
            sums[i] += target[i]


@njit(nogil=True, cache=True)
def _add_rows(g, lines, sums):
    """Add the rows of a gradient."""
    for line in range(lines.shape[1] if len(sums) else 0):
        source = _line(g, lines[0, line], len(sums))
        for i in range(len(sums)):
            sums[i] += source[i]


@njit(nogil=True, cache=True)
def _line(numbers, offset, count):
    """View of a row that begins at an offset in bytes."""
    first = offset // numbers.itemsize
    return numbers[first : first + count]
