"""Data in two parts, for training and for testing."""

import random
from collections.abc import Mapping

import numpy as np

from minikeras.core import trees
from minikeras.utils.dataset import Dataset


def split_dataset(
    dataset,
    left_size=None,
    right_size=None,
    shuffle=False,
    seed=None,
    preferred_backend=None,
):
    """Splits data into a left and a right part.

    All samples are held in memory. With a seed, the parts are those of Keras on TensorFlow.

    Args:
        dataset: array; list or tuple of arrays with the same number of samples; or a data set, of
            which batches that it was put into last are taken apart and put together again.
        left_size: number of samples in the left part, or their fraction as a float; by default
            what the right one leaves.
        right_size: number of samples in the right part, or their fraction as a float; by default
            what the left one leaves.
        shuffle: whether to shuffle the samples before they are split.
        seed: seed of their order; by default drawn from Python's `random`.
        preferred_backend: ignored: the parts are data sets of one kind.

    Returns:
        Two data sets, of samples as `dataset` has them; those of lists are tuples.

    Raises:
        TypeError: if the data, or a size, are of another type.
        ValueError: if there are no samples, their numbers or shapes differ, or a part is empty.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> left, right = keras.utils.split_dataset(np.arange(10), left_size=0.8)
        >>> len(left), [x.numpy().tolist() for x in right]
        (8, [8, 9])
    """
    if left_size is None and right_size is None:
        raise ValueError(
            "Give `left_size` or `right_size`, or both. Received: left_size=None, right_size=None"
        )
    samples, batch_size = _samples(dataset)
    count = len(trees.flatten(samples)[0])
    left, right = _sizes(left_size, right_size, count)
    order = list(range(count))
    if shuffle:
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(order)
    return tuple(_part(samples, places, batch_size) for places in (order[:left], order[-right:]))


def _part(samples, places, batch_size):
    data = Dataset.from_tensor_slices(trees.map_structure(lambda leaf: leaf[places], samples))
    return data if batch_size is None else data.batch(batch_size)


def _samples(dataset):
    """All samples as a nest of arrays, and the size of the batches that they were in."""
    if isinstance(dataset, np.ndarray):
        return _checked([dataset])[0], None
    if isinstance(dataset, (list, tuple)):
        return _checked(dataset), None
    if hasattr(dataset, "as_numpy_iterator"):
        batch_size = getattr(dataset, "_batch_size", None)
        data = dataset if batch_size is None else dataset.unbatch()
        return _gathered(list(data.as_numpy_iterator())), batch_size
    if _is_indexed(dataset):  # one of PyTorch, for example
        samples = [dataset[i] for i in range(len(dataset))]
        return _gathered([trees.map_structure(np.asarray, sample) for sample in samples]), None
    raise TypeError(
        "The `dataset` argument must be an array, a list or tuple of arrays, or a data set. "
        f"Received: dataset={dataset!r} of type {type(dataset)}"
    )


def _is_indexed(dataset):
    """Whether samples have numbers: text has, too, and dicts and data frames name columns."""
    if isinstance(dataset, (str, bytes, Mapping)) or hasattr(dataset, "iloc"):
        return False
    return hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")


def _checked(arrays):
    """Arrays with the same number of samples, as a tuple."""
    if not len(arrays):
        raise ValueError("Expected a list or tuple of arrays. Received: an empty one.")
    for i, array in enumerate(arrays):
        if not isinstance(array, np.ndarray):
            raise ValueError(
                f"Expected a list of `numpy.ndarray` objects. Received: {type(array)} at index {i}."
            )
    sizes = [array.shape[:1] for array in arrays]
    if len(set(sizes)) > 1 or sizes[0] in ((), (0,)):
        raise ValueError(
            "Expected arrays with the same number of samples, 1 or more. Received: shapes "
            f"{[array.shape for array in arrays]}"
        )
    return tuple(arrays)


def _gathered(samples):
    """Samples one by one as a nest of arrays of them."""
    if not samples:
        raise ValueError("Expected a data set with samples. Received: an empty one.")
    shapes = {str(trees.map_structure(np.shape, sample)) for sample in samples}
    if len(shapes) > 1:
        raise ValueError(f"All samples must have the same shape. Received: {sorted(shapes)}")
    return trees.map_structure(lambda *leaves: np.stack(leaves), *samples)


def _sizes(left, right, total):
    """Numbers of samples in the two parts."""
    if left == right == 0:
        raise ValueError(
            f"One of the two parts must have a sample. Received: left_size={left}, "
            f"right_size={right}"
        )
    for name, size in (("left_size", left), ("right_size", right)):
        _check_size(name, size, total)
    if type(left) is type(right) is float and left + right > 1:
        raise ValueError(
            "The sum of `left_size` and `right_size` must be 1 at most. Received: "
            f"left_size={left}, right_size={right}"
        )
    left, right = (round(size * total) if type(size) is float else size for size in (left, right))
    left = total - right if left is None else left
    right = total - left if right is None else right
    if left + right > total:
        raise ValueError(
            f"The sum of `left_size` and `right_size` must be {total} at most, the number of "
            f"samples. Received: {left} and {right}"
        )
    if not left or not right:
        raise ValueError(
            f"Of {total} samples, {left} would be in the left part and {right} in the right one: "
            "none may be empty. Choose other sizes."
        )
    return left, right


def _check_size(name, size, total):
    if size is None:
        return
    if type(size) not in (int, float):
        raise TypeError(
            f"`{name}` must be an int, a float or None. Received: {size!r} of type {type(size)}"
        )
    if not 0 < size < (total if type(size) is int else 1):
        raise ValueError(
            f"`{name}` should be either a positive integer smaller than {total}, or a float within "
            f"the range (0, 1). Received: {name}={size}"
        )
