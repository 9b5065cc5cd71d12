"""Batches sliced out of arrays, in memory or in files."""

import math

import numpy as np

from minikeras.arrays.order import batch_order, epoch_order
from minikeras.core import trees
from minikeras.ops.random.seeds import run_seed
from minikeras.training.data.convert import as_arrays
from minikeras.training.data.stored import StoredRows
from minikeras.training.data.unpack import (
    check_class_weight,
    class_weights_to_sample_weights,
    pack_x_y_sample_weight,
)


class ArrayData:
    """Batches of arrays, in a new order each epoch if shuffled.

    Args:
        x: nest of arrays whose first axis counts samples.
        y: nest of arrays, or None.
        sample_weight: nest of arrays, or None.
        batch_size: samples per batch; by default as many as make `steps` batches, or else 32.
        shuffle: True to shuffle the samples, `"batch"` to shuffle inside each batch, or False.
        class_weight: dict of class to weight, or None.
        steps: number of batches in an epoch, or None.

    Raises:
        ValueError: if there are no arrays, or they hold no samples, or different numbers of them.
    """

    begins_early = False

    def __init__(
        self,
        x,
        y=None,
        sample_weight=None,
        batch_size=None,
        shuffle=False,
        class_weight=None,
        steps=None,
    ):
        if x is None:
            raise ValueError("`x` is missing: pass arrays, a generator of batches or a PyDataset.")
        x, y = as_arrays(x, "x"), as_arrays(y, "y")
        sample_weight = as_arrays(sample_weight, "sample_weight")
        _check_weights(y, sample_weight)
        if class_weight is not None:
            check_class_weight(y, sample_weight)

            sample_weight = as_arrays(_class_weights(y, class_weight), "sample_weight")
        self.arrays = pack_x_y_sample_weight(x, y, sample_weight)
        # All data at once, unless some are read batch by batch.
        stored = any(isinstance(leaf, StoredRows) for leaf in trees.flatten(self.arrays))
        self.whole = None if stored else self.arrays
        self.samples = _common_length(self.arrays)
        if not self.samples:
            raise ValueError("Expected input data to be non-empty: the arrays hold no samples.")
        self.batch_size = batch_size or (math.ceil(self.samples / steps) if steps else 32)
        self.num_batches = math.ceil(self.samples / self.batch_size)
        self._shuffle = shuffle
        self._known_order = (None, None)
        self.order: np.ndarray | None = None  # that of the latest epoch

    def __iter__(self):
        """Yield the batches of one epoch."""
        self.order = self._order()
        return self._from_batch(0)

    def state(self):
        """Return None: nothing goes on from epoch to epoch but the global random numbers."""

    def load_state(self, state):
        """Do nothing: there is no state."""

    def go_back(self, position):
        """Do nothing: nothing is drawn ahead."""

    def resume(self, position):
        """Return the batches of an epoch from some batch on.

        Args:
            position: what `Epochs.position` returned.

        Raises:
            ValueError: if it holds the order of another number of samples.
        """
        order = position["order"]
        if position["seen"] is None:
            return None
        if order is not None and len(order) != self.samples:
            raise ValueError(
                f"Expected the {len(order)} samples of the run that is to be resumed, but "
                f"received {self.samples}. Pass `fit` the same data."
            )
        self.order = order
        return self._from_batch(position["seen"])

    def _from_batch(self, first):
        order = self.order
        for start in range(first * self.batch_size, self.samples, self.batch_size):
            stop = min(start + self.batch_size, self.samples)
            part = slice(start, stop) if order is None else order[start:stop]
            yield trees.map_structure(lambda a, p=part: None if a is None else a[p], self.arrays)

    def _order(self):
        """The order of an epoch: after `set_random_seed` the same one each time, as in Keras."""
        if not self._shuffle:
            return None
        seed, order = self._known_order
        if order is None or seed is None or seed != run_seed():
            seed = run_seed()
            if self._shuffle == "batch":
                order = batch_order(seed, self.samples, self.batch_size)
            else:
                order = epoch_order(seed, self.samples)
            self._known_order = (seed, order)
        return order

    def first(self):
        """Return a batch of the first samples."""
        return trees.map_structure(
            lambda a: None if a is None else a[: self.batch_size], self.arrays
        )

    def on_epoch_begin(self):
        """Do nothing: an order is drawn when the batches are first asked for."""

    def on_epoch_end(self):
        """Do nothing: an order is drawn when the batches are first asked for."""


def _class_weights(y, class_weight):
    """The weights of all samples; targets that are stored are read part by part."""
    if not isinstance(y, StoredRows):
        return class_weights_to_sample_weights(y, class_weight)
    parts = [y[start : start + _READ_AT_ONCE] for start in range(0, len(y), _READ_AT_ONCE)]
    weights = [class_weights_to_sample_weights(part, class_weight) for part in parts]
    return np.concatenate(weights) if weights else None


_READ_AT_ONCE = 4096


def _check_weights(y, sample_weight):
    """One array of weights for several outputs can only weigh samples."""
    if sample_weight is None or not trees.is_nested(y) or trees.is_nested(sample_weight):
        return
    if sample_weight.ndim != 1 and sample_weight.shape[1:] != (1,):
        raise ValueError(
            "For several outputs, a single `sample_weight` array must hold one weight for each "
            f"sample, of shape (samples,), but its shape is {sample_weight.shape}. Pass one array "
            "for each output, arranged as `y` is."
        )


def _common_length(data):
    lengths = {}
    for path, leaf in trees.flatten_with_path(data):
        if leaf is not None:
            if not leaf.ndim:
                raise ValueError(f"Expected arrays of samples, but received a scalar at {path}.")
            lengths.setdefault(leaf.shape[0], leaf.shape)
    if len(lengths) > 1:
        raise ValueError(
            "All arrays must have the same number of samples, the size of axis 0. Received for 'x' "
            f"and the other arrays: {sorted(lengths)}"
        )
    return next(iter(lengths), 0)


def split_validation(arrays, validation_split):
    """Split the last part off each array, for validation.

    Args:
        arrays: nest of arrays with the same first size, or None.
        validation_split: fraction between 0 and 1 that is split off.

    Returns:
        Two nests: for training, for validation.

    Raises:
        ValueError: if a part would be empty.
    """
    if all(leaf is None for leaf in trees.flatten(arrays)):
        return arrays, arrays
    samples = next(leaf.shape[0] for leaf in trees.flatten(arrays) if leaf is not None)
    cut = int(math.floor(samples * (1.0 - validation_split)))
    if cut == 0 or cut == samples:
        raise ValueError(
            f"`validation_split={validation_split}` leaves one of the two parts of {samples} "
            "samples empty: give another part, or more data."
        )

    def part(start, stop):
        def between(array):
            if array is None:
                return None
            stored = isinstance(array, StoredRows)
            return array.between(start, stop) if stored else array[start:stop]

        return trees.map_structure(between, arrays)

    return part(0, cut), part(cut, samples)
