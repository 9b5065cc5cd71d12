"""Which HDF5 types a file of weights may use, and how much of what it may hold."""

import struct
from dataclasses import dataclass
from typing import Any

from h5py import h5t  # type: ignore[attr-defined]  # compiled

from minikeras.saving.guard.errors import refuse
from minikeras.saving.guard.hdf5_raw import RawStrings

# All that h5py raises about a damaged file.
DAMAGED = (
    struct.error,
    OSError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    OverflowError,
    MemoryError,
    SystemError,
)

# Names of layers, configurations, vocabularies: all strings of variable length in one file.
MAX_STRINGS = 64 << 20

_LARGEST_NUMBER = 8
_BFLOAT16 = 2  # stored as so many opaque bytes


@dataclass
class Limits:
    """What one file may still hold, as it is checked.

    Attributes:
        where: the file, for errors.
        size: its bytes.
        raw: finds its strings of variable length.
        stored: the bytes of the data sets seen so far.
        strings: the bytes of the strings of variable length seen so far.
    """

    where: str
    size: int
    raw: RawStrings
    stored: int = 0
    strings: int = 0

    def inside(self, path: bytes) -> str:
        """How errors name an object of the file."""
        return f"{self.where}: {path.decode(errors='replace')}"

    def add_stored(self, where: str, count: int) -> None:
        """Count bytes of a data set."""
        self.stored += count
        if self.stored > self.size:
            refuse(where, f"the data sets store {self.stored} bytes, in a file of {self.size}")

    def add_strings(self, where: str, count: int) -> None:
        """Count bytes of strings."""
        self.strings += count
        if self.strings > MAX_STRINGS:
            refuse(where, f"more than {MAX_STRINGS} bytes of strings are in the file")


def is_variable_string(kind: Any) -> bool:
    """Whether values of a type are strings that lie elsewhere in the file."""
    return isinstance(kind, h5t.TypeStringID) and kind.is_variable_str()


def check_kind(kind: Any, where: str) -> None:
    """Refuse types other than numbers, booleans, strings and bfloat16.

    Args:
        kind: an HDF5 type.
        where: the file and the object in it.
    """
    if not _is_allowed(kind):
        refuse(where, f"the type {_name(kind)} is none of weights or names")


def _is_allowed(kind: Any) -> bool:
    group, size = kind.get_class(), kind.get_size()
    if group in (h5t.INTEGER, h5t.FLOAT):
        # A float of unusual bits is read into a wider type than the one that is stored.
        return max(size, kind.dtype.itemsize) <= _LARGEST_NUMBER and kind.dtype.kind in "iuf"
    if group == h5t.STRING:
        return True
    if group == h5t.ENUM:  # h5py's booleans
        return kind.get_nmembers() == 2 and kind.dtype.kind == "b"
    if group == h5t.COMPOUND:
        return kind.get_nmembers() == 2 and kind.dtype.kind == "c"
    return group == h5t.OPAQUE and size == _BFLOAT16


def _name(kind: Any) -> str:
    try:
        return str(kind.dtype)
    except DAMAGED:
        return f"of class {kind.get_class()}"
