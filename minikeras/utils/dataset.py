"""Data sets: elements that are made when they are asked for, again and again.

An element is an array, or a tuple, list or dict of elements. The methods are those of
TensorFlow's `tf.data.Dataset` that scripts around a model use; each returns a new data set and
computes nothing yet.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minikeras.core import trees
from minikeras.utils.dataset_parts import Ahead, Cache, Draws
from minikeras.utils.elements import (
    as_arrays,
    as_numpy,
    as_tensors,
    padded,
    slices,
    stacked,
)
from minikeras.utils.shuffling import Shuffle

INFINITE, UNKNOWN = -1, -2
"""Numbers of elements that are none, as in TensorFlow."""

AUTOTUNE = -1
"""As a number of threads or elements: the data set chooses."""

# Elements are computed so far ahead where the caller lets the data set choose.
_AHEAD = 2


class Dataset:
    """A data set that can be gone through any number of times, in `fit` as in a loop.

    A loop gets tensors; `as_numpy_iterator` gives NumPy arrays.

    Orders are those of TensorFlow, pass for pass, also where several data sets are made of one that
    is shuffled, as when a part of it is for training and the rest for validation:

    - A `shuffle` has one sequence of orders. Each pass through it, of whatever data set that is
      made of it, takes the next order when it begins, whether it is gone through or left.
    - A pass begins with the iterator. A `shuffle` alone begins the pass before it when the first
      element is asked for; `take(0)`, `skip(-1)` and `repeat(0)` begin none.
    - `repeat(n)` begins another pass after its last, whose order is lost, but not right after a
      `shuffle`: the two are one stage, which reads elements of up to three more passes until its
      buffer is full. `take(-1)`, `skip(0)` and `repeat(1)` are no stages; `prefetch(0)` is one.
    - `fit` begins a pass with each epoch, and another one when all batches of an epoch were given
      out: the next epoch's with `steps_per_epoch`, else it is left. `evaluate`, and each validation
      in `fit`, do the same.

    Args:
        start: function without arguments that returns a new iterator over the elements, nests of
            NumPy arrays.
        cardinality: number of elements, `INFINITE` or `UNKNOWN`.
        parts: what changes from pass to pass, with `state_dict` and `load_state_dict`, in the order
            in which elements go through it.

    Example:
        >>> import numpy as np
        >>> data = Dataset.from_tensor_slices((np.arange(5.0), np.arange(5)))
        >>> batches = data.map(lambda x, y: (x / 10, y)).batch(2)
        >>> len(batches)
        3
        >>> for x, y in batches.take(1):
        ...     print(x.numpy(), y.numpy())
        [0. 0.1] [0 1]
    """

    class_names: list[str] | None
    """The classes of a data set from a folder, in the order of their labels."""

    file_paths: list[str]
    """The files of a data set from a folder."""

    _batch_size: int

    def __init__(
        self,
        start: Callable[[], Iterator[Any]],
        cardinality: int = UNKNOWN,
        parts: tuple[Any, ...] = (),
    ):
        self.start = start
        self._cardinality = cardinality
        self._parts = parts

    @staticmethod
    def from_tensor_slices(tensors):
        """Return a data set of the slices of arrays along their first axis.

        Args:
            tensors: nest of arrays or tensors with the same first size.

        Raises:
            ValueError: if there are none, one is a scalar, or their sizes differ.
        """
        arrays = trees.map_structure(np.array, as_arrays(tensors))  # copies: they may be changed
        leaves = trees.flatten(arrays)
        sizes: Any = sorted({leaf.shape[0] if leaf.ndim else None for leaf in leaves}, key=str)
        if len(sizes) != 1 or sizes == [None]:
            raise ValueError(
                "Expected arrays with the same number of slices. Received: shapes "
                f"{[leaf.shape for leaf in leaves]}"
            )
        return Dataset(lambda: slices(arrays, sizes[0]), sizes[0])

    def __iter__(self):
        """Yield the elements as tensors, strings as arrays."""
        return map(as_tensors, self.start())

    def as_numpy_iterator(self):
        """Yield the elements as NumPy arrays, those without axes as numbers and strings."""
        return map(as_numpy, self.start())

    def state_dict(self):
        """Return what changes from pass to pass: orders, caches, and the seeds of layers in `map`.

        `fit` asks for it where a training is to go on in another process (`BackupAndRestore`).

        Returns:
            A dict of plain values.

        Example:
            >>> data = Dataset.from_tensor_slices(range(4)).shuffle(4, seed=1)
            >>> before = data.state_dict()
            >>> first = [int(x) for x in data]
            >>> data.load_state_dict(before)
            >>> first == [int(x) for x in data]
            True
        """
        # From the last: what computes ahead is waited for before the stages before it are asked.
        return {"parts": [part.state_dict() for part in reversed(self._parts)]}

    def load_state_dict(self, state):
        """Let the next pass be what it was when `state_dict` was called.

        Args:
            state: what `state_dict` of a data set made in the same way has returned.

        Raises:
            ValueError: if that data set was made in another way.
        """
        states = state["parts"]  # from the last: a cache changes the stages it is filled from
        if len(states) != len(self._parts):
            raise ValueError(
                f"Expected the state of a data set with {len(self._parts)} stages that change from "
                f"pass to pass (`shuffle`, `map`, `cache`), but received that of {len(states)}."
            )
        for part, part_state in zip(reversed(self._parts), states, strict=True):
            part.load_state_dict(part_state)

    def __bool__(self):
        """True: a data set without a known length is none, too."""
        return True

    def cardinality(self):
        """Return the number of elements: -1 if there is no end, -2 if it is not known."""
        return self._cardinality

    def __len__(self):
        """The number of elements; a TypeError if there is none."""
        if self._cardinality < 0:
            what = "infinite" if self._cardinality == INFINITE else "unknown"
            raise TypeError(f"The length of this data set is {what}.")
        return self._cardinality

    def map(self, map_func, num_parallel_calls=None, deterministic=None):
        """Apply a function to each element.

        Args:
            map_func: function of tensors: of the parts of an element that is a tuple, else of the
                element. It returns an element of tensors, arrays, numbers or strings.
            num_parallel_calls: ignored, as is `deterministic`: elements are computed one by one and
                in order, so that random draws are the same in every run.
            deterministic: ignored.
        """

        def applied(element):
            parts = element if isinstance(element, tuple) else (element,)
            return as_arrays(watched(*as_tensors(parts)))

        draws = Draws()
        watched = draws.of(map_func)
        return self._then(lambda: map(applied, self.start()), self._cardinality, draws)

    def filter(self, predicate):
        """Keep the elements for which a function is true.

        Args:
            predicate: function as for `map` that returns a boolean.
        """

        def is_kept(element):
            parts = element if isinstance(element, tuple) else (element,)
            return bool(predicate(*as_tensors(parts)))

        return self._then(lambda: filter(is_kept, self.start()), UNKNOWN)

    def batch(self, batch_size, drop_remainder=False):
        """Stack elements to batches.

        Args:
            batch_size: elements in a batch.
            drop_remainder: whether a last batch with fewer elements is left out.
        """
        return self._batched(batch_size, drop_remainder, stacked)

    def padded_batch(self, batch_size, drop_remainder=False):
        """Stack elements to batches, shorter ones filled up with zeros along each axis.

        Args:
            batch_size: elements in a batch.
            drop_remainder: whether a last batch with fewer elements is left out.
        """
        return self._batched(batch_size, drop_remainder, padded)

    def _batched(self, batch_size, drop_remainder, stack):
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be 1 or more. Received: {batch_size}")

        def batches(elements):
            while batch := list(itertools.islice(elements, batch_size)):
                if len(batch) == batch_size or not drop_remainder:
                    yield trees.map_structure(lambda *leaves: stack(leaves), *batch)

        extra = 0 if drop_remainder else batch_size - 1
        known = self._counted(lambda count: (count + extra) // batch_size)
        batched = self._then(lambda: batches(self.start()), known)
        batched._batch_size = batch_size
        return batched

    def unbatch(self):
        """Take batches apart."""

        def elements(batches):
            for batch in batches:
                yield from slices(batch, len(trees.flatten(batch)[0]))

        known = INFINITE if self._cardinality == INFINITE else UNKNOWN
        return self._then(lambda: elements(self.start()), known)

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True):
        """Draw the elements in a random order: with a seed in that of TensorFlow.

        Args:
            buffer_size: how many elements are held, from which the next one is drawn.
            seed: int; None for one that follows from `keras.utils.set_random_seed`, or other orders
                in each run.
            reshuffle_each_iteration: whether each pass has an order of its own.
        """
        shuffle = Shuffle(buffer_size, seed, reshuffle_each_iteration)
        shuffled = self._then(lambda: shuffle(_later(self.start)), self._cardinality, shuffle)
        shuffled._repeated = lambda count: shuffle.repeated(_passes(self.start, count))
        return shuffled

    def take(self, count):
        """Keep the first elements.

        Args:
            count: how many; -1 for all.
        """
        if count < 0:
            return self
        known = count if self._cardinality == INFINITE else self._counted(lambda n: min(n, count))
        if not count:
            return self._without_elements(known)
        return self._then(lambda: itertools.islice(self.start(), count), known)

    def skip(self, count):
        """Leave the first elements out.

        Args:
            count: how many; -1 for all.
        """
        if count < 0:
            return self._without_elements(self._counted(lambda n: 0))
        if not count:
            return self
        known = self._counted(lambda n: max(n - count, 0))
        return self._then(lambda: itertools.islice(self.start(), count, None), known)

    def repeat(self, count=None):
        """Go through the elements several times.

        Args:
            count: how often; None or -1 for ever.
        """
        count = None if count is None or count < 0 else count
        if count == 0:
            return self._without_elements(0)
        if count == 1:
            return self
        if count is None:
            known = INFINITE if self._cardinality else 0
        else:
            known = self._counted(lambda n: n * count)
        return self._then(lambda: self._repeated(count), known)

    def _repeated(self, count):
        """The elements of several passes, the first of which begins at once."""
        return _one_after_other(self.start(), self.start, count)

    def cache(self):
        """Keep the elements in memory, once all were asked for."""
        cache = Cache(self)
        return self._then(cache, self._cardinality, cache)

    def prefetch(self, buffer_size):
        """Compute elements ahead in a thread of their own.

        Args:
            buffer_size: how many; -1 leaves it to the data set, 0 for none.
        """
        count = _AHEAD if buffer_size < 0 else buffer_size
        if not count:
            return self._then(self.start, self._cardinality)
        ahead = Ahead(self.start, count)
        return self._then(ahead, self._cardinality, ahead)

    def _without_elements(self, cardinality):
        """An empty data set, which begins no pass of this one."""
        return self._then(lambda: iter(()), cardinality)

    def _then(self, start, cardinality, *parts):
        """A data set of elements that are made of those of this one."""
        return Dataset(start, cardinality, (*self._parts, *parts))

    def _counted(self, function):
        """The number of elements after a change, where there is one before."""
        return self._cardinality if self._cardinality < 0 else function(self._cardinality)


_END = object()


def _later(start):
    """The elements of a pass that begins when the first one is asked for, as under TensorFlow's."""
    yield from start()


def _passes(start, count):
    """Yield so many passes, begun when they are asked for; None for no end."""
    return (start() for _ in (itertools.count() if count is None else range(count)))


def _one_after_other(elements, start, count):
    """Yield the elements of so many passes, the first of which has begun.

    Without a count, passes go on until one is empty. With one, another pass is begun after the last
    and left at once, as by TensorFlow: a `shuffle` before it has a new order then.
    """
    for _ in itertools.count() if count is None else range(count):
        first = next(elements, _END)
        if first is not _END:
            yield first
            yield from elements
        elif count is None:
            return
        elements = start()
