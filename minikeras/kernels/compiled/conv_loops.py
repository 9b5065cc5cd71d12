"""The loops of a convolution over images, rows, panels and tiles; `conv_plan` has their tables.

Each public function is one call for all images; a thread takes some of them at a time, and each
piece has a row of its own in the buffers. What belongs to one image stays in a core's second-level
cache between the steps: the padded copy, the gradient where `relu` let it through, the sums. A
panel of weights is used for all rows of an image before the next one.
"""

import numpy as np

from minikeras.kernels.compiled.loops import compiled, inner, matrix_at
from minikeras.kernels.compiled.team import ALL, together
from minikeras.kernels.compiled.tiles import ROWS, VECTOR, VECTORS, most_rows, tile

_FEW_ROWS = most_rows("lanewise")[1]
# Bytes of cells and gradients that a tile walks through before the next tile does: they stay in the
# first-level cache, or near it.
_BLOCK = 1 << 16


@compiled()
def forward(team, ends, number, code, x, frames, weights, bias, out, lines, tables, floor):
    """Convolve images.

    Args:
        team: As for `together`.
        ends: As for `together`: images.
        code: Address of the tile.
        x: Array `(images, numbers)`.
        frames: For each piece room for an image with its padding; empty if there is none.
        weights: The panels of weights of all parts.
        bias: Array with a number for each output.
        out: Array `(images, numbers)`.
        lines: `Frame.rows`.
        tables: `Plan.tables`.
        floor: Least result.
    """
    if number == ALL:
        return together(team, ends, (code, x, frames, weights, bias, out, lines, tables, floor))
    first, end = ends[number], ends[number + 1]
    frame, given = frames[number], (weights.ctypes.data, bias.ctypes.data)
    frame[:] = 0
    for image in range(first, end):
        source = _framed(x[image], frame, lines)
        _correlate(code, source, given, out[image].ctypes.data, tables, floor)


@compiled()
def forward_few(team, ends, number, code, x, frames, weights, bias, out, lines, tables, floor):
    """As `forward`, for few filters: vectors hold terms of one sum, and are added up at its end.

    Args:
        team: As for `forward`.
        ends: As for `forward`.
        code: Address of the lanewise tile.
        x: As for `forward`.
        frames: As for `forward`.
        weights: Array `(filters, terms)`.
        bias: As for `forward`.
        out: As for `forward`.
        lines: As for `forward`.
        tables: As for `forward`; runs are whole vectors.
        floor: As for `forward`.
    """
    if number == ALL:
        return together(team, ends, (code, x, frames, weights, bias, out, lines, tables, floor))
    begin, end = ends[number], ends[number + 1]
    frame = frames[number]
    frame[:] = 0
    rows, part, size = tables[1], tables[0][0], x.itemsize
    width, step, gap = part[5], part[6], part[7] // size
    height, lanes = _height(width, _FEW_ROWS), VECTOR // size
    sums, zeros = np.empty((height, lanes), x.dtype), np.zeros(lanes, x.dtype)
    b_runs = np.arange(part[3]) * part[4] * size
    for image in range(begin, end):
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


@inner()
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


