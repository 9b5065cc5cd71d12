"""Model archives: a zip file, or a folder with the same files, read in the same way."""

import contextlib
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO, NoReturn

from minikeras.saving.guard.errors import refuse
from minikeras.saving.guard.files import Window, regular_file, whole
from minikeras.saving.guard.folder import Folder
from minikeras.saving.guard.json_text import MAX_JSON, parse_json
from minikeras.saving.guard.zip_members import Member, pieces, read_members

# What is read into memory at once, unless the caller names another limit.
MAX_READ = 64 << 20

# How many of the names that are there an error tells.
_SHOWN = 10


class Archive(ABC):
    """The checked files of a model archive.

    Attributes:
        where: the path of the archive, for errors.
        names: the names of its files, sorted; folders are separated by `/`.
    """

    where: str
    names: list[str]

    @abstractmethod
    def size(self, name: str) -> int:
        """The bytes of a member."""

    @abstractmethod
    def view(self, name: str) -> Window:
        """A member as a seekable binary file, valid until the archive is closed."""

    def read(self, name: str, *, limit: int = MAX_READ) -> bytes:
        """The content of a member.

        Args:
            name: the member.
            limit: how many bytes it may have.

        Returns:
            The bytes.

        Raises:
            FileError: if there is no such member, if it has more bytes, or if it is damaged.
        """
        size = self.size(name)
        if size > limit:
            self.refuse(name, f"has {size} bytes; at most {limit} are read")
        return self._content(name)

    @abstractmethod
    def _content(self, name: str) -> bytes:
        """All bytes of a member."""

    def json(self, name: str) -> dict[str, Any]:
        """The JSON object that a member holds; see `parse_json`."""
        return parse_json(self.read(name, limit=MAX_JSON), f"{self.where}: {name}")

    def refuse(self, name: str, reason: str) -> NoReturn:
        """Raise a `FileError` about a member."""
        refuse(f"{self.where}: {name}", reason)

    def _check_known(self, name: str, known: Collection[str]) -> None:
        if name not in known:
            shown = ", ".join(repr(name) for name in self.names[:_SHOWN])
            more = ", ..." if len(self.names) > _SHOWN else ""
            self.refuse(name, f"not in the archive, which holds [{shown}{more}]")


class _ZipArchive(Archive):
    def __init__(self, file: BinaryIO, where: str, stack: contextlib.ExitStack):
        self.where = where
        self._file, self._stack = whole(file, where), stack
        self._members = read_members(self._file)
        self.names = sorted(self._members)
        self._ready: dict[str, Window] = {}

    def size(self, name: str) -> int:
        return self._member(name).size

    def view(self, name: str) -> Window:
        member = self._member(name)
        if name not in self._ready:
            prepare = self._decompressed if member.compressed else self._in_place
            self._ready[name] = prepare(member)
        return self._ready[name].part(0, member.size, member.where)

    def _content(self, name: str) -> bytes:
        return b"".join(pieces(self._file, self._member(name)))

    def _member(self, name: str) -> Member:
        self._check_known(name, self._members)
        return self._members[name]

    def _in_place(self, member: Member) -> Window:
        for _ in pieces(self._file, member):
            pass  # to the end, where the checksum is compared
        return self._file.part(member.offset, member.size, member.where)

    def _decompressed(self, member: Member) -> Window:
        """The content in a temporary file, which has no name and goes when it is closed."""
        file: Any = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        for piece in pieces(self._file, member):
            file.write(piece)
        file.flush()
        return whole(file, member.where)


class _FolderArchive(Archive):
    def __init__(self, path: str | os.PathLike[str], stack: contextlib.ExitStack):
        self._folder = Folder(path, stack)
        self.where = self._folder.where
        self.names = self._folder.names

    def size(self, name: str) -> int:
        return self.view(name).size

    def view(self, name: str) -> Window:
        self._check_known(name, self.names)
        return whole(self._folder.file(name), f"{self.where}: {name}")

    def _content(self, name: str) -> bytes:
        return self.view(name).read()


@contextlib.contextmanager
def open_archive(path: str | os.PathLike[str]) -> Iterator[Archive]:
    """Open a model archive, a zip file or a folder, after its directory has been checked.

    Refused are, before anything is decompressed: names that occur twice or lead out of the archive,
    links, encrypted members, members that overlap or that the directory describes otherwise than
    they are, and sizes far above what is stored. The content of a zip file's member is compared
    with its checksum when it is read.

    Args:
        path: the zip file or the folder. A link to either is followed. Within a folder, links at
            the top may lead to any regular file, as those of model caches do; below, to files in
            the folder alone.

    Yields:
        The archive: `names`, `size(name)`, `read(name)`, `view(name)`, `json(name)`.

    Raises:
        FileError: if it is refused.
        FileNotFoundError: if nothing is there.
        PermissionError: if it may not be read.

    Example:
        >>> import zipfile
        >>> with zipfile.ZipFile("model.keras", "w") as file:
        ...     file.writestr("config.json", '{"units": 3}')
        >>> with open_archive("model.keras") as archive:
        ...     print(archive.names, archive.json("config.json"))
        ['config.json'] {'units': 3}
    """
    with contextlib.ExitStack() as stack:
        # A folder that a save is replacing may have no name for a moment.
        if os.path.isfile(path) or os.path.exists(path) and not os.path.isdir(path):
            file = stack.enter_context(regular_file(path))
            yield _ZipArchive(file, os.fspath(path), stack)
        else:
            yield _FolderArchive(path, stack)
