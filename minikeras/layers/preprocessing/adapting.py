"""The data that layers adapt to: arrays, lists, and whatever gives one batch after the other."""

import itertools
from typing import NoReturn

import numpy as np

from minikeras.arrays import device, foreign
from minikeras.autograd.tensor import Tensor


def is_array(data):
    """Say whether data are one array of some library, rather than batches."""
    if isinstance(data, (np.ndarray, np.generic, Tensor)) or hasattr(data, "as_operand"):
        return True
    return foreign.is_array(data) and not hasattr(data, "row_splits")  # ragged ones have rows


def host_array_of(data):
    """Return the values of an array of some library as NumPy's, in main memory."""
    if isinstance(data, Tensor):
        return device.to_numpy(data.data)
    if hasattr(data, "as_operand"):
        return device.to_numpy(data.array)
    return device.to_numpy(data) if device.on_gpu(data) else foreign.to_numpy(data)


def batches_of(data, steps=None):
    """Yield the batches of a data set, of a generator, or of a PyDataset.

    Args:
        data: an iterable of batches, or an object with `__getitem__` and `__len__`, whose items are
            `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.
        steps: int, how many batches are taken at most; None for all.

    Raises:
        TypeError: if `data` is nothing of the kind.
    """
    length = _length(data)
    is_indexed = hasattr(data, "__getitem__") and (steps, length) != (None, None)
    if is_indexed and (hasattr(data, "num_batches") or not hasattr(data, "__iter__")):
        for i in range(min(count for count in (steps, length) if count is not None)):
            yield inputs_of(data[i])
    elif hasattr(data, "__iter__"):
        yield from itertools.islice(data, steps)
    else:
        raise TypeError(
            "Unsupported data type: `adapt` takes arrays, lists, data sets of batches, generators "
            f"of batches, and PyDatasets, which need `steps` if they have no end. Received: {data} "
            f"(of type {type(data).__name__})"
        )


def inputs_of(batch):
    """Return `x` of a batch `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`."""
    return batch[0] if isinstance(batch, tuple) else batch


def refuse_nothing(layer) -> NoReturn:
    """Raise the error of a layer that was adapted to no data.

    Raises:
        ValueError: always.
    """
    raise ValueError(
        f"adapt() of layer '{layer.name}' received no data: expected at least one batch with a "
        "value in it. Is the generator used up, or the data set empty?"
    )


def _length(data):
    count = getattr(data, "num_batches", None)
    if count is None and hasattr(type(data), "__len__"):
        count = len(data)
    return count
