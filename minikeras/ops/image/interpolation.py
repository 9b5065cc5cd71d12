"""Kernels of interpolation, and which pixels of an axis a new pixel is made of.

Pixels have their centres half a pixel after their edges: pixel `i` of `m`, stretched over an axis
of `n` pixels, has its centre at `(i + 1/2) n / m - 1/2`. An interpolation weighs the pixels around
by its kernel, a function of the distance; the weights are divided by their sum, and pixels beyond
the ends have none. With `antialias`, and if `n > m`, the kernel is stretched by `n / m`.

Sources: Keys, "Cubic convolution interpolation for digital image processing" (1981); Duchon,
"Lanczos filtering in one and two dimensions" (1979); Mitchell and Netravali, "Reconstruction
filters in computer graphics" (1988).
"""

import math
from functools import lru_cache

import numpy as np

from minikeras.autograd.composite import convert_to_tensor
from minikeras.kernels.shared.images.resampling import transposed


def triangle(xp, x):
    """Linear interpolation: `1 - |x|` up to a distance of 1."""
    return xp.maximum(0.0, 1.0 - x)


def cubic(xp, x):
    """Keys's cubic convolution with `a = -1/2`, up to a distance of 2."""
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return xp.where(x < 1.0, near, xp.where(x < 2.0, far, 0.0))


def gaussian(xp, x):
    """The bell curve of the standard deviation 1/2, up to a distance of 1.5."""
    return xp.where(x < 1.5, xp.exp(-2.0 * x * x), 0.0)


def mitchell(xp, x):
    """The cubic of Mitchell and Netravali with `B = C = 1/3`, up to a distance of 2."""
    near = (7.0 * x - 12.0) * x * x + 16.0 / 3.0
    far = ((-7.0 / 3.0 * x + 12.0) * x - 20.0) * x + 32.0 / 3.0
    return xp.where(x < 1.0, near, xp.where(x < 2.0, far, 0.0)) / 6.0


def _lanczos(radius):
    """`sinc(x) sinc(x / radius)` up to a distance of `radius`, with `sinc(x) = sin(πx) / (πx)`."""

    def kernel(xp, x):
        return xp.where(x > radius, 0.0, xp.sinc(x) * xp.sinc(x / radius))

    return kernel


KERNELS = {
    "bilinear": (triangle, 1.0),
    "bicubic": (cubic, 2.0),
    "lanczos3": (_lanczos(3.0), 3.0),
    "lanczos5": (_lanczos(5.0), 5.0),
}
"""Functions of `(xp, distances)` by name, and the distances at which they end.

`xp` is an array module, or the module of the ops of these names.
"""

SMOOTHING = {"gaussian": (gaussian, 1.5), "mitchellcubic": (mitchell, 2.0)}
"""Kernels that change an image of the same size, too; `tf.image.resize` has them."""

# The distances for which TensorFlow has values of the cubic kernel, in a table, per pixel.
_CUBIC_STEPS = 1024


@lru_cache(maxsize=128)
def taps(size, count, interpolation, antialias, dtype, _device):
    """Return the map from `size` pixels to `count`, and the transposed map.

    Args:
        size: int.
        count: int.
        interpolation: a name in `KERNELS` or `SMOOTHING`, or `"area"`.
        antialias: bool.
        dtype: float dtype in which the centres of pixels are computed.
        _device: name of the current device, where the tensors are put and kept.

    Returns:
        Four tensors `(taps, count)` and `(taps, size)`: places and weights, and those of the
        transposed map.
    """
    if interpolation == "area":
        places, weights = _overlaps(size, count)
    else:
        places, weights = _weighted(size, count, interpolation, antialias, dtype)
    back, shares = transposed(places, weights, size)
    return tuple(
        convert_to_tensor(part) for part in (places, weights, back.astype("int32"), shares)
    )


@lru_cache(maxsize=128)
def nearest(size, count, _device):
    """Return an int32 tensor `(count,)`: the pixels in which the centres of new ones lie."""
    pixels = np.floor(_edges(size, count, "float32")).astype("int32")
    return convert_to_tensor(np.minimum(pixels, size - 1))


def _weighted(size, count, interpolation, antialias, dtype):
    """Places and weights by a kernel."""
    kernel, radius = (KERNELS | SMOOTHING)[interpolation]
    stretch = max(size / count, 1.0) if antialias else 1.0
    reach = radius * stretch
    centres = _edges(size, count, dtype) - 0.5
    if interpolation == "bicubic" and not antialias:
        centres = _on_steps(_edges(size, count, "float32") - 0.5)
    first = np.floor(centres - reach) + 1
    places = first + np.arange(math.ceil(2 * reach))[:, None]
    weights = kernel(np, np.abs(centres - places) / stretch)
    weights = np.where((places >= 0) & (places < size), weights, 0.0)
    return np.clip(places, 0, size - 1).astype("int32"), weights / weights.sum(axis=0)


def _edges(size, count, dtype):
    """How far the centres of new pixels are from the edge of the first pixel, `(count,)`."""
    # In the dtype asked for, as TensorFlow does: which pixel an edge belongs to depends on it.
    return (np.arange(count, dtype=dtype) + 0.5) * np.dtype(dtype).type(size / count)


def _on_steps(centres):
    """The centres of new pixels, moved to the nearest entries of the table."""
    whole = np.floor(centres)
    return whole + np.rint((centres - whole) * _CUBIC_STEPS).astype("float64") / _CUBIC_STEPS


def _overlaps(size, count):
    """Places and weights of means: the share that each pixel has in the area of a new one."""
    start, end = np.arange(count) * size / count, np.arange(1, count + 1) * size / count
    places = np.floor(start) + np.arange(math.ceil(size / count) + 1)[:, None]
    shares = np.minimum(places + 1, end) - np.maximum(places, start)
    return np.clip(places, 0, size - 1).astype("int32"), np.maximum(shares, 0.0) * (count / size)
