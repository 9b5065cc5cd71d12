"""Fingerprints of strings: numbers of 64 bits that are the same on every machine.

FarmHash is what TensorFlow hashes strings with (`Fingerprint64`): fast, and the same for
everybody. SipHash-2-4 depends on a key, a "salt", so that nobody who does not know it can choose
strings that collide. Strings of one length go through the same steps, so a function here takes a
matrix of bytes, one string a row, and computes on whole columns of 64-bit words; all sums and
products are modulo 2^64.

Sources: G. Pike, FarmHash, https://github.com/google/farmhash (the variant `farmhashna`);
J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Words = Any
"""An array of uint64: the same word of every string."""

_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
"""Primes between 2^63 and 2^64."""
_CROSS = 0xC6A4A7935BD1E995
"""The multiplier with which TensorFlow makes one fingerprint of two: MurmurHash2's."""
_MASK = (1 << 64) - 1


def farmhash(strings: Sequence[bytes]) -> Words:
    """Return FarmHash's fingerprint of each string.

    Args:
        strings: `bytes`.

    Returns:
        A uint64 array of as many numbers.

    Example:
        >>> hex(farmhash([b"hello"])[0])
        '0xb48be5a931380ce8'
    """
    return _of_each(strings, _farmhash)


def siphash(strings: Sequence[bytes], key: Sequence[int]) -> Words:
    """Return SipHash-2-4 of each string under a key.

    Args:
        strings: `bytes`.
        key: two integers of 64 bits.

    Returns:
        A uint64 array of as many numbers.

    Example:
        >>> hex(siphash([bytes(range(15))], (0x0706050403020100, 0x0F0E0D0C0B0A0908))[0])
        '0xa129ca6149be45e5'
    """
    return _of_each(strings, lambda rows: _siphash(rows, key[0] & _MASK, key[1] & _MASK))


def buckets(values: Sequence[Any], count: int, salt: Sequence[int] | None = None) -> Any:
    """Return into which of several buckets each value falls, by its fingerprint.

    Args:
        values: `bytes`, or integers, which count as their decimal digits.
        count: how many buckets there are.
        salt: the key of SipHash, two integers; None for FarmHash.

    Returns:
        An int64 array of numbers below `count`.
    """
    strings = [v if isinstance(v, bytes) else str(int(v)).encode() for v in values]
    hashes = farmhash(strings) if salt is None else siphash(strings, salt)
    return (hashes % np.uint64(count)).astype(np.int64)


def salt_pair(salt: Any, layer: str) -> list[int] | None:
    """Return a salt as a list of two integers, of which one alone is both; None for None.

    Args:
        salt: int, two of them, or None.
        layer: the name of the layer's class, for the message.

    Raises:
        ValueError: if it is something else.
    """
    pair = [salt, salt] if isinstance(salt, int) else salt
    if pair is None:
        return None
    is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
    if not is_pair or not all(isinstance(k, int) and -(1 << 63) <= k < 1 << 64 for k in pair):
        raise ValueError(
            f"The `salt` argument for `{layer}` can only be a tuple of size 2 integers, or a "
            f"single integer, of 64 bits. Received: salt={salt}."
        )
    return list(pair)


def crossed(first: Words, second: Words) -> Words:
    """Return one fingerprint for each pair of fingerprints; their order counts.

    Args:
        first: uint64 array.
        second: uint64 array of the same shape.

    Returns:
        A uint64 array, as TensorFlow's `FingerprintCat64` has it.
    """
    both = (first ^ _CROSS ^ _mixed(second * _CROSS) * _CROSS) * _CROSS
    return _mixed(_mixed(both) * _CROSS)


def _of_each(strings: Sequence[bytes], function: Callable[[Any], Words]) -> Words:
    """Apply a function of strings of one length to strings of any lengths."""
    results = np.empty(len(strings), np.uint64)
    lengths = np.fromiter(map(len, strings), np.int64, len(strings))
    order = np.argsort(lengths, kind="stable")
    ends = np.flatnonzero(np.diff(lengths[order])) + 1
    for group in _pieces(np.split(order, ends)):
        text = b"".join(map(strings.__getitem__, group.tolist()))
        rows = np.frombuffer(text, np.uint8).reshape(len(group), lengths[group[0]])
        results[group] = function(rows)
    return results


def _pieces(groups: list[Any]) -> Iterator[Any]:
    """Groups of few enough strings that their words stay in the processor's cache."""
    for group in groups:
        for start in range(0, len(group), _AT_ONCE):
            yield group[start : start + _AT_ONCE]


_AT_ONCE = 4096


def _word(rows: Any, start: int, size: int = 8) -> Words:
    """The number that `size` bytes of each string are, least significant byte first."""
    part = np.ascontiguousarray(rows[:, start : start + size])
    return part.view(f"<u{size}")[:, 0].astype(np.uint64)


def _rotated(x: Words, by: int) -> Words:
    """`x` rotated to the right."""
    return (x >> by) | (x << (64 - by))


def _turned(x: Words, by: int) -> Words:
    """`x` rotated to the left."""
    return _rotated(x, 64 - by)


def _mixed(x: Words) -> Words:
    return x ^ (x >> 47)


def _pair(u: Words, v: Words, multiplier: Any) -> Words:
    """128 bits to 64."""
    a = _mixed((u ^ v) * multiplier)
    return _mixed((v ^ a) * multiplier) * multiplier


