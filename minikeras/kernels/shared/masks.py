"""Choosing by a random mask, without branches.

A mask of all ones or all zeros and a bitwise "and" take a fraction of the time of a choice whose
condition no processor can predict; and unlike a product with 0 and 1 they let no NaN through.
"""

import math

from minikeras.arrays import random as draws
from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.wide import wide


@dispatched("dropout", cuda="dropout", is_large=lambda least, args: math.prod(args[2]) >= least)
def dropout_mask(xp, seed, shape, rate, dtype="float32"):
    """Draw which entries a dropout keeps: those whose uniform number is at least `rate`.

    Args:
        xp: The array module.
        seed: Pair of Python ints.
        shape: Shape of the mask.
        rate: Fraction to drop, in [0, 1).
        dtype: Dtype of the inputs, which is the dtype of the uniform numbers.

    Returns:
        Bool array of `shape`; True where the entry is kept.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.masks import dropout_mask
        >>> dropout_mask(np, (3, 0), (4,), 0.0).tolist()
        [True, True, True, True]
    """
    return draws.dropout_mask(xp, seed, shape, rate, dtype)


@dispatched("dropout", cuda="dropout")
def apply_mask(xp, x, keep, scale):
    """Scale an array where a mask says so, and put zeros elsewhere, whatever stood there.

    Equations (dropout.dropout):
        y = x * keep / (1 - rate)  # its expectation is x

    Equations (dropout.dropout_backward):
        dx = g * keep / (1 - rate)

    Args:
        xp: The array module.
        x: Float array.
        keep: Bool array that broadcasts to the shape of `x`.
        scale: A Python number.

    Returns:
        An array of the shape and dtype of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.masks import apply_mask
        >>> apply_mask(np, np.array([1.0, np.nan]), np.array([True, False]), 2.0)
        array([2., 0.])
    """

    def choose(x, keep):
        return bits_where(xp, xp.asarray(x * scale), keep).view(x.dtype)

    return wide(xp, choose, x, keep)


def bits_where(xp, values, chosen):
    """Return the bits of an array where a mask says so, else 0.

    Args:
        xp: The array module.
        values: Array.
        chosen: Bool array that broadcasts to its shape.

    Returns:
        A signed integer array, as wide as the type of number; view it as that again.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.masks import bits_where
        >>> bits_where(np, np.array([5, 6]), np.array([True, False]))
        array([5, 0])
    """
    bits = xp.dtype(f"i{values.dtype.itemsize}")
    mask = xp.negative(chosen.view(xp.int8)).astype(bits)
    return xp.bitwise_and(values.view(bits), mask)
