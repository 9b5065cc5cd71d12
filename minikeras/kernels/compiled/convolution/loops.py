"""The loops of a convolution: over images, parts, panels, rows and tiles, from outside to inside.

Each public function is one call for all images; a thread takes some of them at a time, and each
chunk has a row of its own in the buffers. What belongs to one image stays in a core's second-level
cache between the steps: the padded copy, the gradient after ReLU, the sums. A panel of weights is
used for all rows of an image before the next one.

Which memory a tile reads and writes is a sum of offsets, which `tables` lists. Output `o` of a row
of a part and, in one panel, its terms lie at

    output                 out     + ROW_WRITE + PANEL_WRITE + o * OUT_STEP
    term k of run r        image   + ROW_READ  + PANEL_READ  + o * STEP + a_runs[r] + k * TERM
    weights of this term   weights + WEIGHTS + panel * PANEL + b_runs[r] + k * (bytes of a line)
"""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner
from minikeras.kernels.compiled.convolution.tables import (
    AT_ONCE,
    FRAME_ROW,
    IMAGE_ROW,
    LENGTH,
    OUT_STEP,
    PANEL,
    PANEL_LAST,
    PANEL_READ,
    PANEL_ROWS,
    PANEL_VECTORS,
    PANEL_WRITE,
    ROW,
    ROW_END,
    ROW_READ,
    ROW_RUNS,
    ROW_SKIPS,
    ROW_WRITE,
    RUN,
    RUNS,
    STEP,
    TERM,
    WEIGHTS,
    WIDTH,
)
from minikeras.kernels.compiled.products.tiles import (
    UNBOUNDED,
    VECTOR,
    VECTORS,
    address,
    most_rows,
    multiply_rows,
    tile,
    tiling_at_most,
    tiling_of,
)
from minikeras.kernels.compiled.thread_pool import ALL, fork_join

_FEW_ROWS = most_rows("lanewise")[1]
# Bytes of cells and gradients that a tile reads before the next tile does: they stay in the
# first-level cache, or near it.
_BLOCK = 1 << 16


@compiled()
def forward(
    pool, ends, chunk, code, x, frames, weights, bias, out, frame_rows, tables, lower_bound
):
    """Convolve images: `out = max(sum over taps, channels of x * weights + bias, lower_bound)`.

    Args:
        pool: As for `fork_join`.
        ends: As for `fork_join`: images.
        chunk: As for `fork_join`.
        code: Address of the tile.
        x: Array `(images, cells * channels)`.
        frames: For each chunk a buffer for an image with its padding; empty if there is none.
        weights: The panels of weights of all parts.
        bias: Array `(filters,)`.
        out: Array `(images, positions * filters)`.
        frame_rows: `Frame.rows`.
        tables: `Plan.tables`.
        lower_bound: Least result.
    """
    if chunk == ALL:
        args = code, x, frames, weights, bias, out, frame_rows, tables, lower_bound
        return fork_join(pool, ends, args)
    first, end = ends[chunk], ends[chunk + 1]
    frame = frames[chunk]
    frame[:] = 0
    for image in range(first, end):
        source = _framed(x[image], frame, frame_rows)
        _correlate(code, source, weights, bias, out[image], tables, lower_bound)


@compiled()
def forward_few(
    pool, ends, chunk, code, x, frames, weights, bias, out, frame_rows, tables, lower_bound
):
    """As `forward`, for few filters: vectors hold terms of one sum, and are added up at its end.

    Args:
        pool: As for `forward`.
        ends: As for `forward`.
        chunk: As for `forward`.
        code: Address of the lanewise tile.
        x: As for `forward`.
        frames: As for `forward`.
        weights: Array `(filters, terms)`.
        bias: As for `forward`.
        out: As for `forward`.
        frame_rows: As for `forward`.
        tables: As for `forward`; runs are whole vectors.
        lower_bound: As for `forward`.
    """
    if chunk == ALL:
        args = code, x, frames, weights, bias, out, frame_rows, tables, lower_bound
        return fork_join(pool, ends, args)
    begin, end = ends[chunk], ends[chunk + 1]
    frame = frames[chunk]
    frame[:] = 0
    rows, part, size = tables[1], tables[0][0], x.itemsize
    width, step, out_step = part[WIDTH], part[STEP], part[OUT_STEP] // size
    height, lanes = _even_height(width, _FEW_ROWS), VECTOR // size
    sums, zeros = np.empty((height, lanes), x.dtype), np.zeros(lanes, x.dtype)
    b_runs = np.arange(part[RUNS]) * part[LENGTH] * size
    for image in range(begin, end):
        source, target = _framed(x[image], frame, frame_rows), out[image]
        for row in range(rows.shape[1]):
            for first in range(0, width, height):
                o = min(first, width - height)
                read = source + rows[ROW_READ, row] + o * step
                write = rows[ROW_WRITE, row] // size + o * out_step
                for f in range(len(weights)):
                    _dot(code, read, weights[f], b_runs, zeros, sums, row, tables)
                    for m in range(height):
                        value = _lanes_added(sums, m) + bias[f]
                        target[write + m * out_step + f] = (
                            lower_bound if value < lower_bound else value
                        )


