"""What the files of CIFAR-10 and CIFAR-100 share: pickled dicts of images and labels.

A. Krizhevsky, Learning multiple layers of features from tiny images, 2009. An image is a row of
3,072 numbers: red, green and blue, each of 32 rows of 32 pixels.
"""

import numpy as np

from minikeras.core import settings
from minikeras.datasets import pickles
from minikeras.saving.guard.errors import refuse
from minikeras.saving.guard.files import regular_file

_IMAGE = (3, 32, 32)


def read(path, key):
    """Read a file of images with their labels.

    Args:
        path: the file.
        key: which of its lists are the labels.

    Returns:
        A uint8 array of shape (n, 3, 32, 32), and a list of n ints.

    Raises:
        FileError: if it is no such file.
    """
    with regular_file(path) as file:
        entries = pickles.loads(file.read(), path)
    if not isinstance(entries, dict):
        refuse(path, "a dict with images and labels is expected")
    # Python 2's strings are bytes.
    x, y = (entries.get(name.encode(), entries.get(name)) for name in ("data", key))
    if not isinstance(x, np.ndarray) or x.dtype != np.uint8 or x.shape[1:] != (np.prod(_IMAGE),):
        refuse(path, "a uint8 array 'data' of shape (n, 3072) is expected")
    if not isinstance(y, list) or len(y) != len(x) or not all(type(label) is int for label in y):
        refuse(path, f"a list {key!r} of {len(x)} integers is expected")
    return x.reshape(-1, *_IMAGE), y


def arranged(x):
    """Images in the layout of `keras.config.image_data_format()`."""
    return x.transpose(0, 2, 3, 1) if settings.image_data_format() == "channels_last" else x
