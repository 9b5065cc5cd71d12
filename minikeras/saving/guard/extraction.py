"""Archives that are unpacked: all of it below one folder, or nothing.

Members are written one by one, as plain files and folders with the permissions of new ones. Links,
devices and names that lead out are refused, whatever they would point to.
"""

import bz2
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minikeras.saving.durable import replacing_folder
from minikeras.saving.guard.errors import check_ratio, damaged, refuse
from minikeras.saving.guard.files import Window, regular_file, whole
from minikeras.saving.guard.names import MAX_MEMBERS, check_name
from minikeras.saving.guard.zip_members import pieces, read_members

_PIECE = 1 << 20

# `xz -9` asks for 65 MiB; the format lets a file ask for 4 GiB.
_MAX_DICTIONARY = 128 << 20

# Names of any length come in headers of their own, which Python reads into memory.
_MAX_EXTENSION = 1 << 20
_CONTENT = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)

_DAMAGED = (tarfile.TarError, EOFError, OSError, ValueError, OverflowError, RuntimeError)
_DAMAGED_STREAM = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)

_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "tar.gz": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "tar.bz2": bz2.BZ2Decompressor,
    "tar.xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_DICTIONARY),
}

FORMATS = ("zip", "tar", *_DECOMPRESSORS)

# How files of each format begin; a tar file itself has its checksum only.
_BEGINNINGS = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # one without members
    b"\x1f\x8b": "tar.gz",
    b"BZh": "tar.bz2",
    b"\xfd7zXZ\0": "tar.xz",
}

# A member: its name, whether it is a folder, and what reads it.
_Entry = tuple[str, bool, Callable[[], Iterator[bytes]]]


def extract_archive(
    path: str | os.PathLike[str], target: str | os.PathLike[str], format: str
) -> None:
    """Unpack an archive into a folder that is new, or that it replaces.

    Args:
        path: the archive.
        target: the folder to make. A folder that is there is replaced when all is unpacked.
        format: `"zip"`, `"tar"`, `"tar.gz"`, `"tar.bz2"` or `"tar.xz"`.

    Raises:
        ValueError: if the format is none of these.
        FileError: if the archive is damaged, declares far more than it stores, or has a member
            that is no file or folder below the target; and if the target is a link.

    Example:
        >>> import zipfile
        >>> with zipfile.ZipFile("data.zip", "w") as file:
        ...     file.writestr("images/one.txt", "1")
        >>> extract_archive("data.zip", "data", "zip")
        >>> Path("data/images/one.txt").read_text()
        '1'
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {format!r}")
    if os.path.islink(target):
        refuse(os.fspath(target), "the folder to unpack into is a link")
    with regular_file(path) as file:
        source = whole(file, os.fspath(path))
        with replacing_folder(target) as folder:
            for name, is_folder, content in _entries(source, format):
                _write(folder / name, is_folder, content(), f"{source.name}: {name}")


def archive_format(path: str | os.PathLike[str]) -> str | None:
    """Say which format an archive has, by its first bytes.

    Args:
        path: a file.

    Returns:
        `"zip"`, `"tar"`, `"tar.gz"`, `"tar.bz2"` or `"tar.xz"`; None if it is no such archive.

    Raises:
        FileError: if the start of a compressed file is damaged.

    Example:
        >>> import zipfile
        >>> with zipfile.ZipFile("data.zip", "w") as file:
        ...     file.writestr("images/one.txt", "1")
        >>> archive_format("data.zip")
        'zip'
    """
    with regular_file(path) as file:
        source = whole(file, os.fspath(path))
        block = source.read(tarfile.BLOCKSIZE) or b""
        formats = [form for start, form in _BEGINNINGS.items() if block.startswith(start)]
        form = formats[0] if formats else "tar"
        if form in _DECOMPRESSORS:
            source.seek(0)
            block = _Decompressed(source, _DECOMPRESSORS[form]).read(tarfile.BLOCKSIZE)
    return form if form == "zip" or _begins_a_tar_file(block) else None


def _begins_a_tar_file(block: bytes) -> bool:
    """Whether a block is the header of a member, or the end of a file without members."""
    try:
        tarfile.TarInfo.frombuf(block, tarfile.ENCODING, "surrogateescape")
    except tarfile.HeaderError:
        return len(block) == tarfile.BLOCKSIZE and not block.strip(b"\0")
    return True


def _write(path: Path, is_folder: bool, content: Iterator[bytes], where: str) -> None:
    """Make one file or folder; the folder that it lies in is our own and holds no links."""
    with damaged(where, FileExistsError, NotADirectoryError, IsADirectoryError):
        (path if is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        if not is_folder:
            with open(path, "xb") as file:
                for piece in content:
                    file.write(piece)


def _entries(source: Window, format: str) -> Iterator[_Entry]:
    if format == "zip":
        for name, member in read_members(source).items():
            yield name, False, lambda member=member: pieces(source, member)
    elif format == "tar":
        yield from _tar_entries(source, source)
    else:
        stream = _Decompressed(source, _DECOMPRESSORS[format])
        yield from _tar_entries(stream, source)


class _Header(tarfile.TarInfo):
    """A header whose extensions, which are read into memory, are short."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Any:
        """Parse one header."""
        header = super().frombuf(buf, encoding, errors)
        if header.type not in _CONTENT and header.size > _MAX_EXTENSION:
            raise tarfile.ReadError(f"an extended header of {header.size} bytes")
        return header


