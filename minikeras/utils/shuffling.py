"""The orders in which a data set is shuffled: those of TensorFlow's `Dataset.shuffle`.

A buffer holds the next elements. One of them is drawn, and the next element of the source takes its
place. The draws are 32-bit words of a Philox stream, modulo the number of elements in the buffer;
its seed is drawn for each pass from another stream, which goes on for as long as the data set
lives.
"""

import itertools
from collections import deque
from random import SystemRandom

import numpy as np

from minikeras.arrays import philox
from minikeras.arrays.order import MAX_INT32
from minikeras.ops.random.seeds import op_seed, run_seed

# TensorFlow's seed of a graph for which none was set.
_GRAPH_SEED = 87654321

# Of so many passes besides the one that is drawn from, elements are held at most.
_MOST_AHEAD = 3

_END = object()

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
        return self.repeated(iter([iter(elements)]))

    def repeated(self, passes):
        """Yield the elements of several passes, each in a new order.

        While a pass ends, elements of the next ones are held already.

        Args:
            passes: iterator over iterators of elements.
        """
        return self._drawn(_Buffer(self._buffer_size, passes), self._next_words())

    def _next_words(self):
        """The words of a new pass."""
        self._passes += 1
        pair = (next(self._seeds), next(self._seeds)) if self._is_new_each_time else self._pair
        return _words(pair)

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

    def _drawn(self, buffer, words):
        while buffer.fill():
            if buffer.is_at_next_pass():
                words = self._next_words()
            yield buffer.draw(next(words))


class _Buffer:
    """The elements to draw from, those of each pass apart.

    The next element is not read before another draw is asked for: its source may begin a pass of
    a `shuffle` of its own there.

    Args:
        size: how many elements are held.
        passes: iterator over iterators of elements.
    """

    def __init__(self, size, passes):
        self._size = size
        self._passes = passes
        self._source = iter(())
        self._parts = deque()  # lists, the pass that is drawn from first
        self._start = 0  # where the elements of the first list begin
        self._held = 0

    def fill(self):
        """Read elements until the buffer is full; return whether there is one to draw."""
        while self._held < self._size and (len(self._parts) <= _MOST_AHEAD or not self._held):
            element = next(self._source, _END)
            if element is _END:
                element = self._first_of_next_pass()
            if element is _END:
                break
            self._parts[-1].append(element)
            self._held += 1
        return self._held > 0

    def _first_of_next_pass(self):
        """Begin the next pass; none follows an empty one, after which there may be no other."""
        source = next(self._passes, None)
        if source is None:
            return _END
        self._source = source
        self._parts.append([])
        element = next(source, _END)
        if element is _END:
            self._passes = iter(())
        return element

    def is_at_next_pass(self):
        """Return whether all of a pass was drawn, and go on to the next one."""
        is_drawn = self._start == len(self._parts[0])
        if is_drawn:
            self._parts.popleft()
            self._start = 0
        return is_drawn

    def draw(self, word):
        """Return the element that a random number stands for: the first one takes its place."""
        part, start = self._parts[0], self._start
        place = start + word % (len(part) - start)
        element = part[place]
        part[place], part[start] = part[start], None
        self._start += 1
        self._held -= 1
        if self._start == self._size:
            del part[: self._start]
            self._start = 0
        return element


def _pair(seed):
    """The two seeds that TensorFlow makes of the global one and that of the operation."""
    global_seed = run_seed()
    if seed is None:
        is_new = global_seed is None
        seed = SystemRandom().randint(0, MAX_INT32) if is_new else op_seed(global_seed)
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
