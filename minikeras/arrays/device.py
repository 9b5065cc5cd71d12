"""Which array library a value belongs to.

Everything above asks here for the `xp` module instead of naming NumPy.
"""

import numpy as np

Array = np.ndarray


def namespace(array):
    """Return the array module that `array` belongs to."""
    return np


def asarray(value, dtype=None):
    """Put a value into an array of the current device, without a copy where none is needed."""
    return np.asarray(value, dtype=dtype)


def to_numpy(array):
    """Return the values as a NumPy array in main memory."""
    return np.asarray(array)
