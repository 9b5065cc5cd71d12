"""The loops of Winograd's convolution over blocks of lines; `conv` has the idea.

A block is some lines of an image, or some whole images, few enough that its transformed cells and
their products stay in a core's second-level cache between the steps. Each of the six points of a
tile has a matrix of its own, with a row for each tile. As tiles of all lines follow one another,
those of the line below are the same matrix from a later row on: the three rows of taps are three
runs of a sum. Transforms wait for memory, products do not: while these are computed, the next
lines are fetched.
"""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner
from minikeras.kernels.compiled.products.tiles import (
    UNBOUNDED,
    VECTOR,
    address,
    multiply_rows,
    tiling_of,
)
from minikeras.kernels.compiled.thread_pool import ALL, fork_join
from minikeras.kernels.compiled.winograd.transforms import (
    to_cells,
    to_copy,
    to_gradients,
    to_results,
    to_weights,
)

TAPS, RESULTS, POINTS = 3, 4, 6
"""Taps along an axis, results of a tile, and points of its transform."""


@compiled()
def forward(
    pool, ends, chunk, code, x, low, weights, bias, out, sizes, buffers, lower_bound, nonfinite
):
    """Convolve images.

    Args:
        pool: As for `fork_join`.
        ends: As for `fork_join`: images.
        code: Address of the register tile.
        x: Array `(images, height, width * channels)`.
        low: Cells of padding above and left of an image; where negative, cells are left out.
        weights: Array `(6, panels, 3, channels, columns)`.
        bias: Array `(filters,)`.
        out: Array `(images, height of the result, width of the result * filters)`.
        sizes: Channels, filters, tiles of a line, images and lines of a block, columns of a panel.
        buffers: `(memory, ends, runs)`: an array with a row for each chunk, where the buffers in
            it end, and the most runs of a sum.
        lower_bound: Least result.
        nonfinite: Array of bool, set for images whose results are not all finite.
    """
    if chunk == ALL:
        args = code, x, low, weights, bias, out, sizes, buffers, lower_bound, nonfinite
        return fork_join(pool, ends, args)
    images, own = (ends[chunk], ends[chunk + 1]), _buffers_of(buffers, chunk)
    _convolve(code, images, x, low, weights, bias, out, sizes, own, lower_bound, nonfinite)


@inner()
def _buffers_of(buffers, chunk):
    """The buffers of a chunk, cut from its row of memory."""
    memory, ends, runs = buffers
    row = memory[chunk]
    left, right = row[: ends[0]].reshape(POINTS, -1), row[ends[0] : ends[1]].reshape(POINTS, -1)
    line, results = row[ends[1] : ends[2]], row[ends[2] : ends[3]]
    zeros, last = row[ends[3] : ends[4]], row[ends[4] : ends[5]]
    row[ends[1] :] = 0
    return left, right, line, results, zeros, last, np.empty((2, runs), np.int64)


@inner()
def _convolve(code, some, x, low, weights, bias, out, sizes, buffers, lower_bound, nonfinite):
    """Convolve some of the images: `V` of a block, then `M` point by point, then `y`."""
    images, most = sizes[3:5]
    left, right = buffers[:2]
    for image in range(some[0], some[1], images):
        for line in range(0, out.shape[1], most):
            block = image, min(images, some[1] - image), line, min(most, out.shape[1] - line)
            _transform_cells(x, block, low, sizes, buffers)
            for point in range(POINTS):
                ahead = _ahead(x, out, block, point)
                _multiply(
                    code, left[point], weights[point], right[point], block, sizes, buffers, ahead
                )
            _write_results(right, bias, out, block, sizes, buffers, lower_bound, nonfinite)


