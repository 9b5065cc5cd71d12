"""PyDataset: batches computed by a user's class, if it likes by worker threads ahead of time."""

import operator
import random
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import numpy as np

from minikeras.training.data.arrays import as_batch


class PyDataset:
    """The base of data sets that compute batch `i` on demand.

    A subclass defines `__getitem__(i)`, which returns one batch, and usually `__len__` (or
    `num_batches`), and perhaps `on_epoch_begin` and `on_epoch_end`.

    Args:
        workers: number of threads that compute batches ahead of time.
        use_multiprocessing: accepted; threads are used, since NumPy releases the interpreter.
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

    @property
    def workers(self):
        """The number of threads that compute batches ahead of time."""
        return self.__dict__.get("_workers", 1)

    @workers.setter
    def workers(self, value):
        self._workers = value

    @property
    def use_multiprocessing(self):
        """Whether processes were asked for."""
        return self.__dict__.get("_use_multiprocessing", False)

    @use_multiprocessing.setter
    def use_multiprocessing(self, value):
        self._use_multiprocessing = value

    @property
    def max_queue_size(self):
        """How many batches are computed ahead at most."""
        return self.__dict__.get("_max_queue_size", 10)

    @max_queue_size.setter
    def max_queue_size(self, value):
        self._max_queue_size = value

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


class PyDatasetData:
    """The batches of a PyDataset, in its own order or shuffled.

    Args:
        dataset: the PyDataset.
        shuffle: whether the order of batches is drawn again each epoch.
    """

    batch_size = None

    def __init__(self, dataset, shuffle=False):
        self._dataset = dataset
        self._shuffle = shuffle
        self.num_batches = dataset.num_batches
        self.order: np.ndarray | None = None  # that of the latest epoch

    def __iter__(self):
        """Yield the batches of one epoch, computed ahead by the workers."""
        self.order = self._order()
        return self._from_batch(0)

    def resume(self, first, order):
        """Yield the batches of an epoch from some batch on, without computing those before it.

        Args:
            first: how many batches are left out.
            order: the `order` of that epoch.
        """
        self.order = order
        return self._from_batch(first)

    def _from_batch(self, first):
        order = count(first) if self.num_batches is None else range(first, self.num_batches)
        if self.order is not None:
            order = self.order[first:].tolist()
        workers = self._dataset.workers
        if workers <= 1:
            yield from (as_batch(self._dataset[i]) for i in order)
            return
        pool = ThreadPoolExecutor(workers)
        try:
            waiting = deque()
            for i in order:
                waiting.append(pool.submit(self._dataset.__getitem__, i))
                if len(waiting) >= max(workers, self._dataset.max_queue_size):
                    yield as_batch(waiting.popleft().result())
            while waiting:
                yield as_batch(waiting.popleft().result())
        finally:  # whoever stops in the middle does not wait for what was to be computed ahead
            pool.shutdown(cancel_futures=True)

    def _order(self):
        if self.num_batches is None or not self._shuffle:
            return None
        order = list(range(self.num_batches))
        random.shuffle(order)
        return np.array(order)

    def first(self):
        """Return the batch number 0."""
        return as_batch(self._dataset[0])

    def on_epoch_begin(self):
        """Tell the data set that an epoch begins."""
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        """Tell the data set that an epoch is over."""
        self._dataset.on_epoch_end()
