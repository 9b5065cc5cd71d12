"""What a user passes as arrays, as arrays of our own."""

import numpy as np

from minikeras.arrays import device, foreign
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from minikeras.training.data.stored import StoredRows, as_plain, stored_rows


def as_arrays(data, what="x"):
    """Turn every leaf of a nest into an array; floats take the default float type.

    Args:
        data: nest of arrays, tensors of any library, data frames, lists of numbers; None stays.
        what: what this is called in messages.

    Returns:
        A nest of NumPy arrays in this machine's byte order, sharing memory with `data` where they
        can. What lies in a file or is sparse becomes `StoredRows`; a series becomes a column, as
        in Keras.

    Raises:
        ValueError: if a leaf is no array of numbers or strings.
    """

    def convert(leaf):
        if leaf is None or isinstance(leaf, StoredRows):
            return leaf
        array = stored_rows(leaf, what)
        if array is None:
            array = _as_array(leaf, what)
        return array[:, None] if hasattr(leaf, "iloc") and array.ndim == 1 else array

    return trees.map_structure(convert, _listed(data))


def own_arrays(data, what="x"):
    """Return arrays that share no memory: whoever made `data` may write into it again.

    Args:
        data: nest of arrays, tensors of any library, data frames, lists of numbers; None stays.
        what: what this is called in messages.

    Raises:
        ValueError: if a leaf is no array of numbers or strings.
    """

    def convert(leaf):
        if leaf is None:
            return None
        array = _as_array(leaf, what)
        return array.copy() if array is leaf or array.base is not None else array

    return trees.map_structure(convert, _listed(data))


def as_batch(batch):
    """Return a batch that a generator or data set has yielded as arrays of our own.

    Raises:
        ValueError: if it is None, or holds something else than arrays of numbers or strings.
    """
    if batch is None:
        raise ValueError(
            "Expected batches `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`, but the data "
            "source gave None. A generator ends by returning, not by yielding None."
        )
    if isinstance(batch, (list, tuple)):
        return tuple(own_arrays(part, "batch") for part in batch)
    return own_arrays(batch, "batch")


def _as_array(leaf, what):
    if isinstance(leaf, Tensor):
        leaf = device.to_numpy(leaf.data)
    elif hasattr(leaf, "as_operand"):
        leaf = device.to_numpy(leaf.array)
    elif device.on_gpu(leaf):
        leaf = device.to_numpy(leaf)
    elif not foreign.is_array(leaf):
        raise ValueError(
            f"Expected arrays in `{what}`, but received a value of type {type(leaf).__name__}: "
            f"{leaf!r}. Turn it into a NumPy array first."
        )
    return as_plain(leaf, what)


def _listed(data):
    """Plain lists of numbers count as one array, lists of arrays as several inputs."""
    if isinstance(data, list) and data and not any(map(foreign.is_array, trees.flatten(data))):
        return np.asarray(data)
    return data
