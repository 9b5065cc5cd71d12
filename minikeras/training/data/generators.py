"""Batches from a Python generator or any other iterable of batches."""

import itertools

from minikeras.training.data.convert import as_batch
from minikeras.training.data.states import load_state, state_of

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
    begins_early = False
    """Whether a pass begins as soon as all batches of the one before were given out."""

    _most_peeked = _PEEKED

    def __init__(self, source):
        self._source = source
        self._begin()
        if not self._peeked:
            raise ValueError("The data generator yielded no batch at all.")
        self.num_batches = _length(source) if self._repeats else None

    def _begin(self):
        """Draw the first batches ahead."""
        self._state_before = state_of(self._source)
        self._iterator = iter(self._source)
        self._repeats = self._iterator is not self._source
        self._peeked = [as_batch(b) for b in itertools.islice(self._iterator, self._most_peeked)]
        self._begun = False

    def first(self):
        """Return the first batch."""
        return self._peeked[0]

    def __iter__(self):
        """Yield batches: from the start if the iterable can repeat, else from where it stopped."""
        if self._repeats and self._begun:
            return map(as_batch, self._source)
        self._begun = True
        return itertools.chain(self._peeked, map(as_batch, self._iterator))

    def state(self):
        """Return the state of the source, if it has one.

        Returns:
            None, or a dict of the state, and of that before the batches that are drawn ahead and
            not given out, None without any.
        """
        state = state_of(self._source) if self._repeats else None
        before = None if self._begun else self._state_before
        return None if state is None else {"now": state, "before": before}

    def load_state(self, state):
        """Give the source its state back; None changes nothing."""
        if state is not None:
            load_state(self._source, state["now"])

    def go_back(self, position):
        """Draw the first batches ahead again, if they were not all given out.

        Args:
            position: what `Epochs.position` returned.
        """
        state = _state_there(position)
        if state is not None and state["before"] and load_state(self._source, state["before"]):
            self._begin()

    def resume(self, position):
        """Return batches from some batch on; those before it are drawn now, and left out.

        All data have gone back before: what other data have drawn ahead comes before what is drawn
        here, as it did in the run that is resumed.

        Args:
            position: what `Epochs.position` returned.
        """
        state = _state_there(position)
        if state is not None and not state["before"]:
            load_state(self._source, state["now"])
            self._begun = True
        if position["seen"] is None:
            return None
        batches = iter(self)
        for _ in itertools.islice(batches, position["seen"]):
            pass
        return batches

    def on_epoch_begin(self):
        """Do nothing: a generator has no epochs."""

    def on_epoch_end(self):
        """Do nothing: a generator has no epochs."""


def _state_there(position):
    """The state in which the source began the pass that is under way, or will begin the next."""
    return position["state" if position["seen"] is None else "state_before"]


class DatasetData(GeneratorData):
    """Batches of a data set, one of ours or TensorFlow's, in passes that begin when Keras's do.

    A shuffled data set has another order in each pass, and others may share its shuffle, as when
    one part is for training and the rest for validation. So a pass begins with the epoch, or before
    the first one if a batch is asked for; and another one when an epoch has come to its end.

    Args:
        dataset: what has a method `as_numpy_iterator`.

    Raises:
        ValueError: if it is known to be empty.
    """

    begins_early = True
    _most_peeked = 1

    def __init__(self, dataset):
        self._source = _Passes(dataset)
        self._repeats = self._begun = True
        self._peeked = []
        self.num_batches = _length(dataset)
        self._check(self.num_batches != 0)

    def first(self):
        """Return the first batch of the next pass, or of the last one for which this was asked."""
        if not self._peeked:
            self._begin()
            self._check(self._peeked)
        return super().first()

    def _check(self, has_batches):
        if not has_batches:
            raise ValueError("Expected a data set of batches, but received one without any.")


class _Passes:
    """The passes of a data set, as NumPy arrays.

    Their number is the state of a data set that can't tell its own.
    """

    def __init__(self, dataset):
        self._dataset = dataset
        self._begun = 0

    def __iter__(self):
        """Begin another pass."""
        self._begun += 1
        return self._dataset.as_numpy_iterator()

    def state_dict(self):
        """Return the data set's own state, and how many passes were begun."""
        return {"own": state_of(self._dataset), "passes": self._begun}

    def load_state_dict(self, state):
        """Go on after as many passes; say whether the next one is another than the first."""
        if state["own"] is not None:
            return load_state(self._dataset, state["own"])
        for _ in range(self._begun, state["passes"]):
            iter(self)
        return state["passes"] > 0


def _length(source):
    """The number of batches, if the source knows it: loaders and finite data sets do."""
    try:
        return len(source)
    except TypeError:
        return None
