"""Which kind of data a user has passed, and going through it epoch by epoch."""

import itertools
import warnings
from typing import Any

from minikeras.arrays.foreign import is_array
from minikeras.core import trees
from minikeras.training.data.arrays import ArrayData
from minikeras.training.data.generators import DatasetData, GeneratorData
from minikeras.training.data.py_dataset import PyDataset, PyDatasetData
from minikeras.training.data.unpack import (
    check_class_weight,
    class_weights_to_sample_weights,
    unpack_x_y_sample_weight,
)


def data_source(
    x,
    y=None,
    sample_weight=None,
    batch_size=None,
    shuffle=False,
    class_weight=None,
    steps=None,
):
    """Return the source of batches for what was passed to `fit`, `evaluate` or `predict`.

    Raises:
        ValueError: if `y` or weights come beside a generator or PyDataset, or `x` is missing.
    """
    if not (isinstance(x, PyDataset) or _is_generator(x)):
        return ArrayData(x, y, sample_weight, batch_size, shuffle, class_weight, steps)
    kind = "PyDataset" if isinstance(x, PyDataset) else "Python generator"
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"The batches of a {kind} hold their own `{name}`, as in `(x, y)`: yield it there. "
                f"Received: {name} of type {type(value).__name__}"
            )
    if kind == "PyDataset":
        source = PyDatasetData(x, bool(shuffle))
    else:
        source = DatasetData(x) if hasattr(x, "as_numpy_iterator") else GeneratorData(x)
    return source if class_weight is None else _Weighted(source, class_weight)


def _is_generator(x):
    return (
        hasattr(x, "__iter__")
        and not isinstance(x, (list, tuple, dict, str, bytes))
        and not is_array(x)
    )


class _Weighted:
    """A source whose batches get sample weights by class."""

    def __init__(self, source, class_weight):
        self._source = source
        self._class_weight = class_weight
        self.num_batches = source.num_batches
        self.batch_size = source.batch_size
        self.begins_early = source.begins_early
        self.on_epoch_begin = source.on_epoch_begin
        self.on_epoch_end = source.on_epoch_end
        self.state = source.state
        self.load_state = source.load_state
        self.go_back = source.go_back

    @property
    def order(self):
        return self._source.order

    def first(self):
        return self._weighted(self._source.first())

    def __iter__(self):
        return map(self._weighted, self._source)

    def resume(self, position):
        return map(self._weighted, self._source.resume(position))

    def _weighted(self, batch):
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        check_class_weight(y, sample_weight)

        return x, y, class_weights_to_sample_weights(y, self._class_weight)