@inner("reassoc")
def _added(sums, m):
    """Sum of the lanes of a vector."""
    total = sums[m, 0]
    for lane in range(1, VECTOR // sums.itemsize):
        total += sums[m, lane]
    return total


@compiled()
def backward(team, ends, number, codes, by_kernel, gradient, by_input):
    """Take all gradients of a convolution.

    An array of no images or numbers is one that is not wanted, or not needed.

    Args:
        team: As for `together`.
        ends: As for `together`: images.
        codes: Addresses of the tiles for the gradients by the input and by the kernel.
        by_kernel: `x`, an array `(images, numbers)`; for each piece room for an image of it with
            its padding, `Frame.rows` of that; for each piece an array `(terms, filters)` to be
            filled, or its transpose; whether it is the transpose, which is faster where filters are
            few; and `Plan.tables`.
        gradient: That by the output, an array `(images, numbers)`; the output, where its negative
            results were cut off; for each piece room for one with its padding, `Frame.rows` of
            that; and for each piece as many numbers as a row has, for the sum of all rows.
        by_input: The panels of weights, as many zeros as there are channels, an array
            `(images, numbers)` for the result, and `Plan.tables`.
    """
    if number == ALL:
        return together(team, ends, (codes, by_kernel, gradient, by_input))
    first, end = ends[number], ends[number + 1]
    x, x_frames, x_lines, totals, across, kernel_tables = by_kernel
    g, y, g_frames, g_lines, all_sums = gradient
    weights, zeros, out, input_tables = by_input
    x_frame, g_frame = x_frames[number], g_frames[number]
    total, sums = totals[number], all_sums[number]
    x_frame[:], g_frame[:], total[:], sums[:] = 0, 0, 0, 0
    for image in range(first, end):
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
        if len(out):
            given = weights.ctypes.data, zeros.ctypes.data
            _correlate(codes[0], source, given, out[image].ctypes.data, input_tables, -np.inf)


@inner()
def _correlate(code, source, given, out, tables, floor):
    """Write all parts of one image."""
    weights, start = given
    parts, _, _, _, panels = tables
    for part in parts:
        for number, panel in enumerate(panels):
            block = weights + part[8] + number * part[9], start + panel[1]
            into = out + panel[1]
            _write_panel(code, source + panel[0], block, into, part, panel, tables, floor)


@inner()
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


@inner()
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


@inner()
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


@compiled()
def pack(team, ends, number, kernel, taps, parts, at_once, columns, sizes, steps, packed):
    """Copy weights into panels.

    Args:
        team: As for `forward`.
        ends: As for `together`: inputs.
        kernel: Array `(taps, weights of a tap)`.
        taps: `Plan.taps`.
        parts: The first of `Plan.tables`.
        at_once: Taps that a tile takes at once; they lie side by side.
        columns: Columns of a panel.
        sizes: Inputs of a group, groups, and outputs of a group.
        steps: Weights from one of each to the next.
        packed: Array of the panels, one behind the other.
    """
    if number == ALL:
        return together(team, ends, (kernel, taps, parts, at_once, columns, sizes, steps, packed))
    inputs, groups, outputs = sizes
    # Views that own nothing: threads that count owners of the same memory hold each other up.
    given = matrix_at(kernel.ctypes.data, len(kernel), kernel.shape[1], kernel)
    rows = matrix_at(packed.ctypes.data, packed.size // columns, columns, packed)
    done, panel = 0, 0
    for part in range(len(parts)):
        count = parts[part, 9] // (inputs * columns * packed.itemsize)
        for group in range(groups):
            for first in range(0, outputs, columns):
                start, wanted = group * steps[1] + first * steps[2], min(columns, outputs - first)
                for i in range(count):
                    run, place = divmod(i, at_once)
                    source = given[taps[done + i]]
                    for k in range(ends[number], ends[number + 1]):
                        target = rows[panel + (run * inputs + k) * at_once + place]
                        _gather(source[start + k * steps[0] :], steps[2], target, wanted)
                panel += inputs * count
        done += count


@inner()
def _gather(source, step, target, count):
    """Copy numbers a step apart, and fill the rest with zeros."""
    if step == 1:
        for j in range(count):
            target[j] = source[j]
    else:
        for j in range(count):
            target[j] = source[j * step]
    for j in range(count, target.size):
        target[j] = 0


@inner()
def _height(count, most):
    """Rows of a tile, so that `count` rows are about evenly divided."""
    tiles = -(-count // most)
    return -(-count // tiles)


@inner()
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


@inner()
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


@inner()
def _add_rows(g, lines, sums):
    """Add the rows of a gradient."""
    for line in range(lines.shape[1] if len(sums) else 0):
        source = _line(g, lines[0, line], len(sums))
        for i in range(len(sums)):
            sums[i] += source[i]


@inner()
def _line(numbers, offset, count):
    """View of a row that begins at an offset in bytes."""
    first = offset // numbers.itemsize
    return numbers[first : first + count]
