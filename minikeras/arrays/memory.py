"""What the C library does with memory that arrays give back.

By default glibc returns a large block to the system at once, and the next array of that size gets
fresh pages, each of which the system must clear and map on its first use: on networks with large
activations a tenth of a training step. A training step asks for the same sizes again and again, so
the blocks are better kept.
"""

import ctypes
import os
import sys

# Parameters of `mallopt`, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_INT = 2**31 - 1

_state = {"keeps": sys.platform != "linux" or os.environ.get("MINIKERAS_KEEP_MEMORY") == "0"}


def keep_freed_memory() -> None:
    """Let the process keep memory that arrays free, for the arrays of the next step.

    It happens once, for the whole process, and only where the C library is glibc; the environment
    variable `MINIKERAS_KEEP_MEMORY=0` prevents it.

    Example:
        >>> from minikeras.arrays.memory import keep_freed_memory
        >>> keep_freed_memory()
    """
    if _state["keeps"]:
        return
    _state["keeps"] = True
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_INT)
        mallopt(_TRIM_THRESHOLD, _LARGEST_INT)
