"""Batches sliced out of arrays that are all in memory."""

import math

import numpy as np

from minikeras.arrays import device
from minikeras.arrays.order import batch_order, epoch_order
from minikeras.autograd.tensor import Tensor, native
from minikeras.core import settings, trees
from minikeras.ops.random.seeds import run_seed
from minikeras.training.data.unpack import (
    class_weights_to_sample_weights,
    pack_x_y_sample_weight,
)


def as_arrays(data, what="x"):
    """Turn every leaf of a nest into a NumPy array; floats take the default float type.

    Args:
        data: nest of arrays, tensors of any library, data frames; None stays.
        what: what this is called in messages.

    Returns:
        A nest of arrays in this machine's byte order, sharing memory with `data` where they can.

    Raises:
        ValueError: if a leaf is no array of numbers.
    """
    return trees.map_structure(lambda leaf: None if leaf is None else _as_array(leaf, what), data)


def own_arrays(data, what="x"):
    """Return what `as_arrays` does, sharing no memory: whoever made `data` may write into it again.

    Args:
        data: as for `as_arrays`.
        what: as for `as_arrays`.

    Raises:
        ValueError: if a leaf is no array of numbers.
    """

    def convert(leaf):
        if leaf is None:
            return None
        array = _as_array(leaf, what)
        return array.copy() if array is leaf or array.base is not None else array

    return trees.map_structure(convert, data)


def as_batch(batch):
    """Return a batch that a generator or data set has yielded as arrays of our own.

    Raises:
        ValueError: if it is None, or holds something else than arrays of numbers.
    """
    if batch is None:
        raise ValueError(
            "Expected batches `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`, but the data "
            "source gave None. A generator ends by returning, not by yielding None."
        )
    return own_arrays(tuple(batch) if isinstance(batch, list) else batch, "batch")


def _as_array(leaf, what):
    array = _host_array(leaf, what)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"Expected numbers in `{what}`, but received an array of dtype {array.dtype}."
        )
    if array.dtype.kind == "f" and array.dtype != settings.floatx():
        return array.astype(settings.floatx())
    return native(array)


def _host_array(leaf, what):
    if isinstance(leaf, Tensor):
        return device.to_numpy(leaf.data)
    if hasattr(leaf, "as_operand"):
        return device.to_numpy(leaf.array)
    if device.on_gpu(leaf):
        return device.to_numpy(leaf)
    if hasattr(leaf, "to_numpy"):
        return _from_frame(leaf.to_numpy())
    if hasattr(leaf, "__array__"):
        return np.asarray(leaf)
    if hasattr(leaf, "__dlpack__"):
        return np.from_dlpack(leaf)
    raise ValueError(
        f"Expected arrays in `{what}`, but received a value of type {type(leaf).__name__}: "
        f"{leaf!r}. Turn it into a NumPy array first."
    )


def _from_frame(array):
    """Columns of several types come as objects: numbers and bools among them take one type."""
    if array.dtype.kind != "O":
        return array
    try:
        return array.astype(settings.floatx())
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Expected columns of numbers in a data frame, but {error}. Encode text, and fill in "
            "or drop what is missing."
        ) from None


def _listed(data):
    """Plain lists of numbers count as one array, lists of arrays as several inputs."""
    if (
        isinstance(data, list)
        and data
        and not any(hasattr(leaf, "__array__") for leaf in trees.flatten(data))
    ):
        return np.asarray(data)
    return data


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
        x, y = as_arrays(_listed(x), "x"), as_arrays(_listed(y), "y")
        sample_weight = as_arrays(_listed(sample_weight), "sample_weight")
        _check_weights(y, sample_weight)
        if class_weight is not None:
            if trees.is_nested(y):
                raise ValueError(
                    "`class_weight` is only supported for Models with a single output."
                )
            if sample_weight is not None:
                raise ValueError(
                    "You cannot specify `class_weight` and `sample_weight` at the same time."
                )
            sample_weight = class_weights_to_sample_weights(y, class_weight)
        self.whole = pack_x_y_sample_weight(x, y, as_arrays(sample_weight, "sample_weight"))
        self.samples = _common_length(self.whole)
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

    def resume(self, first, order):
        """Yield the batches of an epoch from some batch on.

        Args:
            first: how many batches are left out.
            order: the `order` of that epoch.

        Raises:
            ValueError: if it is the order of another number of samples.
        """
        if order is not None and len(order) != self.samples:
            raise ValueError(
                f"Expected the {len(order)} samples of the run that is to be resumed, but "
                f"received {self.samples}. Pass `fit` the same data."
            )
        self.order = order
        return self._from_batch(first)

    def _from_batch(self, first):
        order = self.order
        for start in range(first * self.batch_size, self.samples, self.batch_size):
            stop = min(start + self.batch_size, self.samples)
            part = slice(start, stop) if order is None else order[start:stop]
            yield trees.map_structure(lambda a, p=part: None if a is None else a[p], self.whole)

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
            lambda a: None if a is None else a[: self.batch_size], self.whole
        )

    def on_epoch_begin(self):
        """Do nothing: an order is drawn when the batches are first asked for."""

    def on_epoch_end(self):
        """Do nothing: an order is drawn when the batches are first asked for."""


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
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of "
            f"samples. 'x' and the other arrays have sizes: {sorted(lengths)}"
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
        ValueError: if a part would be empty, or the data are no arrays.
    """
    for leaf in trees.flatten(arrays):
        if leaf is not None and not hasattr(leaf, "__array__"):
            raise ValueError(
                "Argument `validation_split` is only supported for tensors or NumPy arrays. "
                f"Found incompatible type in the input: {type(leaf)}"
            )
    if all(leaf is None for leaf in trees.flatten(arrays)):
        return arrays, arrays
    samples = next(leaf.shape[0] for leaf in trees.flatten(arrays) if leaf is not None)
    cut = int(math.floor(samples * (1.0 - validation_split)))
    if cut == 0 or cut == samples:
        raise ValueError(
            f"Training data contains {samples} samples, which is not sufficient to split it into a "
            f"validation and training set as specified by `validation_split={validation_split}`. "
            "Either provide more data, or a different value for the `validation_split` argument."
        )

    def part(start, stop):
        return trees.map_structure(lambda a: None if a is None else a[start:stop], arrays)

    return part(0, cut), part(cut, samples)
