"""The order in which `fit` takes the samples of arrays.

TensorFlow shuffles with a stateful op, whose stream starts again with every epoch: its key is the
global seed, not scrambled, so an order is a pure function of that seed and the number of samples.
"""

from random import SystemRandom
from typing import Any

import numpy as np

from minikeras.arrays import philox

# Global seeds are taken modulo this number; it also replaces an op seed of zero beside a zero.
MAX_INT32 = 2**31 - 1


def epoch_order(global_seed: int | None, size: int) -> Any:
    """Draws the order in which one epoch of `fit(shuffle=True)` takes the samples of arrays.

    A Fisher-Yates pass, one 32-bit word a step, over a stream that depends on the global seed
    alone. So every epoch of every `fit` after one `set_random_seed` has the same order, whatever
    the model, the batch size or the draws made in between.

    Args:
        global_seed: the int given to `set_random_seed`, or None for a fresh order each call.
        size: number of samples.

    Returns:
        int64 NumPy array of shape (size,).

    Example:
    >>> sorted(epoch_order(1, 4).tolist())
    [0, 1, 2, 3]
    """
    return _fisher_yates(_order_stream(global_seed), 0, size)


def batch_order(global_seed: int | None, size: int, batch_size: int) -> Any:
    """Draws the order of one epoch of `fit(shuffle="batch")`, which shuffles inside each batch.

    Each batch goes on in the stream where the one before it stopped, from a whole block; every
    epoch starts the stream again.

    Args:
        global_seed: the int given to `set_random_seed`, or None for a fresh order each call.
        size: number of samples.
        batch_size: samples a batch; the last batch may be smaller.

    Returns:
        int64 NumPy array of shape (size,).

    Example:
    >>> sorted(batch_order(1, 4, 2)[:2].tolist())
    [0, 1]
    """
    source, block = _order_stream(global_seed), 0
    order = np.empty(size, "int64")
    for start in range(0, size, batch_size):
        count = min(batch_size, size - start)
        order[start : start + count] = start + _fisher_yates(source, block, count)
        block += _blocks_of_swaps(count)
    return order


def _order_stream(global_seed: int | None) -> philox.Stream:
    """The stream of a stateful shuffle: the global seed is the key, without scrambling."""
    if global_seed is None:
        words = SystemRandom()
        return philox.plain_stream((words.getrandbits(64), words.getrandbits(64)))
    folded = global_seed % MAX_INT32
    return philox.plain_stream((folded, 0) if folded else (0, MAX_INT32))


def _blocks_of_swaps(size: int) -> int:
    """Blocks that hold one word for each of the size - 1 swaps of a shuffle."""
    return (max(size - 1, 0) + 3) // 4


def _fisher_yates(source: philox.Stream, block: int, size: int) -> Any:
    """Shuffles range(size): step i swaps places i and i + word % (size - i)."""
    indices = np.arange(block, block + _blocks_of_swaps(size), dtype="uint64")
    word = philox.words(np, *philox.blocks(np, source, indices)).reshape(-1)[: max(size - 1, 0)]
    step = np.arange(max(size - 1, 0))
    places: list[int] = (step + word % (size - step)).tolist()
    order = list(range(size))
    for i, other in enumerate(places):
        order[i], order[other] = order[other], order[i]
    return np.array(order, "int64")
