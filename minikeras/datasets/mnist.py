"""MNIST: handwritten digits of 28x28 pixels.

Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits, 1998.
"""

from minikeras.datasets import npz
from minikeras.datasets.catalog import fetch


def load_data(path="mnist.npz"):
    """Loads MNIST: 60,000 training and 10,000 test images of digits.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 arrays, the images of shape (n, 28, 28) with
        values from 0 to 255, the labels of shape (n,) from 0 to 9.

    Raises:
        OSError: if the file is not in the cache and can't be downloaded.
        FileError: if it is damaged.

    Example:
        >>> import minikeras as keras
        >>> (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
        >>> x_train.shape[1:], x_train.dtype
        ((28, 28), dtype('uint8'))
    """
    x_train, y_train, x_test, y_test = npz.read(
        fetch("mnist.npz", path), "x_train", "y_train", "x_test", "y_test"
    )
    return (x_train, y_train), (x_test, y_test)
