"""A linear map along one axis with few inputs for each output, compiled; the bits are NumPy's.

`images.resampling` says what it computes. What lies behind the axis is a row, whose numbers all
have the same weights. Long rows are added as vectors. Short ones, as the colors of a pixel, are
taken as part of the axis: each of their numbers has its places and weights.
"""

import math

import numpy as np

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.compiler import compiled, inner, plain
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

# Numbers from which on a row is long.
_LONG = 16
# Nanoseconds that a number takes to be looked up, and the places and weights of an output.
_NUMBER, _OUTPUT = 0.5, 4.0


def resampled(xp, x, places, weights, *, axis, convex=False):
    """Apply a map to one axis of an array; see `images.resampling`."""
    if not plain(x) or places.dtype != np.int32:
        return NotImplemented
    taps, count = weights.shape
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    lines, length = math.prod(before), math.prod(after)
    y = np.empty((*before, count, *after), x.dtype)
    if not y.size:
        return y
    # No number of an unsigned type counts from the end, so none is looked at for that.
    places, weights = places.astype(np.uint32), weights.astype(x.dtype, copy=False)
    if length < _LONG:
        places = (places[..., None] * length + np.arange(length, dtype=np.uint32)).reshape(taps, -1)
        arrays = x.reshape(lines, -1), places, weights.repeat(length, axis=1), y.reshape(lines, -1)
        parallel_for(_short, lines, taps * y.size * _NUMBER, *arrays, convex)
    else:
        arrays = x.reshape(lines, -1, length), places, weights, y.reshape(lines, count, length)
        work = taps * (lines * count * _OUTPUT + y.nbytes / BYTES)
        parallel_for(_long, lines * count, work, *arrays, convex)
    return y


@compiled()
def _short(pool, ends, chunk, x, places, weights, y, convex):
    if chunk == ALL:
        return fork_join(pool, ends, (x, places, weights, y, convex))
    for line in range(ends[chunk], ends[chunk + 1]):
        if convex:
            _between_places(x[line], places[0], places[1], weights[1], y[line])
            continue
        _from_places(x[line], places[0], weights[0], y[line])
        for t in range(1, len(places)):
            _add_from_places(x[line], places[t], weights[t], y[line])


@inner()
def _from_places(x, places, weights, y):
    for i in range(y.size):
        y[i] = x[places[i]] * weights[i]


@inner()
def _add_from_places(x, places, weights, y):
    for i in range(y.size):
        y[i] += x[places[i]] * weights[i]


@inner()
def _between_places(x, first, second, weights, y):
    for i in range(y.size):
        a = x[first[i]]
        y[i] = a + (x[second[i]] - a) * weights[i]


@compiled()
def _long(pool, ends, chunk, x, places, weights, y, convex):
    if chunk == ALL:
        return fork_join(pool, ends, (x, places, weights, y, convex))
    taps, count = weights.shape
    for output in range(ends[chunk], ends[chunk + 1]):
        line, o = output // count, output % count
        if convex:
            _between(x[line, places[0, o]], x[line, places[1, o]], weights[1, o], y[line, o])
            continue
        _scaled(x[line, places[0, o]], weights[0, o], y[line, o])
        for t in range(1, taps):
            _add_scaled(x[line, places[t, o]], weights[t, o], y[line, o])


@inner()
def _scaled(row, weight, y):
    for i in range(y.size):
        y[i] = row[i] * weight


@inner()
def _add_scaled(row, weight, y):
    for i in range(y.size):
        y[i] += row[i] * weight


@inner()
def _between(a, b, weight, y):
    for i in range(y.size):
        y[i] = a[i] + (b[i] - a[i]) * weight
