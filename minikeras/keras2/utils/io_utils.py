"""Data in HDF5 files."""

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from minikeras.saving.guard import open_hdf5
from minikeras.saving.stores import new_hdf5

__all__ = [
    "H5Dict",
    "HDF5Matrix",
    "HDF5_OBJECT_HEADER_LIMIT",
    "ask_to_proceed_with_overwrite",
    "h5dict",
    "load_array",
    "save_array",
]

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


def save_array(array, name):
    """Write an array to an HDF5 file, as `data`.

    Args:
        array: the array.
        name: path of the file.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.utils.io_utils import load_array, save_array
        >>> save_array(np.array([1, 2]), "array.h5")
        >>> load_array("array.h5")
        array([1, 2])
    """
    with new_hdf5(Path(name)) as file:
        file["data"] = np.asarray(array)


def load_array(name):
    """Read the array that `save_array` wrote, here or by PyTables.

    Args:
        name: path of the file.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.utils.io_utils import load_array, save_array
        >>> save_array(np.eye(2), "array.h5")
        >>> load_array("array.h5").shape
        (2, 2)
    """
    with open_hdf5(name) as file:
        return np.asarray(file["data"])


class _Group(dict):
    """A group in an `H5Dict` that is a dict in memory."""


class H5Dict:
    """An HDF5 file, a group of one, or a dict in memory, read and written in one way.

    Arrays are data sets and other values attributes; a name that is not there yet is a new group.

    Args:
        path: path of a file, group of an open one, or a dict.
        mode: `"r"` to read only, `"w"` to begin with nothing, or `"a"`.

    Raises:
        TypeError: if `path` is something else.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.utils import h5dict
        >>> file = h5dict("values.h5", "w")
        >>> file["weights"]["kernel"] = np.ones(2)
        >>> file["weights"]["kernel"], "bias" in file["weights"]
        (array([1., 1.]), False)
        >>> file.close()
    """

    def __init__(self, path, mode="a"):
        is_path = isinstance(path, (str, Path))
        if not is_path and not isinstance(path, (h5py.Group, dict)):
            raise TypeError(
                f"Expected a path, a group of an HDF5 file or a dict. Received: {type(path)}"
            )
        self._file: Any = h5py.File(path, mode) if is_path else None
        self.data: Any = self._file if is_path else path
        if isinstance(path, dict) and mode == "w":
            path.clear()
        self.read_only = mode == "r"

    def __setitem__(self, attr, val):
        self._check_writable()
        name = _text(attr)
        if isinstance(self.data, dict):
            self.data[name] = val
        elif name in self.data:
            raise KeyError(f"There is a group or a data set {name!r} already.")
        elif isinstance(val, (np.ndarray, np.generic)):
            self.data.create_dataset(name, data=val)
        elif isinstance(val, list):
            save_attributes_to_hdf5_group(self.data, name, val)
        else:
            self.data.attrs[name] = val

    def __getitem__(self, attr):
        name = _text(attr)
        if isinstance(self.data, dict):
            value = self.data[name] if name in self.data else self._new(name)
            return H5Dict(value, self._mode()) if isinstance(value, _Group) else value
        if name in self.data.attrs:
            return _plain(self.data.attrs[name])
        if f"{name}0" in self.data.attrs:
            return [_text(one) for one in _pieces(self.data.attrs, name)]
        value = self.data[name] if name in self.data else self._new(name)
        return np.asarray(value) if isinstance(value, h5py.Dataset) else H5Dict(value, self._mode())

    def _new(self, name):
        self._check_writable()
        if isinstance(self.data, dict):
            return self.data.setdefault(name, _Group())
        return self.data.create_group(name)

    def _mode(self):
        return "r" if self.read_only else "a"

    def _check_writable(self):
        if self.read_only:
            raise ValueError("This was opened to be read: open it by `mode='a'` to write.")

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        return iter(self.data)

    def iter(self):
        """Return an iterator of the names of data sets and groups."""
        return iter(self.data)

    def __contains__(self, key):
        return key in self.data or key in getattr(self.data, "attrs", ())

    def __getattr__(self, attr):
        if attr == "data":
            raise AttributeError(attr)
        return getattr(self.data, attr)

    def get(self, key, default=None):
        """Return what a name stands for, or another value if there is no such name."""
        if key not in self:
            return default
        return self[key]

    def update(self, *args):
        """Set the values of dicts by their names."""
        for values in args:
            for name, value in values.items():
                self[name] = value

    def close(self):
        """Write what has not been written yet, and close the file if this opened it."""
        if self._file is not None:
            self._file.close()
        elif isinstance(self.data, h5py.Group):
            self.data.file.flush()


h5dict = H5Dict


def _text(name):
    return name.decode("utf-8") if isinstance(name, bytes) else name


def _plain(value):
    """An attribute; a list of bytes where it is an array of them."""
    is_bytes = isinstance(value, np.ndarray) and value.dtype.kind == "S"
    return value.tolist() if is_bytes else value


def _pieces(attributes, name):
    i = 0
    while f"{name}{i}" in attributes:
        yield from attributes[f"{name}{i}"]
        i += 1


def save_attributes_to_hdf5_group(group, name, data):
    """Write a list of texts as an attribute, or as several where one would be too large.

    Args:
        group: group of an HDF5 file.
        name: the attribute's name; pieces get `name0`, `name1`, ...
        data: list of texts or bytes.

    Raises:
        RuntimeError: if one of them alone is too large for an attribute.

    Example:
        >>> import h5py
        >>> from minikeras.keras2.engine import saving
        >>> with h5py.File("names.h5", "w") as file:
        ...     saving.save_attributes_to_hdf5_group(file, "layers", ["a" * 40000, "b" * 40000])
        ...     list(file.attrs)
        ['layers0', 'layers1']
    """
    encoded = [one.encode("utf8") if isinstance(one, str) else one for one in data]
    too_large = [one[:50] for one in encoded if len(one) > HDF5_OBJECT_HEADER_LIMIT]
    if too_large:
        raise RuntimeError(
            f"An attribute in an HDF5 file may have {HDF5_OBJECT_HEADER_LIMIT} bytes. There are "
            f"more in the texts that begin with {too_large}."
        )
    count = 1
    pieces = [np.array(encoded)] if encoded else [np.array([], "S1")]
    while any(piece.nbytes > HDF5_OBJECT_HEADER_LIMIT for piece in pieces):
        count += 1
        pieces = [np.array(list(p)) for p in np.array_split(np.array(encoded), count)]
    for i, piece in enumerate(pieces):
        group.attrs[f"{name}{i}" if count > 1 else name] = piece
