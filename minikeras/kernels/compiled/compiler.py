"""How this package compiles, and which arrays its loops take."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pickle import UnpicklingError
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, event
from numba.extending import intrinsic
from numba.np.numpy_support import carray

from minikeras.core.console import print_notice
from minikeras.kernels.compiled.sources import stamp_of

_CACHE_LINE = 64
# Options of every function. Nobody asks for its address as C calls it.
_OPTIONS: Any = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_UNREADABLE = (EOFError, UnpicklingError)
_TYPES = (np.dtype(np.float32), np.dtype(np.float64))


class _FirstCompilation(event.Listener):
    """Says once in a process that kernels are being compiled: it takes long, and looks like a hang.

    Numba tells of a compilation, and not of what it reads from disk.
    """

    def __init__(self) -> None:
        self._is_told = False

    def on_start(self, event: event.Event) -> None:
        """Say what is being done, how long it may take, and how to have it done beforehand."""
        if not self._is_told:
            self._is_told = True
            print_notice(
                "compiling kernels for this processor. They are kept on disk; the first run of a "
                "network may take a quarter of a minute longer than the next. `minikeras compile` "
                "does it for all kernels beforehand."
            )

    def on_end(self, event: event.Event) -> None:
        """Say nothing: the next kernel may follow."""


event.register("numba:compile", _FirstCompilation())


def compiled(*flags: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function when it is first called with its types, and keep it on disk.

    Division follows IEEE 754 (no exception at zero), the GIL is released.

    Args:
        *flags: what the compiler may do to sums, by LLVM's names: `"contract"` (a product and a sum
            rounded once), `"reassoc"` (terms in another order, hence several sums at once), `"nsz"`
            (the sign of a zero is free). Never those by which NaN and infinity do not exist.

    Returns:
        A decorator.
    """
    options = _OPTIONS | {"fastmath": set(flags)}
    return lambda function: kept_on_disk(partial(numba.njit, **options), function)


def kept_on_disk(decorator: Callable[..., Any], function: Callable[..., Any]) -> Any:
    """Compile a function with a cache on disk, or without one where nothing can be written.

    Args:
        decorator: Numba's function that takes the option `cache` and returns a decorator. One that
            compiles at once, as `cfunc` does, reads the cache before it knows of other files than
            the function's own: the function must then refer to its `stamp_of`.
        function: what to compile.

    Returns:
        What the decorator returns.
    """
    try:
        dispatcher = decorator(cache=True)(function)
    except RuntimeError:  # Numba has found no folder that it may write to
        return decorator(cache=False)(function)
    # A full disk, or a file that cannot be read, costs time and nothing else. (Numba lets such an
    # error pass on Windows alone.)
    dispatcher._cache._guard_against_spurious_io_errors = partial(suppress, OSError, *_UNREADABLE)
    # Numba looks at the function's own file alone.
    dispatcher._cache._cache_file._source_stamp = stamp_of(inspect.getfile(function))
    return dispatcher


def inner(*flags: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function that Python never calls, only functions that are `compiled`.

    They contain it: so it needs no file of its own, and no way in from Python, both of which take
    time to compile. A call from Python would end the process; a test sees to it that there is none.

    Args:
        *flags: as for `compiled`.

    Returns:
        A decorator.
    """
    return numba.njit(**_OPTIONS | {"no_cpython_wrapper": True, "fastmath": set(flags)})


def instructions(write: Callable[..., Any]) -> Any:
    """Make of a function that writes LLVM's instructions one that compiled code can call."""
    return intrinsic(write)


@instructions
def wide_vectors(context: Any) -> Any:
    """Let the compiler use the widest vectors in the function that calls this; in compiled code.

    LLVM holds back those of AVX-512, since the first processors that had them slowed down for them.
    Where a loop computes much and fetches little they are worth it, if its rows are long enough.
    """

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        # The set's own `add`: llvmlite's refuses attributes that it does not know.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), emit


def plain(*arrays: Any) -> bool:
    """Whether all are contiguous NumPy arrays of one float type that the loops are made for.

    Args:
        *arrays: arrays.

    Returns:
        A bool.
    """
    dtype = arrays[0].dtype
    if dtype not in _TYPES:
        return False
    for array in arrays:  # a loop: `all` of a generator takes twice as long
        if type(array) is not np.ndarray or array.dtype != dtype or not array.flags.c_contiguous:
            return False
    return True


@inner()
def matrix_at(address: Any, rows: Any, columns: Any, like: Any) -> Any:
    """View memory as a matrix; for use in compiled code.

    A part of a matrix that begins in the middle of its rows can so be gone through with indices
    that count from zero. The compiler makes vectors of such a loop, not of one with `at + j`,
    as an index that may be negative counts from the end.

    Args:
        address: where it begins.
        rows: how many rows.
        columns: numbers from a row to the next.
        like: an array of the type of its numbers.

    Returns:
        An array; the memory belongs to someone else.
    """
    return carray(_pointer(address, like), (rows, columns))


@instructions
def _pointer(context: Any, address: Any, like: Any) -> Any:
    """A number as the address of numbers like those of an array."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(address, like), emit


@instructions
def fetch(context: Any, address: Any, count: Any) -> Any:
    """Ask for some bytes, so that they are in cache when they are read or written."""
    small, large = ir.IntType(32), ir.IntType(64)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, small, small, small])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        lines = builder.udiv(values[1], large(_CACHE_LINE))
        with cgutils.for_range(builder, lines) as loop:
            moved = builder.mul(loop.index, large(_CACHE_LINE))
            place = builder.inttoptr(builder.add(values[0], moved), pointer)
            builder.call(prefetch, [place, small(0), small(2), small(1)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), emit
