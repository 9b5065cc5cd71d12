"""Batch normalization with two passes through memory each way.

The kernel of `shared/normalization/norm.py`, where the equations are, goes over a block once for
each operation. Here, channels last, one pass gives mean and variance. A block of a few thousand
numbers stays in cache while its sums, and then its squared distances from its own means, are taken;
blocks are joined by the formula of Chan, Golub and LeVeque ("Algorithms for Computing the Sample
Variance", 1983), which loses no digits where the mean is large. The second pass normalizes.
Backward: one pass for the two sums, one for the gradient. Sums over rows are kept in float64 from
block to block.

A line holds the channels several times: what is one number for each channel is first repeated along
a line, and the sums of the columns of lines are joined at the end.
"""

import math

import numpy as np

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.compiler import compiled, inner
from minikeras.kernels.compiled.normalization.inputs import PASSES, factors_of, is_supported
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

# Numbers in a block.
_BLOCK = 1 << 13
# Channels beside each other in one line, so that short rows make long loops.
_LINE = 256


def batch_norm(xp, x, gamma=None, beta=None, *, axis=-1, epsilon=1e-3, save=False):
    """Normalize each channel over all other axes; see `shared.normalization.norm.batch_norm`."""
    if not is_supported(x, gamma, beta) or not _are_channels(x, axis, gamma, beta):
        return NotImplemented
    channels, y, lines = x.shape[-1], np.empty_like(x), _lines(x)
    moments, inverse = np.empty((2, channels), x.dtype), np.empty(channels)
    inputs = lines, *factors_of(channels, x.dtype, gamma, beta), float(epsilon)
    outputs = moments, inverse, y.reshape(lines.shape)
    parallel_for(_batch_norm, len(lines), PASSES * x.nbytes / BYTES, *inputs, *outputs)
    return (y, moments[0], moments[1]), (moments[0], inverse) if save else None


def batch_norm_backward(xp, gradients, arrays, saved, needs, *, axis=-1, epsilon=1e-3):
    """Gradients of `batch_norm`; see `shared.normalization.norm.batch_norm_backward`."""
    (x, gamma, beta), (mean, inverse), g = arrays, saved, np.ascontiguousarray(gradients[0])
    if not is_supported(x, gamma, g) or not _are_channels(x, axis, gamma, beta):
        return NotImplemented
    lines, channels = _lines(x), x.shape[-1]
    dx = np.empty_like(x) if needs[0] else None
    results = np.empty((0, 0), x.dtype) if dx is None else dx.reshape(lines.shape)
    dmoments, dfactors = np.empty((2, channels)), np.empty((2, channels), x.dtype)
    dmoments[0], dmoments[1] = gradients[1], gradients[2]
    gain, _ = factors_of(channels, x.dtype, gamma, None)
    inputs = lines, g.reshape(lines.shape), mean, inverse, gain, dmoments
    work = PASSES * x.nbytes / BYTES
    parallel_for(_batch_norm_backward, len(lines), work, *inputs, dfactors, results)
    return [dx, dfactors[0] if needs[1] else None, dfactors[1] if needs[2] else None]


def _are_channels(x, axis, *factors):
    """Whether the axis is the last one, and each factor has a number for each of its channels."""
    shapes = [v.shape for v in factors if v is not None]
    return axis % x.ndim == x.ndim - 1 and all(shape == x.shape[-1:] for shape in shapes)


