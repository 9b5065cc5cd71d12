"""HDF5 files of weights: the whole tree is checked before anything in it is followed or read.

HDF5 can name other files (external links, external storage, virtual data sets), declare numbers
that are nowhere stored (fill values, chunks that were never written), refer in circles, and ask for
filters that load code. Files of Keras need none of this. What a data set declares is held to what
is stored for it, and what all data sets store to the size of the file, so reading them takes no
more memory than the file explains.

The file is read through a `Window`, never by its name: HDF5 opens nothing itself and takes no lock.
A lock would fail on media that can only be read, and protects nothing: saves replace files whole.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any, TypeAlias

import h5py
import numpy as np
from h5py import h5d, h5f, h5g, h5l, h5o  # type: ignore[attr-defined]  # compiled

from minikeras.saving.guard.errors import damaged, refuse
from minikeras.saving.guard.files import InMemory, Window, quickly_read, regular_file, whole
from minikeras.saving.guard.hdf5_attributes import check_attributes
from minikeras.saving.guard.hdf5_data import check_dataset
from minikeras.saving.guard.hdf5_groups import check_group, check_indexes
from minikeras.saving.guard.hdf5_raw import RawStrings
from minikeras.saving.guard.hdf5_types import DAMAGED, Limits, check_kind

MAX_DEPTH = 64
MAX_OBJECTS = 1_000_000
_LONGEST_NAME = 4096

_LINKS = {
    h5l.TYPE_SOFT: "a soft link",
    h5l.TYPE_EXTERNAL: "an external link, to another file",
}


# A group or the file, the name of an object in it, its path, and the address of its header.
_Child: TypeAlias = tuple[Any, bytes, bytes, int]


@contextlib.contextmanager
def open_hdf5(source: str | os.PathLike[str] | Window | InMemory) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, after all of its tree has been checked.

    Refused are: links other than plain names of objects, two names of one object, storage in other
    files, virtual data sets, filters other than gzip, LZF, shuffle and Fletcher's checksum, data
    sets that declare more than is stored, types that hold no weights or names, and all that HDF5
    itself can't read.

    Args:
        source: the path of the file, or a member of an archive: `archive.view(name)`.

    Yields:
        The open file.

    Raises:
        FileError: if it is refused.
        FileNotFoundError: if nothing is there.
        PermissionError: if it may not be read.

    Example:
        >>> with h5py.File("weights.h5", "w") as file:
        ...     file["layers/dense/vars/0"] = np.ones((2, 3))
        >>> with open_hdf5("weights.h5") as file:
        ...     print(read_array(file["layers/dense/vars/0"], shape=(2, 3)).sum())
        6.0
    """
    with contextlib.ExitStack() as stack:
        if not isinstance(source, (Window, InMemory)):
            file = stack.enter_context(regular_file(source))
            source = whole(file, os.fspath(source))
        with damaged(source.name, *DAMAGED):
            source = quickly_read(source)
            raw = RawStrings(source)
            check_group(raw, raw.root, source.name)
            check_indexes(raw, raw.root, source.name)
            source.seek(0)
            opened = stack.enter_context(h5py.File(source, "r"))
            _check_tree(opened.id, Limits(source.name, source.size, raw))
        yield opened


def _check_tree(root: h5f.FileID, limits: Limits) -> None:
    """Visit every object once, by names that have been checked on the way."""
    waiting: list[_Child] = [(root, b"/", b"/", limits.raw.root)]
    addresses: dict[int, bytes] = {}
    while waiting:
        parent, name, path, address = waiting.pop()
        where = limits.inside(path)
        with damaged(where, *DAMAGED):
            if address in addresses:
                refuse(where, f"is the same object as {addresses[address].decode()!r}")
            addresses[address] = path
            check_group(limits.raw, address, where)  # of anything else it finds nothing to check
            check_indexes(limits.raw, address, where)
            item = h5o.open(parent, name)
            h5o.get_info(item)  # reads all that belongs to it, so that damage shows now
            check_attributes(item, address, where, limits)
            if isinstance(item, h5d.DatasetID):
                check_dataset(item, where, limits)
            elif isinstance(item, h5g.GroupID):
                item.get_create_plist()  # h5py asks for it whenever it lists a group
                waiting += _children(item, path, where)
            else:
                refuse(where, "neither a group nor a data set")
        if len(addresses) + len(waiting) > MAX_OBJECTS:
            refuse(limits.where, f"more than {MAX_OBJECTS} objects")


