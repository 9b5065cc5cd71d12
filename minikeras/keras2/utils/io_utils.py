"""Data in HDF5 files."""

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

__all__ = ["HDF5Matrix", "HDF5_OBJECT_HEADER_LIMIT", "ask_to_proceed_with_overwrite"]

HDF5_OBJECT_HEADER_LIMIT = 64512
"""The bytes that the attributes of an object in a file may take."""


class HDF5Matrix:
    """A data set of an HDF5 file as an array: samples are read when they are asked for.

    Args:
        datapath: path of the file.
        dataset: name of the data set in it.
        start: int, the first sample.
        end: int, the sample before which to end; None for all.
        normalizer: function of an array of samples that returns what is used of them, or None.

    Example:
        >>> import h5py
        >>> from minikeras.keras2.utils.io_utils import HDF5Matrix
        >>> with h5py.File("data.h5", "w") as file:
        ...     file["x"] = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
        >>> HDF5Matrix("data.h5", "x", start=1)[0]
        array([2., 3.])
    """

    refs: dict[str, h5py.File] = {}
    """The open files by their paths."""

    def __init__(self, datapath, dataset, start=0, end=None, normalizer=None):
        key = str(datapath)
        if key not in self.refs:
            self.refs[key] = h5py.File(key, "r")
        self.data: Any = self.refs[key][dataset]
        self.start = start
        self.end = self.data.shape[0] if end is None else end
        self.normalizer = normalizer
        first = self._read(slice(0, 1))
        self._sample_shape, self._dtype = first.shape[1:], first.dtype

    def _read(self, places):
        values = self.data[places]
        return values if self.normalizer is None else self.normalizer(values)

    def __len__(self):
        return self.end - self.start

    def __getitem__(self, key):
        """Return samples: by a number, a slice, or a list or array of numbers in rising order."""
        if isinstance(key, slice):
            first = key.start or 0
            last = len(self) if key.stop is None else key.stop
            self._check(last - 1)
            return self._read(slice(first + self.start, last + self.start))
        self._check(np.max(key))
        if isinstance(key, (int, np.integer)):
            return self._read(key + self.start)
        return self._read([int(i) + self.start for i in key])

    def _check(self, last):
        if last + self.start >= self.end:
            raise IndexError(f"There are {len(self)} samples. Received: {last}")

    @property
    def shape(self):
        """The shape as of an array of all samples."""
        return (len(self), *self._sample_shape)

    @property
    def dtype(self):
        """The dtype of the samples."""
        return self._dtype

    @property
    def ndim(self):
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self):
        """The number of elements."""
        return int(np.prod(self.shape))


def ask_to_proceed_with_overwrite(filepath):
    """Ask on the terminal whether a file may be replaced.

    Args:
        filepath: its path.

    Returns:
        True if the answer is yes; False if it is no, or if nobody can be asked.

    Example:
        >>> from minikeras.keras2.utils.io_utils import ask_to_proceed_with_overwrite
        >>> ask_to_proceed_with_overwrite("model.h5")  # where nobody can be asked
        False
    """
    if not sys.stdin or not sys.stdin.isatty():
        return False
    question = f"{Path(filepath)} is there already: replace it? [y/n] "
    answer = ""
    while answer not in ("y", "n"):
        answer = input(question).strip().lower()
    return answer == "y"
