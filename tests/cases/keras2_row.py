"""One row of the backend of Keras 2: a call, its tensors, and how it differs from tf-keras."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Row:
    """One call.

    Args:
        name: the function.
        call: function of the backend and of the tensors that makes the call.
        arrays: the values of the tensors.
        formula: function of the arrays that returns the value.
        smooth: whether the value has a gradient with respect to tensors of floats.
        later: why tf-keras gives something else; None if it gives the same.
    """

    name: str
    call: Callable[..., Any]
    arrays: list[Any]
    formula: Callable[..., Any]
    smooth: bool = True
    later: str | None = None


def floats(*shape, low=-2.0, high=2.0):
    """Odd multiples of 1/128 from an interval, all different where there are enough."""
    rng = np.random.default_rng(len(shape) + sum(shape))
    return (2 * rng.integers(int(low * 64), int(high * 64), shape) + 1) / 128


def distinct(*shape):
    """Numbers that all differ by 1/16 or more."""
    count = int(np.prod(shape))
    return (np.random.default_rng(count).permutation(count) / 16 - 1.03).reshape(shape)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


X23, X234, IMAGES = floats(2, 3), floats(2, 3, 4), floats(2, 5, 4, 3)
POSITIVE = floats(2, 3, low=0.1)
BELOW = floats(2, 3, low=-1.9) + 1 / 256
PROBABILITIES = softmax(floats(2, 3, 4))
