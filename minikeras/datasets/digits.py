"""Handwritten digits of 8x8 pixels: a small MNIST that comes with the package.

Data: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998, https://doi.org/10.24432/C50P49, licensed under CC BY 4.0. The file beside this
one holds the test part of that set in its original order; scripts/pack_digits.py made it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PATH = Path(__file__).with_name("digits.npz")

# The labels run through one sequence of about 130 digits fourteen times: the data lie form by
# form, as they were filled in. The eleven forms before this index train, the three after it test.
TRAIN_SIZE = 1415

Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def load_data() -> tuple[Part, Part]:
    """Loads the digits, split into 1,415 training and 382 test images.

    The split is fixed: the first 1,415 images in the original order train, the last 382 test. It
    falls between two filled-in forms, so no form gives images to both parts and a model is
    tested on handwriting from forms it has not seen; a shuffled split would flatter it. Every
    class has 139 to 144 training and 35 to 39 test images. The data do not name the writers,
    so one of them may have filled in a form on either side.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: new uint8 arrays, the images of shape (n, 8, 8)
        with 0 for paper and 16 for full ink, the labels of shape (n,) from 0 to 9.

    Example:
        >>> from minikeras.datasets import digits
        >>> (x_train, y_train), (x_test, y_test) = digits.load_data()
        >>> x_train.shape, y_train.shape, x_test.shape, y_test.shape
        ((1415, 8, 8), (1415,), (382, 8, 8), (382,))
        >>> x_train = x_train.astype("float32") / 16
    """
    with np.load(PATH, allow_pickle=False) as archive:
        x, y = archive["images"], archive["labels"]
    return (x[:TRAIN_SIZE], y[:TRAIN_SIZE]), (x[TRAIN_SIZE:], y[TRAIN_SIZE:])
