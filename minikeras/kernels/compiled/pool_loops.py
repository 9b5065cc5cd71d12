"""The loops of pooling over images, windows, taps and channels.

All arrays are `(images, height, width, channels)`, C-contiguous. `window`, `strides` and `lows`,
the cells of padding in front, are pairs for height and width. Numbers are loaded before they are
chosen from: a load that happens only sometimes would keep the compiler from using vectors.

Each loop has a public function that shares the images out, and one for a piece of them.
"""

import numpy as np

from minikeras.kernels.compiled.loops import compiled
from minikeras.kernels.compiled.team import together


@compiled()
def largest(team, ends, x, out, window, strides, lows):
    """Maximum of each window, minus infinity where there is none."""
    together(team, ends, _largest, (x, out, window, strides, lows))


@compiled()
def _largest(piece, x, out, window, strides, lows):
    for image in range(piece[1], piece[2]):
        for row in range(out.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], x.shape[1])
            for column in range(out.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], x.shape[2])
                target = out[image, row, column]
                target[:] = -np.inf
                for h in range(above, below):
                    for w in range(left, right, 2):
                        _keep_larger(target, x[image, h, w], x[image, h, min(w + 1, right - 1)])


@compiled()
def _keep_larger(target, a, b):
    """Larger of three numbers; one that cannot be compared loses."""
    for c in range(len(target)):
        held, one, other = target[c], a[c], b[c]
        some = one if one > held else held
        target[c] = other if other > some else some


@compiled()
def first_largest(team, ends, x, y, out, window, strides, lows):
    """Number of the first tap that equals the maximum, that of all taps where there is none."""
    together(team, ends, _first_largest, (x, y, out, window, strides, lows))


@compiled()
def _first_largest(piece, x, y, out, window, strides, lows):
    for image in range(piece[1], piece[2]):
        for row in range(out.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], x.shape[1])
            for column in range(out.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], x.shape[2])
                target, best = out[image, row, column], y[image, row, column]
                target[:] = window[0] * window[1]
                for h in range(below - 1, above - 1, -1):
                    for w in range(right - 1, left - 1, -1):
                        number = _number(row, column, h, w, window, strides, lows)
                        _mark(target, x[image, h, w], best, out.dtype.type(number))


@compiled()
def _mark(target, cell, best, number):
    """Write a tap's number where its cell holds the maximum."""
    for c in range(len(target)):
        held = target[c]
        target[c] = number if cell[c] == best[c] else held


@compiled()
def gather(team, ends, x, index, out, window, strides, lows):
    """Cell of each window that the index names, 0 where it names none."""
    together(team, ends, _gather, (x, index, out, window, strides, lows))


@compiled()
def _gather(piece, x, index, out, window, strides, lows):
    for image in range(piece[1], piece[2]):
        for row in range(out.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], x.shape[1])
            for column in range(out.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], x.shape[2])
                target, named = out[image, row, column], index[image, row, column]
                target[:] = 0
                for h in range(above, below):
                    for w in range(left, right):
                        number = _number(row, column, h, w, window, strides, lows)
                        _pick(target, x[image, h, w], named, index.dtype.type(number))


@compiled()
def _pick(target, cell, named, number):
    for c in range(len(target)):
        held, value = target[c], cell[c]
        target[c] = value if named[c] == number else held


@compiled()
def scatter(team, ends, g, index, out, window, strides, lows):
    """Add each number to the cell that the index names."""
    together(team, ends, _scatter, (g, index, out, window, strides, lows))


@compiled()
def _scatter(piece, g, index, out, window, strides, lows):
    apart = strides[0] >= window[0] and strides[1] >= window[1]
    for image in range(piece[1], piece[2]):
        out[image] = 0
        for row in range(g.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], out.shape[1])
            for column in range(g.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], out.shape[2])
                source, named = g[image, row, column], index[image, row, column]
                for h in range(above, below):
                    for w in range(left, right):
                        tap = _number(row, column, h, w, window, strides, lows)
                        number = index.dtype.type(tap)
                        if apart:
                            _put_named(out[image, h, w], source, named, number)
                        else:
                            _add_named(out[image, h, w], source, named, number)


@compiled()
def _put_named(target, source, named, number):
    zero = source.dtype.type(0)
    for c in range(len(target)):
        value = source[c]
        target[c] = value if named[c] == number else zero


@compiled()
def _add_named(target, source, named, number):
    zero = source.dtype.type(0)
    for c in range(len(target)):
        value = source[c]
        target[c] += value if named[c] == number else zero


@compiled()
def mean(team, ends, x, out, window, strides, lows):
    """Mean of the cells of each window, 0 where there are none."""
    together(team, ends, _mean, (x, out, window, strides, lows))


@compiled()
def _mean(piece, x, out, window, strides, lows):
    for image in range(piece[1], piece[2]):
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


@compiled()
def _add(target, cell):
    for c in range(len(target)):
        target[c] += cell[c]


@compiled()
def spread(team, ends, g, out, window, strides, lows):
    """Add to each cell of a window its even part."""
    together(team, ends, _spread, (g, out, window, strides, lows))


@compiled()
def _spread(piece, g, out, window, strides, lows):
    for image in range(piece[1], piece[2]):
        out[image] = 0
        for row in range(g.shape[1]):
            above, below = _inside(row, strides[0], lows[0], window[0], out.shape[1])
            for column in range(g.shape[2]):
                left, right = _inside(column, strides[1], lows[1], window[1], out.shape[2])
                count = g.dtype.type(max((below - above) * (right - left), 1))
                for h in range(above, below):
                    for w in range(left, right):
                        _add_part(out[image, h, w], g[image, row, column], count)


@compiled()
def _add_part(target, source, count):
    for c in range(len(target)):
        target[c] += source[c] / count


@compiled()
def _inside(place, stride, low, window, size):
    """The cells of a window that lie inside, as first one and the one behind the last."""
    first = place * stride - low
    return max(first, 0), min(first + window, size)


@compiled()
def _number(row, column, h, w, window, strides, lows):
    """Row-major number of the tap of a window that is at a cell."""
    down, along = h - row * strides[0] + lows[0], w - column * strides[1] + lows[1]
    return down * window[1] + along
