"""A reader of pickles that builds numbers, strings, lists, dicts and arrays, and nothing else.

Some data sets are files of Python's pickle format, a program that tells a stack machine which
functions to call. Here a pickle is first checked operation by operation: only those that build
plain data are allowed, and no length is believed that the file does not have. Then Python's own
reader runs it, with three constructors of arrays in place of whatever it names.
"""

import io
import math
import pickle
import re
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from minikeras.saving.guard.errors import damaged, refuse

# ---- operations


def _fixed(*operations: bytes, arguments: int = 0) -> bytes:
    """The pattern of operations that are followed by so many bytes."""
    return b"(?:" + b"|".join(map(re.escape, operations)) + b")" + b"." * arguments


# Operations of a fixed length, of which nothing needs to be known. They are most of a pickle: a
# pattern skips a run of them at once.
_PLAIN = re.compile(
    b"(?:"
    + b"|".join(
        [
            _fixed(pickle.MARK, pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.MEMOIZE),
            _fixed(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS),
            _fixed(pickle.EMPTY_DICT, pickle.SETITEM, pickle.SETITEMS),
            _fixed(pickle.REDUCE, pickle.BUILD, pickle.STACK_GLOBAL, pickle.EMPTY_TUPLE),
            _fixed(pickle.BININT1, pickle.BINGET, pickle.BINPUT, pickle.PROTO, arguments=1),
            _fixed(pickle.BININT2, arguments=2),
            _fixed(pickle.BININT, arguments=4),
            _fixed(pickle.BINFLOAT, arguments=8),
        ]
    )
    + b")++",
    re.S,
)

# Operations with a number in so many bytes: how many bytes follow it.
_LENGTHS = {
    pickle.LONG1: 1,
    pickle.SHORT_BINSTRING: 1,
    pickle.SHORT_BINBYTES: 1,
    pickle.SHORT_BINUNICODE: 1,
    pickle.BINSTRING: 4,
    pickle.BINBYTES: 4,
    pickle.BINUNICODE: 4,
    pickle.BINBYTES8: 8,
    pickle.BINUNICODE8: 8,
}

# Operations with a number that can't be more than the file has bytes: a place in the memory of the
# machine, or the length of what follows.
_BOUNDED = {pickle.LONG_BINGET: 4, pickle.LONG_BINPUT: 4, pickle.FRAME: 8}

# The arguments of a constructor. A key of a dict may be a tuple of tuples, of which the hash is
# computed by recursion: there are not too many.
_TUPLES = (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)
_MOST_TUPLES = 1000

_NAMES = re.compile(rb"[^\n]{0,100}\n[^\n]{0,100}\n")


def _check_operations(content: bytes, where: str) -> None:
    """Refuse operations that plain data do not need, and lengths beyond the end."""
    position = tuples = 0
    while True:
        run = _PLAIN.match(content, position)
        position = run.end() if run else position
        operation = content[position : position + 1]
        if operation == pickle.STOP:
            return
        position += 1
        if operation in _LENGTHS:
            position += _LENGTHS[operation] + _number(content, position, _LENGTHS[operation])
        elif operation in _BOUNDED:
            if _number(content, position, _BOUNDED[operation]) > len(content):
                refuse(where, "the pickle counts more than it has bytes")
            position += _BOUNDED[operation]
        elif operation in _TUPLES and tuples < _MOST_TUPLES:
            tuples += 1
        elif operation == pickle.GLOBAL and (names := _NAMES.match(content, position)):
            position = names.end()
        else:
            refuse(where, f"the pickle has {operation!r} at byte {position - 1}: no plain data")
        if position > len(content):
            refuse(where, "damaged: the pickle ends within an operation")


def _number(content: bytes, position: int, size: int) -> int:
    return int.from_bytes(content[position : position + size], "little")


# ---- constructors


class _Array(np.ndarray):
    """An array that takes from a pickle only what belongs together."""

    def __setstate__(self, state: Any) -> None:
        """Take shape, type and content from `(version, shape, type, is Fortran order, content)`."""
        version, shape, kind, is_fortran, content = state
        if not isinstance(kind, _Kind) or not isinstance(
            content, list if kind.holds_objects else bytes
        ):
            _wrong("an array without a type or content of its own")
        dtype = kind.dtype()
        if version != 1 or any(type(size) is not int or size < 0 for size in shape):
            _wrong(f"an array of the shape {shape!r:.100}")
        if math.prod(shape) * (1 if kind.holds_objects else dtype.itemsize) != len(content):
            _wrong(f"an array of the shape {shape} with content of the length {len(content)}")
        checked: Any = 1, shape, dtype, bool(is_fortran), content
        super().__setstate__(checked)


class _Kind:
    """The type of an array: numbers, booleans, strings, or Python objects."""

    _NAME = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|[SU]\d{1,4}|O[48]?)")

    def __init__(self, name: Any):
        match = self._NAME.fullmatch(_text(name))
        self._name = match[1] if match else _wrong(f"the type {name!r:.100}")
        self._order: Any = "|"

    @property
    def holds_objects(self) -> bool:
        """Whether the elements are Python objects."""
        return self._name.startswith("O")

    def dtype(self) -> np.dtype[Any]:
        """The type in NumPy."""
        dtype = np.dtype("O" if self.holds_objects else self._name)
        return dtype if self._order == "|" else dtype.newbyteorder(self._order)

    def __setstate__(self, state: Any) -> None:
        """Take the byte order, and nothing else of NumPy's own state."""
        self._order = _text(state[1])
        if self._order not in ("<", ">", "=", "|") or state[2:5] != (None, None, None):
            _wrong("an array with fields")


class _Constructor:
    """A function that a pickle may call, and not change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]):
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> NoReturn:
        _wrong("a state for a constructor")


_EMPTY = _Constructor(lambda *_: np.ndarray.__new__(_Array, (0,)))

CONSTRUCTORS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): "ndarray",  # an argument of `_reconstruct`
    ("numpy", "dtype"): _Constructor(lambda name, *_: _Kind(name)),
    ("numpy.core.multiarray", "_reconstruct"): _EMPTY,
    ("numpy._core.multiarray", "_reconstruct"): _EMPTY,
}
"""What a pickle may name, and what stands for it here."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Look a name up in the table, and nowhere else."""
        if (module, name) not in CONSTRUCTORS:
            _wrong(f"the name {module}.{name}; arrays, numbers, strings, lists and dicts are read")
        return CONSTRUCTORS[module, name]


def _text(value: Any) -> str:
    """A string that Python 2 may have written as bytes."""
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _wrong(reason: str) -> NoReturn:
    raise pickle.UnpicklingError(reason)


# ---- reading

_DAMAGED = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)


def loads(content: bytes, where: str) -> Any:
    """Build what a pickle of plain data describes.

    Args:
        content: the pickle, of protocol 2 or later.
        where: the file, for errors.

    Returns:
        Numbers, strings, lists, dicts and arrays; strings that Python 2 has written are bytes.

    Raises:
        FileError: if the pickle is damaged, or anything else is in there.

    Example:
        >>> loads(pickle.dumps({"labels": [1, 2]}), "batch")
        {'labels': [1, 2]}
    """
    _check_operations(content, where)
    with damaged(where, *_DAMAGED):
        return _plain(_Unpickler(io.BytesIO(content), encoding="bytes").load())


def _plain(value: Any) -> Any:
    """Arrays as NumPy's own, at the top and in a dict at the top."""
    if isinstance(value, dict):
        return {
            key: _plain(item) if isinstance(item, _Array) else item for key, item in value.items()
        }
    return value.view(np.ndarray) if isinstance(value, _Array) else value
