"""Samples of a table in a new order, of which the last are for testing."""

import numpy as np


def check_fraction(test_split):
    """Refuse a fraction for testing that leaves nothing to train on.

    Args:
        test_split: the fraction.

    Raises:
        ValueError: if it is not in [0, 1).
    """
    if not 0 <= test_split < 1:
        raise ValueError(
            "`test_split` is the part of the samples kept for testing: at least 0 and less than 1. "
            f"Received: test_split={test_split}"
        )


def shuffled(seed, *arrays):
    """Return arrays in an order that is drawn as in Keras.

    Args:
        seed: seed of the order, or a `numpy.random.RandomState` from which it is drawn.
        arrays: arrays with the same number of samples.

    Returns:
        New arrays.
    """
    rng = seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)
    order = np.arange(len(arrays[0]))
    rng.shuffle(order)
    return [array[order] for array in arrays]


def split(x, y, test_split):
    """Return `(x_train, y_train), (x_test, y_test)`, the last fraction for testing."""
    count = int(len(x) * (1 - test_split))
    return (x[:count].copy(), y[:count].copy()), (x[count:].copy(), y[count:].copy())
