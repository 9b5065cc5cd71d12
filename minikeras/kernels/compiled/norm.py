"""Batch and layer normalization with fewer walks through memory.

The kernels of `shared/norm.py` go over a block once for each operation. Here a block is fetched
once for everything that can be known of it.

Batch normalization, channels last: one walk gives mean and variance. A block of a few thousand
numbers stays in cache while its sums, and then its squared distances from its own means, are
taken; blocks are joined by the formula of Chan, Golub and LeVeque ("Algorithms for Computing the
Sample Variance", 1983), which loses no digits where the mean is large. The second walk normalizes.
Backward: one walk for the two sums, one for the gradient.

Layer normalization: one walk each way; a row is in cache while its mean, its variance and its
result are made. Sums over rows are kept in float64 from block to block.
"""

import math

import numpy as np

from minikeras.arrays.threads import BYTES, each, pieces
from minikeras.kernels.compiled.loops import compiled, plain

# Numbers in a block, and how often a pass reads or writes its array.
_BLOCK = 1 << 13
_PASSES = 3
# Channels beside each other in one line, so that short rows make long loops.
_LINE = 256


def batch_norm(xp, x, gamma=None, beta=None, *, axis=-1, epsilon=1e-3, keep=False):
    """Normalize each channel over all other axes; see `shared.norm.batch_norm`."""
    if not _suits(x, gamma, beta) or not _are_channels(x, axis, gamma, beta):
        return NotImplemented
    lines, repeats, parts = _lines(x)
    mean, squares, count = _joined(each(lambda part: _moments(lines[part]), parts), repeats)
    variance = squares / count
    inverse = 1.0 / np.sqrt(variance + epsilon)
    scale = inverse if gamma is None else inverse * gamma
    centre = mean.astype(x.dtype)
    shift = np.zeros_like(centre) if beta is None else beta
    given = [np.tile(v.astype(x.dtype, copy=False), repeats) for v in (centre, scale, shift)]
    y = np.empty_like(x)
    results = y.reshape(lines.shape)
    each(lambda part: _normalize(lines[part], *given, results[part]), parts)
    return (y, centre, variance.astype(x.dtype)), (centre, inverse) if keep else None


def batch_norm_backward(xp, gradients, arrays, saved, needs, *, axis=-1, epsilon=1e-3):
    """Gradients of `batch_norm`; see `shared.norm.batch_norm_backward`."""
    (x, gamma, beta), (mean, inverse), g = arrays, saved, np.ascontiguousarray(gradients[0])
    if not _suits(x, gamma, g) or not _are_channels(x, axis, gamma, beta):
        return NotImplemented
    lines, repeats, parts = _lines(x)
    upstream, centre = g.reshape(lines.shape), np.tile(mean, repeats)
    found = each(lambda part: _slopes(lines[part], upstream[part], centre), parts)
    total, moment = np.add.reduce(found).reshape(2, repeats, -1).sum(axis=1)
    dx = None
    if needs[0]:
        a = inverse if gamma is None else inverse * gamma
        b = (2 * gradients[2] - a * inverse**2 * moment) * x.shape[-1] / x.size
        c = (gradients[1] - a * total) * x.shape[-1] / x.size
        factors = [np.tile(v.astype(x.dtype), repeats) for v in (a, b, c)]
        dx = np.empty_like(x)
        results = dx.reshape(lines.shape)
        each(lambda p: _combine(upstream[p], lines[p], centre, *factors, results[p]), parts)
    return [
        dx,
        (moment * inverse).astype(x.dtype) if needs[1] else None,
        total.astype(x.dtype) if needs[2] else None,
    ]


def layer_norm(xp, x, gamma=None, beta=None, *, axes=1, epsilon=1e-3, keep=False):
    """Normalize over the last axes; see `shared.norm.layer_norm`."""
    shape = x.shape[x.ndim - axes :]
    if not _suits(x, gamma, beta) or any(v is not None and v.shape != shape for v in (gamma, beta)):
        return NotImplemented
    rows, gamma, beta = _flat(x, axes, gamma, beta)
    y, (mean, inverse) = np.empty_like(x), np.empty((2, len(rows), 1), x.dtype)
    results = y.reshape(rows.shape)
    each(
        lambda p: _normalize_rows(rows[p], gamma, beta, epsilon, results[p], mean[p], inverse[p]),
        pieces(len(rows), _PASSES * x.nbytes / BYTES),
    )
    return y, (mean, inverse) if keep else None


def layer_norm_backward(xp, g, arrays, saved, needs, *, axes=1, epsilon=1e-3):
    """Gradients of `layer_norm`; see `shared.norm.layer_norm_backward`."""
    (x, gamma, _), (mean, inverse), g = arrays, saved, np.ascontiguousarray(g)
    if not _suits(x, g, gamma):
        return NotImplemented
    rows, gain, _ = _flat(x, axes, gamma, None)
    dx, g = np.empty_like(x), g.reshape(rows.shape)
    results = dx.reshape(rows.shape)

    def pull(p):
        sums = np.zeros((2, rows.shape[1]))
        _pull_rows(g[p], rows[p], gain, mean[p], inverse[p], results[p], sums, np.zeros_like(gains))
        return sums

    gains = np.empty((2, rows.shape[1]), x.dtype)
    sums = np.add.reduce(each(pull, pieces(len(rows), _PASSES * x.nbytes / BYTES)))
    by_gamma, by_beta = sums.astype(x.dtype).reshape(2, *x.shape[x.ndim - axes :])
    found = [dx, by_gamma, by_beta]
    return [v if needed else None for v, needed in zip(found, needs, strict=True)]


