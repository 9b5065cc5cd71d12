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
