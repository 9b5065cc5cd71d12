"""The arrays of a model in HDF5 files: one group for each object, one data set for each variable.

An object at the path `layers/dense` has its variables in the group `layers/dense/vars`, under the
names `0`, `1`, ... and others that it chooses; an attribute of the group holds the object's name.
Sharded weights are several such files and an index (JSON) that says which groups lie where.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.saving import guard
from minikeras.saving.durable import replacing

VARIABLES = "vars"
_MAX_INDEX = 2**26  # bytes; what is cut off is no JSON any more
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
        array = _host(value)
        self._writer.write(self.path, key, array)
        self._written[key] = array.shape

    def __len__(self) -> int:
        return len(self._written)

    def __contains__(self, key: str) -> bool:
        return key in self._written

    def keys(self) -> list[str]:
        """Return the names of the arrays that were put in so far."""
        return list(self._written)


def _host(value: Any) -> np.ndarray:
    """The values of a variable, tensor or array-like in the host's memory, without a copy."""
    array = value.array if isinstance(value, Variable) else value
    array = array.data if isinstance(array, Tensor) else array
    return device.to_numpy(array) if device.on_gpu(array) else np.asarray(array)


class ShardWriter(Writer):
    """Write arrays into several HDF5 files, each no larger than a limit, and an index of them.

    The index names its files, and a save takes names that no file has yet: until the new index is
    in its place, the old one and all of its files are whole.

    Args:
        path: path of the index, which ends in `.json`.
        max_shard_size: gigabytes (2**30 bytes) of weights in one file.
    """

    def __init__(self, path: Path, max_shard_size: float):
        self._index_path = path
        self._limit = max_shard_size * 2**30
        self._stem = _unused_stem(path)
        self._shards: list[Path] = []
        self._open: Any = None
        self._size = 0
        self._total = 0
        self._map: dict[str, Any] = {}
        self._last = None

    def __enter__(self) -> "ShardWriter":
        self._begin_shard()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            self._end_shard(kind, error, trace)
            if kind is None:
                self._replace_index()
        except BaseException:
            kind = kind or OSError
            raise
        finally:
            if kind is not None:
                for shard in self._shards:
                    shard.unlink(missing_ok=True)

    def _begin_shard(self) -> None:
        path = _shard(self._index_path, self._stem, len(self._shards))
        replaced = replacing(path)
        file = h5py.File(replaced.__enter__(), "w")
        self._shards.append(path)
        self._open, self._file, self._size = replaced, file, 0
        self._last = None

    def _end_shard(self, *failure: Any) -> None:
        self._file.close()
        self._open.__exit__(*failure)

    def write(self, path: str, key: str, array: np.ndarray) -> None:
        """Write an array, in a further file if this one is full."""
        if array.nbytes > self._limit:
            raise ValueError(
                f"The array '{path}/{key}' has {array.nbytes} bytes, more than one file may have "
                f"with `max_shard_size={self._limit / 2**30}` (in GB). Choose a larger limit."
            )
        if self._size + array.nbytes > self._limit:
            self._end_shard(None, None, None)
            self._begin_shard()
        self._size += array.nbytes
        self._total += array.nbytes
        super().write(path, key, array)
        files = self._map.setdefault(f"/{path}", [])
        if self._shards[-1].name not in files:
            files.append(self._shards[-1].name)

    def _replace_index(self) -> None:
        former = _files_of_index(self._index_path)
        places = {path: f[0] if len(f) == 1 else f for path, f in self._map.items()}
        index = {"metadata": {"total_size": self._total}, "weight_map": places}
        with replacing(self._index_path) as temporary:
            Path(temporary).write_text(json.dumps(index, indent=4))
        first = _shard(self._index_path, _stem(self._index_path), 0)
        for name in former - {first.name, *(shard.name for shard in self._shards)}:
            self._index_path.with_name(name).unlink(missing_ok=True)
        if first not in self._shards:
            _make_link(self._shards[0], first)


def _stem(index: Path) -> str:
    return index.stem.removesuffix(".weights")


def _shard(index: Path, stem: str, number: int) -> Path:
    return index.with_name(f"{stem}_{number:05}.weights.h5")


def _unused_stem(index: Path) -> str:
    """The beginning of the names of an index's files, of which none exists."""
    stem, count = _stem(index), 0
    while _shard(index, f"{stem}_{count}" if count else stem, 0).exists():
        count += 1
    return f"{stem}_{count}" if count else stem


def _make_link(shard: Path, name: Path) -> None:
    """Let a shard have a second name: Keras opens the plainly named one before it looks for any."""
    with replacing(name) as temporary:
        Path(temporary).unlink(missing_ok=True)
        try:
            os.link(shard, temporary)
        except OSError:  # a file system without links
            h5py.File(temporary, "w").close()


def _files_of_index(path: Path) -> set[str]:
    """The files that an index names; none if there is no index, or it cannot be read."""
    try:
        return {name for names in read_index(path).values() for name in names}
    except (OSError, ValueError):
        return set()


def read_index(path: Path) -> dict[str, list[str]]:
    """Return the names of the files that hold each group of sharded weights.

    Raises:
        FileError: if it is not such an index, or names a file of another folder.
    """
    with guard.regular_file(path) as file:
        index = guard.parse_json(file.read(_MAX_INDEX), str(path))
    places = index.get("weight_map")
    if not isinstance(places, dict):
        raise guard.FileError(f"{path}: there is no 'weight_map' in this index of weights.")
    files: dict[str, list[str]] = {}
    for group, names in places.items():
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, list) or not all(_is_plain_name(name) for name in names):
            raise guard.FileError(
                f"{path}: '{group}' should lie in files of this folder. Received: {names!r}"
            )
        files[group.strip("/")] = names
    return files


def _is_plain_name(name: Any) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0:")


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


class ShardReader(Reader):
    """Read arrays from the files of an index.

    Args:
        path: path of the index.
    """

    def __init__(self, path: Path):
        self._path = path
        self._places = read_index(path)
        self._files: dict[str, Any] = {}
        self.is_former = False

    def __enter__(self) -> "ShardReader":
        return self

    def __exit__(self, *failure: Any) -> None:
        for opened, _ in self._files.values():
            opened.__exit__(*failure)

    def _groups(self, path: str) -> list[h5py.Group]:
        groups = [self._shard(name).get(path) for name in self._places.get(path, [])]
        return [group for group in groups if isinstance(group, h5py.Group)]

    def _shard(self, name: str) -> h5py.File:
        if name not in self._files:
            opened = guard.open_hdf5(self._path.with_name(name))
            self._files[name] = (opened, opened.__enter__())
        return self._files[name][1]

    def paths(self) -> list[str]:
        """Return the paths of all objects that have arrays in the files."""
        ends = [path.removesuffix(VARIABLES).strip("/") for path in self._places]
        return [path for path in ends if self.entry(path)]
