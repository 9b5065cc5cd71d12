"""CIFAR-10: colour images of 32x32 pixels in ten classes (see `cifar.py`)."""

import os

import numpy as np

from minikeras.datasets import cifar
from minikeras.datasets.catalog import fetch

_BATCHES = 5


def load_data():
    """Loads CIFAR-10: 50,000 training and 10,000 test images.

    The classes are 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship,
    9 truck.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 arrays, the images of shape (n, 32, 32, 3), or
        (n, 3, 32, 32) where that is the layout of images, with values from 0 to 255; the labels of
        shape (n, 1) from 0 to 9.

    Raises:
        OSError: if the file is not in the cache and can't be downloaded.
        FileError: if it is damaged, or holds anything but arrays, numbers and strings.

    Example:
        >>> import minikeras as keras
        >>> (x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
        >>> x_train.shape[1:], y_train.shape[1:], y_train.dtype
        ((32, 32, 3), (1,), dtype('uint8'))
    """
    folder = os.path.join(fetch("cifar-10-batches-py-target"), "cifar-10-batches-py")
    names = [f"data_batch_{number + 1}" for number in range(_BATCHES)]
    parts = [cifar.read(os.path.join(folder, name), "labels") for name in (*names, "test_batch")]
    x_train = np.concatenate([x for x, _ in parts[:-1]])
    y_train = np.concatenate([y for _, y in parts[:-1]])
    x_test, y_test = parts[-1]
    return (
        (cifar.arranged(x_train), _column(y_train)),
        (cifar.arranged(x_test), _column(y_test)),
    )


def _column(labels):
    return np.asarray(labels).astype(np.uint8).reshape(-1, 1)
