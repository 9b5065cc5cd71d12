"""Images of another size as arrays, by TensorFlow's `tf.image.resize` without antialiasing.

The weights are those of `ops.image.resize`. Here the width comes first, as in TensorFlow, and an
image is one array of bytes: what a data set of thousands of files needs.
"""

import numpy as np

from minikeras.arrays.device import device
from minikeras.kernels.shared.resampling import resampled
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
    with device("cpu"):
        if method == "nearest":
            rows, columns = (
                kernels.nearest(old, new, "cpu").data
                for old, new in zip(x.shape, size, strict=False)
            )
            return x[rows[:, np.newaxis], columns]
        x = x.astype(np.float32)
        for axis in (1, 0):
            if x.shape[axis] != size[axis] or method in kernels.SMOOTHING:
                maps = kernels.taps(x.shape[axis], size[axis], method, False, "float32", "cpu")
                places, weights = (part.data for part in maps[:2])
                convex = method == "bilinear"
                x = resampled(np, x, places, weights, axis=axis, convex=convex)
        return x


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
