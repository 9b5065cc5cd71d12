"""Several cores inside one kernel.

NumPy lets go of Python's lock while it computes, so the pieces of a batch can be computed side by
side by plain threads. BLAS is held to one thread meanwhile: its own threads would meet at a barrier
after every product, wait there in a busy loop, and take the cores from the pieces of others.

A kernel is divided only where its work is worth waking a thread, and always into the same pieces
for the same number of threads, so that a sum over pieces is repeatable. Each thread takes the next
piece that nobody has: where there are more pieces than threads, one that a busy machine holds up
computes fewer of them, and the others do not wait for it. How long work takes is guessed from what
a core of today does: 64 multiplications and additions, or 16 bytes fetched and stored, a
nanosecond.

Threads are woken through Python's lock, which takes 20 microseconds, and a millisecond where a
virtual machine has given its idle core away. Compiled kernels go without: they share their work
through words of memory (`kernels.compiled.team`) that these threads watch for a while before they
go to sleep.
"""

import ctypes
import importlib
import os
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minikeras.core import settings

OPERATIONS = 64
"""Multiplications and additions of a matrix product that a core does in a nanosecond."""
BYTES = 16
"""Bytes that a core fetches and stores in a nanosecond."""

# Nanoseconds below which a piece is not worth a thread, and not worth being a piece of its own.
_LEAST_WORK, _LEAST_PIECE = 50_000, 250_000

WORDS = 64
"""Words of eight bytes that a team of threads shares."""
STANDING, CALLS, YIELD, HELPERS = 0, 8, 16, 17
"""Words: how many threads watch; how often they were called back to Python; the address of the
function by which one lets others have its core; and how many may help at once."""


class _Local(threading.local):
    """What a thread knows: whether it computes a piece already."""

    inside = False


_local = _Local()


def pieces(count: int, work: float, each_thread: int = 4) -> list[slice]:
    """Divide `count` items into contiguous pieces for the threads that are worth waking.

    Args:
        count: how many items there are, samples of a batch for example.
        work: nanoseconds that all of them together may take one core.
        each_thread: most pieces for each thread, as far as they are not too short; 1 where a
            larger piece is computed faster than its parts.

    Returns:
        A list of slices that cover `range(count)`; a single one if the work is small or a thread
        asks that computes a piece itself.

    Example:
        >>> from minikeras.arrays.threads import pieces
        >>> pieces(10, 1)
        [slice(0, 10, None)]
    """
    between = ends(count, work, each_thread)
    return [slice(start, end) for start, end in zip(between, between[1:], strict=False)]


