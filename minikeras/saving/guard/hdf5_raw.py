"""HDF5 strings of variable length, from the bytes of the file and before HDF5 reads them.

Such a string is a reference (its length, the address of a global heap collection, a number in it).
Many references may name one long string, which HDF5 would copy for each; and HDF5 does not return
from a damaged collection. So references and collections are followed here first, after the "HDF5
File Format Specification", version 3: object headers (IV.A.1), attribute messages (IV.A.2.m), the
global heap (III.E).
"""

import struct
from collections.abc import Iterator

from minikeras.saving.guard.errors import refuse
from minikeras.saving.guard.files import InMemory, Window

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SIZES = {0: 13, 1: 13, 2: 9, 3: 9}  # where a superblock says how long addresses and lengths are
_BASE = {0: 24, 1: 28, 2: 12, 3: 12}  # where it says which address the file begins at
_ROOT = {0: 64, 1: 68, 2: 36, 3: 36}  # where it says at which address the first group is

_ATTRIBUTE, _CONTINUATION = 0x000C, 0x0010
_SHARED = 0x02
_MAX_BLOCKS = 10_000

_REFERENCE = struct.Struct("<IQI")
_HEAP_HEADER = struct.Struct("<4sB3xQ")
_HEAP_OBJECT = struct.Struct("<HH4xQ")
_MESSAGE_1 = struct.Struct("<HHB3x")
_MESSAGE_2 = struct.Struct("<BHB")


class RawStrings:
    """Finds how long the strings of variable length in a file are.

    Args:
        file: the whole file.

    Attributes:
        root: the address of the object header of the file's first group.
    """

    def __init__(self, file: Window | InMemory):
        self._file, self._where = file.part(0, file.size, file.name), file.name
        self._collections: dict[int, dict[int, int]] = {}
        self._heap_bytes = 0
        self._latest: tuple[int, list[tuple[int, int, bytes]]] | None = None  # header, messages
        start = self.at(0, 48)
        version = start[8]
        if not start.startswith(_SIGNATURE) or version not in _SIZES:
            refuse(self._where, "no HDF5 file, or one that begins with something else")
        sizes, base = _SIZES[version], _BASE[version]
        if start[sizes : sizes + 2] != b"\x08\x08" or any(start[base : base + 8]):
            refuse(self._where, "an HDF5 file whose addresses are not as h5py writes them")
        if version >= 2 and start[20:28] != b"\xff" * 8:
            refuse(self._where, "an HDF5 file with an extension of its superblock")
        self.root = int.from_bytes(self.at(_ROOT[version], 8), "little")

    def in_attribute(self, header: int, name: bytes, count: int, where: str) -> int:
        """The bytes of an attribute's strings.

        Args:
            header: the address of the object header.
            name: the name of the attribute.
            count: how many strings it has.
            where: what errors name.
        """
        bodies = [body for body in self.messages(header, _ATTRIBUTE) if _name_of(body) == name]
        if len(bodies) != 1:
            refuse(where, "an attribute of strings that is not in the object's header, once")
        content = bodies[0]
        references = content[_data_offset(content) :][: count * _REFERENCE.size]
        return self._lengths(references, count, where)

    def in_block(self, offset: int, count: int, where: str) -> int:
        """The bytes of the strings that a data set of one piece, at an offset, refers to."""
        return self._lengths(self.at(offset, count * _REFERENCE.size), count, where)

    def _lengths(self, references: bytes, count: int, where: str) -> int:
        if len(references) != count * _REFERENCE.size:
            refuse(where, f"{count} strings, not all of which are stored")
        total = 0
        for length, address, index in _REFERENCE.iter_unpack(references):
            if not length and not address:
                continue  # HDF5's form of the empty string
            if self._collection(address, where).get(index) != length:
                refuse(where, "damaged: a string is not where the file says")
            total += length
        return total

    def _collection(self, address: int, where: str) -> dict[int, int]:
        """The sizes of the objects of a global heap collection, by their numbers."""
        if address in self._collections:
            return self._collections[address]
        signature, version, size = _HEAP_HEADER.unpack(self.at(address, _HEAP_HEADER.size))
        self._heap_bytes += size
        if signature != b"GCOL" or version != 1 or self._heap_bytes > self._file.size:
            refuse(where, "damaged: a string refers to no global heap collection")
        objects = self._collections[address] = _heap_objects(self.at(address, size), where)
        return objects

    def at(self, address: int, count: int) -> bytes:
        """Return bytes of the file, all of which must be there."""
        if address + count > self._file.size:
            refuse(self._where, "damaged: an address leads out of the file")
        self._file.seek(address)
        return self._file.read(count) or b""

    def messages(self, header: int, wanted: int) -> Iterator[bytes]:
        """Iterate over the contents of an object's messages of one type.

        Args:
            header: the address of its object header.
            wanted: the type.
        """
        if self._latest is None or self._latest[0] != header:
            self._latest = header, list(self._all_messages(header))
        for kind, flags, body in self._latest[1]:
            if kind == wanted and not (flags & _SHARED and kind == _ATTRIBUTE):
                yield body  # of other kinds HDF5 takes no notice of the flag

    def _all_messages(self, header: int) -> Iterator[tuple[int, int, bytes]]:
        """Type, flags and content of each message of an object."""
        start = self.at(header, 4)
        version_2 = start == b"OHDR"
        blocks = [self._first_block_2(header) if version_2 else self._first_block_1(header)]
        for number, (address, size) in enumerate(blocks):  # `blocks` grows as it is read
            if number > _MAX_BLOCKS:
                refuse(self._where, "damaged: an object header without end")
            block = self.at(address, size)
            for kind, flags, body in self._messages(block, header if version_2 else None):
                if kind == _CONTINUATION:
                    blocks.append(_continued(body, version_2))
                else:
                    yield kind, flags, body

    def _first_block_1(self, header: int) -> tuple[int, int]:
        version, size = struct.unpack("<B7xI4x", self.at(header, 16))
        if version != 1:
            refuse(self._where, f"damaged: an object header of version {version}")
        return header + 16, size

    def _first_block_2(self, header: int) -> tuple[int, int]:
        flags = self.at(header, 6)[5]
        start = header + 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
        width = 1 << (flags & 3)
        return start + width, int.from_bytes(self.at(start, width), "little")

    def _messages(self, block: bytes, header_2: int | None) -> Iterator[tuple[int, int, bytes]]:
        """Type, flags and content of each message in a block of an object header."""
        form, extra = _MESSAGE_1, 0
        if header_2 is not None:
            form = _MESSAGE_2
            extra = 2 * bool(self.at(header_2, 6)[5] & 0x04)  # the order of creation
        position = 0
        while position + form.size + extra <= len(block):
            kind, size, flags = form.unpack_from(block, position)
            position += form.size + extra
            yield kind, flags, block[position : position + size]
            position += size


