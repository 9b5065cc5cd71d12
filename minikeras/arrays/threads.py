"""Several cores inside one kernel.

NumPy lets go of Python's lock while it computes, so the pieces of a batch can be computed side by
side by plain threads. BLAS is held to one thread meanwhile: its own threads would meet at a barrier
after every product, wait there in a busy loop, and take the cores from the pieces of others.

A kernel is divided only where its work is worth the 20 microseconds that waking a thread takes, and
always into the same pieces for the same number of threads, so that a sum over pieces is repeatable.
How long work takes is guessed from what a core of today does: 64 multiplications and additions, or
16 bytes fetched and stored, a nanosecond.
"""

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

# Nanoseconds below which a piece is not worth a thread.
_LEAST_WORK = 50_000


class _Local(threading.local):
    """What a thread knows: whether it computes a piece already."""

    inside = False


_local = _Local()


def pieces(count: int, work: float) -> list[slice]:
    """Divide `count` items into contiguous pieces, one for each thread that is worth waking.

    Args:
        count: how many items there are, samples of a batch for example.
        work: nanoseconds that all of them together may take one core.

    Returns:
        A list of slices that cover `range(count)`; a single one if the work is small or a thread
        asks that computes a piece itself.

    Example:
        >>> from minikeras.arrays.threads import pieces
        >>> pieces(10, 1)
        [slice(0, 10, None)]
    """
    parts = 1 if _local.inside else min(settings.num_threads(), count, int(work // _LEAST_WORK))
    if parts < 2:
        return [slice(0, count)]
    ends = [count * i // parts for i in range(parts + 1)]
    return [slice(start, end) for start, end in zip(ends, ends[1:], strict=False)]


def each(task: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """Call a function on each of several pieces, side by side.

    Args:
        task: function of a piece.
        parts: the pieces; the first one is computed by the calling thread.

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
    with blas_on_one_thread():
        jobs = [_pool.start(task, part) for part in parts[1:]]
        try:
            first = _call(task, parts[0])
        finally:
            others = [job.wait() for job in jobs]
    return [_value(result) for result in (first, *others)]


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


class _Job:
    """A piece that another thread computes."""

    def __init__(self, task: Callable[[Any], Any], part: Any):
        self.task, self.part = task, part
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(self) -> None:
        """Compute, and keep the result for whoever waits."""
        self._done.put(_call(self.task, self.part))

    def wait(self) -> Any:
        """Return the result once it is there."""
        return self._done.get()


class _Pool:
    """Threads that wait for jobs; there are as many as were ever busy at once."""

    def __init__(self):
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._count = 0
        self._lock = threading.Lock()

    def start(self, task: Callable[[Any], Any], part: Any) -> _Job:
        """Hand a piece to the next free thread."""
        if self._count < settings.num_threads() - 1:
            self._grow()
        job = _Job(task, part)
        self._jobs.put(job)
        return job

    def _grow(self) -> None:
        with self._lock:
            while self._count < settings.num_threads() - 1:
                threading.Thread(target=self._work, daemon=True, name="minikeras").start()
                self._count += 1

    def _work(self) -> None:
        _local.inside = True
        with np.errstate(all="ignore"):  # as in the thread that hands out the pieces
            while True:
                self._jobs.get().run()


def _call(task: Callable[[Any], Any], part: Any) -> Any:
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


def _begin_anew() -> None:
    """A forked process has none of its parent's threads."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
