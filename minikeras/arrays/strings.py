"""Strings in arrays: NumPy arrays of dtype object that hold `bytes`, of text in UTF-8.

A tensor of dtype `"string"` holds such an array. It lies in main memory whatever the current
device, and no op computes with it: layers that read text turn it into numbers
(`layers/preprocessing`). So all that the engine knows of strings is how they come in, here, and
that they have no place on a GPU (`device`).
"""

import weakref
from typing import Any

import numpy as np

from minikeras.arrays.distinct import Distinct, first_equal, remember
from minikeras.core.types import Array

_OBJECTS = np.dtype(object)
_KINDS = "OSTU"
"""Of NumPy's dtypes: Python objects, bytes, and its two kinds of text."""


def may_be_strings(array: Array) -> bool:
    """Say whether the dtype of an array is one that strings come in."""
    return array.dtype.kind in _KINDS


def holds_strings(array: Array, like: Array) -> bool:
    """Say whether an array of one axis holds strings alone, of the type of another one's first.

    Args:
        array: NumPy array of one of the dtypes that strings come in.
        like: another one, of the same dtype.
    """
    if array.dtype.kind in "SU":
        return True
    kinds = set(map(type, like[:1].tolist()))
    return kinds <= {str, bytes} and set(map(type, array.tolist())) <= kinds


def is_strings(array: Any) -> bool:
    """Say whether an array is that of a string tensor."""
    return getattr(array, "dtype", None) == _OBJECTS


def as_strings(array: Array) -> Array:
    r"""Return an array of text, bytes or Python strings as one of `bytes`.

    Args:
        array: NumPy array of any shape, of one of the dtypes that strings come in.

    Returns:
        An array of dtype object; the very same if it held nothing but `bytes`.

    Raises:
        ValueError: if there is something else among the strings.

    Example:
        >>> as_strings(np.array(["a", "é"])).tolist()
        [b'a', b'\xc3\xa9']
    """
    if array.dtype.kind in "SU":
        return _of_one_width(array)
    values: list[Any] = array.ravel().tolist()
    kinds: set[Any] = set(map(type, values))
    if kinds <= {bytes}:
        return array if is_strings(array) else filled(values, array.shape)
    others = [kind for kind in kinds if not issubclass(kind, (str, bytes))]
    if others:
        other = next(value for value in values if type(value) in others)
        raise ValueError(
            f"Expected strings, but received {other!r} (of type {type(other).__name__}) in an "
            f"array of shape {array.shape} and dtype {array.dtype}. Turn numbers into an array of "
            "a number's dtype first, as with `x.astype('float32')`, and fill in what is missing."
        )
    if kinds == {str}:
        return filled(list(map(str.encode, values)), array.shape)
    return filled([v.encode() if isinstance(v, str) else v for v in values], array.shape)


def _of_one_width(array: Array) -> Array:
    """The array of `bytes` of NumPy's text, which remembers distinct strings where they repeat."""
    rows = narrowed(array.ravel())
    first = first_equal(rows)
    if first is None:
        return filled(_bytes_of(rows), array.shape)
    places = np.flatnonzero(first == np.arange(len(first)))
    numbers = np.empty(len(first), np.int32)
    numbers[places] = np.arange(len(places))
    distinct = Distinct(_bytes_of(rows[places]), numbers[first].reshape(array.shape))
    strings = filled(distinct.strings, places.shape).take(distinct.codes)
    remember(strings, distinct)
    return strings


_originals: dict[int, Array] = {}
"""By the identity of the array that stands for it, as long as that lives."""


def standing_for(original: Array) -> Array:
    """Return an array that stands for text in another one, which is not converted yet.

    Looking text up needs no `bytes` of each string. So a layer that does nothing else gives its own
    `call` a tensor of this array, and there asks for the original; the elements are None.

    Args:
        original: NumPy array of one of the dtypes that strings come in.
    """
    array = np.broadcast_to(np.array(None, object), original.shape)
    _originals[id(array)] = original
    weakref.finalize(array, _originals.pop, id(array), None).atexit = False
    return array


def original_of(array: Array) -> Array | None:
    """Return what an array stands for, and None for one that stands for itself."""
    return _originals.get(id(array))


def narrowed(array: Array) -> Array:
    """Return text as NumPy's bytes if it is ASCII, which needs no look at each; else as it is.

    NumPy gives each character 32 bits: where all are below 128, the lowest 8 are UTF-8 already.
    """
    if array.dtype.kind == "S" or not array.size:
        return array
    codes: Any = np.ascontiguousarray(array).view(f"{array.dtype.byteorder}u4")
    if codes.size and codes.max() < 128:
        return codes.astype(np.uint8).view(f"S{codes.size // array.size}")
    return array


def _bytes_of(rows: Array) -> list[bytes]:
    values: list[Any] = rows.tolist()
    return values if rows.dtype.kind == "S" else list(map(str.encode, values))


def filled(values: list[bytes], shape: tuple[int, ...]) -> Array:
    """Return the array of strings of a shape that holds these, row after row."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)
