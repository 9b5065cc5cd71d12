"""PyDataset: batches computed by a user's class, if it likes by workers ahead of time."""

import operator
import random
import warnings
from itertools import count

import numpy as np

from minikeras.training.data.ahead import batches_ahead
from minikeras.training.data.convert import as_batch
from minikeras.training.data.states import load_state, state_of


def _option(name, default, doc):
    """An attribute that `__init__` sets, for data sets that may not have called it."""
    attribute = f"_{name}"

    def get(self):
        if attribute not in vars(self):
            warnings.warn(
                f"{type(self).__name__} should call `super().__init__(**kwargs)` in its "
                f"constructor, where `kwargs` may hold `workers`, `use_multiprocessing` and "
                f"`max_queue_size`. For now `{name}` is {default}.",
                stacklevel=3,
            )
            setattr(self, attribute, default)
        return getattr(self, attribute)

    return property(get, lambda self, value: setattr(self, attribute, value), doc=doc)


class PyDataset:
    """The base of data sets that compute batch `i` on demand.

    A subclass defines `__getitem__(i)`, which returns one batch, and usually `__len__` (or
    `num_batches`), and perhaps `on_epoch_begin` and `on_epoch_end`.

    A data set that changes in the course of a training, by a shuffle in `on_epoch_end` for example,
    may tell `BackupAndRestore` how it goes on: by methods `state_dict()`, which returns plain
    values and arrays, and `load_state_dict(state)`. An epoch that is resumed has begun already:
    such a data set is not told so again.

    A loop over a data set gives its batches in order, without workers. What `on_epoch_begin` and
    `on_epoch_end` change reaches the workers with the next epoch.

    Args:
        workers: number of threads or processes that compute batches ahead of time; with 1 thread,
            or 0 workers, batches are computed when they are needed.
        use_multiprocessing: whether workers are processes. The data set is sent to each of them
            when an epoch begins; where Python does not fork, it must be possible to pickle it.
        max_queue_size: how many batches are computed ahead at most.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> class Ones(keras.utils.PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, i):
        ...         return np.ones((4, 3)), np.ones((4, 1))
        >>> Ones().num_batches
        2
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    workers = _option("workers", 1, "The number of threads or processes that compute ahead.")
    use_multiprocessing = _option("use_multiprocessing", False, "Whether workers are processes.")
    max_queue_size = _option("max_queue_size", 10, "How many batches are computed ahead at most.")

    def __getitem__(self, index):
        """Return batch number `index`; every subclass says how."""
        raise TypeError(f"{type(self).__name__} must define `__getitem__(self, index)`.")

    def __iter__(self):
        """Yield the batches one after the other, once each, or without end if they have none."""
        number = self.num_batches
        return map(self.__getitem__, count() if number is None else range(number))

    @property
    def num_batches(self):
        """The number of batches, or None if there is no end."""
        length = getattr(self, "__len__", None)
        return None if length is None else operator.index(length())

    def on_epoch_begin(self):
        """Do something before an epoch; nothing by default."""

    def on_epoch_end(self):
        """Do something after an epoch; nothing by default."""


_PEEKED = 2
"""So many batches Keras asks for before it begins; what they draw at random is drawn here, too."""


class PyDatasetData:
    """The batches of a PyDataset, in its own order or shuffled.

    Args:
        dataset: the PyDataset.
        shuffle: whether the order of batches is drawn again each epoch.

    Raises:
        ValueError: if it has no batches.
    """

    batch_size = None
    begins_early = False

    def __init__(self, dataset, shuffle=False):
        self._dataset = dataset
        self._shuffle = shuffle
        self.num_batches = dataset.num_batches
        self.order: np.ndarray | None = None  # that of the latest epoch
        known = _PEEKED if self.num_batches is None else min(_PEEKED, self.num_batches)
        peeked = [as_batch(dataset[i]) for i in range(known)]
        if not peeked:
            raise ValueError(
                f"Expected a PyDataset with batches, but {type(dataset).__name__} has length 0."
            )
        self._first = peeked[0]

    def __iter__(self):
        """Return the batches of one epoch, computed ahead by the workers."""
        self.order = self._order()
        return self._from_batch(0)

    def state(self):
        """Return the state of the data set, if it has one."""
        return state_of(self._dataset)

    def load_state(self, state):
        """Give the data set its state back; None changes nothing."""
        if state is not None:
            load_state(self._dataset, state)

    def go_back(self, position):
        """Do nothing: nothing is drawn ahead."""

    def resume(self, position):
        """Return the batches of an epoch from some batch on, without computing those before it.

        Args:
            position: what `Epochs.position` returned.
        """
        if position["seen"] is None:
            return None
        self.order = position["order"]
        return self._from_batch(position["seen"])

    def _from_batch(self, first):
        order = count(first) if self.num_batches is None else range(first, self.num_batches)
        if self.order is not None:
            order = self.order[first:].tolist()
        return map(as_batch, self._batches(order))

    def _batches(self, order):
        dataset = self._dataset
        workers, processes = dataset.workers, dataset.use_multiprocessing
        if workers > 1 or (workers == 1 and processes):
            most = max(1, dataset.max_queue_size)
            return batches_ahead(dataset, order, workers, processes, most)
        return (dataset[i] for i in order)

    def _order(self):
        if self.num_batches is None or not self._shuffle:
            return None
        order = list(range(self.num_batches))
        random.shuffle(order)
        return np.array(order)

    def first(self):
        """Return the batch number 0."""
        return self._first

    def on_epoch_begin(self):
        """Tell the data set that an epoch begins."""
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        """Tell the data set that an epoch is over."""
        self._dataset.on_epoch_end()
