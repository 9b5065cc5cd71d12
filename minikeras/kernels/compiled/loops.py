"""How this room compiles, and which arrays its loops take."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic

_TYPES = (np.dtype(np.float32), np.dtype(np.float64))


def compiled(*flags: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function when it is first called with its types, and keep it on disk.

    Division follows IEEE 754 (no exception at zero), Python's lock is let go of.

    Args:
        *flags: what the compiler may do to sums, by LLVM's names: `"contract"` (a product and a sum
            rounded once), `"reassoc"` (terms in another order, hence several sums at once), `"nsz"`
            (the sign of a zero is free). Never those by which NaN and infinity do not exist.

    Returns:
        A decorator.
    """
    return numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=set(flags))


def instructions(write: Callable[..., Any]) -> Any:
    """Make of a function that writes LLVM's instructions one that compiled code can call."""
    return intrinsic(write)


def plain(*arrays: Any) -> bool:
    """Whether all are contiguous NumPy arrays of one float type that the loops are made for.

    Args:
        *arrays: arrays.

    Returns:
        A bool.
    """
    dtype = arrays[0].dtype
    return dtype in _TYPES and all(
        type(array) is np.ndarray and array.dtype == dtype and array.flags.c_contiguous
        for array in arrays
    )