def _lines(x):
    """Several positions side by side in each line."""
    positions, channels = x.size // x.shape[-1], x.shape[-1]
    most = 1 << max(_LINE // channels, 1).bit_length() - 1
    repeats = math.gcd(positions, most)
    return x.reshape(positions // repeats, repeats * channels)


@compiled()
def _batch_norm(pool, ends, chunk, lines, gamma, beta, epsilon, moments, inverse, results):
    partial = np.zeros((len(ends) - 1, 3, lines.shape[1]))
    _moments(pool, ends, chunk, lines, partial)
    variance = np.empty(gamma.size)
    _join(partial, ends, moments[0], variance)
    factors = np.empty((3, lines.shape[1]), lines.dtype)
    for j in range(gamma.size):
        moments[1, j] = variance[j]
        inverse[j] = 1.0 / np.sqrt(variance[j] + epsilon)
        for k in range(j, lines.shape[1], gamma.size):
            factors[0, k], factors[1, k] = moments[0, j], inverse[j] * gamma[j]
            factors[2, k] = beta[j]
    _normalize(pool, ends, chunk, lines, factors, results)


@inner()
def _join(partial, ends, mean, variance):
    """Mean and variance of each channel from the moments of all chunks and repeats."""
    columns, channels = partial.shape[2], mean.size
    count = float(ends[-1] * (columns // channels))
    for j in range(channels):
        total, squares = 0.0, 0.0
        for part in range(len(partial)):
            for k in range(j, columns, channels):
                total += (ends[part + 1] - ends[part]) * partial[part, 0, k]
        centre = total / count
        for part in range(len(partial)):
            for k in range(j, columns, channels):
                apart = partial[part, 0, k] - centre
                squares += partial[part, 1, k] + (ends[part + 1] - ends[part]) * (apart * apart)
        mean[j], variance[j] = centre, squares / count


@compiled()
def _batch_norm_backward(
    pool, ends, chunk, lines, g, mean, inverse, gamma, dmoments, dfactors, results
):  # fmt: skip
    columns, channels = lines.shape[1], mean.size
    partial, factors = np.zeros((len(ends) - 1, 2, columns)), np.empty((4, columns), lines.dtype)
    for k in range(columns):
        factors[0, k] = mean[k % channels]
    _gradient_sums(pool, ends, chunk, lines, g, factors[0], partial)
    sums, share = np.zeros((2, channels)), 1.0 * channels
    for part in range(1, len(partial)):
        partial[0] += partial[part]
    for k in range(columns):
        sums[0, k % channels] += partial[0, 0, k]
        sums[1, k % channels] += partial[0, 1, k]
    for j in range(channels):
        total, moment, scale = sums[0, j], sums[1, j], inverse[j]
        dfactors[0, j], dfactors[1, j] = moment * scale, total
        a = scale * gamma[j]
        b = (2 * dmoments[1, j] - a * (scale * scale) * moment) * share / lines.size
        c = (dmoments[0, j] - a * total) * share / lines.size
        for k in range(j, columns, channels):
            factors[1, k], factors[2, k], factors[3, k] = a, b, c
    if results.size > 0:
        _combine(pool, ends, chunk, g, lines, factors, results)


# Sums are taken of four lines at a time: so the sum itself is fetched and stored once for four.


@inner("contract")
def _moments(pool, ends, chunk, lines, partial):
    """The mean and the sum of squared distances from it of each column of some lines."""
    if chunk == ALL:
        return fork_join(pool, ends, (lines, partial))
    first, end = ends[chunk], ends[chunk + 1]
    lines, buffers = lines[first:end], np.empty((2, lines.shape[1]), lines.dtype)
    mean, squares, exact = partial[chunk, 0], partial[chunk, 1], partial[chunk, 2]
    centre, scratch = buffers[0], buffers[1]
    length = max(1, _BLOCK // lines.shape[1])
    for start in range(0, len(lines), length):
        block = lines[start : start + length]
        count = len(block)
        _finite_or_zero(block[0], scratch)
        centre[:] = 0
        for i in range(0, count - 3, 4):
            _add_apart(block[i], block[i + 1], block[i + 2], block[i + 3], scratch, centre)
        for i in range(count // 4 * 4, count):
            _add_difference(block[i], scratch, centre)
        for j in range(centre.size):
            exact[j] = scratch[j] + centre[j] / count
            centre[j] = exact[j]
        scratch[:] = 0
        for i in range(0, count - 3, 4):
            _add_squares(block[i], block[i + 1], block[i + 2], block[i + 3], centre, scratch)
        for i in range(count // 4 * 4, count):
            _add_square(block[i], centre, scratch)
        share = count / (start + count)
        for j in range(mean.size):
            apart, rounding = exact[j] - mean[j], exact[j] - centre[j]
            mean[j] += apart * share
            squares[j] += scratch[j] - rounding * rounding * count + apart * apart * start * share


@inner()
def _finite_or_zero(line, origin):
    """From where to count: near all the numbers, so that no digits of their sum are lost."""
    zero = line.dtype.type(0)
    for j in range(origin.size):
        origin[j] = line[j] if abs(line[j]) < math.inf else zero


@inner()
def _add_difference(a, origin, out):
    for j in range(out.size):
        out[j] += a[j] - origin[j]


@inner()
def _add_apart(a, b, c, d, origin, out):
    for j in range(out.size):
        start = origin[j]
        out[j] += ((a[j] - start) + (b[j] - start)) + ((c[j] - start) + (d[j] - start))


@inner()
def _add(a, out):
    for j in range(out.size):
        out[j] += a[j]


@inner()
def _add_four(a, b, c, d, out):
    for j in range(out.size):
        out[j] += (a[j] + b[j]) + (c[j] + d[j])


@inner("contract")
def _add_square(a, centre, out):
    for j in range(out.size):
        apart = a[j] - centre[j]
        out[j] += apart * apart


@inner("contract")
def _add_squares(a, b, c, d, centre, out):
    for j in range(out.size):
        first, second = a[j] - centre[j], b[j] - centre[j]
        third, fourth = c[j] - centre[j], d[j] - centre[j]
        out[j] += (first * first + second * second) + (third * third + fourth * fourth)


@inner("contract")
def _add_product(a, g, centre, out):
    for j in range(out.size):
        out[j] += (a[j] - centre[j]) * g[j]


@inner("contract")
def _add_two_products(a, g, b, h, centre, out):
    for j in range(out.size):
        out[j] += (a[j] - centre[j]) * g[j] + (b[j] - centre[j]) * h[j]


@inner("contract")
def _normalize(pool, ends, chunk, lines, factors, results):
    if chunk == ALL:
        return fork_join(pool, ends, (lines, factors, results))
    centre, scale, shift = factors[0], factors[1], factors[2]
    for i in range(ends[chunk], ends[chunk + 1]):
        _scaled(lines[i], centre, scale, shift, results[i])


@inner("contract")
def _scaled(x, centre, scale, shift, y):
    for j in range(y.size):
        y[j] = (x[j] - centre[j]) * scale[j] + shift[j]


@inner("contract")
def _gradient_sums(pool, ends, chunk, lines, g, centre, partial):
    """The sums over some lines of the gradients, and of them times the centred inputs."""
    if chunk == ALL:
        return fork_join(pool, ends, (lines, g, centre, partial))
    first, end = ends[chunk], ends[chunk + 1]
    lines, g, sums = lines[first:end], g[first:end], partial[chunk]
    scratch = np.empty((2, lines.shape[1]), lines.dtype)
    total, moment, length = scratch[0], scratch[1], max(1, _BLOCK // lines.shape[1])
    for start in range(0, len(lines), length):
        block, upstream = lines[start : start + length], g[start : start + length]
        count = len(block)
        total[:] = 0
        moment[:] = 0
        for i in range(0, count - 3, 4):
            _add_four(upstream[i], upstream[i + 1], upstream[i + 2], upstream[i + 3], total)
            _add_two_products(block[i], upstream[i], block[i + 1], upstream[i + 1], centre, moment)
            i += 2
            _add_two_products(block[i], upstream[i], block[i + 1], upstream[i + 1], centre, moment)
        for i in range(count // 4 * 4, count):
            _add(upstream[i], total)
            _add_product(block[i], upstream[i], centre, moment)
        for j in range(total.size):
            sums[0, j] += total[j]
            sums[1, j] += moment[j]


@inner("contract")
def _combine(pool, ends, chunk, g, lines, factors, results):
    if chunk == ALL:
        return fork_join(pool, ends, (g, lines, factors, results))
    centre, a, b, c = factors[0], factors[1], factors[2], factors[3]
    for i in range(ends[chunk], ends[chunk + 1]):
        _scaled(lines[i], centre, b, c, results[i])
        _add_times(a, g[i], results[i])


@inner("contract")
def _add_times(a, b, out):
    for j in range(out.size):
        out[j] += a[j] * b[j]
