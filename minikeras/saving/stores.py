"""The arrays of a model in HDF5 files: one group for each object, one data set for each variable.

An object at the path `layers/dense` has its variables in the group `layers/dense/vars`, under the
names `0`, `1`, ... and others that it chooses; an attribute of the group holds the object's name.
Sharded weights (`shards`) are several such files.
"""

import contextlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.saving import guard

VARIABLES = "vars"
# In files of Keras 2.13 the layers of a model have this path.
_FORMER_LAYERS = "_layer_checkpoint_dependencies"


class Writer:
    """Write arrays into an HDF5 file.

    Args:
        file: `h5py.File` to write to.
    """

    def __init__(self, file: h5py.File):
        self._file = file
        self._last: tuple[str, h5py.Group] | None = None

    def entry(self, path: str, name: str | None = None) -> "WrittenEntry":
        """Return the mapping into which an object puts its arrays.

        Args:
            path: the object's path, without a slash at its ends.
            name: the object's name, which is written down; None to write nothing yet.
        """
        entry = WrittenEntry(self, f"{path}/{VARIABLES}" if path else VARIABLES)
        if name is not None:
            self.group(entry.path).attrs["name"] = name
        return entry

    def group(self, path: str) -> h5py.Group:
        """Return the group, made if need be, into which an array goes next."""
        # An object's arrays come one after the other, and finding its group takes as long as
        # writing a small one.
        if self._last is None or self._last[0] != path:
            self._last = path, self._file.require_group(path)
        return self._last[1]

    def write(self, path: str, key: str, array: np.ndarray) -> None:
        """Write an array."""
        self.group(path)[key] = array


class WrittenEntry:
    """What `save_own_variables` fills: `store["0"] = array`."""

    def __init__(self, writer: Writer, path: str):
        self._writer = writer
        self.path = path
        self._written: dict[str, tuple[int, ...]] = {}

    def __setitem__(self, key: str, value: Any) -> None:
        array = host_array(value)
        self._writer.write(self.path, key, array)
        self._written[key] = array.shape

    def __len__(self) -> int:
        return len(self._written)

    def __contains__(self, key: str) -> bool:
        return key in self._written

    def keys(self) -> list[str]:
        """Return the names of the arrays that were put in so far."""
        return list(self._written)


def host_array(value: Any) -> np.ndarray:
    """The values of a variable, tensor or array-like in the host's memory, without a copy."""
    array = value.array if isinstance(value, Variable) else value
    array = array.data if isinstance(array, Tensor) else array
    return device.to_numpy(array) if device.on_gpu(array) else np.asarray(array)


class _Unfailing(io.FileIO):
    """A file in which writing never fails: the first failure is kept, and the rest is thrown away.

    HDF5 cannot give up a file that it fails to write: it keeps it open, and ends the process with a
    segmentation fault when that is about to end.
    """

    failure: BaseException | None = None

    def write(self, content: Any) -> int:
        """Write all of the content."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        while rest and self.failure is None:
            with self._kept():
                rest = rest[super().write(rest) :]  # one call of the system writes 2 GiB at most
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the length of the file."""
        if self.failure is None:
            with self._kept():
                super().truncate(size)
        return size or 0

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:  # HDF5 survives an interrupt as little
            self.failure = error


@contextlib.contextmanager
def new_hdf5(path: Path) -> Iterator[h5py.File]:
    """Write an HDF5 file.

    Args:
        path: where to.

    Yields:
        The `h5py.File`, open for writing.

    Raises:
        OSError: if not all of it could be written.
    """
    with _Unfailing(path, "w+") as raw:
        try:
            with h5py.File(raw, "w") as file:
                yield file
        finally:
            if raw.failure is not None:
                raise raw.failure


class Entry(Mapping[str, Any]):
    """What `load_own_variables` reads from: `store["0"]` is a NumPy array.

    Args:
        groups: the groups, one in each file, that hold the object's arrays.
    """

    def __init__(self, groups: list[h5py.Group]):
        self._groups = {str(key): group for group in groups for key in group}
        self._opened: dict[str, Any] = {}

    def __getitem__(self, key: str) -> np.ndarray:
        return guard.read_array(self.dataset(key))

    def __contains__(self, key: object) -> bool:
        return key in self._groups  # what `Mapping` has for it would read the array

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def dataset(self, key: str) -> Any:
        """Return the data set of that name, of which nothing has been read."""
        if key not in self._opened:
            self._opened[key] = self._groups[key][key]
        return self._opened[key]


class Reader:
    """Read arrays from an HDF5 file that `Writer`, or Keras, wrote.

    Args:
        file: an `h5py.File` that `guard.open_hdf5` opened.
    """

    def __init__(self, file: h5py.File):
        self._file = file
        self.is_former = _FORMER_LAYERS in file

    def entry(self, path: str) -> Entry:
        """Return the arrays of the object at that path: none, if the file does not have it."""
        groups = self._groups(f"{path}/{VARIABLES}" if path else VARIABLES)
        if not groups and self.is_former:
            former = path.replace("layers", _FORMER_LAYERS)
            groups = self._groups(f"{former}/{VARIABLES}")
        return Entry(groups)

    def _groups(self, path: str) -> list[h5py.Group]:
        group = self._file.get(path)
        return [group] if isinstance(group, h5py.Group) else []

    def paths(self) -> list[str]:
        """Return the paths of all objects that have arrays in the file."""
        return list(_paths_below(self._file, ""))


def _paths_below(group: h5py.Group, path: str) -> Iterator[str]:
    for name in map(str, group):
        child = group[name]
        if name == VARIABLES and isinstance(child, h5py.Group):
            if len(child):
                yield path
        elif isinstance(child, h5py.Group):
            yield from _paths_below(child, f"{path}/{name}" if path else name)
