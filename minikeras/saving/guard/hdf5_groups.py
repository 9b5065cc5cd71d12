"""HDF5 groups, from the bytes of the file and before HDF5 lists what is in them.

A group of the older form is a B-tree of symbol table nodes and a local heap with the names. HDF5
follows the heap's list of free blocks, and the tree, as far as they lead: in a circle, it takes
memory without end. Both are followed here first, after the "HDF5 File Format Specification",
version 3: B-trees (III.A.1), local heaps (III.D), the symbol table message (IV.A.2.r).
"""

import struct

from minikeras.saving.guard.errors import refuse
from minikeras.saving.guard.hdf5_raw import RawStrings

_SYMBOL_TABLE = 0x0011
_LINK_INFO, _ATTRIBUTE_INFO, _LAYOUT = 0x0002, 0x0015, 0x0008

_UNDEFINED = b"\xff" * 8
_CHUNKED = 2
# Of the indexes of chunks, those that are no structure of their own.
_SINGLE_CHUNK, _IMPLICIT = 1, 2

_ADDRESSES = struct.Struct("<QQ")
_HEAP = struct.Struct("<4sB3xQQQ")
_FREE_BLOCK = struct.Struct("<QQ")
_END_OF_LIST = 1
_NODE = struct.Struct("<4sBBH16x")
_CHILD = struct.Struct("<8xQ")


def check_group(raw: RawStrings, header: int, where: str) -> None:
    """Refuse a group whose tree or heap is damaged.

    Args:
        raw: the bytes of the file.
        header: the address of the group's object header.
        where: the file and the path in it.
    """
    for body in raw.messages(header, _SYMBOL_TABLE):
        if len(body) < _ADDRESSES.size:
            refuse(where, "damaged: a symbol table without addresses")
        tree, heap = _ADDRESSES.unpack_from(body)
        _check_heap(raw, heap, where)
        _check_tree(raw, tree, where)


def check_indexes(raw: RawStrings, header: int, where: str) -> None:
    """Refuse an object of which parts are found through an index of newer HDF5.

    These are fractal heaps, B-trees of version 2, and arrays of chunks (III.A.2, III.G, VII.C to
    VII.D). HDF5 trusts what they say of sizes once a checksum is right, which anybody can compute,
    and writes beyond its memory. No file of Keras has any.

    Args:
        raw: the bytes of the file.
        header: the address of the object header.
        where: the file and the path in it.
    """
    for kind, width in ((_LINK_INFO, 8), (_ATTRIBUTE_INFO, 2)):
        for body in raw.messages(header, kind):
            start = 2 + width * (body[1] & 1)  # after the largest number of creation
            if body[start : start + 8] != _UNDEFINED:
                refuse(where, f"has so many links or attributes that HDF5 indexes them. {_ADVICE}")
    for body in raw.messages(header, _LAYOUT):
        if body[0] < 4 or body[1] != _CHUNKED:
            continue
        kind = body[5 + body[3] * body[4]]
        if kind not in (_SINGLE_CHUNK, _IMPLICIT):
            refuse(where, f"has chunks in an index of newer HDF5. {_ADVICE}")


_ADVICE = "Write the file without `libver` and `track_order`, as Keras does."


def _check_heap(raw: RawStrings, address: int, where: str) -> None:
    signature, _, size, position, data = _HEAP.unpack(raw.at(address, _HEAP.size))
    if signature != b"HEAP":
        refuse(where, "damaged: no heap of names is where the group says")
    positions: set[int] = set()
    while position != _END_OF_LIST:
        if position in positions or position + _FREE_BLOCK.size > size:
            refuse(where, "damaged: the free blocks of a heap of names lead in a circle, or out")
        positions.add(position)
        position, _ = _FREE_BLOCK.unpack(raw.at(data + position, _FREE_BLOCK.size))


def _check_tree(raw: RawStrings, root: int, where: str) -> None:
    waiting: list[tuple[int, int | None]] = [(root, None)]  # with the level that a node must have
    addresses = {root}
    while waiting:
        address, expected = waiting.pop()
        signature, kind, level, used = _NODE.unpack(raw.at(address, _NODE.size))
        if signature != b"TREE" or kind or (expected is not None and level != expected):
            refuse(where, "damaged: the tree of a group has a node of another kind")
        children = raw.at(address + _NODE.size, used * _CHILD.size)
        for (child,) in _CHILD.iter_unpack(children):
            if child in addresses:
                refuse(where, "damaged: the tree of a group leads to a node twice")
            addresses.add(child)
            if level:
                waiting.append((child, level - 1))
