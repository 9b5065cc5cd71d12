"""Which array library a value belongs to.

Everything above asks here for the `xp` module instead of naming NumPy.
"""

from typing import Any

import numpy as np

from minikeras.core import types

Array: type[Any] = np.ndarray


def namespace(array: types.Array | None) -> types.ArrayModule:
    """Return the array module that `array` belongs to."""
    return np


def asarray(value: Any, dtype: Any = None) -> types.Array:
    """Put a value into an array of the current device, without a copy where none is needed."""
    return np.asarray(value, dtype=dtype)


def to_numpy(array: types.Array) -> types.Array:
    """Return the values as a NumPy array in main memory."""
    return np.asarray(array)
