"""Files that are what they seem: regular files, and windows on parts of them."""

import contextlib
import io
import os
import stat
import threading
from typing import BinaryIO

from minikeras.saving.guard.errors import refuse

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def regular_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading.

    A symbolic link to a regular file is followed: caches of models are made of such links, and who
    calls has chosen the path. A named pipe, at which reading may wait for ever, a socket, a device
    and a folder are refused.

    Args:
        path: where the file is.

    Returns:
        The open file.

    Raises:
        FileError: if something else than a regular file is there.
        FileNotFoundError: if nothing is there.
        PermissionError: if it may not be read.

    Example:
        >>> with open("words.txt", "w") as file:
        ...     size = file.write("one two")
        >>> with regular_file("words.txt") as file:
        ...     file.read()
        b'one two'
    """
    _check_kind(path, os.stat(path).st_mode)
    # O_NONBLOCK: should a pipe have taken the name since, opening it does not wait either.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(os.open(path, flags), "rb"))
        _check_kind(path, os.fstat(file.fileno()).st_mode)
        stack.pop_all()
    return file


def _check_kind(path: str | os.PathLike[str], mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something special")
        refuse(os.fspath(path), f"{kind} is there, where a regular file must be")


# Where reading needs a move first (Windows), one thread does both at a time.
_SEEKING = threading.Lock()


class Window(io.RawIOBase):
    """A part of an open file, read as a file of its own.

    Windows on one file do not disturb each other, nor do threads. Closing one leaves the file open.

    Args:
        file: the open file.
        offset: where the part begins.
        size: how many bytes it has.
        name: what errors call it.
    """

    def __init__(self, file: BinaryIO, offset: int, size: int, name: str):
        self.name = name
        self.size = size
        self._file, self._offset, self._position = file, offset, 0

    def part(self, offset: int, size: int, name: str) -> "Window":
        """A window on a part of this one, with a position of its own."""
        return Window(self._file, self._offset + offset, size, name)

    def __repr__(self) -> str:
        """What h5py calls the file."""
        return self.name

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position from the start of the part."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to another position of the part."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError(f"position {start + offset} is before the start of {self.name}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer) -> int:
        """Fill a buffer as far as the part goes."""
        view = memoryview(buffer).cast("B")
        wanted = max(min(len(view), self.size - self._position), 0)
        done = 0
        while done < wanted:
            # One call of the system reads 2 GiB at most.
            count = self._read_at(self._offset + self._position, view[done:wanted])
            if not count:
                break
            done += count
            self._position += count
        return done

    def readall(self) -> bytes:
        """What is left of the part, read in one go."""
        content = bytearray(max(self.size - self._position, 0))
        return bytes(memoryview(content)[: self.readinto(content)])

    def _read_at(self, position: int, view: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [view], position)
        with _SEEKING:
            self._file.seek(position)
            return self._file.readinto(view)  # type: ignore[attr-defined]


def whole(file: BinaryIO, name: str) -> Window:
    """A window on all of an open regular file."""
    return Window(file, 0, os.fstat(file.fileno()).st_size, name)


class InMemory(io.BytesIO):
    """What a small file holds, read at once; it is used as a `Window`.

    Args:
        content: all of it.
        name: what errors call it.
    """

    def __init__(self, content: bytes, name: str):
        super().__init__(content)
        self.name, self.size, self._content = name, len(content), content

    def part(self, offset: int, size: int, name: str) -> "InMemory":
        """A part of it, with a position of its own."""
        return InMemory(self._content[offset : offset + size], name)

    def __repr__(self) -> str:
        """What h5py calls the file."""
        return self.name


# HDF5 takes many short readings, each of them a call of Python's and of the system's.
_SMALL = 1 << 20


def quickly_read(window: Window | InMemory) -> Window | InMemory:
    """The same bytes, in memory if they are few."""
    if isinstance(window, InMemory) or window.size > _SMALL:
        return window
    window.seek(0)
    return InMemory(window.readall(), window.name)
