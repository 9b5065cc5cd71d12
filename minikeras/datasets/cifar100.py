"""CIFAR-100: colour images of 32x32 pixels, a hundred classes of twenty kinds (see `cifar.py`)."""

import os

import numpy as np

from minikeras.datasets import cifar
from minikeras.datasets.catalog import fetch

_MODES = ("fine", "coarse")


def load_data(label_mode="fine"):
    """Loads CIFAR-100: 50,000 training and 10,000 test images.

    Args:
        label_mode: `"fine"` for labels of the hundred classes, `"coarse"` for the twenty kinds.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: the images as uint8 arrays of shape (n, 32, 32, 3),
        or (n, 3, 32, 32) where that is the layout of images, with values from 0 to 255; the labels
        as int64 arrays of shape (n, 1).

    Raises:
        ValueError: if `label_mode` is neither.
        OSError: if the file is not in the cache and can't be downloaded.
        FileError: if it is damaged, or holds anything but arrays, numbers and strings.

    Example:
        >>> import minikeras as keras
        >>> (x_train, y_train), (x_test, y_test) = keras.datasets.cifar100.load_data()
        >>> x_train.shape[1:], y_train.shape[1:]
        ((32, 32, 3), (1,))
    """
    if label_mode not in _MODES:
        raise ValueError(
            f"`label_mode` must be one of {_MODES}. Received: label_mode={label_mode}."
        )
    folder = os.path.join(fetch("cifar-100-python-target"), "cifar-100-python")
    parts = []
    for name in ("train", "test"):
        x, y = cifar.read(os.path.join(folder, name), f"{label_mode}_labels")
        parts.append((cifar.arranged(x), np.array(y, dtype=np.int64).reshape(-1, 1)))
    return tuple(parts)
