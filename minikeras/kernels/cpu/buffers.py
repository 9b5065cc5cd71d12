"""Scratch memory as NumPy's loops like it best, and the numbers to compute in.

- NumPy places large arrays 16 bytes after the start of a page, so every 64-byte vector that a loop
  loads or stores touches two cache lines: an addition in cache takes twice as long.
- NumPy copies operands with short rows, slices for example, through a buffer so that its inner loop
  sees 8192 numbers at once. For additions and maxima the copy costs more than short loops do.
"""

import contextlib
import math

_CACHE_LINE = 64
# Rows from this length on are looped over in place.
_ROW = 1024


@contextlib.contextmanager
def short_rows(xp):
    """Let operations on slices loop over rows in place, for the length of a `with` block.

    Args:
        xp: The array module.

    Yields:
        Nothing; the former setting returns at the end.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.buffers import short_rows
        >>> with short_rows(np):
        ...     np.getbufsize()
        1024
    """
    with xp.errstate():
        xp.setbufsize(_ROW)
        yield


def working_dtype(xp, dtype):
    """Type of number to compute with: float32 for narrower ones, else their own.

    Args:
        xp: The array module.
        dtype: The type of the operands.

    Returns:
        A dtype.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.buffers import working_dtype
        >>> working_dtype(np, np.dtype("float16"))
        dtype('float32')
    """
    return xp.dtype(xp.float32) if dtype.itemsize < 4 else dtype


def aligned_empty(xp, shape, dtype):
    """Array of undefined numbers whose first one starts a cache line.

    Args:
        xp: The array module.
        shape: The shape, a tuple.
        dtype: The type of number.

    Returns:
        A C-contiguous array.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.buffers import aligned_empty
        >>> aligned_empty(np, (3, 1000), np.float32).ctypes.data % 64
        0
    """
    size = math.prod(shape) * xp.dtype(dtype).itemsize
    block = xp.empty(size + _CACHE_LINE, xp.uint8)
    start = -block.ctypes.data % _CACHE_LINE
    return block[start : start + size].view(dtype).reshape(shape)


def aligned_zeros(xp, shape, dtype):
    """Array of zeros whose first one starts a cache line.

    Args:
        xp: The array module.
        shape: The shape, a tuple.
        dtype: The type of number.

    Returns:
        A C-contiguous array.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.buffers import aligned_zeros
        >>> aligned_zeros(np, (2,), np.float32)
        array([0., 0.], dtype=float32)
    """
    array = aligned_empty(xp, shape, dtype)
    array.fill(0)
    return array
