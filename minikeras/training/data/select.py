"""Which kind of data a user has passed, and going through it epoch by epoch."""

import warnings

from minikeras.core import trees
from minikeras.training.data.arrays import ArrayData, as_arrays
from minikeras.training.data.generators import GeneratorData
from minikeras.training.data.py_dataset import PyDataset, PyDatasetData
from minikeras.training.data.unpack import (
    class_weights_to_sample_weights,
    unpack_x_y_sample_weight,
)


def data_source(
    x, y=None, sample_weight=None, batch_size=None, shuffle=False, class_weight=None
):
    """Return the source of batches for what was passed to `fit`, `evaluate` or `predict`.

    Raises:
        ValueError: if `y` or weights come beside a generator or PyDataset, or `x` is missing.
    """
    if x is None:
        raise ValueError("`x` is missing: pass arrays, a generator of batches or a PyDataset.")
    if not (isinstance(x, PyDataset) or _is_generator(x)):
        return ArrayData(x, y, sample_weight, batch_size, shuffle, class_weight)
    kind = "PyDataset" if isinstance(x, PyDataset) else "Python generator"
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"When providing `x` as a {kind}, `{name}` should not be passed. Instead, the "
                "batches that it gives should hold it."
            )
    source = PyDatasetData(x, bool(shuffle)) if kind == "PyDataset" else GeneratorData(x)
    return source if class_weight is None else _Weighted(source, class_weight)


def _is_generator(x):
    return hasattr(x, "__iter__") and not hasattr(x, "__array__") and not isinstance(
        x, (list, tuple, dict)
    )


class _Weighted:
    """A source whose batches get sample weights by class."""

    def __init__(self, source, class_weight):
        self._source = source
        self._class_weight = class_weight
        self.num_batches = source.num_batches
        self.batch_size = source.batch_size
        self.on_epoch_end = source.on_epoch_end

    def __iter__(self):
        for batch in self._source:
            x, y, _ = unpack_x_y_sample_weight(batch)
            yield x, y, class_weights_to_sample_weights(y, self._class_weight)


class Epochs:
    """Goes through a source epoch by epoch, in so many steps each.

    Args:
        source: what `data_source` returned.
        steps_per_epoch: steps per epoch, or None for all batches. With a number, an epoch goes on
            where the last one stopped.
    """

    def __init__(self, source, steps_per_epoch=None):
        self.source = source
        self._steps = steps_per_epoch
        self.num_batches = steps_per_epoch or source.num_batches
        self._batches = None
        self._seen = 0
        self._first = None

    def peek(self):
        """Return the first batch without using it up."""
        if self._first is None:
            self._batches = iter(self.source)
            self._first = next(self._batches, None)
        return self._first

    def __iter__(self):
        """Yield `(step, batch)` for one epoch."""
        if self._steps is None:
            batches = self._start()
            for step, batch in enumerate(batches):
                yield step, _as_data(batch)
            if self.num_batches is None:
                self.num_batches = step + 1
        else:
            yield from self._some_steps()
        self.source.on_epoch_end()

    def _start(self):
        """The batches from the beginning; a batch that was peeked at comes first."""
        first, self._first = self._first, None
        if first is None:
            return iter(self.source)
        return _chain(first, self._batches)

    def _some_steps(self):
        for step in range(self._steps):
            if self._batches is None or self._seen == self.source.num_batches:
                self._batches, self._seen = self._start(), 0
            elif self._first is not None:
                self._batches = self._start()
            batch = next(self._batches, None)
            if batch is None:
                self._batches = None
                warnings.warn(
                    "Your input ran out of data; interrupting training. Make sure that your "
                    "dataset or generator can generate at least `steps_per_epoch * epochs` "
                    "batches. You may need to use the `.repeat()` function when building your "
                    "dataset.",
                    stacklevel=2,
                )
                return
            self._seen += 1
            yield step, _as_data(batch)


def _chain(first, rest):
    yield first
    yield from rest


def _as_data(batch):
    """Batches of a generator may hold lists and other array-likes."""
    if isinstance(batch, list):
        batch = tuple(batch)
    if all(hasattr(leaf, "dtype") for leaf in trees.flatten(batch) if leaf is not None):
        return trees.map_structure(_narrowed, batch)
    return as_arrays(batch, "batch")


def _narrowed(leaf):
    if leaf is None or getattr(leaf.dtype, "kind", "") != "f":
        return leaf
    return as_arrays(leaf)
