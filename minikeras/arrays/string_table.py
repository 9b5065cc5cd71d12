"""A table of different strings in which whole arrays of NumPy's strings are looked up.

NumPy's strings of one width are rows of 64-bit words (`distinct`). A row is hashed into a slot, and
compared, word by word, with the string of the slot; one that differs goes on to the next slot
(linear probing), until it finds its string or an empty slot. All rows take each of these steps
together, so no step of Python is made for each string.

Source: Knuth, "The Art of Computer Programming", volume 3, section 6.4, algorithm L.
"""

import numpy as np

from minikeras.arrays.distinct import Columns, columns_of, differing, hashed
from minikeras.core.types import Array

_SLOTS_EACH = 4
"""Slots for each string, at least: three of four are empty, so few rows take a second step."""


class StringTable:
    """Different strings, found by whole columns of words.

    Args:
        strings: NumPy array of one axis, of different strings of one width (dtype `S` or `U`).
    """

    def __init__(self, strings: Array):
        self._columns = columns_of(strings)
        self._slots = np.full(1 << (_SLOTS_EACH * len(strings)).bit_length(), -1)
        rows = np.arange(len(strings))
        places = self._places(self._columns)
        while rows.size:
            free = self._slots[places] < 0
            self._slots[places[free]] = rows[free]  # of several rows one stays
            left = self._slots[places] != rows
            rows, places = rows[left], self._next(places[left])

    def find(self, array: Array) -> Array:
        """Return for each string its index in the table, -1 for those that are not there.

        Args:
            array: NumPy array of one axis, of strings of any width and of the table's kind.

        Example:
            >>> StringTable(np.array(["a", "b"])).find(np.array(["b", "c", "a"])).tolist()
            [1, -1, 0]
        """
        columns, is_longer = self._fitted(columns_of(array))
        indices = np.full(len(array), -1)
        rows = np.flatnonzero(~is_longer) if is_longer.any() else np.arange(len(array))
        places = self._places(columns)[rows]
        while rows.size:
            candidates = self._slots[places]
            there = candidates >= 0
            rows, places, candidates = rows[there], places[there], candidates[there]
            differ = differing(columns, rows, self._columns, candidates)
            indices[rows[~differ]] = candidates[~differ]
            rows, places = rows[differ], self._next(places[differ])
        return indices

    def _fitted(self, columns: Columns) -> tuple[Columns, Array]:
        """As many columns as the table has, and which strings are longer than that."""
        count = len(self._columns)
        is_longer = np.zeros(len(columns[0]), bool)
        for column in columns[count:]:
            is_longer |= column != 0
        zeros = np.zeros(len(columns[0]), np.uint64)
        return [*columns[:count], *[zeros] * (count - len(columns))], is_longer

    def _places(self, columns: Columns) -> Array:
        """The slots into which strings are hashed."""
        return (hashed(columns) & np.uint64(self._slots.size - 1)).view(np.int64)

    def _next(self, places: Array) -> Array:
        return (places + 1) & (self._slots.size - 1)
