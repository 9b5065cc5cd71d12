"""An archive that is a folder: which files it has, and that all are of one save."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from minikeras.saving.durable import readable_folder
from minikeras.saving.guard.errors import refuse
from minikeras.saving.guard.files import regular_file
from minikeras.saving.guard.names import MAX_MEMBERS, check_names

_MAX_DEPTH = 64

# Files that are opened at once; systems allow 256 or 1024 for a process.
_OPEN_AT_ONCE = 100

# A save that goes on replaces the folder at most once while it is looked at.
_ATTEMPTS = 5


class Folder:
    """The files of a folder at one moment.

    The files are opened when the folder is, so that a save that replaces the folder meanwhile does
    not mix with what is read. Where they are too many for that, the others are opened later, and
    refused if the folder has been replaced.

    Args:
        path: the folder.
        stack: what closes the files.
    """

    def __init__(self, path: str | os.PathLike[str], stack: contextlib.ExitStack):
        self.where = os.fspath(path)
        self._stack = stack
        for _ in range(_ATTEMPTS):
            if self._open(path):
                return
        refuse(self.where, "the folder changes all the time")

    def _open(self, path: str | os.PathLike[str]) -> bool:
        """Open what is at the path now; whether it was one and the same folder all the time."""
        self._folder = readable_folder(path)
        self._identity = self._current()
        with contextlib.ExitStack() as opened:
            try:
                self.names = sorted(_files(self._folder, self.where))
                check_names(self.where, self.names)
                # Those at the top first: the configuration and the weights.
                first = sorted(self.names, key=lambda name: name.count("/"))[:_OPEN_AT_ONCE]
                self._files = {
                    name: opened.enter_context(regular_file(self._folder / name)) for name in first
                }
            except FileNotFoundError:
                if self._current() == self._identity:
                    raise
                return False
            if self._current() != self._identity:
                return False
            self._stack.enter_context(opened.pop_all())
            return True

    def _current(self) -> object:
        try:
            status = self._folder.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino, status.st_ctime_ns

    def file(self, name: str) -> BinaryIO:
        """The open file of a member."""
        if name not in self._files:
            file = self._stack.enter_context(regular_file(self._folder / name))
            if self._current() != self._identity:
                refuse(f"{self.where}: {name}", "the folder was replaced while it was read")
            self._files[name] = file
        return self._files[name]


def _files(folder: Path, where: str) -> Iterator[str]:
    """The names of all files below a folder."""
    waiting, count = [""], 0
    while waiting:
        prefix = waiting.pop()
        if prefix.count("/") > _MAX_DEPTH:
            refuse(where, f"folders are nested more than {_MAX_DEPTH} deep")
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                count += 1
                if count > MAX_MEMBERS:
                    refuse(where, f"more than {MAX_MEMBERS} files")
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name + "/")
                else:
                    _check_file(folder, name, entry, where)
                    yield name


def _check_file(folder: Path, name: str, entry: os.DirEntry[str], where: str) -> None:
    """Refuse what is no regular file, or a link that leads out of the folder.

    A link at the top of the folder may lead anywhere: caches of models keep the weights elsewhere
    and link them. An archive that is unpacked safely brings no links at all.
    """
    if not entry.is_file():
        refuse(f"{where}: {name}", "not a regular file")
    if entry.is_symlink() and "/" in name:
        target = Path(os.path.realpath(entry.path))
        if not target.is_relative_to(os.path.realpath(folder)):
            refuse(f"{where}: {name}", f"a link that leads out of the folder, to {str(target)!r}")
