"""Where the files of the data sets come from, and the checksums that they must have.

Names, addresses and checksums are those of Keras 3.15, so both find each other's files in the cache
(`~/.keras/datasets`).
"""

import dataclasses

from minikeras.utils.files import get_file

_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a file comes from.

    Args:
        origin: its address.
        checksum: SHA-256 or MD5 as hexadecimal digits, None if nobody has published one.
        folder: the folder below the cache.
        is_archive: whether a folder is unpacked from it.
    """

    origin: str
    checksum: str | None
    folder: str = "datasets"
    is_archive: bool = False


def _fashion(name: str) -> Source:
    return Source(_KERAS + name, None, "datasets/fashion-mnist")


SOURCES = {
    "mnist.npz": Source(
        f"{_KERAS}mnist.npz",
        "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    ),
    "imdb.npz": Source(
        f"{_KERAS}imdb.npz",
        "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    ),
    "imdb_word_index.json": Source(
        f"{_KERAS}imdb_word_index.json", "bfafd718b763782e994055a2d397834f"
    ),
    "reuters.npz": Source(
        f"{_KERAS}reuters.npz",
        "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    ),
    "reuters_word_index.json": Source(
        f"{_KERAS}reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921"
    ),
    "boston_housing.npz": Source(
        f"{_KERAS}boston_housing.npz",
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    ),
    "california_housing.npz": Source(
        f"{_KERAS}california_housing.npz",
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    ),
    "cifar-10-batches-py-target": Source(
        f"{_CIFAR}cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        is_archive=True,
    ),
    "cifar-100-python-target": Source(
        f"{_CIFAR}cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        is_archive=True,
    ),
    "train-images-idx3-ubyte.gz": _fashion("train-images-idx3-ubyte.gz"),
    "train-labels-idx1-ubyte.gz": _fashion("train-labels-idx1-ubyte.gz"),
    "t10k-images-idx3-ubyte.gz": _fashion("t10k-images-idx3-ubyte.gz"),
    "t10k-labels-idx1-ubyte.gz": _fashion("t10k-labels-idx1-ubyte.gz"),
}
"""The files by the names that they have in the cache."""


def fetch(name: str, path: str | None = None) -> str:
    """Download a file of a data set, unless it is in the cache.

    Args:
        name: which one, a key of `SOURCES`.
        path: another name for it in the cache.

    Returns:
        The path of the file, or of the folder that it was unpacked into.

    Raises:
        OSError: if it can't be downloaded.
        ValueError: if it has another checksum.
    """
    source = SOURCES[name]
    return get_file(
        path or name,
        source.origin,
        file_hash=source.checksum,
        cache_subdir=source.folder,
        extract=source.is_archive,
    )
