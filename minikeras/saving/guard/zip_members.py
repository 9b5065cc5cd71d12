"""The members of a zip file, checked against each other and against what is really there."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from minikeras.saving.guard.errors import check_ratio, damaged, refuse
from minikeras.saving.guard.files import Window
from minikeras.saving.guard.names import check_names

# All that `zipfile` raises about a file that is no good zip file.
_DAMAGED = (
    zipfile.BadZipFile,
    NotImplementedError,
    struct.error,
    ValueError,
    EOFError,
    OverflowError,
    IndexError,
    RuntimeError,
)

# The local header of a member: signature, version, flags, method, time, date, CRC-32, stored size,
# size, length of the name, length of the extra field (APPNOTE.TXT of PKWARE, 4.3.7).
_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_IN_ZIP64_FIELD = 0xFFFFFFFF

# Of the records at the end (4.3.14 to 4.3.16): signature and number of members; the address of the
# record for large archives, and the number in it.
_END = struct.Struct("<4s6xH10x")
_LOCATOR_64 = struct.Struct("<8xQ4x")
_END_64 = struct.Struct("<32xQ")
_IN_ZIP64_RECORD = 0xFFFF

_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_SIZES_FOLLOW = 0x0008

_PIECE = 1 << 20


@dataclass(frozen=True)
class Member:
    """A member of a zip file: where its bytes are, and what they must be.

    Attributes:
        where: the archive and the name, for errors.
        name: the name.
        start: where the header of the member begins.
        offset: where its bytes begin.
        stored: how many they are.
        size: how many they are when decompressed.
        crc: the CRC-32 of these.
        compressed: whether they are compressed.
    """

    where: str
    name: str
    start: int
    offset: int
    stored: int
    size: int
    crc: int
    compressed: bool


def read_members(file: Window) -> dict[str, Member]:
    """Read and check the directory of a zip file.

    Args:
        file: the whole file.

    Returns:
        The members that are files, by their names.

    Raises:
        FileError: if the file is no zip file, or has anything that a model archive may not have.
    """
    where = file.name
    with damaged(where, *_DAMAGED), zipfile.ZipFile(file) as archive:  # type: ignore[arg-type]
        infos, end, comment = archive.infolist(), archive.start_dir, archive.comment
        count = _declared_members(file, len(comment))
    if len(infos) != count:
        refuse(where, f"damaged: the directory has {len(infos)} members, {count} are declared")
    # `filename` ends at the first NUL, which hides what follows.
    check_names(where, [info.orig_filename for info in infos])
    members = [_member(file, info) for info in infos]
    _check_places(where, members, end)
    return {member.name: member for member in members if not member.name.endswith("/")}


def _declared_members(file: Window, comment: int) -> int:
    """The number of members that the end of the file declares, which `zipfile` does not compare."""
    position = file.size - _END.size - comment
    signature, count = _END.unpack(_read(file, position, _END.size))
    if signature != b"PK\x05\x06":
        refuse(file.name, "the file does not end where the archive does")
    if count == _IN_ZIP64_RECORD:
        (record,) = _LOCATOR_64.unpack(_read(file, position - _LOCATOR_64.size, _LOCATOR_64.size))
        (count,) = _END_64.unpack(_read(file, record, _END_64.size))
    return count


def _read(file: Window, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count) or b""


def _member(file: Window, info: zipfile.ZipInfo) -> Member:
    where = f"{file.name}: {info.filename}"
    if info.flag_bits & _ENCRYPTED:
        refuse(where, "the member is encrypted")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        refuse(where, "the member is a link or something else that is no regular file")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse(where, f"compression method {info.compress_type}; 0 (none) or 8 is expected")
    compressed = info.compress_type == zipfile.ZIP_DEFLATED
    if not compressed and info.file_size != info.compress_size:
        refuse(where, f"declares {info.file_size} bytes where {info.compress_size} are stored")
    check_ratio(where, info.file_size, info.compress_size)
    return Member(
        where=where,
        name=info.filename,
        start=info.header_offset,
        offset=info.header_offset + _local_header(file, info, where),
        stored=info.compress_size,
        size=info.file_size,
        crc=info.CRC,
        compressed=compressed,
    )


def _local_header(file: Window, info: zipfile.ZipInfo, where: str) -> int:
    """The length of a member's own header, which must say what the directory says."""
    if info.header_offset < 0:
        refuse(where, "the member begins before the file")
    header = _read(file, info.header_offset, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_LOCAL_SIGNATURE):
        refuse(where, "no header is where the member must begin")
    _, _, flags, method, _, _, crc, stored, size, name_length, extra = _LOCAL.unpack(header)
    name = file.read(name_length) or b""
    encoding = "utf-8" if info.flag_bits & 0x800 else "cp437"
    same = (flags, method) == (info.flag_bits, info.compress_type)
    same = same and name == info.orig_filename.encode(encoding, "replace")
    pairs = (crc, info.CRC), (stored, info.compress_size), (size, info.file_size)
    for local, central in pairs:
        later = local == _IN_ZIP64_FIELD or (flags & _SIZES_FOLLOW and local == 0)
        same = same and (local == central or bool(later))
    if not same:
        refuse(where, "the header of the member differs from the directory of the archive")
    return _LOCAL.size + name_length + extra


def _check_places(where: str, members: list[Member], end: int) -> None:
    """Refuse members that overlap, or that reach beyond the start of the directory."""
    position, before = 0, "the start"
    for member in sorted(members, key=lambda member: member.start):
        if member.start < position:
            refuse(member.where, f"overlaps {before!r}")
        position, before = member.offset + member.stored, member.name
    if position > end:
        refuse(where, f"the member {before!r} reaches beyond the members' part of the file")


def pieces(file: Window, member: Member) -> Iterator[bytes]:
    """The content of a member, piece by piece, and at the end the check that it was all.

    Args:
        file: the whole file.
        member: which part of it.

    Yields:
        Bytes, one MiB at most.

    Raises:
        FileError: if they are more, fewer or others than the archive declares.
    """
    source = file.part(member.offset, member.stored, member.where)
    size = crc = 0
    for piece in _inflated(source) if member.compressed else _raw(source):
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        if size > member.size:
            refuse(member.where, f"holds more than the {member.size} bytes that it declares")
        yield piece
    if size < member.size:
        refuse(member.where, f"declares {member.size} bytes and holds {size}")
    if crc != member.crc:
        refuse(member.where, "damaged: the checksum (CRC-32) is not that of the content")


def _raw(source: Window) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece


def _inflated(source: Window) -> Iterator[bytes]:
    """Decompress, never more than one piece at a time."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    with damaged(source.name, zlib.error):
        for stored in _raw(source):
            while stored and not inflate.eof:
                yield inflate.decompress(stored, _PIECE)
                stored = inflate.unconsumed_tail
        while piece := inflate.decompress(inflate.unconsumed_tail, _PIECE):
            yield piece
        if not inflate.eof or inflate.unused_data:
            refuse(source.name, "damaged: the compressed data do not end where they must")