def ends(count: int, work: float, each_thread: int = 4) -> tuple[int, ...]:
    """Say where the pieces of `pieces` end.

    Args:
        count: how many items there are.
        work: nanoseconds that all of them together may take one core.
        each_thread: most pieces for each thread.

    Returns:
        A tuple of zero and the end of each piece.

    Example:
        >>> from minikeras.arrays.threads import ends
        >>> ends(10, 1)
        (0, 10)
    """
    parts = 1 if _local.inside else min(settings.num_threads(), count, int(work // _LEAST_WORK))
    if parts < 2:
        return 0, count
    parts = min(count, parts * max(min(each_thread, int(work / parts // _LEAST_PIECE)), 1))
    return tuple([count * i // parts for i in range(parts + 1)])


def each(task: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """Call a function on each of several pieces, side by side.

    Args:
        task: function of a piece.
        parts: the pieces; the calling thread computes its share of them.

    Returns:
        The results in the order of the pieces.

    Raises:
        Exception: what a piece raised; the others have ended by then.

    Example:
        >>> from minikeras.arrays.threads import each
        >>> each(lambda piece: piece.stop - piece.start, [slice(0, 3), slice(3, 5)])
        [3, 2]
    """
    if len(parts) == 1 or _local.inside or settings.num_threads() == 1:
        return [task(part) for part in parts]
    work = _Work(task, parts)
    with blas_on_one_thread():
        _pool.help(work, min(settings.num_threads(), len(parts)) - 1)
        return [_value(result) for result in work.finish()]


def team(count: int) -> np.ndarray:
    """Return the words by which compiled code shares pieces, with all threads awake or waking.

    Args:
        count: how many pieces there are; for a single one nobody is woken.

    Returns:
        Array (int64) of `WORDS`.
    """
    return _nobody if count == 1 else _pool.awake()


def watch_with(function: Callable[[np.ndarray, int], int]) -> None:
    """Let the threads watch the words of their team before they go to sleep.

    Args:
        function: compiled function of the words and of what `CALLS` was; it returns what `CALLS` is
            when that has changed, or nobody had work for a while.
    """
    global _watch
    _watch = function


@contextmanager
def blas_on_one_thread():
    """Hold BLAS to one thread for the length of a `with` block."""
    limits = _blas.hold()
    try:
        yield
    finally:
        _blas.release(limits)


class _Blas:
    """The BLAS libraries of this process, found when they are first needed."""

    def __init__(self):
        self._libraries: list[Any] | None = None

    def hold(self) -> list[tuple[Any, int]]:
        """Set every library to one thread; return what is to be undone."""
        if self._libraries is None:
            # Imported with the first large kernel, so that `import minikeras` is short.
            threadpoolctl: Any = importlib.import_module("threadpoolctl")
            found = threadpoolctl.ThreadpoolController().select(user_api="blas")
            self._libraries = list(found.lib_controllers)
        former = [(library, library.get_num_threads()) for library in self._libraries]
        changed = [(library, count) for library, count in former if count != 1]
        for library, _ in changed:
            library.set_num_threads(1)
        return changed

    def release(self, changed: list[tuple[Any, int]]) -> None:
        """Set the libraries back."""
        for library, count in changed:
            library.set_num_threads(count)


class _Work:
    """Pieces that several threads compute, each taking the next one when it is free."""

    def __init__(self, task: Callable[[Any], Any], parts: Sequence[Any]):
        self.task: Any = task
        self.parts = parts
        self.results: list[Any] = [None] * len(parts)
        # Two threads never get the same place: Python's lock is held while an iterator moves on.
        self._places = iter(range(len(parts)))
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()

    def share(self) -> None:
        """Compute pieces until none is left to take."""
        for place in self._places:
            self.results[place] = _call(self.task, self.parts[place])
            self._ended.put(None)

    def finish(self) -> list[Any]:
        """Compute pieces, wait for those that other threads have taken, and return all results.

        A thread that wakes too late to take one is not waited for; nothing is left for it to hold.
        """
        try:
            self.share()
        finally:
            for _ in self.parts:
                self._ended.get()
            results, self.results, self.parts, self.task = self.results, [], (), None
        return results


class _Pool:
    """Threads that wait for work; there are as many as were ever busy at once."""

    def __init__(self):
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._count = 0
        self._lock = threading.Lock()
        self._words = np.zeros(WORDS, np.int64)
        self._words[YIELD] = _yielding()

    def help(self, work: _Work, count: int) -> None:
        """Let the next free threads share some work."""
        self._grow()
        for _ in range(count):
            self._waiting.put(work)
        self._words[CALLS] += 1

    def awake(self) -> np.ndarray:
        """Return the words of the team, once those who sleep have been called."""
        self._grow()
        self._words[HELPERS] = wanted = settings.num_threads() - 1
        asleep = wanted - int(self._words[STANDING]) - self._waiting.qsize()
        for _ in range(asleep):
            self._waiting.put(None)
        return self._words

    def _grow(self) -> None:
        if self._count >= settings.num_threads() - 1:
            return
        with self._lock:
            while self._count < settings.num_threads() - 1:
                threading.Thread(target=self._work, daemon=True, name="minikeras").start()
                self._count += 1

    def _work(self) -> None:
        _local.inside = True
        with np.errstate(all="ignore"):  # as in the thread that hands out the pieces
            while True:
                work = self._next()
                if work is not None:
                    work.share()

    def _next(self) -> _Work | None:
        """Return the next work that is given to a thread; None if it was only to wake up."""
        calls = int(self._words[CALLS])
        while self._waiting.empty() and _watch is not None:
            former, calls = calls, _watch(self._words, calls)
            if calls == former:
                break
        return self._waiting.get()


def _yielding() -> int:
    """The address of the system's function by which a thread lets others have its core."""
    windows = os.name == "nt"
    library = ctypes.CDLL("kernel32" if windows else None)
    function = library.SwitchToThread if windows else library.sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _call(task: Any, part: Any) -> Any:
    """The result of a piece, or the exception it raised, as a pair of which one is None."""
    outer, _local.inside = _local.inside, True
    try:
        return task(part), None
    except BaseException as error:  # handed on to the thread that waits
        return None, error
    finally:
        _local.inside = outer


def _value(result: tuple[Any, BaseException | None]) -> Any:
    value, error = result
    if error is not None:
        raise error
    return value


_blas, _pool = _Blas(), _Pool()
_nobody = np.zeros(WORDS, np.int64)
_watch: Callable[[np.ndarray, int], int] | None = None


def _begin_anew() -> None:
    """A forked process has none of its parent's threads."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
