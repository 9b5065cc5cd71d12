"""How many threads BLAS uses.

Its own threads would meet at a barrier after every product, wait there in a busy loop, and take the
cores from ours (see `threads`). And the last bits of a product depend on their number. So it is
held to one while a batch is divided among our threads, and while a model trains or predicts.

OpenBLAS, as NumPy's wheels bring it, has one number for the process: what that was is kept here as
long as any thread of Python holds it to one. MKL, and whatever divides work by OpenMP, has a number
for each thread of Python.
"""

import importlib
import itertools
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any


class _Local(threading.local):
    """What a thread knows.

    Whether it holds BLAS to one thread, and how many threads those libraries had before that keep a
    number for each thread.
    """

    holds = False
    former: Sequence[tuple[Any, int]] = ()


_local = _Local()


def hold_at_one(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function while BLAS is held to one thread.

    Several threads of Python may do so at once: BLAS gets its own number back with the last of
    them. A function rather than a context manager: an exception of a signal handler that comes on
    the way into an `__exit__` would leave BLAS as it is.

    Args:
        function: what to call.
        *args: its arguments.
        **kwargs: its arguments by name.

    Returns:
        What the function returns.

    Example:
        >>> from minikeras.arrays.blas_threads import hold_at_one
        >>> hold_at_one(max, 3, 5)
        5
    """
    if _local.holds:
        return function(*args, **kwargs)
    try:
        try:
            _local.holds = True
            _libraries.hold()
            return function(*args, **kwargs)
        finally:
            _local.holds = False
            _libraries.release()
    except BaseException:
        _libraries.release()  # once more: a signal may have come on the way into it
        raise


def hold_for_good() -> None:
    """Say that this thread computes for others, who hold BLAS to one thread meanwhile.

    Libraries that have a number for each thread of Python are set to one in this thread for good.
    """
    _local.holds = True
    _libraries.hold_in_this_thread()


class _Libraries:
    """The BLAS libraries of this process, found when they are first needed.

    Its methods can be repeated, and be interrupted anywhere and repeated then.
    """

    def __init__(self):
        self._are_known = False
        self._process_wide: list[Any] = []
        self._thread_local: list[Any] = []
        # A signal handler may compute, too, while the thread it interrupts is in here.
        self._lock = threading.RLock()
        self._holders: set[int] = set()
        self._former: list[tuple[Any, int]] = []

    def hold(self) -> None:
        """Set every library to one thread, on behalf of this thread."""
        if not self._are_known:
            self._find()
        with self._lock:
            self._holders.add(threading.get_ident())
            self._former = self._former or _several(self._process_wide)
            _set_to_one(self._former)
        self.hold_in_this_thread()

    def hold_in_this_thread(self) -> None:
        """Set those libraries to one thread that have a number for each thread of Python."""
        if not self._are_known:
            self._find()
        _local.former = _local.former or _several(self._thread_local)
        _set_to_one(_local.former)

    def release(self) -> None:
        """Set the libraries back, those of the process if no other thread holds them."""
        _set_back(_local.former)
        _local.former = ()
        with self._lock:
            self._holders.discard(threading.get_ident())
            if not self._holders:
                _set_back(self._former)
                self._former = []

    def begin_in_child(self) -> None:
        """Forget those holders that a forked process does not have."""
        self._lock = threading.RLock()
        self._holders &= {threading.get_ident()}
        if not self._holders:
            self.release()

    def _find(self) -> None:
        # Imported with the first large kernel, so that `import minikeras` is short.
        threadpoolctl: Any = importlib.import_module("threadpoolctl")
        libraries = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
        self._thread_local = [library for library in libraries if _is_thread_local(library)]
        shared = [library for library in libraries if not _is_thread_local(library)]
        self._process_wide = [_OpenBlas.found_in(library) or library for library in shared]
        self._are_known = True


class _OpenBlas:
    """OpenBLAS with one number of threads for the whole process.

    threadpoolctl lets a single thread of Python set it, from version 3.8 on, and ignores others.

    Args:
        get: the library's function that returns the number of threads.
        change: the library's function that sets it.
    """

    _AFFIXES = tuple(itertools.product(("", "scipy_"), ("", "64_", "_64")))

    def __init__(self, get: Callable[[], int], change: Callable[[int], Any]):
        self.get_num_threads, self.set_num_threads = get, change

    @classmethod
    def found_in(cls, library: Any) -> "_OpenBlas | None":
        """The functions of a library that threadpoolctl has found; None if it is another one."""
        for prefix, suffix in cls._AFFIXES:
            names = [f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set")]
            functions: list[Any] = [getattr(library.dynlib, name, None) for name in names]
            if library.internal_api == "openblas" and None not in functions:
                return cls(*functions)
        return None


def _is_thread_local(library: Any) -> bool:
    """Whether each thread has a number of its own: MKL, and what divides work by OpenMP."""
    by_openmp = getattr(library, "threading_layer", None) == "openmp"
    return library.internal_api == "mkl" or (library.internal_api == "openblas" and by_openmp)


def _several(libraries: list[Any]) -> list[tuple[Any, int]]:
    """The libraries that use several threads, and how many."""
    numbers = [(library, library.get_num_threads()) for library in libraries]
    return [(library, number) for library, number in numbers if number != 1]


def _set_to_one(former: Sequence[tuple[Any, int]]) -> None:
    for library, _ in former:
        library.set_num_threads(1)


def _set_back(former: Sequence[tuple[Any, int]]) -> None:
    for library, number in former:
        library.set_num_threads(number)


_libraries = _Libraries()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_libraries.begin_in_child)
