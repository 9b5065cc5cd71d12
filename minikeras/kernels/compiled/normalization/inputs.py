"""What batch and layer normalization check and prepare alike."""

import numpy as np

from minikeras.kernels.compiled.compiler import plain

PASSES = 3
"""How often a pass reads or writes its array."""


def is_supported(x, *others):
    """Whether all arrays that are not None are such as the loops take, and there are elements.

    Args:
        x: Array.
        *others: Arrays, or None.

    Returns:
        A bool.
    """
    others = [array for array in others if array is not None]
    return type(x) is np.ndarray and x.size > 0 and x.ndim > 0 and plain(x, *others)


def factors_of(width, dtype, gamma, beta):
    """What to multiply by and what to add, for each number that has its own.

    Args:
        width: How many numbers have a factor of their own.
        dtype: Type of a number.
        gamma: Array of as many factors, or None for ones.
        beta: Array of as many summands, or None for zeros.

    Returns:
        Two arrays `(width,)`.
    """
    gain = np.ones(width, dtype) if gamma is None else gamma.reshape(-1)
    shift = np.zeros(width, dtype) if beta is None else beta.reshape(-1)
    return gain, shift
