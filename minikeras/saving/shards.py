"""Sharded weights: several HDF5 files, and an index (JSON) that says which groups lie where."""

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from minikeras.saving import guard
from minikeras.saving.durable import replacing
from minikeras.saving.stores import VARIABLES, Reader, Writer, new_hdf5

_LONGEST_NAME = 255  # bytes, in the usual file systems
_MAX_INDEX = 2**26  # bytes; what is cut off is no JSON any more
_ATTEMPTS = 100  # to find an index and its files, while saves replace them


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
        self._stem = _stem(path)
        self._shards: list[Path] = []
        self._open = contextlib.ExitStack()
        self._size = 0
        self._total = 0
        self._map: dict[str, Any] = {}
        self._last = None

    def __enter__(self) -> "ShardWriter":
        self._stem, first = _reserved_stem(self._index_path)
        self._shards.append(first)
        try:
            self._open_shard(first)
        except BaseException as error:
            self._give_up(error)
            raise
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            self._open.__exit__(kind, error, trace)
            if kind is None:
                self._replace_index()
        except BaseException as raised:
            error = raised
            raise
        finally:
            if error is not None:
                self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        """Remove the new files, unless the index names them already."""
        if self._shards[0].name in _files_of_index(self._index_path):
            return
        for shard in self._shards:
            shard.unlink(missing_ok=True)
        if self._index_path.exists():
            name = str(self._index_path)
            error.add_note(f"{name!r} is still there, unchanged, with the files that it names.")

    def _open_shard(self, path: Path) -> None:
        self._open = contextlib.ExitStack()
        temporary = self._open.enter_context(replacing(path))
        self._file, self._size = self._open.enter_context(new_hdf5(temporary)), 0
        self._last = None

    def _next_shard(self) -> None:
        self._open.close()
        self._shards.append(_shard(self._index_path, self._stem, len(self._shards)))
        self._open_shard(self._shards[-1])

    def write(self, path: str, key: str, array: np.ndarray) -> None:
        """Write an array, in a further file if this one is full."""
        if array.nbytes > self._limit:
            raise ValueError(
                f"The array '{path}/{key}' has {array.nbytes} bytes, more than one file may have "
                f"with `max_shard_size={self._limit / 2**30}` (in GB). Choose a larger limit."
            )
        if self._size + array.nbytes > self._limit:
            self._next_shard()
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


def _reserved_stem(index: Path) -> tuple[str, Path]:
    """The beginning of names that no file has, and the first of them, made so that none takes it.

    Another process may be saving to the same index, or reading the former one. Names that were in
    use once are not used again, so that it does not find a part of another save under them.
    """
    stem = _stem(index)
    with contextlib.suppress(FileExistsError):
        return stem, _made(_shard(index, stem, 0))
    stem = f"{stem}_{secrets.token_hex(4)}"
    return stem, _made(_shard(index, stem, 0))


def _made(path: Path) -> Path:
    path.touch(exist_ok=False)
    return path


def _make_link(shard: Path, name: Path) -> None:
    """Let a shard have a second name: Keras opens the plainly named one before it looks for any."""
    with replacing(name) as temporary:
        Path(temporary).unlink(missing_ok=True)
        try:
            os.link(shard, temporary)
        except OSError:  # a file system without links
            with new_hdf5(temporary):
                pass


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
    """Whether a file of that name may lie in a folder, on any system."""
    if not isinstance(name, str) or len(name.encode()) > _LONGEST_NAME:
        return False
    return name not in ("", ".", "..") and not set(name) & set("/\\\0:")


class ShardReader(Reader):
    """Read arrays from the files of an index.

    Args:
        path: path of the index.
    """

    def __init__(self, path: Path):
        self._path = path
        self._places: dict[str, list[str]] = {}
        self._files: dict[str, h5py.File] = {}
        self._open = contextlib.ExitStack()
        self.is_former = False

    def __enter__(self) -> "ShardReader":
        # A save that ends meanwhile removes the files of the index before: then there is another.
        for _ in range(_ATTEMPTS):
            self._places = read_index(self._path)
            with contextlib.ExitStack() as stack:
                try:
                    self._files = self._opened(stack)
                except FileNotFoundError as error:
                    if read_index(self._path) == self._places:
                        raise guard.FileError(
                            f"{self._path}: it names a file that is not there: {error.filename}"
                        ) from error
                    continue
                if not self._may_be_replaced() or read_index(self._path) == self._places:
                    self._open = stack.pop_all()
                    return self
        raise guard.FileError(f"{self._path}: the index changes all the time.")

    def __exit__(self, *failure: Any) -> None:
        self._open.__exit__(*failure)

    def _may_be_replaced(self) -> bool:
        """Whether the index names the one shard whose name a later save may use again."""
        first = _shard(self._path, _stem(self._path), 0).name
        return any(first in names for names in self._places.values())

    def _opened(self, stack: contextlib.ExitStack) -> dict[str, h5py.File]:
        names = {name for files in self._places.values() for name in files}
        return {
            name: stack.enter_context(guard.open_hdf5(self._path.with_name(name)))
            for name in sorted(names)
        }

    def _groups(self, path: str) -> list[h5py.Group]:
        groups = [self._files[name].get(path) for name in self._places.get(path, [])]
        return [group for group in groups if isinstance(group, h5py.Group)]

    def paths(self) -> list[str]:
        """Return the paths of all objects that have arrays in the files."""
        ends = [path.removesuffix(VARIABLES).strip("/") for path in self._places]
        return [path for path in ends if self.entry(path)]
