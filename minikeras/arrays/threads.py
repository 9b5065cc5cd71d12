"""Several cores inside one kernel.

NumPy releases the GIL while it computes, so the chunks of a batch can be computed in parallel by
plain threads. BLAS is held to one thread meanwhile: its own threads would wait for each other at a
barrier after every product, in a busy loop, and take the cores from the chunks of others.

A kernel is divided only where its work is worth waking a thread, and always into the same chunks
for the same number of threads, so that a sum over chunks is repeatable. Each thread takes the next
chunk that nobody has: where there are more chunks than threads, one that a busy machine holds up
computes fewer of them, and the others do not wait for it. How long work takes is guessed from what
a core of today does: 64 multiplications and additions, or 16 bytes fetched and stored, a
nanosecond.

Threads are woken through the GIL, which takes 20 microseconds, and a millisecond where a virtual
machine has given its idle core away. Compiled kernels go without: they hand out their chunks
through words of shared memory (`kernels.compiled.thread_pool`) on which these threads spin for a
while before they go to sleep.
"""

import ctypes
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minikeras.arrays import blas_threads
from minikeras.core import settings

OPERATIONS = 64
"""Multiplications and additions of a matrix product that a core does in a nanosecond."""
BYTES = 16
"""Bytes that a core fetches and stores in a nanosecond."""

# Nanoseconds below which a chunk is not worth a thread, and not worth being a chunk of its own.
_LEAST_WORK, _LEAST_CHUNK = 50_000, 250_000

WORDS = 64
"""Words of eight bytes that the threads of the pool share."""
SPINNING, CALLS, YIELD, HELPERS = 0, 8, 16, 17
"""Words: how many threads spin; how often they were called back to Python; the address of the
function that yields the core to others; and how many workers may compute at once."""


class _Local(threading.local):
    """What a thread knows: whether it computes a chunk already."""

    inside = False


_local = _Local()


def chunks(count: int, work: float, each_thread: int = 4) -> list[slice]:
    """Divide `count` items into contiguous chunks for the threads that are worth waking.

    Args:
        count: how many items there are, samples of a batch for example.
        work: nanoseconds that all of them together may take one core.
        each_thread: most chunks for each thread, as far as they are not too short; 1 where a
            larger chunk is computed faster than its parts.

    Returns:
        A list of slices that cover `range(count)`; a single one if the work is small or a thread
        asks that computes a chunk itself.

    Example:
        >>> from minikeras.arrays.threads import chunks
        >>> chunks(10, 1)
        [slice(0, 10, None)]
    """
    between = ends(count, work, each_thread)
    return [slice(start, end) for start, end in zip(between, between[1:], strict=False)]


