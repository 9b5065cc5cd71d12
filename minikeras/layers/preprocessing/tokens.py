"""Tokens, strings or integers: documents of different lengths, and their places in a vocabulary."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minikeras.arrays.distinct import distinct_of
from minikeras.arrays.string_table import StringTable
from minikeras.arrays.strings import as_strings, may_be_strings, narrowed
from minikeras.autograd.tensor import Tensor
from minikeras.layers.preprocessing.adapting import host_array_of, is_array


class Documents:
    """Rows of tokens, of any lengths.

    Args:
        rows: one sequence of tokens for each document.

    Attributes:
        values: list of all tokens, document after document.
        lengths: int64 array, how many of them each document has.
    """

    def __init__(self, rows: Sequence[Sequence[Any]]):
        self.values = list(itertools.chain.from_iterable(rows))
        self.lengths = np.fromiter(map(len, rows), np.int64, len(rows))

    def rows(self) -> Iterable[list[Any]]:
        """Return the tokens of each document."""
        values = iter(self.values)
        return (list(itertools.islice(values, length)) for length in self.lengths.tolist())

    def dense(self, indices: Any, fill: int, width: int | None) -> Any:
        """Put numbers, one for each token, into a matrix with one document a row.

        Args:
            indices: int64 array as long as `values`.
            fill: what stands after the end of a document.
            width: the number of columns; that of the longest document for None.

        Returns:
            An int64 array `(documents, width)`.
        """
        width = int(self.lengths.max(initial=0)) if width is None else width
        matrix = np.full((len(self.lengths), width), fill, np.int64)
        kept = np.minimum(self.lengths, width)
        ends = np.cumsum(self.lengths)
        inside = np.arange(width) < kept[:, None]
        if (self.lengths > width).any():
            place = np.arange(len(indices)) - np.repeat(ends - self.lengths, self.lengths)
            indices = indices[place < width]
        matrix[inside] = indices
        return matrix


def documents_of(data: Any, dtype: str) -> Documents:
    """Return a batch of data as documents: one a row; a vector is a single one.

    Args:
        data: `Documents`, an array, nested lists, or a ragged tensor of TensorFlow.
        dtype: `"string"` or `"int64"`.
    """
    if isinstance(data, Documents):
        return data
    if hasattr(data, "to_list"):
        return Documents([token_array(row, dtype).ravel().tolist() for row in data.to_list()])
    array = np.atleast_2d(token_array(data, dtype))
    return Documents([row.ravel().tolist() for row in array])


def token_counts(data: Any, dtype: str) -> dict[Any, int]:
    """Return how often each token occurs in a batch of data.

    Args:
        data: what `documents_of` takes.
        dtype: `"string"` or `"int64"`.
    """
    if isinstance(data, Documents) or hasattr(data, "to_list"):
        return Counter(documents_of(data, dtype).values)
    array = token_array(data, dtype)
    if dtype != "string":
        numbers, counts = np.unique(array, return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    distinct = distinct_of(array)
    if distinct is None:
        return Counter(array.ravel().tolist())
    counts = np.bincount(distinct.codes.ravel())
    return dict(zip(distinct.strings, counts.tolist(), strict=True))


def token_array(data: Any, dtype: str) -> Any:
    """Return data as a NumPy array of `bytes`, for `"string"`, or of int64.

    Raises:
        ValueError: if they have no array form, or there is something else than strings.
        TypeError: if they are numbers in place of strings, or lists of fractions.
    """
    if isinstance(data, Tensor) and data.dtype == dtype == "string":
        return data.data
    if is_array(data):
        array = host_array_of(data)
    else:
        array = np.asarray(data)
        if array.dtype.kind == "f" and array.size and dtype != "string":
            raise TypeError(f"Expected integers, but received a list of floats: {data!r}")
    if dtype != "string":
        return array.astype(np.int64)
    if not array.size:
        return array.astype(object)
    if may_be_strings(array):
        return as_strings(array)
    raise TypeError(
        f"Expected strings, but received an array of dtype {array.dtype} and shape {array.shape}. "
        "Use IntegerLookup for integers, or turn them into text, as with `x.astype(str)`."
    )


class Vocabulary:
    """Tokens and their indices, which follow each other from `start` on.

    Args:
        tokens: list of different `bytes` or ints.
        start: the index of the first one.
        others: dict of further tokens to their indices.
    """

    def __init__(self, tokens: list[Any], start: int, others: dict[Any, int]):
        self.tokens = tokens
        self.start = start
        self._places = {**dict(zip(tokens, itertools.count(start))), **others}
        self._texts: dict[Any, int] | None = None
        self._tables: dict[str, tuple[StringTable, Any]] = {}
        keys = list(self._places)
        if keys and isinstance(keys[0], int):
            order = np.argsort(np.array(keys, np.int64))
            self._keys = np.array(keys, np.int64)[order]
            self._indices = np.array(list(self._places.values()), np.int64)[order]

    def find(self, values: Any, missing: int) -> Any:
        """Return the index of each token, `missing` for those that are not in the vocabulary.

        Args:
            values: list of `bytes`, or int64 array of one axis.
            missing: an int.

        Returns:
            An int64 array.
        """
        if not isinstance(values, np.ndarray):
            places = map(self._places.get, values, itertools.repeat(missing))
            return np.fromiter(places, np.int64, len(values))
        if not self._places:
            return np.full(values.shape, missing, np.int64)
        nearest = np.minimum(np.searchsorted(self._keys, values), len(self._keys) - 1)
        return np.where(self._keys[nearest] == values, self._indices[nearest], missing)

    def find_texts(self, array: Any, missing: int) -> Any:
        """Return the index of each text in an array that is not converted to `bytes`.

        Args:
            array: NumPy array of one axis, of NumPy's text or bytes, or of Python's objects.
            missing: an int, which also stands for objects of another type than the first one.

        Returns:
            An int64 array.
        """
        if array.dtype.kind == "O":
            places = self._by_text() if isinstance(array[0], str) else self._places
            return _gotten(places.get, array, missing)
        array = narrowed(array)
        if not self._places:
            return np.full(array.shape, missing, np.int64)
        table, indices = self._table(array.dtype.kind)
        return np.append(indices, missing)[table.find(array)]

    def _by_text(self) -> dict[Any, int]:
        """The indices by Python's text: a dict whose keys are all text is the fastest one."""
        if self._texts is None:
            self._texts = {_decoded(key): i for key, i in self._keyed()}
            self._texts.pop(None, None)
        return self._texts

    def _keyed(self) -> Iterable[tuple[bytes, int]]:
        """Strings and their indices; a mask token may be None."""
        return (pair for pair in self._places.items() if pair[0] is not None)

    def _table(self, kind: str) -> tuple[StringTable, Any]:
        """The tokens in NumPy's strings of a kind, and their indices."""
        if kind not in self._tables:
            # NumPy's strings have no zeros at their ends; and not all bytes are text.
            pairs = [pair for pair in self._keyed() if not pair[0].endswith(b"\0")]
            if kind == "U":
                pairs = [(_decoded(key), i) for key, i in pairs if _decoded(key) is not None]
            keys, indices = zip(*pairs, strict=True) if pairs else ((), ())
            table = StringTable(np.array(keys or [""], kind))
            self._tables[kind] = table, np.array(indices, np.int64)
        return self._tables[kind]


_AT_ONCE = 4096
"""Objects that stay in the processor's cache while they are looked up."""


def _gotten(get: Callable[..., Any], array: Any, missing: int) -> Any:
    """What a dict has for each of an array's objects, block by block."""
    indices = np.empty(len(array), np.int64)
    for start in range(0, len(array), _AT_ONCE):
        block = array[start : start + _AT_ONCE].tolist()
        places = map(get, block, itertools.repeat(missing))
        indices[start : start + _AT_ONCE] = np.fromiter(places, np.int64, len(block))
    return indices


def _decoded(token: bytes) -> str | None:
    """A token as text; None if it is none."""
    try:
        return token.decode()
    except UnicodeDecodeError:
        return None
