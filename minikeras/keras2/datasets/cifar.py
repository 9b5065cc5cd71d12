"""The files of CIFAR-10 and CIFAR-100."""

from minikeras.datasets import cifar

__all__ = ["load_batch"]


def load_batch(fpath, label_key="labels"):
    """Return the images and labels of one file.

    Args:
        fpath: path of the file.
        label_key: which of its lists are the labels: `"labels"` of CIFAR-10, `"fine_labels"` or
            `"coarse_labels"` of CIFAR-100.

    Returns:
        A uint8 array of shape (n, 3, 32, 32), and a list of n ints.

    Raises:
        FileError: if it is no such file.

    Example:
        >>> import pickle
        >>> import numpy as np
        >>> from minikeras.keras2.datasets.cifar import load_batch
        >>> with open("batch", "wb") as file:
        ...     pickle.dump({"data": np.zeros((1, 3072), "uint8"), "labels": [7]}, file)
        >>> x, y = load_batch("batch")
        >>> x.shape, y
        ((1, 3, 32, 32), [7])
    """
    return cifar.read(fpath, label_key)