def ends(count: int, work: float, each_thread: int = 4) -> tuple[int, ...]:
    """Say where the chunks of `chunks` end.

    Args:
        count: how many items there are.
        work: nanoseconds that all of them together may take one core.
        each_thread: most chunks for each thread.

    Returns:
        A tuple of zero and the end of each chunk.

    Example:
        >>> from minikeras.arrays.threads import ends
        >>> ends(10, 1)
        (0, 10)
    """
    parts = 1 if _local.inside else min(settings.num_threads(), count, int(work // _LEAST_WORK))
    if parts < 2:
        return 0, count
    parts = min(count, parts * max(min(each_thread, int(work / parts // _LEAST_CHUNK)), 1))
    return tuple([count * i // parts for i in range(parts + 1)])


def each(task: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """Call a function on each of several chunks, in parallel.

    Args:
        task: function of a chunk.
        parts: the chunks; the calling thread computes its share of them.

    Returns:
        The results in the order of the chunks.

    Raises:
        BaseException: what a chunk raised, or a signal handler meanwhile; no other thread computes
            a chunk any longer by then.

    Example:
        >>> from minikeras.arrays.threads import each
        >>> each(lambda chunk: chunk.stop - chunk.start, [slice(0, 3), slice(3, 5)])
        [3, 2]
    """
    if len(parts) == 1 or _local.inside or settings.num_threads() == 1:
        return [task(part) for part in parts]
    return blas_threads.hold_at_one(_run_in_parallel, task, parts)


def _run_in_parallel(task: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    work = _Work(task, parts, min(settings.num_threads(), len(parts)) - 1)
    try:
        _pool.help(work)
        work.share()
        results = work.close()
    except BaseException:
        work.close()
        raise
    return [_value(result) for result in results]


def pool_words(count: int) -> np.ndarray:
    """Return the words by which compiled code hands out chunks, all threads awake or waking.

    Args:
        count: how many chunks there are; for a single one nobody is woken.

    Returns:
        Array (int64) of `WORDS`.
    """
    return _nobody if count == 1 else _pool.awake()


def set_spin(function: Callable[[np.ndarray, int], int]) -> None:
    """Let the threads spin on the shared words of the pool before they go to sleep.

    Args:
        function: compiled function of the words and of what `CALLS` was; it returns what `CALLS` is
            when that has changed, or nobody had work for a while.
    """
    global _spin
    _spin = function


class _Work:
    """Pieces that several threads compute, each taking the next one when it is free.

    A thread that helps sits on a seat of its own while it computes, a lock. The thread whose work
    it is closes all seats in the end by taking these locks itself: that waits for those who sit
    there, and for nobody else. No chunks are counted, so none can be missed in the count.
    """

    def __init__(self, task: Callable[[Any], Any], parts: Sequence[Any], helpers: int):
        self._task: Any = task
        self._parts = parts
        self._results: list[Any] = [None] * len(parts)
        # Two threads never get the same place: the GIL is held while an iterator moves on.
        self._places = iter(range(len(parts)))
        # The owner may lock these again when it was interrupted.
        self.seats = [threading.RLock() for _ in range(helpers)]

    def help(self, seat: Any) -> None:
        """Compute chunks on a seat, unless it is closed already."""
        if seat.acquire(blocking=False):
            try:
                self.share()
            finally:
                seat.release()

    def share(self) -> None:
        """Compute chunks until none is left to take."""
        for place in self._places:
            self._results[place] = _call(self._task, self._parts[place])

    def close(self) -> list[Any]:
        """Let nobody take a chunk, wait for those who compute one, and return all results.

        Whoever comes too late finds a closed seat, and nothing left to hold. It may be called
        again after an exception of a signal handler, and a signal does not keep it from waiting.
        """
        try:
            deque(self._places, 0)
            for seat in self.seats:
                seat.acquire()
        except BaseException:
            self.close()
            raise
        results, self._results, self._parts, self._task = self._results, [], (), None
        return results


class _Pool:
    """Threads that wait for work; there are as many as were ever busy at once."""

    def __init__(self):
        self._waiting: queue.SimpleQueue[tuple[_Work, Any] | None] = queue.SimpleQueue()
        self._count = 0
        self._lock = threading.RLock()  # a signal handler may come here while its thread is here
        self._words = np.zeros(WORDS, np.int64)
        self._words[YIELD] = _yielding()

    def help(self, work: _Work) -> None:
        """Let the next free threads share some work, one for each seat."""
        self._grow()
        for seat in work.seats:
            self._waiting.put((work, seat))
        self._words[CALLS] += 1

    def awake(self) -> np.ndarray:
        """Return the words of the pool, once those who sleep have been called."""
        self._grow()
        self._words[HELPERS] = wanted = settings.num_threads() - 1
        asleep = wanted - int(self._words[SPINNING]) - self._waiting.qsize()
        for _ in range(asleep):
            self._waiting.put(None)
        return self._words

    def _grow(self) -> None:
        if self._count >= settings.num_threads() - 1:
            return
        with self._lock:
            while self._count < settings.num_threads() - 1:
                # Counted at last: an interrupt between makes one thread too many, not too few.
                try:
                    threading.Thread(target=self._work, daemon=True, name="minikeras").start()
                except RuntimeError:  # there are no more to be had: others compute these chunks
                    return
                self._count += 1

    def _work(self) -> None:
        _local.inside = True
        blas_threads.hold_for_good()
        with np.errstate(all="ignore"):  # as in the thread that hands out the chunks
            while True:
                task = self._next()
                if task is not None:
                    work, seat = task
                    work.help(seat)

    def _next(self) -> tuple[_Work, Any] | None:
        """Return the next work for a thread, and its seat; None if it was only to wake up."""
        calls = int(self._words[CALLS])
        while self._waiting.empty() and _spin is not None:
            former, calls = calls, _spin(self._words, calls)
            if calls == former:
                break
        return self._waiting.get()


def _yielding() -> int:
    """The address of the system's function by which a thread yields its core to others."""
    windows = os.name == "nt"
    library = ctypes.CDLL("kernel32" if windows else None)
    function = library.SwitchToThread if windows else library.sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _call(task: Any, part: Any) -> Any:
    """The result of a chunk, or the exception it raised, as a pair of which one is None."""
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


_pool = _Pool()
_nobody = np.zeros(WORDS, np.int64)
_spin: Callable[[np.ndarray, int], int] | None = None


def _start_again() -> None:
    """A forked process has none of its parent's threads."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_again)
