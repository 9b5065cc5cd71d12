"""Dropout in one launch for the mask and one for its use; see `kernels/shared/masks.py`."""

import math

import numpy as np

from minikeras.arrays import philox
from minikeras.kernels.gpu.launch import Source, are_floats, contiguous

_source = Source("dropout")


def dropout_mask(xp, seed, shape, rate, dtype="float32"):
    """Draw which entries a dropout keeps: the numbers of the plain generator, bit for bit."""
    real = np.dtype(dtype)
    if real.name not in philox.MANTISSA_BITS:
        return NotImplemented
    stream = philox.stream(seed)
    keep = xp.empty(shape, bool)
    least = math.ceil(float(real.type(rate)) * 2 ** philox.MANTISSA_BITS[real.name])
    blocks = -(-keep.size // (2 if real.itemsize == 8 else 4))
    arguments = keep, *stream.key, *stream.high, least, blocks, keep.size
    _source.launch(xp, "dropout_mask", blocks, *arguments, real=real)
    return keep


def apply_mask(xp, x, keep, scale):
    """Scale an array where a mask says so, and put zeros elsewhere."""
    if not are_floats(x) or getattr(keep, "shape", None) != x.shape:
        return NotImplemented
    x, keep = contiguous(xp, x, keep)
    y = xp.empty(x.shape, x.dtype)
    _source.launch(xp, "apply_mask", x.size, x, keep, y, scale, x.size)
    return y