def _continued(body: bytes, version_2: bool) -> tuple[int, int]:
    """Where a header goes on. In version 2 a signature and a checksum enclose the messages."""
    address, size = struct.unpack_from("<QQ", body)
    return (address + 4, max(size - 8, 0)) if version_2 else (address, size)


def _heap_objects(collection: bytes, where: str) -> dict[int, int]:
    sizes: dict[int, int] = {}
    position = _HEAP_HEADER.size
    while position + _HEAP_OBJECT.size <= len(collection):
        index, _, size = _HEAP_OBJECT.unpack_from(collection, position)
        # Number 0 is the free space, whose size counts its own header.
        step = _HEAP_OBJECT.size + (size + 7) // 8 * 8 if index else size
        position += step
        if step < _HEAP_OBJECT.size or position > len(collection) or index in sizes:
            refuse(where, "damaged: a global heap collection contradicts itself")
        sizes[index] = size
    return sizes


def _lengths_of(body: bytes) -> tuple[int, int, int, int]:
    """Version, and the bytes of the name, the type and the shape in an attribute message."""
    version, _, name, kind, shape = struct.unpack_from("<BBHHH", body)
    return version, name, kind, shape


def _name_of(body: bytes) -> bytes:
    version, length, _, _ = _lengths_of(body)
    start = 9 if version == 3 else 8  # version 3 has a byte for the encoding of the name
    return body[start : start + length].split(b"\0")[0]


def _data_offset(body: bytes) -> int:
    version, *lengths = _lengths_of(body)
    if version == 1:  # each part is filled up to a multiple of 8
        return 8 + sum((length + 7) // 8 * 8 for length in lengths)
    return (9 if version == 3 else 8) + sum(lengths)
