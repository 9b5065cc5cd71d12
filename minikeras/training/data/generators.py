"""Batches from a Python generator or any other iterable of batches."""

import itertools

from minikeras.training.data.convert import as_batch

_PEEKED = 2
"""So many batches Keras draws ahead, and gives out again whenever it starts again."""


class GeneratorData:
    """Batches from an iterable.

    A one-shot iterator goes on where it was; only its first two batches, which were drawn ahead,
    come again in front, as in Keras. All batches are copied: generators may refill their arrays.

    Args:
        source: iterable of `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)` batches.

    Raises:
        ValueError: if it yields nothing at all.
    """

    batch_size = None
    order = None

    def __init__(self, source):
        self._source = source
        self._iterator = iter(source)
        self._repeats = self._iterator is not source
        self._peeked = [as_batch(b) for b in itertools.islice(self._iterator, _PEEKED)]
        if not self._peeked:
            raise ValueError("The data generator yielded no batch at all.")
        self._begun = False
        self.num_batches = _length(source) if self._repeats else None

    def first(self):
        """Return the first batch."""
        return self._peeked[0]

    def __iter__(self):
        """Yield batches: from the start if the iterable can repeat, else from where it stopped."""
        if self._repeats and self._begun:
            return map(as_batch, self._source)
        self._begun = True
        return itertools.chain(self._peeked, map(as_batch, self._iterator))

    def resume(self, first, _order):
        """Yield batches from some batch on; those before it are drawn, and left out.

        Args:
            first: how many batches are left out.
        """
        batches = iter(self)
        return itertools.islice(batches, first, None)

    def on_epoch_begin(self):
        """Do nothing: a generator has no epochs."""

    def on_epoch_end(self):
        """Do nothing: a generator has no epochs."""


class Passes:
    """A data set, one of ours or TensorFlow's, as an iterable of batches of NumPy arrays.

    Where Keras knows the number of batches, it begins another pass when one is through, and leaves
    it out. A shuffled data set has a new order in each pass, so this one does the same.

    Args:
        dataset: what has a method `as_numpy_iterator`.
        is_whole: whether an epoch is one pass.
    """

    def __init__(self, dataset, is_whole):
        self._dataset = dataset
        self._last = _length(dataset) if is_whole else None

    def __len__(self):
        return len(self._dataset)

    def __iter__(self):
        for number, batch in enumerate(self._dataset.as_numpy_iterator(), start=1):
            if number == self._last:
                self._dataset.as_numpy_iterator()
            yield batch


def _length(source):
    """The number of batches, if the source knows it: loaders and finite data sets do."""
    try:
        return len(source)
    except TypeError:
        return None