@compiled()
def backward(pool, ends, chunk, code, gradient, for_kernel, for_input):
    """Take all gradients of a convolution; `conv` has the equations.

    An empty array is one that is not needed.

    Args:
        pool: As for `fork_join`.
        ends: As for `fork_join`: images.
        code: Address of the register tile.
        gradient: `g`, an array `(images, height of the result, width of the result * filters)`;
            the output `y`, if ReLU was applied; for each chunk a buffer for `g * (y > 0)` of as
            many images as are gone through at a time; and for each chunk as many numbers as a line
            of `g` has, for the sum of all lines.
        for_kernel: `x` and `low` as for `forward`; for each chunk an array
            `(6, 3, channels, filters)` to be filled with its part of `dU`; and the sizes and
            buffers for that.
        for_input: Arguments of `forward` for `dx`, from `low` on.
    """
    if chunk == ALL:
        return fork_join(pool, ends, (code, gradient, for_kernel, for_input))
    begin, end = ends[chunk], ends[chunk + 1]
    g, y, g_buffers, all_sums = gradient
    x, low, totals, sizes, buffers = for_kernel
    back_low, weights, zeros, dx, back_sizes, back_buffers, nonfinite = for_input
    g_buffer, total, sums = g_buffers[chunk], totals[chunk], all_sums[chunk]
    own, own_back = _buffers_of(buffers, chunk), _buffers_of(back_buffers, chunk)
    total[:], sums[:] = 0, 0
    for first in range(begin, end, len(g_buffer)):
        part = slice(first, min(first + len(g_buffer), end))
        upstream = g[part]
        if len(y):
            _relu_gradient(upstream, y[part], g_buffer, sums)
            upstream = g_buffer[: len(upstream)]
        else:
            _add_lines(upstream, sums)
        if len(total):
            _add_products(code, x[part], low, upstream, total, sizes, own)
        if len(dx):
            some, result, flags = (0, len(upstream)), dx[part], nonfinite[part]
            back = back_low, weights, zeros, result, back_sizes, own_back
            _convolve(code, some, upstream, *back, UNBOUNDED, flags)


@inner()
def _add_products(code, x, low, g, total, sizes, buffers):
    """Add `V.T @ dM` of some images to `dU`, point by point, row of taps by row of taps."""
    images, most = sizes[3:5]
    left, right = buffers[:2]
    for image in range(0, len(x), images):
        for line in range(0, g.shape[1], most):
            block = image, min(images, len(x) - image), line, min(most, g.shape[1] - line)
            _transform_cells(x, block, low, sizes, buffers)
            _transform_gradients(g, block, sizes, buffers)
            for point in range(POINTS):
                for tap in range(TAPS):
                    to = total[point, tap]
                    a, b = left[point], right[point]
                    _add_product(code, a, tap, b, to, block, sizes, buffers[-1])


@inner()
def _transform_cells(x, block, low, sizes, buffers):
    """Write `V` of the lines that a block reads, two more than it has."""
    channels, _, wide = sizes[:3]
    out, _, line, _, zeros = buffers[:5]
    image, images, first, lines = block
    cell, zero, point_step = channels * x.itemsize, line.dtype.type(0), out.strides[0]
    row, target = _vectors(cell) * VECTOR, address(out)
    skipped, start = max(-low[1] * channels, 0), max(low[1] * channels, 0)
    length = (RESULTS * wide + TAPS - 1) * channels
    count = min(x.shape[2] - skipped, length - start)
    into, framed = address(line), count < length
    for number in range(images):
        source = address(x) + (image + number) * x.strides[0] + skipped * x.itemsize
        for top in range(first - low[0], first - low[0] + lines + TAPS - 1):
            read = source + top * x.strides[1] if 0 <= top < x.shape[1] else address(zeros)
            if framed:
                to_copy(zero, into + start * x.itemsize, 0, read, 0, count)
                read = into
            for _ in range(wide):
                to_cells(zero, target, point_step, read, cell, channels)
                target, read = target + row, read + RESULTS * cell


@inner()
def _transform_gradients(g, block, sizes, buffers):
    """Write `dM` of a block, as `_transform_cells` does `V`."""
    filters, wide = sizes[1:3]
    out, line = buffers[1], buffers[3]
    image, images, first, lines = block
    cell, zero, point_step = filters * g.itemsize, line.dtype.type(0), out.strides[0]
    row, target = _vectors(cell) * VECTOR, address(out)
    framed = g.shape[2] < RESULTS * wide * filters
    for number in range(image, image + images):
        for top in range(first, first + lines):
            read = address(g) + number * g.strides[0] + top * g.strides[1]
            if framed:
                to_copy(zero, address(line), 0, read, 0, g.shape[2])
                read = address(line)
            for _ in range(wide):
                to_gradients(zero, target, point_step, read, cell, filters)
                target, read = target + row, read + RESULTS * cell


