"""Type promotion: which dtype results from several.

The rule is the lattice of JAX, which Keras uses on all its back ends: a dtype goes to its nearest
common ancestor with the other, and Python numbers are weak, they take the other side's width.
Source: https://docs.jax.dev/en/latest/type_promotion.html
"""

from functools import cache, lru_cache
from typing import Any

import numpy as np

from minikeras.core import settings
from minikeras.core.dims import Comparison, Dim
from minikeras.core.types import DTypeLike

INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
FLOATS = ("float16", "float32", "float64")
ALL = ("bool", *INTEGERS, *FLOATS)
STRING = "string"
"""The dtype of text, with which no op computes (`arrays/strings.py`): it has no place below."""

# The edges of the lattice; "int" and "float" are Python's weak numbers.
_LATTICE: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("float16",),
    "float16": ("float32",),
    "float32": ("float64",),
    "float64": (),
}
_ALIASES = {"half": "float16", "double": "float64", "long": "int64", "bool_": "bool"}
# A size that is not known yet promotes as the Python int that it will be.
_PYTHON: dict[Any, str] = {
    **{bool: "bool", int: "int", float: "float"},
    **{Dim: "int", Comparison: "bool"},
}



class _OfNumbers(dict[str, "np.dtype[Any]"]):
    """The NumPy dtype of each name of a dtype that ops compute with."""

    def __missing__(self, name: str) -> "np.dtype[Any]":
        raise ValueError(f"Expected a dtype of numbers, one of {ALL}. Received: {name!r}")


NUMPY = _OfNumbers({name: np.dtype(name) for name in ALL})
_NAMES = {dtype: name for name, dtype in NUMPY.items()}
_OBJECTS = np.dtype(object)


def name_of(dtype: Any) -> str:
    """Return the name of a NumPy dtype object, fast."""
    try:
        return _NAMES[dtype]
    except KeyError:
        return _other_name(dtype)


def is_native(dtype: Any) -> bool:
    """Say whether a NumPy dtype object is one that tensors have, in this machine's byte order."""
    return dtype in _NAMES


def _other_name(dtype: Any) -> str:
    if dtype == _OBJECTS:
        return STRING
    native: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
    if native in _NAMES:
        return _NAMES[native]
    raise ValueError(f"Invalid dtype: {dtype}. Expected one of {ALL}.")


def standardize(dtype: DTypeLike) -> str:
    """Return the name of a dtype given as a name, a Python type, a NumPy dtype or None.

    Args:
        dtype: `None` (the default float type), a name, `int`, `float`, `bool`, `str`, a NumPy
            type, or another library's dtype object that has a `name`.

    Returns:
        A name such as `"float32"`.

    Raises:
        ValueError: if the dtype is unknown here.

    Example:
        >>> standardize(int), standardize("float64")
        ('int64', 'float64')
    """
    if dtype is None:
        return settings.floatx()
    if dtype is int or (type(dtype) is str and dtype == "int"):
        return "int64"  # as NumPy's; a Python number whose dtype nobody asks for is int32
    if type(dtype) is str and dtype in _LATTICE:
        return strong(dtype)
    if dtype is str or (type(dtype) is str and dtype == STRING):
        return STRING
    if getattr(dtype, "kind", None) == _OBJECTS.kind:  # a dtype; the name "object" is none
        return STRING
    if dtype in _PYTHON:
        return strong(_PYTHON[dtype])
    name: str = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    name = _ALIASES.get(name, name).split(".")[-1]
    if name not in ALL:
        raise ValueError(f"Invalid dtype: {dtype}. Expected one of {ALL}.")
    return name


def strong(name: str) -> str:
    """Return a dtype's name, for the weak `"int"` and `"float"` that of the default types."""
    if name == "int":
        return "int32"
    return settings.floatx() if name == "float" else name


def is_float(dtype: str | None) -> bool:
    """Say whether a dtype name is a float type.

    Example:
        >>> is_float("float16"), is_float("int32")
        (True, False)
    """
    return dtype in FLOATS


def is_integer(dtype: str | None) -> bool:
    """Say whether a dtype name is an integer type (bool is not).

    Example:
        >>> is_integer("uint8"), is_integer("bool")
        (True, False)
    """
    return dtype in INTEGERS


def weak_name(x: object) -> str | None:
    """Return the lattice name of a Python number or size, `"bool"`, `"int"`, `"float"`, or None."""
    return _PYTHON.get(type(x))


def result_type(*dtypes: str) -> str:
    """Return the promoted (common) dtype of values of these dtypes.

    Args:
        dtypes: names; `"int"` and `"float"` stand for Python numbers.

    Returns:
        A dtype name; only-weak inputs give `"int32"` or the default float type.

    Example:
        >>> result_type("int64", "float32"), result_type("uint8", "int8")
        ('float32', 'int16')
        >>> result_type("int32", "float")
        'float32'
    """
    if not dtypes:
        return settings.floatx()
    return strong(_join(tuple(sorted(set(dtypes)))))


@lru_cache(maxsize=4096)
def _join(dtypes: tuple[str, ...]) -> str:
    """The lowest node of the lattice that all of these lead to."""
    above = _ancestors(dtypes[0]).intersection(*map(_ancestors, dtypes[1:]))
    for candidate in above:
        if above <= _ancestors(candidate):
            return candidate
    raise ValueError(f"No common dtype for {dtypes}.")


@cache
def _ancestors(dtype: str) -> frozenset[str]:
    if dtype not in _LATTICE:
        raise ValueError(f"Invalid dtype: {dtype}. Expected one of {ALL}.")
    return frozenset({dtype}).union(*(_ancestors(parent) for parent in _LATTICE[dtype]))
