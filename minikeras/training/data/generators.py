"""Batches from a Python generator or any other iterable of batches."""

import itertools


class GeneratorData:
    """Batches from an iterable; a one-shot iterator goes on from epoch to epoch.

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
        try:
            first = next(self._iterator)
        except StopIteration:
            raise ValueError("The data generator yielded no batch at all.") from None
        self._iterator = itertools.chain([first], self._iterator)
        self._fresh = True

    def __iter__(self):
        """Yield batches: anew if the iterable can start anew, else going on where it stopped."""
        if not self._fresh and iter(self._source) is not self._source:
            self._iterator = iter(self._source)
        self._fresh = False
        return self._iterator

    def on_epoch_end(self):
        """Do nothing: a generator has no epochs."""