@inner()
def _write_results(products, bias, out, block, sizes, buffers, lower_bound, nonfinite):
    """Write `y` of a block from `M`, and note images of which not all results are finite."""
    filters, wide = sizes[1:3]
    image, images, first, lines = block
    cell, point_step, last = filters * out.itemsize, products.strides[0], buffers[5]
    lower_bound, start, row = out.dtype.type(lower_bound), bias.ctypes.data, _vectors(cell) * VECTOR
    source, spare = address(products), address(last)
    rest = out.shape[2] - (wide - 1) * RESULTS * filters
    for number in range(image, image + images):
        is_nonfinite = 0
        for line in range(first, first + lines):
            to = address(out) + number * out.strides[0] + line * out.strides[1]
            for _ in range(wide - 1):
                is_nonfinite |= to_results(
                    lower_bound, to, cell, source, point_step, start, filters
                )
                to, source = to + RESULTS * cell, source + row
            is_nonfinite |= to_results(lower_bound, spare, cell, source, point_step, start, filters)
            to_copy(lower_bound, to, 0, spare, 0, rest)
            source += row
        if is_nonfinite:
            nonfinite[number] = True


@inner()
def _ahead(x, out, block, point):
    """Memory that is needed soon: in three parts what comes after a block, and its results."""
    image, images, first, lines = block
    start = address(out) + image * out.strides[0] + first * out.strides[1]
    size = images * lines * out.strides[1]
    if point < POINTS // 2:
        start, size = _after(x, block)
    size //= POINTS // 2
    return start + point % (POINTS // 2) * size, size


@inner()
def _after(x, block):
    """As many lines as a block has, after it: their address and bytes."""
    image, images, first, lines = block
    size = images * lines * x.strides[1]
    return address(x) + image * x.strides[0] + first * x.strides[1] + size, size


@inner()
def _multiply(code, left, weights, out, block, sizes, buffers, ahead):
    """Write `M` of one point: `(tiles, channels) @ (channels, filters)`, sums over tap rows."""
    channels, filters, wide, _, _, columns = sizes
    size, zeros, runs = out.itemsize, buffers[4], buffers[-1]
    rows, images = block[3] * wide, block[1]
    a_row, out_row = _vectors(channels * size) * VECTOR, _vectors(filters * size) * VECTOR
    _fill(runs, wide * a_row, channels * columns * size)
    fetched, bytes_ahead = ahead
    for panel in range(len(weights)):
        tiling = tiling_of(rows, min(filters - panel * columns, columns), size)
        tiles = tiling[2]
        share = bytes_ahead // (tiles * len(weights) * images)
        for image in range(images):
            multiply_rows(
                code,
                tiling,
                a=(address(left) + image * (rows + (TAPS - 1) * wide) * a_row, a_row, size),
                b=(address(weights[panel]), columns * size),
                runs=(address(runs[0]), address(runs[1]), 1, channels),
                start=(address(zeros), 0),
                out=(address(out) + image * rows * out_row + panel * columns * size, out_row),
                lower_bound=UNBOUNDED,
                sums=TAPS,  # short sums, then their sum: nearer to the exact one
                ahead=(fetched, share),
            )
            fetched += tiles * share


@inner()
def _add_product(code, left, tap, right, total, block, sizes, runs):
    """Add to `dU` of one point and row of taps: `(channels, tiles) @ (tiles, filters)`."""
    channels, filters, wide, _, _, columns = sizes
    size, row, rows = total.itemsize, total.strides[0], block[3] * wide
    a_step, b_step = _vectors(channels * size) * VECTOR, _vectors(filters * size) * VECTOR
    _fill(runs, (rows + (TAPS - 1) * wide) * a_step, rows * b_step)
    for column in range(0, filters, columns):
        result = address(total) + column * size, row
        multiply_rows(
            code,
            tiling_of(channels, min(filters - column, columns), size),
            a=(address(left) + tap * wide * a_step, size, a_step),
            b=(address(right) + column * size, b_step),
            runs=(address(runs[0]), address(runs[1]), block[1], rows),
            start=result,
            out=result,
            lower_bound=UNBOUNDED,
        )


@compiled()
def transform_weights(pool, ends, chunk, kernel, rotated, out):
    """Write `U`, the transform of a kernel, in panels.

    Args:
        pool: As for `fork_join`.
        ends: As for `fork_join`: channels of the result.
        kernel: Array `(3, 3, channels, filters)`.
        rotated: Whether to turn it by 180 degrees, so that it carries filters to channels.
        out: Array `(6, panels, 3, channels, columns)`.
    """
    if chunk == ALL:
        return fork_join(pool, ends, (kernel, rotated, out))
    columns, zero, point_step = out.shape[4], out.dtype.type(0), out.strides[0]
    filters, lines = kernel.shape[2 if rotated else 3], np.empty((TAPS, columns), kernel.dtype)
    for panel in range(out.shape[1]):
        first = panel * columns
        count = min(columns, filters - first)
        for tap in range(TAPS):
            for channel in range(ends[chunk], ends[chunk + 1]):
                for t in range(TAPS):
                    if rotated:
                        source = kernel[TAPS - 1 - tap, TAPS - 1 - t]
                        _copy(source[first : first + count, channel], lines[t])
                    else:
                        _copy(kernel[tap, t, channel, first : first + count], lines[t])
                to = address(out[0, panel, tap, channel])
                to_weights(zero, to, point_step, address(lines), lines.strides[0], count)


@compiled("contract")
def join(pool, ends, chunk, totals, factors, out):
    """Write `dkernel` from the parts of `dU` that chunks have summed.

    Args:
        pool: As for `fork_join`.
        ends: As for `fork_join`: channels.
        totals: Array `(chunks, 6, 3, channels, filters)`.
        factors: Array `(6, 3)`, the matrix `G`.
        out: Array `(3, 3, channels, filters)`.
    """
    if chunk == ALL:
        return fork_join(pool, ends, (totals, factors, out))
    sums = np.empty((POINTS, out.shape[3]), out.dtype)
    for row in range(TAPS):
        for channel in range(ends[chunk], ends[chunk + 1]):
            for point in range(POINTS):
                _copy(totals[0, point, row, channel], sums[point])
                for part in range(1, len(totals)):
                    _add_times(sums[point], totals[part, point, row, channel], 1)
            for tap in range(TAPS):
                result = out[row, tap, channel]
                result[:] = 0
                for point in range(POINTS):
                    _add_times(result, sums[point], factors[point, tap])


@inner("contract")
def _add_times(out, line, factor):
    factor = out.dtype.type(factor)
    for j in range(out.size):
        out[j] += factor * line[j]


@inner()
def _copy(source, target):
    for j in range(source.size):
        target[j] = source[j]


@inner()
def _relu_gradient(g, y, out, sums):
    """Write `g * (y > 0)`, and add up its lines."""
    one = out.dtype.type(1)
    for image in range(len(g)):
        for line in range(g.shape[1]):
            source, result, target = g[image, line], y[image, line], out[image, line]
            for i in range(len(source)):
                target[i] = source[i] * (one if result[i] > 0 else one - one)
        _add_lines(out[image : image + 1], sums)


@inner()
def _add_lines(g, sums):
    """Add up the lines of a gradient."""
    for image in range(len(g)):
        for line in range(g.shape[1]):
            source = g[image, line]
            for i in range(len(sums)):
                sums[i] += source[i]


@inner()
def _fill(runs, a_step, b_step):
    """Write where the runs of a sum begin."""
    for run in range(runs.shape[1]):
        runs[0, run], runs[1, run] = run * a_step, run * b_step


@inner()
def _vectors(count):
    """Vectors that hold so many bytes."""
    return -(-count // VECTOR)
