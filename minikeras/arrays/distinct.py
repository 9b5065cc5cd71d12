"""The distinct strings of an array, and which of them each element is.

Tokens of a text, or categories of a column, repeat. An array that remembers its distinct strings
and a code for each element, the number of its string, is looked up or counted once for each
distinct string; the rest is taking numbers by code, without one step of Python for each element.

NumPy's strings of one width are rows of 64-bit words, so equal ones are found on whole columns.
Each row is hashed into a slot of a table, and the first row of each slot stays there. A row that
equals, word by word, the one in its slot is the same string; the others, which shared the slot with
a different string, go into the next round, with other bits of the hash. So a hash decides how many
rounds there are, never which strings are equal.

An array that remembers is read-only: what is remembered has to stay true.
"""

import weakref
from typing import Any, NamedTuple

import numpy as np

from minikeras.core.types import Array


class Distinct(NamedTuple):
    """Different strings, in the order in which they first occur, and the code of each element."""

    strings: list[bytes]
    codes: Array


_remembered: dict[int, Distinct] = {}
"""By the identity of the array, as long as it lives."""


def remember(array: Array, distinct: Distinct) -> None:
    """Let an array of strings remember its distinct strings, and make it read-only.

    Args:
        array: NumPy array of `bytes` which nobody else holds yet.
        distinct: its strings; the codes have the array's shape.
    """
    array.flags.writeable = False
    _remembered[id(array)] = distinct
    weakref.finalize(array, _remembered.pop, id(array), None).atexit = False


def distinct_of(array: Array) -> Distinct | None:
    """Return the distinct strings of an array that remembers them, and None for another."""
    return _remembered.get(id(array))


LEAST = 1024
"""Elements below which an array is converted as fast without a table."""
WIDEST = 256
"""Bytes above which strings are texts, which seldom repeat."""
_MOST_SLOTS = 1 << 18
"""Slots whose numbers of rows stay in the processor's cache."""


def first_equal(array: Array) -> Array | None:
    """Return for each string the index of the first one that equals it.

    Args:
        array: NumPy array of one axis, of strings of one width (dtype `S` or `U`).

    Returns:
        An array of integers; None if it is short, or if too few strings repeat.

    Example:
        >>> first_equal(np.array(["a", "b", "a", "c"] * 500)).tolist()[:5]
        [0, 1, 0, 3, 0]
    """
    if len(array) < LEAST or not 0 < array.dtype.itemsize <= WIDEST:
        return None
    columns = columns_of(array)
    hashes = hashed(columns)
    first, rows = np.empty(len(array), np.intp), np.arange(len(array))
    slots = np.empty(min(_MOST_SLOTS, 1 << (len(array) // 4).bit_length()), np.intp)
    while rows.size:
        slot = (hashes & np.uint64(slots.size - 1)).view(np.int64)
        slots[slot[::-1]] = rows[::-1]  # of several rows the last one written stays: the first
        first[rows] = winners = slots[slot]
        left = np.flatnonzero(differing(columns, winners, columns, rows))
        if 2 * left.size > rows.size:  # there are more strings than slots: few repeat
            return None
        rows, hashes = rows[left], _rehashed(hashes[left])
    return first


Columns = list[Array]
"""The 64-bit words of strings, one array for each place."""


def columns_of(array: Array) -> Columns:
    """Return the 64-bit words of each string, padded with zeros.

    Args:
        array: NumPy array of one axis, of strings of one width (dtype `S` or `U`).
    """
    size = -(-array.dtype.itemsize // 8)
    letters = size * 8 // (4 if array.dtype.kind == "U" else 1)
    words: Any = array.astype(f"{array.dtype.kind}{letters}").view(np.uint64).reshape(-1, size)
    columns: Any = np.ascontiguousarray(words.T)
    return list(columns)


_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio, an odd number: Knuth's multiplicative hashing."""


def _rehashed(hashes: Array) -> Array:
    """Hashes whose low bits depend on all bits of the former ones."""
    product = hashes * _MULTIPLIER
    return product ^ (product >> np.uint64(32))


def hashed(columns: Columns) -> Array:
    """Return a hash of 64 bits of each string, which depends on how many columns there are."""
    hashes = _rehashed(columns[0])
    for column in columns[1:]:
        hashes = _rehashed(hashes ^ column)
    return hashes


def differing(some: Columns, rows: Array, others: Columns, other_rows: Array) -> Array:
    """Return whether strings at some indices are different from others at other indices.

    Args:
        some: columns of strings.
        rows: array of indices in them.
        others: as many columns.
        other_rows: as many indices in these.
    """
    different: Array = np.zeros(len(rows), bool)
    for column, other in zip(some, others, strict=True):
        different |= column.take(rows) != other.take(other_rows)
    return different
