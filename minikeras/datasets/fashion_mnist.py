"""Fashion-MNIST: images of clothes of 28x28 pixels, in the format of MNIST's own files.

H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine
learning algorithms, arXiv:1708.07747. A file of that format (IDX) begins with two zero bytes, the
type of the numbers (8 for uint8), and the number of axes; the size of each follows in four bytes,
the most significant first.
"""

import gzip
import math
import zlib

import numpy as np

from minikeras.datasets.catalog import fetch
from minikeras.saving.guard.errors import damaged, refuse

# The images take 45 MiB.
_MOST = 64 << 20
_UINT8 = 8


def load_data():
    """Loads Fashion-MNIST: 60,000 training and 10,000 test images of clothes.

    The classes are 0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker,
    8 bag, 9 ankle boot.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 arrays, the images of shape (n, 28, 28) with
        values from 0 to 255, the labels of shape (n,) from 0 to 9.

    Raises:
        OSError: if a file is not in the cache and can't be downloaded.
        FileError: if one is damaged.

    Example:
        >>> import minikeras as keras
        >>> (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
        >>> x_train.shape[1:], x_train.dtype
        ((28, 28), dtype('uint8'))
    """
    parts = []
    for part in ("train", "t10k"):
        labels, images = f"{part}-labels-idx1-ubyte.gz", f"{part}-images-idx3-ubyte.gz"
        paths = fetch(labels), fetch(images)
        y, x = _read(paths[0], axes=1), _read(paths[1], axes=3)
        if len(x) != len(y):
            refuse(paths[1], f"{len(x)} images for {len(y)} labels")
        parts.append((x, y))
    return tuple(parts)


def _read(path, axes):
    """Read the array of a compressed IDX file."""
    with damaged(path, OSError, EOFError, zlib.error), gzip.open(path) as file:
        content = file.read(_MOST + 1)
    start = 4 * (1 + axes)
    sizes = np.frombuffer(content[4:start].ljust(4 * axes, b"\xff"), ">u4")
    shape = [int(size) for size in sizes]
    if content[:4] != bytes([0, 0, _UINT8, axes]) or math.prod(shape) != len(content) - start:
        refuse(path, f"no IDX file of uint8 numbers with {axes} axes: {len(content)} bytes")
    return np.frombuffer(bytearray(content), np.uint8, offset=start).reshape(shape)