def _tar_entries(stream: Any, source: Window) -> Iterator[_Entry]:
    """The members of a tar file, one after the other as they come."""
    # A stream is never read twice, so what is checked is what is written.
    with (
        damaged(source.name, *_DAMAGED),
        tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive,
    ):
        for number, member in enumerate(archive):
            if number == MAX_MEMBERS:
                refuse(source.name, f"more than {MAX_MEMBERS} members")
            name = _checked_name(member, source)
            if name:
                yield name, member.isdir(), lambda member=member: _tar_content(archive, member)
        while stream.read(_PIECE):
            pass  # to the end, where the checksum of the compressed data is


def _checked_name(member: tarfile.TarInfo, source: Window) -> str:
    """A member's name below the target; empty for the target itself."""
    where = f"{source.name}: {member.name[:200]}"
    if member.type not in _CONTENT or member.sparse is not None:
        refuse(where, "a link, a device or something else that is no plain file or folder")
    name = _tar_name(member.name)
    if name:
        check_name(where, name)
    return name


def _tar_name(name: str) -> str:
    """The name without `./` at its start and `/` at its end, both of which `tar` writes."""
    while name.startswith("./"):
        name = name[2:]
    return "" if name == "." else name.rstrip("/")


def _tar_content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file: Any = archive.extractfile(member)
    left = member.size
    while left:
        with damaged(member.name, *_DAMAGED):
            piece = file.read(min(left, _PIECE))
            if not piece:
                raise EOFError("the archive ends within a member")
        left -= len(piece)
        yield piece


class _Decompressed:
    """A compressed file as a stream of what it stands for, of which there is a bound.

    Args:
        source: the file.
        make: makes the decompressor of one stream; a file may hold several, one after the other.
    """

    def __init__(self, source: Window, make: Callable[[], Any]):
        self._source, self._make = source, make
        self._decompressor, self._input, self._buffer = make(), b"", b""
        self._size = 0

    def read(self, count: int) -> bytes:
        """The next bytes; fewer only at the end."""
        pieces = [self._buffer]
        size = len(self._buffer)
        while size < count:
            piece = self._next()
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        content = b"".join(pieces)
        self._buffer = content[count:]
        return content[:count]

    def _next(self) -> bytes:
        """The next piece, empty at the end of the file."""
        with damaged(self._source.name, *_DAMAGED_STREAM):
            while True:
                piece, more = self._step()
                self._size += len(piece)
                check_ratio(self._source.name, self._size, self._source.size)
                if piece or not more:
                    return piece

    def _step(self) -> tuple[bytes, bool]:
        """Decompress what is there; whether there may be more."""
        if self._decompressor.eof:
            self._input = self._decompressor.unused_data or self._source.read(_PIECE) or b""
            if not self._input.strip(b"\0"):
                return b"", False
            self._decompressor = self._make()
        content, ended = self._input, False
        if not content and getattr(self._decompressor, "needs_input", True):
            content = self._source.read(_PIECE) or b""
            ended = not content
        piece = self._decompressor.decompress(content, _PIECE)
        self._input = getattr(self._decompressor, "unconsumed_tail", b"")
        if ended and not piece and not self._decompressor.eof:
            raise EOFError("the compressed data end too early")
        return piece, True