@inner()
def _dot(code, read, weights, b_runs, zeros, sums, row, tables):
    """Write the sums of a tile's outputs in a row, each still spread over a vector's lanes."""
    parts, rows, a_runs, _, _ = tables
    part, skipped = parts[0], rows[ROW_SKIPS, row]
    tile(
        code,
        rows=len(sums),
        vectors=1,
        last=len(zeros),
        a=read,
        a_row=part[STEP],
        a_step=VECTOR,
        a_runs=address(a_runs[skipped:]),
        b=address(weights),
        b_step=VECTOR,
        b_runs=address(b_runs[skipped:]),
        runs=rows[ROW_RUNS, row],
        length=part[LENGTH] * zeros.itemsize // VECTOR,
        start=address(zeros),
        start_row=0,
        out=address(sums),
        out_row=VECTOR,
        lower_bound=UNBOUNDED,
    )


@inner("reassoc")
def _lanes_added(sums, m):
    """Sum of the lanes of a vector."""
    total = sums[m, 0]
    for lane in range(1, VECTOR // sums.itemsize):
        total += sums[m, lane]
    return total


@compiled()
def backward(pool, ends, chunk, codes, for_kernel, gradient, for_input):
    """Take all gradients of a convolution from the gradient with respect to its output, `g`.

    The equations are those of `conv.conv_backward`. The loop for `dx` collects for each cell of the
    input what they add to it, tap by tap.

    Where the convolution ended in ReLU, `g * (y > 0)` takes the place of `g`. An empty array is one
    that is not needed.

    Args:
        pool: As for `fork_join`.
        ends: As for `fork_join`: images.
        chunk: As for `fork_join`.
        codes: Addresses of the tiles for `dx` and for `dkernel`.
        for_kernel: `x`, an array `(images, cells * channels)`; for each chunk a buffer for an image
            of it with its padding, `Frame.rows` of that; for each chunk an array `(terms, filters)`
            to be filled with its part of `dkernel`, or its transpose; whether it is the transpose,
            which is faster where filters are few; and `Plan.tables`.
        gradient: `g`, an array `(images, positions * filters)`; the output `y`, if it ended in
            ReLU; for each chunk a buffer for an image of `g` with its padding, `Frame.rows` of
            that; and for each chunk as many numbers as a row of `g` has, for the sum of all rows.
        for_input: The panels of weights, as many zeros as there are channels, an array
            `(images, cells * channels)` for `dx`, and `Plan.tables`.
    """
    if chunk == ALL:
        return fork_join(pool, ends, (codes, for_kernel, gradient, for_input))
    x, x_frames, x_rows, all_dkernel, is_transposed, kernel_tables = for_kernel
    g, y, g_frames, g_rows, all_sums = gradient
    weights, zeros, dx, input_tables = for_input
    x_frame, g_frame = x_frames[chunk], g_frames[chunk]
    dkernel, sums = all_dkernel[chunk], all_sums[chunk]
    x_frame[:], g_frame[:], dkernel[:], sums[:] = 0, 0, 0, 0
    for image in range(ends[chunk], ends[chunk + 1]):
        if len(y):
            _relu_gradient(g[image], y[image], g_frame, g_rows, sums)
            upstream = address(g_frame)
        else:
            upstream = _framed(g[image], g_frame, g_rows)
            _add_rows(g[image], g_rows, sums)
        if len(dkernel):
            cells = _framed(x[image], x_frame, x_rows)
            if is_transposed:
                _add_transposed(codes[1], cells, upstream, dkernel, kernel_tables)
            else:
                _add_products(codes[1], cells, upstream, dkernel, kernel_tables)
        if len(dx):
            _correlate(codes[0], upstream, weights, zeros, dx[image], input_tables, UNBOUNDED)


@inner()
def _correlate(code, image, weights, bias, out, tables, lower_bound):
    """Write all parts of the result of one image, which lies at an address, panel by panel."""
    for part in tables[0]:
        for number in range(len(tables[-1])):
            _write_panel(code, image, weights, bias, out, part, number, tables, lower_bound)


@inner()
def _write_panel(code, image, weights, bias, out, part, number, tables, lower_bound):
    """Write the columns of one panel: for each row, the product of its windows with the weights."""
    _, rows, a_runs, b_runs, panels = tables
    panel = panels[number]
    tiling = _tiling(part[WIDTH], panel)
    image, out_at = image + panel[PANEL_READ], address(out) + panel[PANEL_WRITE]
    bias_at = address(bias) + panel[PANEL_WRITE]
    b = address(weights) + part[WEIGHTS] + number * part[PANEL]
    b_step = part[PANEL] // max(part[RUNS] * part[LENGTH], 1)
    length = part[LENGTH] // part[AT_ONCE]
    for row in range(part[ROW], part[ROW_END]):
        run = part[RUN] + rows[ROW_SKIPS, row]
        multiply_rows(
            code,
            tiling,
            a=(image + rows[ROW_READ, row], part[STEP], part[TERM]),
            b=(b, b_step),
            runs=(address(a_runs[run:]), address(b_runs[run:]), rows[ROW_RUNS, row], length),
            start=(bias_at, 0),
            out=(out_at + rows[ROW_WRITE, row], part[OUT_STEP]),
            lower_bound=lower_bound,
        )


@inner()
def _add_products(code, x, g, dkernel, tables):
    """Add one image's products of cells and gradients to `dkernel`.

    Rows of a tile are the terms of a run (taps and channels), columns are filters; the sum goes
    over the outputs of some rows of the image, of which each is a run.
    """
    parts, rows, a_runs, _, panels = tables
    part, to_row = parts[0], dkernel.strides[0]
    length, width, step, out_step = part[LENGTH], part[WIDTH], part[STEP], part[OUT_STEP]
    most = max(_BLOCK // (width * (step + out_step)), 1)
    for row in range(0, rows.shape[1], most):
        x_rows, g_rows = address(rows[ROW_READ, row:]), address(rows[ROW_WRITE, row:])
        runs = x_rows, g_rows, min(most, rows.shape[1] - row), width
        for run in range(part[RUNS]):
            for panel in panels:
                to = address(dkernel) + run * length * to_row + panel[PANEL_WRITE]
                multiply_rows(
                    code,
                    _tiling(length, panel),
                    a=(x + a_runs[run] + panel[PANEL_READ], part[TERM], step),
                    b=(g + panel[PANEL_WRITE], out_step),
                    runs=runs,
                    start=(to, to_row),
                    out=(to, to_row),
                    lower_bound=UNBOUNDED,
                )


@inner()
def _add_transposed(code, x, g, dkernel, tables):
    """As `_add_products`, with filters for rows of a tile and terms for columns."""
    parts, rows, a_runs, _, _ = tables
    part, to_row, size = parts[0], dkernel.strides[0], dkernel.itemsize
    length, width, step, out_step = part[LENGTH], part[WIDTH], part[STEP], part[OUT_STEP]
    most, lanes = max(_BLOCK // (width * (step + out_step)), 1), VECTOR // size
    columns = _even_height(-(-length // lanes), VECTORS) * lanes
    for row in range(0, rows.shape[1], most):
        x_rows, g_rows = address(rows[ROW_READ, row:]), address(rows[ROW_WRITE, row:])
        runs = g_rows, x_rows, min(most, rows.shape[1] - row), width
        for run in range(part[RUNS]):
            for first in range(0, length, columns):
                to = address(dkernel) + (run * length + first) * size
                multiply_rows(
                    code,
                    tiling_of(len(dkernel), min(columns, length - first), size),
                    a=(g, size, out_step),
                    b=(x + a_runs[run] + first * size, step),
                    runs=runs,
                    start=(to, to_row),
                    out=(to, to_row),
                    lower_bound=UNBOUNDED,
                )


@inner()
def _tiling(rows, panel):
    """Divide rows among tiles as wide as a panel."""
    return tiling_at_most(rows, panel[PANEL_VECTORS], panel[PANEL_LAST], panel[PANEL_ROWS])


@inner()
def _even_height(count, most):
    """Rows of a tile, so that `count` rows are about evenly divided."""
    tiles = -(-count // most)
    return -(-count // tiles)


@inner()
def _framed(image, frame, rows):
    """Address of an image, copied to its frame if it has one."""
    if not len(frame):
        return address(image)
    count = len(image) // rows.shape[1]
    for row in range(rows.shape[1]):
        source = _row_at(image, rows[IMAGE_ROW, row], count)
        target = _row_at(frame, rows[FRAME_ROW, row], count)
        for i in range(count):
            target[i] = source[i]
    return address(frame)


@inner()
def _relu_gradient(g, y, frame, rows, sums):
    """Write `g * (y > 0)` to the frame, and add up its rows."""
    count, one = len(g) // rows.shape[1], g.dtype.type(1)
    for row in range(rows.shape[1]):
        source = _row_at(g, rows[IMAGE_ROW, row], count)
        result = _row_at(y, rows[IMAGE_ROW, row], count)
        target = _row_at(frame, rows[FRAME_ROW, row], count)
        for i in range(count):
            target[i] = source[i] * (one if result[i] > 0 else one - one)
        for i in range(len(sums)):
            sums[i] += target[i]


@inner()
def _add_rows(g, rows, sums):
    """Add up the rows of a gradient."""
    for row in range(rows.shape[1] if len(sums) else 0):
        source = _row_at(g, rows[IMAGE_ROW, row], len(sums))
        for i in range(len(sums)):
            sums[i] += source[i]


@inner()
def _row_at(numbers, offset, count):
    """View of a row that begins at an offset in bytes."""
    first = offset // numbers.itemsize
    return numbers[first : first + count]