def _farmhash(rows: Any) -> Words:
    length = rows.shape[1]
    if length <= 16:
        return _short(rows, length)
    if length > 64:
        return _long(rows, length)
    return (_to_32 if length <= 32 else _to_64)(rows, length, (_K2 + 2 * length) & _MASK)


def _short(rows: Any, length: int) -> Words:
    multiplier = (_K2 + 2 * length) & _MASK
    if length >= 8:
        a, b = _word(rows, 0) + _K2, _word(rows, length - 8)
        c = _rotated(b, 37) * multiplier + a
        d = (_rotated(a, 25) + b) * multiplier
        return _pair(c, d, multiplier)
    if length >= 4:
        a, b = _word(rows, 0, 4), _word(rows, length - 4, 4)
        return _pair((a << 3) + length, b, multiplier)
    if length:
        a, b, c = (rows[:, i].astype(np.uint64) for i in (0, length >> 1, length - 1))
        return _mixed((a + (b << 8)) * _K2 ^ ((c << 2) + length) * _K0) * _K2
    return np.full(len(rows), _K2, np.uint64)


def _ends(rows: Any, length: int, first: int, multiplier: int) -> tuple[Words, Words, Words]:
    """The first and the last 16 bytes: what `_to_32` and `_to_64` make of them."""
    a, b = _word(rows, 0) * first, _word(rows, 8)
    c, d = _word(rows, length - 8) * multiplier, _word(rows, length - 16) * _K2
    return a, _rotated(a + b, 43) + _rotated(c, 30) + d, a + _rotated(b + _K2, 18) + c


def _to_32(rows: Any, length: int, multiplier: int) -> Words:
    _, y, z = _ends(rows, length, _K1, multiplier)
    return _pair(y, z, multiplier)


def _to_64(rows: Any, length: int, multiplier: int) -> Words:
    a, y, z = _ends(rows, length, _K2, multiplier)
    z = _pair(y, z, multiplier)
    e, f = _word(rows, 16) * multiplier, _word(rows, 24)
    g = (y + _word(rows, length - 32)) * multiplier
    h = (z + _word(rows, length - 24)) * multiplier
    return _pair(_rotated(e + f, 43) + _rotated(g, 30) + h, e + _rotated(f + a, 18) + g, multiplier)


def _long(rows: Any, length: int) -> Words:
    """56 bytes of state, x, y, z, v and w, that each block of 64 bytes changes."""
    zeros = np.zeros(len(rows), np.uint64)
    y = zeros + ((81 * _K1 + 113) & _MASK)
    z = _mixed(y * _K2 + 113) * _K2
    x = _word(rows, 0) + ((81 * _K2) & _MASK)
    state = x, y, z, (zeros, zeros), (zeros, zeros)
    last = (length - 1) // 64 * 64
    for start in range(0, last, 64):
        state = _block(rows, start, state, _K1, 1)
    x, y, z, v, w = state
    multiplier = ((z & 0xFF) << 1) + _K1
    w0 = w[0] + ((length - 1) & 63)
    v0 = v[0] + w0
    state = x, y, z, (v0, v[1]), (w0 + v0, w[1])
    x, y, z, v, w = _block(rows, length - 64, state, multiplier, 9)
    return _pair(
        _pair(v[0], w[0], multiplier) + _mixed(y) * _K0 + z,
        _pair(v[1], w[1], multiplier) + x,
        multiplier,
    )


def _block(rows: Any, start: int, state: Any, multiplier: Any, weight: int) -> Any:
    x, y, z, v, w = state
    t = [_word(rows, start + 8 * i) for i in range(8)]
    x = _rotated(x + y + v[0] + t[1], 37) * multiplier ^ w[1] * weight
    y = _rotated(y + v[1] + t[6], 42) * multiplier + v[0] * weight + t[5]
    z = _rotated(z + w[0], 33) * multiplier
    v = _half(t[:4], v[1] * multiplier, x + w[0])
    w = _half(t[4:], z + w[1], y + t[2])
    return z, y, x, v, w  # x and z change places


def _half(t: Sequence[Words], a: Words, b: Words) -> tuple[Words, Words]:
    """32 bytes and two seeds to 16 bytes."""
    a = a + t[0]
    b = _rotated(b + a + t[3], 21)
    c = a + t[1] + t[2]
    return c + t[3], b + _rotated(c, 44) + a


_SIP = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
""""somepseudorandomlygeneratedbytes"."""


def _siphash(rows: Any, k0: int, k1: int) -> Words:
    count, length = rows.shape
    padded: Any = np.zeros((count, length // 8 * 8 + 8), np.uint8)
    padded[:, :length] = rows
    padded[:, -1] = length & 0xFF
    keys = zip((k0, k1, k0, k1), _SIP, strict=True)
    v: list[Any] = [np.full(count, key ^ constant, np.uint64) for key, constant in keys]
    for start in range(0, padded.shape[1], 8):
        word = _word(padded, start)
        v[3] = v[3] ^ word
        v = _round(*_round(*v))
        v[0] = v[0] ^ word
    v[2] = v[2] ^ 0xFF
    for _ in range(4):
        v = _round(*v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _round(v0: Words, v1: Words, v2: Words, v3: Words) -> list[Words]:
    v0, v2 = v0 + v1, v2 + v3
    v1, v3 = _turned(v1, 13) ^ v0, _turned(v3, 16) ^ v2
    v0, v2 = _turned(v0, 32) + v3, v2 + v1
    v1, v3 = _turned(v1, 17) ^ v2, _turned(v3, 21) ^ v0
    return [v0, v1, _turned(v2, 32), v3]