class Epochs:
    """Goes through a source epoch by epoch, in so many steps each.

    With `steps_per_epoch` an epoch goes on where the last one stopped. Data that end in the middle
    of an epoch end it there, with a warning; the next one begins with the first batch again.

    Args:
        source: what `data_source` returned.
        steps_per_epoch: steps per epoch, or None for all batches.
        may_be_empty: whether a batch may hold no samples: there is no mean over them.
    """

    def __init__(self, source, steps_per_epoch=None, may_be_empty=False):
        self.source = source
        self._steps = steps_per_epoch
        self._may_be_empty = may_be_empty
        self._known = source.num_batches
        self._batches: Any = None
        self._seen = 0
        self._step = 0  # how many steps of the epoch are done
        self._is_resumed = False
        self._state_before: Any = None  # the state of the source before the batches under way

    @property
    def num_batches(self):
        """The number of steps of an epoch, None until it is known."""
        return self._steps or self._known

    @property
    def whole(self):
        """All data at once if they are arrays, else None."""
        return getattr(self.source, "whole", None)

    def first(self):
        """Return a batch like the first one, without using it up."""
        return self._checked(self.source.first())

    def reset(self):
        """Begin with the first batch again."""
        self._batches, self._seen, self._step = None, 0, 0
        self.source.on_epoch_end()

    def position(self):
        """Return how far this has come, for `resume`.

        Returns:
            A dict of plain values and arrays: the order of the batches or samples is one.
        """
        is_under_way = self._batches is not None
        return {
            "step": self._step,
            "seen": self._seen if is_under_way else None,
            "order": self.source.order if is_under_way else None,
            "known": self._known,
            "state": self.source.state(),
            "state_before": self._state_before if is_under_way else None,
        }

    def go_back(self, position):
        """Draw ahead what another run has drawn ahead; the first step to resume it.

        Args:
            position: what `position` returned there.

        Raises:
            ValueError: if that run had another number of batches or samples.
        """
        there, here = position["known"], self.source.num_batches
        if here is not None and there != here:
            raise ValueError(
                f"Expected the {there} batches of the run that is to be resumed, but received "
                f"{here}. Pass `fit` the same data."
            )
        self.source.go_back(position)

    def resume(self, position):
        """Go on from where another run was: batches that it has trained on are left out.

        Args:
            position: what `position` returned there.
        """
        self._batches = self.source.resume(position)
        self._state_before = position["state_before"]
        self._seen = position["seen"] or 0
        self._known, self._step = position["known"], position["step"]
        self._is_resumed = self._step > 0

    def load_state(self, position):
        """Give the source the state that it had, after all data were resumed.

        Args:
            position: what `position` returned there.
        """
        self.source.load_state(position["state"])

    def close(self):
        """End what computes batches ahead: whoever stops in the middle leaves no worker."""
        self._batches = None

    def executions(self, steps=1):
        """Yield `(first step, last step, batches)` for one epoch, or the rest of a resumed one.

        As in Keras, all executions but that at which the data end take as many steps, also where
        an epoch is to have fewer.

        Args:
            steps: how many steps are taken in one execution (`steps_per_execution`).
        """
        if not (self._is_resumed and self.source.state() is not None):
            self.source.on_epoch_begin()
        first = self._step if self._is_resumed else 0
        self._is_resumed = False
        if not first and self._starts_again():
            self._restart()
        limit = self.num_batches
        begins = itertools.count(first, steps) if limit is None else range(first, limit, steps)
        for begin in begins:
            batches = [] if self._is_through() else list(itertools.islice(self._batches, steps))
            if not batches:
                self._end_early(begin)
                break
            self._seen += len(batches)
            self._step = begin + steps
            if self.whole is None:
                batches = [self._checked(batch) for batch in batches]
            yield begin, begin + steps - 1, batches
        self._end_pass()
        self._step = 0
        self.source.on_epoch_end()

    def _end_pass(self):
        """After an epoch: leave what is through, and begin the next pass where Keras does."""
        if self.begins_early and self.source.num_batches and self._is_through():
            self._restart()
        elif self._is_through():
            self._batches = None
        if self._steps is None:
            self._batches = None

    @property
    def begins_early(self):
        """Whether passes begin before they are needed: looking at them changes what others see."""
        return self.source.begins_early

    def _checked(self, batch):
        shapes = [leaf.shape for leaf in trees.flatten(batch) if leaf is not None]
        if not self._may_be_empty and any(shape[:1] == (0,) for shape in shapes):
            raise ValueError(
                f"Expected batches of samples, but received one without any, of shapes {shapes}: "
                "its loss would be NaN. Leave empty batches out."
            )
        return batch

    def _starts_again(self):
        return self._batches is None or self._steps is None

    def _restart(self):
        self._state_before = self.source.state()
        self._batches, self._seen = iter(self.source), 0

    def _is_through(self):
        return self._known is not None and self._seen >= self._known

    def _end_early(self, step):
        if self._known is None:
            self._known = self._seen
        self._batches = None
        warnings.warn(
            f"Your input ran out of data; the epoch ends before step {step}. Make sure that your "
            "dataset or generator gives at least `steps_per_epoch * epochs` batches.",
            stacklevel=4,
        )
