"""The loops of pooling over images, windows, taps and channels.

All arrays are `(images, height, width, channels)`, C-contiguous. `window`, `strides` and `lows`,
the cells of padding in front, are pairs for height and width. Numbers are loaded before they are
chosen from: a load that happens only sometimes would keep the compiler from using vectors.

`pooling` quotes the equations. `largest` computes `y` of `max_pool`; `first_largest` writes, for
each window, the number of the tap `u, v` of `max_pool_backward`, row by row; `scatter` adds `g`
there, and `gather`, its transpose, reads `x` there. `mean` computes `y` of `average_pool`, `spread`
its `dx`.
"""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner
from minikeras.kernels.compiled.thread_pool import ALL, fork_join


@compiled()
def largest(pool, ends, chunk, x, out, window, strides, lows):
    """Maximum of each window, minus infinity where there is none."""
    if chunk == ALL:
        return fork_join(pool, ends, (x, out, window, strides, lows))
    for image in range(ends[chunk], ends[chunk + 1]):
        for row in range(out.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], x.shape[1])
            for column in range(out.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], x.shape[2])
                target = out[image, row, column]
                target[:] = -np.inf
                for h in range(above, below):
                    for w in range(left, right, 2):
                        _keep_larger(target, x[image, h, w], x[image, h, min(w + 1, right - 1)])


@inner()
def _keep_larger(target, a, b):
    """Larger of three numbers; one that cannot be compared loses."""
    for c in range(len(target)):
        current, one, other = target[c], a[c], b[c]
        some = one if one > current else current
        target[c] = other if other > some else some


@compiled()
def first_largest(pool, ends, chunk, x, y, out, window, strides, lows):
    """Number of the first tap that equals the maximum, that of all taps where there is none."""
    if chunk == ALL:
        return fork_join(pool, ends, (x, y, out, window, strides, lows))
    for image in range(ends[chunk], ends[chunk + 1]):
        for row in range(out.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], x.shape[1])
            for column in range(out.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], x.shape[2])
                target, best = out[image, row, column], y[image, row, column]
                target[:] = window[0] * window[1]
                for h in range(below - 1, above - 1, -1):
                    for w in range(right - 1, left - 1, -1):
                        tap = _number(row, column, h, w, window, strides, lows)
                        _mark(target, x[image, h, w], best, out.dtype.type(tap))


@inner()
def _mark(target, cell, best, number):
    """Write a tap's number where its cell holds the maximum."""
    for c in range(len(target)):
        current = target[c]
        target[c] = number if cell[c] == best[c] else current


@compiled()
def gather(pool, ends, chunk, x, index, out, window, strides, lows):
    """Cell of each window that the index names, 0 where it names none."""
    if chunk == ALL:
        return fork_join(pool, ends, (x, index, out, window, strides, lows))
    for image in range(ends[chunk], ends[chunk + 1]):
        for row in range(out.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], x.shape[1])
            for column in range(out.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], x.shape[2])
                target, named = out[image, row, column], index[image, row, column]
                target[:] = 0
                for h in range(above, below):
                    for w in range(left, right):
                        tap = _number(row, column, h, w, window, strides, lows)
                        _pick(target, x[image, h, w], named, index.dtype.type(tap))


@inner()
def _pick(target, cell, named, number):
    for c in range(len(target)):
        current, value = target[c], cell[c]
        target[c] = value if named[c] == number else current


@compiled()
def scatter(pool, ends, chunk, g, index, out, window, strides, lows):
    """Add `g` of each window to the cell that the index names."""
    if chunk == ALL:
        return fork_join(pool, ends, (g, index, out, window, strides, lows))
    apart = strides[0] >= window[0] and strides[1] >= window[1]
    for image in range(ends[chunk], ends[chunk + 1]):
        out[image] = 0
        for row in range(g.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], out.shape[1])
            for column in range(g.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], out.shape[2])
                source, named = g[image, row, column], index[image, row, column]
                for h in range(above, below):
                    for w in range(left, right):
                        tap = _number(row, column, h, w, window, strides, lows)
                        chunk = index.dtype.type(tap)
                        if apart:
                            _put_named(out[image, h, w], source, named, chunk)
                        else:
                            _add_named(out[image, h, w], source, named, chunk)


@inner()
def _put_named(target, source, named, number):
    zero = source.dtype.type(0)
    for c in range(len(target)):
        value = source[c]
        target[c] = value if named[c] == number else zero


@inner()
def _add_named(target, source, named, number):
    zero = source.dtype.type(0)
    for c in range(len(target)):
        value = source[c]
        target[c] += value if named[c] == number else zero


@compiled()
def mean(pool, ends, chunk, x, out, window, strides, lows):
    """Mean of the cells of each window, 0 where there are none."""
    if chunk == ALL:
        return fork_join(pool, ends, (x, out, window, strides, lows))
    for image in range(ends[chunk], ends[chunk + 1]):
        for row in range(out.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], x.shape[1])
            for column in range(out.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], x.shape[2])
                target = out[image, row, column]
                target[:] = 0
                for h in range(above, below):
                    for w in range(left, right):
                        _add(target, x[image, h, w])
                count = x.dtype.type(max((below - above) * (right - left), 1))
                for c in range(len(target)):
                    target[c] /= count


@inner()
def _add(target, cell):
    for c in range(len(target)):
        target[c] += cell[c]


@compiled()
def spread(pool, ends, chunk, g, out, window, strides, lows):
    """Add to each cell of a window its part of `g`, the same for all of them."""
    if chunk == ALL:
        return fork_join(pool, ends, (g, out, window, strides, lows))
    for image in range(ends[chunk], ends[chunk + 1]):
        out[image] = 0
        for row in range(g.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], out.shape[1])
            for column in range(g.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], out.shape[2])
                count = g.dtype.type(max((below - above) * (right - left), 1))
                for h in range(above, below):
                    for w in range(left, right):
                        _add_part(out[image, h, w], g[image, row, column], count)


@inner()
def _add_part(target, source, count):
    for c in range(len(target)):
        target[c] += source[c] / count


@inner()
def _inside(place, stride, low, window, size):
    """The cells of a window that lie inside: the first, and the one after the last."""
    first = place * stride - low
    return max(first, 0), min(first + window, size)


@inner()
def _number(row, column, h, w, window, strides, lows):
    """Row-major number of the tap of a window that is at a cell."""
    down, along = h - row * strides[0] + lows[0], w - column * strides[1] + lows[1]
    return down * window[1] + along
