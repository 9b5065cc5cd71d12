"""Arrays whose rows are read when a batch asks for them: what lies in a file, or is sparse."""

import numpy as np

from minikeras.arrays import foreign, strings
from minikeras.autograd.tensor import native
from minikeras.core import settings


def as_plain(leaf, what):
    """Return an array of numbers or strings; floats take the default float type.

    Args:
        leaf: array, tensor of any library, or data frame.
        what: what this is called in messages.

    Returns:
        A NumPy array in this machine's byte order, sharing memory with `leaf` where it can.

    Raises:
        ValueError: if it is no array of numbers or strings.
    """
    array = np.asarray(leaf) if isinstance(leaf, np.ndarray) else foreign.to_numpy(leaf)
    array = foreign.with_stand_in(array)
    if strings.may_be_strings(array):
        return _strings(array, what)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"Expected numbers in `{what}`, but received an array of dtype {array.dtype}."
        )
    if array.dtype.kind == "f" and array.dtype != settings.floatx():
        return array.astype(settings.floatx())
    return native(array)


def _strings(array, what):
    try:
        return strings.as_strings(array)
    except ValueError as error:
        raise ValueError(
            f"Expected numbers or strings in `{what}`, but received an array of dtype "
            f"{array.dtype} and shape {array.shape}: {error}"
        ) from None


class StoredRows:
    """Rows of an array that is larger than memory may be; indexing reads them.

    Rows in any order are read in the order in which they are stored, and adjacent ones at once:
    so `fit(shuffle="batch")`, which goes through a file from its start to its end, is fast, and
    `shuffle=True`, which reads each row separately, is right.

    Args:
        array: memory map, dataset of HDF5 or Zarr, or sparse matrix whose rows can be indexed.
        what: what this is called in messages.
        start: the first row.
        stop: the row to end before; the last one is included by default.
    """

    def __init__(self, array, what, start=0, stop=None):
        stop = array.shape[0] if stop is None else stop
        self._array = array
        self._what = what
        self._start = start
        self.shape = (stop - start, *array.shape[1:])
        self.ndim = len(self.shape)

    def __len__(self):
        return self.shape[0]

    def between(self, start, stop):
        """Return some of the rows, without reading them.

        Args:
            start: the first row.
            stop: the row to end before.
        """
        return StoredRows(self._array, self._what, self._start + start, self._start + stop)

    def __getitem__(self, rows):
        """Read rows.

        Args:
            rows: slice, or array of the numbers of rows, none of them twice.

        Returns:
            A NumPy array.
        """
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            return self._read(slice(self._start + start, self._start + stop))
        order = np.argsort(rows)
        ordered = rows[order] + self._start
        first, last = int(ordered[0]), int(ordered[-1])
        adjacent = last - first + 1 == len(ordered)
        block = self._read(slice(first, last + 1) if adjacent else ordered)
        result = np.empty_like(block)
        result[order] = block
        return result

    def _read(self, rows):
        return as_plain(self._array[rows], self._what)

    def __array__(self, dtype=None, copy=None):
        """Read all rows."""
        return np.asarray(self[:], dtype=dtype)


def stored_rows(leaf, what):
    """Return the rows of an array that is not to be read at once, or None for other arrays.

    Args:
        leaf: any array.
        what: what this is called in messages.
    """
    if isinstance(leaf, np.ndarray):
        return StoredRows(leaf, what) if _is_mapped(leaf) and leaf.ndim else None
    if hasattr(leaf, "iloc"):  # a data frame, whose columns are attributes as well
        return None
    if hasattr(leaf, "tocsr"):
        return StoredRows(leaf.tocsr(), what)
    in_chunks = hasattr(leaf, "chunks") and hasattr(leaf, "__getitem__")
    return StoredRows(leaf, what) if in_chunks and len(leaf.shape) else None


def _is_mapped(array):
    """Whether an array, or one that it is a view of, is a memory map."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False
