"""Colors as hue, saturation and value and back, compiled: one pass; the bits are NumPy's.

`images.colors` has the formulas, under the same names. Pixels are shared among threads.
"""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner, plain
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

# Nanoseconds that a pixel takes.
_PIXEL = 8.0


def rgb_to_hsv(xp, x):
    """Hue, saturation and value; see `images.colors`."""
    return _by_pixel(_rgb_to_hsv, x)


def hsv_to_rgb(xp, x):
    """Red, green and blue; see `images.colors`."""
    return _by_pixel(_hsv_to_rgb, x)


def _by_pixel(loop, x):
    if not plain(x):
        return NotImplemented
    y = np.empty_like(x)
    pixels = x.reshape(-1, 3)
    parallel_for(loop, len(pixels), len(pixels) * _PIXEL, pixels, y.reshape(-1, 3))
    return y


@compiled()
def _rgb_to_hsv(pool, ends, chunk, x, y):
    if chunk == ALL:
        return fork_join(pool, ends, (x, y))
    real = x.dtype.type
    zero, one, six = real(0), real(1), real(6)
    for i in range(ends[chunk], ends[chunk + 1]):
        r, g, b = x[i, 0], x[i, 1], x[i, 2]
        value = _larger(_larger(r, g), b)
        spread = value - _smaller(_smaller(r, g), b)
        sixth = one / (six * (spread if spread > 0 else one))
        if r == value:
            hue = sixth * (g - b)
        elif g == value:
            hue = sixth * (b - r) + real(2 / 6)
        else:
            hue = sixth * (r - g) + real(4 / 6)
        hue = hue if spread > 0 else zero
        y[i, 0] = hue + one if hue < 0 else hue
        y[i, 1] = spread / value if value > 0 else zero
        y[i, 2] = value


@compiled()
def _hsv_to_rgb(pool, ends, chunk, x, y):
    if chunk == ALL:
        return fork_join(pool, ends, (x, y))
    real = x.dtype.type
    one, two = real(1), real(2)
    for i in range(ends[chunk], ends[chunk + 1]):
        hue, saturation, value = real(6) * x[i, 0], x[i, 1], x[i, 2]
        y[i, 0] = _color(abs(hue - real(3)) - one, saturation, value)
        y[i, 1] = _color(two - abs(hue - two), saturation, value)
        y[i, 2] = _color(two - abs(hue - real(4)), saturation, value)


@inner()
def _color(share, saturation, value):
    zero, one = type(share)(0), type(share)(1)
    inside = _smaller(_larger(share, zero), one)
    return (one - saturation + saturation * inside) * value


@inner()
def _larger(a, b):
    """The larger number, or what is none: a NaN stays."""
    return a if a >= b or a != a else b


@inner()
def _smaller(a, b):
    return a if a <= b or a != a else b
