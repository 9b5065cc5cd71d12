"""What a data set remembers from one pass to the next: the elements of a cache, and random draws.

And what it computes ahead, since that changes the rest. Each part has a `state_dict()` of plain
values, and goes on from one by `load_state_dict(state)`; so has the `Shuffle` of `utils.shuffling`.
"""

import itertools
import weakref
from collections import deque
from concurrent import futures

import numpy as np

from minikeras.ops.random import seeds
from minikeras.training.data.ahead import computed_ahead


class Cache:
    """Keeps the elements of a data set in memory, once all were asked for.

    Args:
        dataset: the data set.
    """

    def __init__(self, dataset):
        self._dataset = dataset
        self._kept = None
        self._filled_from = None  # the state of the data set before the pass that is kept

    def __call__(self):
        """Return the elements of a new pass."""
        if self._kept is not None:
            return iter(self._kept)
        before = self._dataset.state_dict()
        return self._filling(self._dataset.start(), before)

    def _filling(self, source, before):
        elements = []
        for element in source:
            elements.append(element)
            # `fit` takes as many as there are, and does not ask for the end.
            if len(elements) == self._dataset.cardinality():
                self._kept, self._filled_from = elements, before
            yield element
        self._kept, self._filled_from = elements, before

    def state_dict(self):
        """Return from which state of the data set the cache was filled, None if it was not."""
        return self._filled_from

    def load_state_dict(self, state):
        """Fill the cache as it was; at once, if the data set has a state to begin that from."""
        self._kept = self._filled_from = None
        if state is not None and state["parts"]:
            self._dataset.load_state_dict(state)
            for _ in self():
                pass


class Ahead:
    """Computes elements ahead in a thread of their own.

    Args:
        start: function without arguments that returns a new iterator over the elements.
        count: how many.
    """

    def __init__(self, start, count):
        self._start = start
        self._count = count
        self._passes = weakref.WeakSet()

    def __call__(self):
        """Return the elements of a new pass."""
        elements, waiting = self._start(), _Waiting()
        self._passes.add(waiting)
        ahead = computed_ahead(
            lambda _: next(elements, _END), itertools.count(), 1, self._count + 1, waiting
        )
        return itertools.takewhile(lambda element: element is not _END, ahead)

    def state_dict(self):
        """Wait for what is being computed: it changes the state of what comes before."""
        futures.wait([future for waiting in self._passes for future in waiting])

    def load_state_dict(self, state):
        """Wait for what is being computed: there is no state."""
        self.state_dict()


class _Waiting(deque):
    """Futures, hashed by identity."""

    __hash__ = object.__hash__  # type: ignore[assignment]


_END = object()


class Draws:
    """The seed generators that a function asks for seeds, in the order of the first questions."""

    def __init__(self):
        self._generators = []
        self._first = []  # their states before the first questions
        self._waiting = {}  # the states of generators that were not asked yet, by their places

    def of(self, function):
        """Return a function that does the same, whose generators are remembered."""

        def watched(*args):
            with seeds.watched(self._remember):
                return function(*args)

        return watched

    def _remember(self, generator):
        if not any(generator is known for known in self._generators):
            self._first.append(_pair(generator))
            state = self._waiting.pop(len(self._generators), None)
            self._generators.append(generator)
            if state is not None:
                _assign(generator, state)

    def state_dict(self):
        """Return the states of the generators."""
        known = [_pair(generator) for generator in self._generators]
        return {"seeds": known + [self._waiting[place] for place in sorted(self._waiting)]}

    def load_state_dict(self, state):
        """Let the generators go on from these states; those not known yet, when they are asked.

        Those that were not known then go on from where they began.
        """
        seeds, known = state["seeds"], len(self._generators)
        pairs = [*seeds[:known], *self._first[len(seeds) :]]
        for generator, pair in zip(self._generators, pairs, strict=True):
            _assign(generator, pair)
        self._waiting = dict(enumerate(seeds[known:], known))


def _pair(generator):
    return np.array(generator.state.array).tolist()


def _assign(generator, pair):
    generator.state.assign(np.array(pair, "int64"))
