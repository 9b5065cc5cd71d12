"""The orders in which a data set is shuffled: those of TensorFlow's `Dataset.shuffle`.

A buffer holds the next elements. One of them is drawn, and the next element of the source takes its
place. The draws are 32-bit words of a Philox stream, modulo the number of elements in the buffer;
its seed is drawn for each pass from another stream, which goes on for as long as the data set
lives.
"""

import itertools
from random import SystemRandom

import numpy as np

from minikeras.arrays import philox
from minikeras.arrays.order import MAX_INT32
from minikeras.ops.random.seeds import run_seed

# TensorFlow's seed of a graph for which none was set.
_GRAPH_SEED = 87654321

# Blocks of four words that are computed at once.
_BLOCKS = 256


class Shuffle:
    """Puts elements into a new order, each time it is called.

    Args:
        buffer_size: how many elements there are to draw from.
        seed: int, or None for other orders in each run.
        is_new_each_time: whether the orders of one pass and the next differ.

    Raises:
        ValueError: if `buffer_size` is not positive.

    Example:
        >>> shuffle = Shuffle(3, seed=5)
        >>> sorted(shuffle(range(4)))
        [0, 1, 2, 3]
    """

    def __init__(self, buffer_size, seed=None, is_new_each_time=True):
        if buffer_size < 1:
            raise ValueError(f"`buffer_size` must be 1 or more. Received: {buffer_size}")
        self._buffer_size = buffer_size
        self._pair = _pair(seed)
        self._is_new_each_time = is_new_each_time
        self._begin(0)

    def __call__(self, elements):
        """Yield the elements in a new order."""
        self._passes += 1
        pair = (next(self._seeds), next(self._seeds)) if self._is_new_each_time else self._pair
        return self._drawn(iter(elements), _words(pair))

    def _begin(self, passes):
        """Let the next pass be that after so many."""
        self._passes = passes
        self._seeds = _words(self._pair, 2 * passes)

    def state_dict(self):
        """Return the seeds and the number of passes that were begun."""
        return {"seeds": list(self._pair), "passes": self._passes}

    def load_state_dict(self, state):
        """Go on after so many passes with these seeds."""
        self._pair = tuple(state["seeds"])
        self._begin(state["passes"])

    def _drawn(self, elements, words):
        buffer = list(itertools.islice(elements, self._buffer_size))
        start, size = 0, len(buffer)
        # The buffer is a ring that begins at `start`: what is drawn changes places with the first
        # element, and the next of the source takes its place at the end of the ring.
        for element in elements:
            place = (start + next(words) % size) % size
            yield buffer[place]
            buffer[place] = buffer[start]
            buffer[start] = element
            start = (start + 1) % size
        for left in range(size, 0, -1):
            place = (start + next(words) % left) % size
            yield buffer[place]
            buffer[place] = buffer[start]
            start = (start + 1) % size


def _pair(seed):
    """The two seeds that TensorFlow makes of the global one and that of the operation."""
    global_seed = run_seed()
    if seed is None:
        source = SystemRandom() if global_seed is None else np.random
        seed = source.randint(0, MAX_INT32 - 1)
    first = _GRAPH_SEED if global_seed is None else global_seed % MAX_INT32
    pair = first, int(seed) % MAX_INT32
    return pair if pair != (0, 0) else (0, MAX_INT32)


def _words(pair, first=0):
    """The 32-bit words of a stream from some number on, one after the other."""
    source = philox.plain_stream(pair)
    first_block, skipped = divmod(first, 4)
    for block in itertools.count(first_block, _BLOCKS):
        blocks = np.arange(block, block + _BLOCKS, dtype="uint64")
        words = philox.words(np, *philox.blocks(np, source, blocks)).reshape(-1).tolist()
        yield from words[skipped:]
        skipped = 0