def _children(group: h5g.GroupID, path: bytes, where: str) -> list[_Child]:
    """What is in a group; none of it is followed here."""
    links: list[tuple[bytes, int, int]] = []

    def note(name: bytes, info: Any) -> bool | None:
        links.append((bytes(name), info.type, info.u))
        return True if len(links) > MAX_OBJECTS else None  # True ends the iteration

    group.links.iterate(note, info=True)
    if links and path.count(b"/") > MAX_DEPTH:
        refuse(where, f"groups are nested more than {MAX_DEPTH} deep")
    for name, kind, _ in links:
        inside = f"{where}: {name[:200].decode(errors='replace')!r}"
        if kind != h5l.TYPE_HARD:
            refuse(inside, f"is {_LINKS.get(kind, 'a link of an unknown kind')}")
        _check_name(name, inside)
    stem = path.rstrip(b"/") + b"/"
    return [(group, name, stem + name, address) for name, _, address in links]


def _check_name(name: bytes, where: str) -> None:
    text = name.decode("utf-8")
    if not text or len(text) > _LONGEST_NAME or "/" in text or text in (".", ".."):
        refuse(where, "can't be the name of an object")


def read_array(
    dataset: Any, shape: tuple[int, ...] | None = None, dtype: Any = None
) -> np.ndarray[Any, Any]:
    """Read a data set into memory, after its shape and dtype have been compared.

    Args:
        dataset: a data set of a file that `open_hdf5` has opened.
        shape: the shape that it must have; None for any.
        dtype: the dtype of the result, to which the stored one must be convertible without a
            change of kind (float to float, integer to float); None for the stored one.

    Returns:
        The array, in the machine's byte order. Keras stores bfloat16 as two opaque bytes: these
        become float32, which holds the same values.

    Raises:
        FileError: if it is no data set, has another shape or dtype, or can't be read.

    Example:
        >>> with h5py.File("weights.h5", "w") as file:
        ...     file["bias"] = np.zeros(2)
        >>> with open_hdf5("weights.h5") as file:
        ...     read_array(file["bias"], shape=(2,), dtype="float32")
        array([0., 0.], dtype=float32)
    """
    where = _where(dataset)
    if not isinstance(dataset, h5py.Dataset):
        refuse(where, f"a data set is expected, not a {type(dataset).__name__}")
    with damaged(where, *DAMAGED):
        if shape is not None and dataset.shape != tuple(shape):
            refuse(where, f"has shape {dataset.shape}; {tuple(shape)} is expected")
        check_kind(dataset.id.get_type(), where)
        stored = dtype_when_read(dataset)
        if dtype is not None and not np.can_cast(stored, dtype, "same_kind"):
            refuse(where, f"has dtype {stored}, which does not convert to {np.dtype(dtype)}")
        array = np.asarray(dataset[...])
        if array.dtype == _BFLOAT16:
            # `np.asarray`: of an array without axes, a shift makes a scalar.
            array = np.asarray(array.view("<u2").astype(np.uint32) << 16).view(np.float32)
        return array.astype(dtype or array.dtype.newbyteorder("="), copy=False)


_BFLOAT16 = np.dtype("V2")


def dtype_when_read(dataset: Any) -> np.dtype:
    """Return the dtype of the array that `read_array` makes of a data set without being told one.

    Args:
        dataset: a data set of a file that `open_hdf5` has opened.

    Returns:
        A NumPy dtype: float32 for two opaque bytes, which are bfloat16, else the stored one.

    Example:
        >>> with h5py.File("weights.h5", "w") as file:
        ...     file["bias"] = np.array([16256], "<u2").view("V2")
        >>> with open_hdf5("weights.h5") as file:
        ...     dtype_when_read(file["bias"]), read_array(file["bias"])
        (dtype('float32'), array([1.], dtype=float32))
    """
    return np.dtype("float32") if dataset.dtype == _BFLOAT16 else dataset.dtype


def _where(item: Any) -> str:
    try:
        return f"{item.file.filename}: {item.name}"
    except DAMAGED + (AttributeError,):
        return "HDF5 file"
