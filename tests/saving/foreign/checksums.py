"""Damage that checksums do not show: blocks of newer HDF5 files, changed and signed again.

HDF5 files of `libver="latest"` have checksums of their metadata, by Jenkins's lookup3, so that a
change at random never comes further. An attacker computes them. After the "HDF5 File Format
Specification", version 3: superblocks (II.B), B-trees (III.A.2), fractal heaps (III.G), object
headers (IV.A.1.b).
"""

import io
import struct

import h5py

_WORD = 0xFFFFFFFF


def newer(content):
    """An HDF5 file, copied into the newest form."""
    target = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as old, h5py.File(target, "w", libver="latest") as new:
        new.attrs.update(old.attrs)
        for name in old:
            _copy(old[name], new, name)
    return target.getvalue()


def _copy(item, parent, name):
    if isinstance(item, h5py.Dataset):
        copied = parent.create_dataset(name, data=item[()])
    else:
        copied = parent.create_group(name, track_order=len(item) == 1)
        for inner in item:
            _copy(item[inner], copied, inner)
    copied.attrs.update(item.attrs)


def forged(draw, content):
    """A copy in which one to three blocks have other bytes, and the right checksum."""
    content = bytearray(content)
    for _ in range(draw.choice([1, 1, 3])):
        blocks = blocks_of(content)
        if blocks:
            start, end = draw.choice(blocks)
            _change(draw, content, start + 4, end)
            sign(content, start, end)
    return bytes(content)


def _change(draw, content, start, end):
    for _ in range(draw.choice([1, 1, 2])):
        form, size = draw.choice([("<B", 1), ("<B", 1), ("<H", 2), ("<I", 4), ("<Q", 8)])
        place = draw.randrange(start, max(end - size, start) + 1)
        old = struct.unpack_from(form, content, place)[0]
        near = [old + 1, old - 1, old ^ 1 << draw.randrange(8), old * 2]
        value = draw.choice([*near, 0, 1, 2**64 - 1, draw.getrandbits(64), draw.randrange(4096)])
        struct.pack_into(form, content, place, value % 256**size)


def sign(content, start, end):
    """Write the checksum of the bytes between two places after them."""
    struct.pack_into("<I", content, end, lookup3(bytes(content[start:end])))


def blocks_of(content):
    """Where the blocks are that are followed by their checksum."""
    blocks = []
    for signature, size_of in _SIZES.items():
        start = content.find(signature)
        while start >= 0:
            size = size_of(content, start)
            if start + size + 4 <= len(content):
                blocks.append((start, start + size))
            start = content.find(signature, start + 4)
    return [(a, b) for a, b in blocks if sum(content[b : b + 4]) and _is_signed(content, a, b)]


def _is_signed(content, start, end):
    return struct.unpack_from("<I", content, end)[0] == lookup3(bytes(content[start:end]))


def _header_size(content, start):
    flags = content[start + 5]
    width = 1 << (flags & 3)
    place = start + 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
    size = int.from_bytes(content[place : place + width], "little")
    return place + width + size - start


def _leaf_size(content, start):
    """Signature, version and type, and the records: as many as the only tree in question says."""
    tree = content.rfind(b"BTHD", 0, start)
    if tree < 0:
        return 0
    size, _, _, _, _, count = struct.unpack_from("<HHBBQH", content, tree + 10)
    return 6 + size * count


_SIZES = {
    b"\x89HDF\r\n\x1a\n": lambda content, start: 44,
    b"OHDR": _header_size,
    b"BTHD": lambda content, start: 34,
    b"BTLF": _leaf_size,
    b"FRHP": lambda content, start: 142,
}


def lookup3(data):
    """Bob Jenkins's hash `hashlittle` of bytes, from 0, as HDF5 uses it."""
    a = b = c = 0xDEADBEEF + len(data) & _WORD
    while len(data) > 12:
        x, y, z = struct.unpack_from("<III", data)
        a, b, c = _mixed(a + x & _WORD, b + y & _WORD, c + z & _WORD)
        data = data[12:]
    if not data:
        return c
    x, y, z = struct.unpack("<III", data.ljust(12, b"\0"))
    return _final(a + x & _WORD, b + y & _WORD, c + z & _WORD)


def _rotated(x, k):
    return (x << k | x >> 32 - k) & _WORD


def _mixed(a, b, c):
    for k, m, n in ((4, 6, 8), (16, 19, 4)):
        a = (a - c & _WORD) ^ _rotated(c, k)
        c = c + b & _WORD
        b = (b - a & _WORD) ^ _rotated(a, m)
        a = a + c & _WORD
        c = (c - b & _WORD) ^ _rotated(b, n)
        b = b + a & _WORD
    return a, b, c


def _final(a, b, c):
    for which, k in enumerate((14, 11, 25, 16, 4, 14, 24)):
        if which % 3 == 0:
            c = (c ^ b) - _rotated(b, k) & _WORD
        elif which % 3 == 1:
            a = (a ^ c) - _rotated(c, k) & _WORD
        else:
            b = (b ^ a) - _rotated(a, k) & _WORD
    return c
