"""Where the pixels of a transformed image come from, compiled: one pass; the bits are NumPy's.

`images.warping` has the formulas, under the same names. Rows of pixels are shared among threads.
"""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner, plain
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

_MODES = ("constant", "nearest", "wrap", "reflect")
_CONSTANT, _NEAREST, _WRAP, _REFLECT = range(len(_MODES))
# Nanoseconds that a pixel takes for its coordinates, and for each of its numbers.
_PIXEL, _NUMBER = 10.0, 2.0
_OUTSIDE = -2


def warped(xp, table, transforms, *, height, width, fill_mode, fill_value):
    """Pixels interpolated at their sources; see `images.warping`."""
    if not plain(table, transforms) or not isinstance(fill_value, (int, float)):
        return NotImplemented
    y, mode = np.empty_like(table), _MODES.index(fill_mode)
    batch, _, channels = table.shape
    work = batch * height * width * (_PIXEL + channels * _NUMBER)
    arrays = table, transforms, height, width, mode, float(fill_value), y
    parallel_for(_warped, batch * height, work, *arrays)
    return y


def nearest_pixels(xp, transforms, height, width, fill_mode):
    """The pixel nearest to each source; see `images.warping`."""
    if not plain(transforms):
        return NotImplemented
    batch, mode = len(transforms), _MODES.index(fill_mode)
    index = np.empty((batch, height, width), np.int32)
    inside = np.empty(index.shape, np.bool_)
    work = index.size * _PIXEL
    parallel_for(_nearest_pixels, batch * height, work, transforms, mode, index, inside)
    return index.reshape(batch, -1), inside.reshape(batch, -1)


@compiled()
def _warped(pool, ends, chunk, table, transforms, height, width, mode, fill, y):
    if chunk == ALL:
        return fork_join(pool, ends, (table, transforms, height, width, mode, fill, y))
    one, channels = table.dtype.type(1), table.shape[2]
    value = table.dtype.type(fill)
    for line in range(ends[chunk], ends[chunk + 1]):
        b, i = line // height, line % height
        m = _numbers(transforms, b)
        for j in range(width):
            v, u = _source(m, i, j, height, width, mode)
            top, left = np.floor(v), np.floor(u)
            below, right = v - top, u - left
            row, column = np.int32(top), np.int32(left)
            size = height, width
            at0, w0, out0 = _node(row, column, size, (one - below) * (one - right))
            at1, w1, out1 = _node(row, column + 1, size, (one - below) * right)
            at2, w2, out2 = _node(row + 1, column, size, below * (one - right))
            at3, w3, out3 = _node(row + 1, column + 1, size, below * right)
            lost = out0 + out1 + out2 + out3
            for c in range(channels):
                total = _part(table, b, at0, c, w0) + _part(table, b, at1, c, w1)
                total = total + _part(table, b, at2, c, w2) + _part(table, b, at3, c, w3)
                y[b, i * width + j, c] = total + lost * value if lost > 0 else total


@inner()
def _numbers(transforms, b):
    """The numbers of the transform of an image, or of the one for all images."""
    t = transforms[b if len(transforms) > 1 else 0]
    return t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]


@inner()
def _node(row, column, size, weight):
    """The index of a pixel, its weight, and what it would weigh if it is outside."""
    height, width = size
    nothing = type(weight)(0)
    is_inside = 0 <= row < height and 0 <= column < width
    at = _flat(row, column, height, width)
    return at, weight if is_inside else nothing, nothing if is_inside else weight


@inner()
def _part(table, b, at, c, weight):
    """A weighted number of a pixel, which is not read if it weighs nothing."""
    return table[b, at, c] * weight if weight != 0 else weight


@inner()
def _flat(row, column, height, width):
    """The index of a pixel, moved inside, in the flat image."""
    return min(max(row, 0), height - 1) * width + min(max(column, 0), width - 1)


@compiled()
def _nearest_pixels(pool, ends, chunk, transforms, mode, index, inside):
    if chunk == ALL:
        return fork_join(pool, ends, (transforms, mode, index, inside))
    _, height, width = index.shape
    for line in range(ends[chunk], ends[chunk + 1]):
        b, i = line // height, line % height
        m = _numbers(transforms, b)
        for j in range(width):
            y, x = _source(m, i, j, height, width, mode)
            row, column = np.int32(_rounded(y)), np.int32(_rounded(x))
            inside[b, i, j] = 0 <= row < height and 0 <= column < width
            index[b, i, j] = _flat(row, column, height, width)


@inner()
def _source(m, i, j, height, width, mode):
    """Row and column where a pixel comes from, moved into the image."""
    a0, a1, a2, b0, b1, b2, c0, c1 = m
    real = type(a0)
    x, y = real(j), real(i)
    row, column = b0 * x + b1 * y + b2, a0 * x + a1 * y + a2
    if c0 != 0 or c1 != 0:  # else the divisor is exactly 1
        k = c0 * x + c1 * y + real(1)
        row, column = row / k, column / k
    return _moved_inside(row, height, mode), _moved_inside(column, width, mode)


@inner()
def _moved_inside(c, length, mode):
    real = type(c)
    outside, zero, size = real(_OUTSIDE), real(0), real(length)
    if mode == _CONSTANT:
        return outside if c != c else min(max(c, outside), size + real(1))
    if length > 1 and mode == _WRAP:
        c = _wrapped(c, size)
    elif length > 1 and mode == _REFLECT:
        c = _reflected(c, size)
    elif mode != _NEAREST:
        c = c * zero
    return min(max(c, zero), size - real(1)) if np.isfinite(c) else outside


@inner()
def _wrapped(c, size):
    one = type(c)(1)
    last = size - one
    if c < 0:
        return c + size * (np.trunc(-c / last) + one)
    return c - size * np.trunc(c / last) if c > last else c


@inner()
def _reflected(c, size):
    one = type(c)(1)
    period = size + size
    if c < 0:
        c = c + period * np.trunc(-c / period)
        return c + period if c < -size else -c - one
    if c > size - one:
        c = c - period * np.trunc(c / period)
        return period - c - one if c >= size else c
    return c


@inner()
def _rounded(c):
    whole = np.trunc(c)
    rest = c - whole
    return whole + np.trunc(rest + rest)