def _suits(x, *others):
    given = [array for array in others if array is not None]
    return type(x) is np.ndarray and x.size > 0 and x.ndim > 0 and plain(x, *given)


def _are_channels(x, axis, *factors):
    """Whether the axis is the last one, and each factor has a number for each of its channels."""
    shapes = [v.shape for v in factors if v is not None]
    return axis % x.ndim == x.ndim - 1 and all(shape == x.shape[-1:] for shape in shapes)


def _lines(x):
    """Several positions side by side in each line, how many, and the lines of each thread."""
    positions, channels = x.size // x.shape[-1], x.shape[-1]
    most = 1 << max(_LINE // channels, 1).bit_length() - 1
    repeats = math.gcd(positions, most)
    lines = x.reshape(positions // repeats, repeats * channels)
    return lines, repeats, pieces(len(lines), _PASSES * x.nbytes / BYTES)


def _flat(x, axes, gamma, beta):
    """What is normalized together as rows, with factors for each of their numbers."""
    width = math.prod(x.shape[x.ndim - axes :])
    gain = np.ones(width, x.dtype) if gamma is None else gamma.reshape(-1)
    shift = np.zeros(width, x.dtype) if beta is None else beta.reshape(-1)
    return x.reshape(-1, width), gain, shift


def _moments(lines):
    """How many lines, and the mean and the sum of squared distances from it of each column."""
    mean, squares, exact = np.zeros((3, lines.shape[1]))
    room = np.empty((2, lines.shape[1]), lines.dtype)
    _gather_moments(lines, max(1, _BLOCK // lines.shape[1]), mean, squares, exact, room[0], room[1])
    return len(lines), mean, squares


def _joined(found, repeats):
    """The moments of all parts and repeats together, for each channel."""
    counts = np.array([count for count, _, _ in found], float)[:, None, None]
    means, squares = (
        np.stack([part[i].reshape(repeats, -1) for part in found]) for i in (1, 2)
    )
    count = counts.sum() * repeats
    mean = (counts * means).sum(axis=(0, 1)) / count
    apart = counts * (means - mean) ** 2
    return mean, (squares + apart).sum(axis=(0, 1)), count


def _slopes(lines, g, centre):
    """The sums over lines of the gradients, and of them times the centred inputs."""
    sums, room = np.zeros((2, lines.shape[1])), np.empty((2, lines.shape[1]), lines.dtype)
    _gather_slopes(lines, g, centre, max(1, _BLOCK // lines.shape[1]), sums, room[0], room[1])
    return sums


# Sums are taken of four lines at a time: so the sum itself is fetched and stored once for four.


@compiled("contract")
def _gather_moments(lines, length, mean, squares, exact, centre, room):
    for start in range(0, len(lines), length):
        block = lines[start : start + length]
        count = len(block)
        _finite_or_zero(block[0], room)
        centre[:] = 0
        for i in range(0, count - 3, 4):
            _add_apart(block[i], block[i + 1], block[i + 2], block[i + 3], room, centre)
        for i in range(count // 4 * 4, count):
            _add_difference(block[i], room, centre)
        for j in range(centre.size):
            exact[j] = room[j] + centre[j] / count
            centre[j] = exact[j]
        room[:] = 0
        for i in range(0, count - 3, 4):
            _add_squares(block[i], block[i + 1], block[i + 2], block[i + 3], centre, room)
        for i in range(count // 4 * 4, count):
            _add_square(block[i], centre, room)
        share = count / (start + count)
        for j in range(mean.size):
            apart, rounding = exact[j] - mean[j], exact[j] - centre[j]
            mean[j] += apart * share
            squares[j] += room[j] - rounding * rounding * count + apart * apart * start * share


@compiled()
def _finite_or_zero(line, origin):
    """From where to count: near all the numbers, so that no digits of their sum are lost."""
    zero = line.dtype.type(0)
    for j in range(origin.size):
        origin[j] = line[j] if abs(line[j]) < math.inf else zero


@compiled()
def _add_difference(a, origin, out):
    for j in range(out.size):
        out[j] += a[j] - origin[j]


@compiled()
def _add_apart(a, b, c, d, origin, out):
    for j in range(out.size):
        start = origin[j]
        out[j] += ((a[j] - start) + (b[j] - start)) + ((c[j] - start) + (d[j] - start))


@compiled()
def _add(a, out):
    for j in range(out.size):
        out[j] += a[j]


@compiled()
def _add_four(a, b, c, d, out):
    for j in range(out.size):
        out[j] += (a[j] + b[j]) + (c[j] + d[j])


@compiled("contract")
def _add_square(a, centre, out):
    for j in range(out.size):
        apart = a[j] - centre[j]
        out[j] += apart * apart


@compiled("contract")
def _add_squares(a, b, c, d, centre, out):
    for j in range(out.size):
        first, second = a[j] - centre[j], b[j] - centre[j]
        third, fourth = c[j] - centre[j], d[j] - centre[j]
        out[j] += (first * first + second * second) + (third * third + fourth * fourth)


@compiled("contract")
def _add_product(a, g, centre, out):
    for j in range(out.size):
        out[j] += (a[j] - centre[j]) * g[j]


@compiled("contract")
def _add_two_products(a, g, b, h, centre, out):
    for j in range(out.size):
        out[j] += (a[j] - centre[j]) * g[j] + (b[j] - centre[j]) * h[j]


@compiled("contract")
def _normalize(lines, centre, scale, shift, results):
    for i in range(len(lines)):
        _scaled(lines[i], centre, scale, shift, results[i])


@compiled("contract")
def _scaled(x, centre, scale, shift, y):
    for j in range(y.size):
        y[j] = (x[j] - centre[j]) * scale[j] + shift[j]


@compiled("contract")
def _gather_slopes(lines, g, centre, length, sums, total, moment):
    for start in range(0, len(lines), length):
        block, slopes = lines[start : start + length], g[start : start + length]
        count = len(block)
        total[:] = 0
        moment[:] = 0
        for i in range(0, count - 3, 4):
            _add_four(slopes[i], slopes[i + 1], slopes[i + 2], slopes[i + 3], total)
            _add_two_products(block[i], slopes[i], block[i + 1], slopes[i + 1], centre, moment)
            i += 2
            _add_two_products(block[i], slopes[i], block[i + 1], slopes[i + 1], centre, moment)
        for i in range(count // 4 * 4, count):
            _add(slopes[i], total)
            _add_product(block[i], slopes[i], centre, moment)
        for j in range(total.size):
            sums[0, j] += total[j]
            sums[1, j] += moment[j]


@compiled("contract")
def _combine(g, lines, centre, a, b, c, results):
    for i in range(len(lines)):
        _scaled(lines[i], centre, b, c, results[i])
        _add_times(a, g[i], results[i])


@compiled("contract")
def _add_times(a, b, out):
    for j in range(out.size):
        out[j] += a[j] * b[j]


@compiled("contract", "reassoc")
def _sum(x):
    total = x.dtype.type(0)
    for j in range(x.size):
        total += x[j]
    return total


@compiled("contract", "reassoc")
def _sum_of_squares(x, centre):
    total = x.dtype.type(0)
    for j in range(x.size):
        total += (x[j] - centre) * (x[j] - centre)
    return total


@compiled("contract")
def _normalize_rows(rows, gamma, beta, epsilon, results, mean, inverse):
    kind, width = rows.dtype.type, rows.shape[1]
    for i in range(len(rows)):
        centre = kind(_sum(rows[i]) / width)
        variance = _sum_of_squares(rows[i], centre) / width
        scale = kind(1 / math.sqrt(variance + epsilon))
        mean[i, 0], inverse[i, 0] = centre, scale
        _scaled_row(rows[i], centre, scale, gamma, beta, results[i])


@compiled("contract")
def _scaled_row(x, centre, scale, gamma, beta, y):
    for j in range(y.size):
        y[j] = (x[j] - centre) * scale * gamma[j] + beta[j]


@compiled("contract")
def _pull_rows(g, rows, gain, mean, inverse, dx, sums, room):
    kind, width = rows.dtype.type, rows.shape[1]
    for i in range(len(rows)):
        centre, scale = mean[i, 0], inverse[i, 0]
        total, moment = _weighed(g[i], rows[i], gain, centre, scale)
        total, moment = kind(total / width), kind(moment / width)
        _pull_row(g[i], rows[i], gain, centre, scale, total, moment, dx[i])
        _add_slopes(g[i], rows[i], centre, scale, room[0], room[1])
        if i % 64 == 63 or i == len(rows) - 1:
            sums += room
            room[:] = 0


@compiled("reassoc")
def _weighed(g, x, gain, centre, scale):
    """The sums of the gradients by the normalized inputs, and of them times these inputs."""
    total, moment = x.dtype.type(0), x.dtype.type(0)
    for j in range(x.size):
        slope = g[j] * gain[j]
        total += slope
        moment += slope * ((x[j] - centre) * scale)
    return total, moment


@compiled()
def _pull_row(g, x, gain, centre, scale, total, moment, dx):
    for j in range(dx.size):
        dx[j] = (g[j] * gain[j] - total - (x[j] - centre) * scale * moment) * scale


@compiled("contract")
def _add_slopes(g, x, centre, scale, by_gamma, by_beta):
    for j in range(x.size):
        by_gamma[j] += g[j] * ((x[j] - centre) * scale)
        by_beta[j] += g[j]
