"""Images of another size as arrays, by TensorFlow's `tf.image.resize` without antialiasing.

The weights are those of `ops.image.resize`. Here the width comes first, as in TensorFlow, and an
image is one array of bytes: what a data set of thousands of files needs.
"""

from functools import lru_cache

import numpy as np

from minikeras.arrays.device import device
from minikeras.kernels.shared.images.resampling import resampled
from minikeras.ops.image import interpolation as kernels

METHODS = ("nearest", "area", *kernels.KERNELS, *kernels.SMOOTHING)
"""The interpolations."""


def resized(x, size, method):
    """Bring an image to another size.

    Args:
        x: uint8 array (height, width, channels).
        size: new height and width.
        method: one of `METHODS`.

    Returns:
        A float32 array; of uint8 for `"nearest"`.

    Example:
        >>> resized(np.array([[[0], [4]]], dtype="uint8"), (1, 4), "bilinear")[0, :, 0].tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    if method == "nearest":
        return x[_nearest(x.shape[0], size[0])[:, np.newaxis], _nearest(x.shape[1], size[1])]
    channels = x.shape[2]
    rows = x.reshape(len(x), -1).astype(np.float32)  # long rows: NumPy computes along them
    for axis, spread in ((1, channels), (0, 1)):
        if x.shape[axis] != size[axis] or method in kernels.SMOOTHING:
            places, weights = _map(x.shape[axis], size[axis], method, spread)
            rows = resampled(np, rows, places, weights, axis=axis, convex=method == "bilinear")
    return rows.reshape(*size, channels)


@lru_cache(maxsize=128)
def _map(size, count, method, spread):
    """Places and weights along an axis, of which each pixel has `spread` neighbouring numbers."""
    with device("cpu"):
        places, weights = (
            part.data for part in kernels.taps(size, count, method, False, "float32", "cpu")[:2]
        )
    places = places[:, :, np.newaxis] * spread + np.arange(spread)
    return places.reshape(len(weights), -1), np.repeat(weights, spread, axis=1)


def _nearest(size, count):
    with device("cpu"):
        return kernels.nearest(size, count, "cpu").data


def cropped(x, size):
    """The largest part in the middle whose sides are in the proportion of `size`.

    Args:
        x: array (height, width, channels).
        size: height and width that are in that proportion.
    """
    (height, width), (rows, columns) = x.shape[:2], size
    new_height = max(min(height, _quotient(width * rows, columns)), 1)
    new_width = max(min(width, _quotient(height * columns, rows)), 1)
    top, left = (height - new_height) // 2, (width - new_width) // 2
    return x[top : top + new_height, left : left + new_width]


def _quotient(a, b):
    """The whole part of a quotient in float32, in which TensorFlow computes sizes."""
    return int(np.float32(a) / np.float32(b))


def padded(x, size, method):
    """Resize an image to what fits into a size, and put it into the middle of zeros.

    Args:
        x: uint8 array (height, width, channels).
        size: height and width of the result.
        method: one of `METHODS`.
    """
    sides = np.array(x.shape[:2], np.float32)
    wanted = np.array(size, np.float32)
    exact = sides / (sides / wanted).max()
    inner = resized(x, tuple(max(int(side), 1) for side in exact), method)
    top, left = (max(int(margin), 0) for margin in np.floor((wanted - exact) / 2))
    result = np.zeros((*size, x.shape[2]), inner.dtype)
    result[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return result
