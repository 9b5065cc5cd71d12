"""Batches from a Python generator or any other iterable of batches."""

import itertools

_PEEKED = 2
"""So many batches Keras draws ahead, and gives out again whenever it begins anew."""


class GeneratorData:
    """Batches from an iterable.

    A one-shot iterator goes on where it was; only its first two batches, which were drawn ahead,
    come again in front, as in Keras.

    Args:
        source: iterable of `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)` batches.

    Raises:
        ValueError: if it yields nothing at all.
    """

    num_batches = None
    batch_size = None

    def __init__(self, source):
        self._source = source
        self._iterator = iter(source)
        self._repeats = self._iterator is not source
        self._peeked = list(itertools.islice(self._iterator, _PEEKED))
        if not self._peeked:
            raise ValueError("The data generator yielded no batch at all.")

    def first(self):
        """Return the first batch."""
        return self._peeked[0]

    def __iter__(self):
        """Yield batches: anew if the iterable can start anew, else going on where it stopped."""
        if self._repeats:
            return iter(self._source)
        return itertools.chain(self._peeked, self._iterator)

    def on_epoch_begin(self):
        """Do nothing: a generator has no epochs."""

    def on_epoch_end(self):
        """Do nothing: a generator has no epochs."""
