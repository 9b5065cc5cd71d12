"""Threads that share the chunks of a compiled kernel."""

import ctypes
import os
import threading
import time

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from minikeras import config
from minikeras.arrays import threads
from minikeras.kernels.compiled.compiler import compiled, inner
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_chunks, parallel_for

WORK = 1e9  # worth every thread


@pytest.fixture(autouse=True, params=[1, 2, 5])
def count(request):
    """Each test with one thread, with two, and with more than this machine has cores."""
    before = config.num_threads()
    config.set_num_threads(request.param)
    yield request.param
    config.set_num_threads(before)


@compiled()
def _squares(pool, ends, chunk, x, out, whose):
    if chunk == ALL:
        return fork_join(pool, ends, (x, out, whose))
    for i in range(ends[chunk], ends[chunk + 1]):
        out[i] += x[i] * x[i]  # a chunk that is computed twice shows
        whose[i] = chunk


@compiled()
def _squares_of_sums(pool, ends, chunk, x, y, sums, out, whose):
    _sums(pool, ends, chunk, x, y, sums)
    _squares(pool, ends, chunk, sums, out, whose)


@inner()
def _sums(pool, ends, chunk, x, y, out):
    if chunk == ALL:
        return fork_join(pool, ends, (x, y, out))
    for i in range(ends[chunk], ends[chunk + 1]):
        out[i] += x[i] + y[i]


@compiled()
def _hungry(pool, ends, chunk, numbers):
    if chunk == ALL:
        return fork_join(pool, ends, (numbers,))
    if chunk == len(numbers) - 1:
        raise MemoryError
    numbers[chunk] = 1


@numba.njit
def _mistaken(pool, ends, chunk, x, y):
    if chunk == ALL:
        return fork_join(pool, ends, (x,))


_self = ctypes.CDLL(None).pthread_self if hasattr(os, "fork") else None
if _self is not None:
    _self.argtypes, _self.restype = (), ctypes.c_size_t


@numba.njit(nogil=True)
def _who(pool, ends, chunk, who):
    if chunk == ALL:
        return fork_join(pool, ends, (who,))
    total = 1.0
    for _ in range(300_000):  # long enough for others to come
        total = total * 1.0000001 + 1e-9
    who[chunk] = _self() if total > 0 else 0


def squares(size=1000):
    x, out = np.arange(float(size)), np.zeros(size)
    whose = np.full(size, -1)
    parallel_for(_squares, size, WORK, x, out, whose)
    return x, out, whose


def test_every_chunk_is_computed_once(count):
    for _ in range(200):
        x, out, whose = squares()
        np.testing.assert_array_equal(out, x * x)
    ends = threads.ends(1000, WORK)
    assert len(ends) - 1 == (1 if count == 1 else 4 * count)
    for number, (first, end) in enumerate(zip(ends, ends[1:], strict=False)):
        assert (whose[first:end] == number).all()


def test_threads_that_went_to_sleep_are_woken():
    squares()
    time.sleep(0.05)
    x, out, _ = squares()
    np.testing.assert_array_equal(out, x * x)


@pytest.mark.skipif(_self is None, reason="this system has no POSIX threads")
def test_no_more_threads_help_than_are_wanted():
    wanted = config.num_threads()
    config.set_num_threads(6)
    for _ in range(20):
        squares()  # now there are five to help
    config.set_num_threads(wanted)
    for _ in range(20):
        who = np.zeros(20, np.uint64)
        parallel_chunks(_who, threads.ends(20, WORK), who)
        assert len(set(who) - {0}) <= wanted


def test_one_kernel_shares_after_another():
    x, y, sums, out = np.arange(1000.0), np.ones(1000), np.zeros(1000), np.zeros(1000)
    parallel_for(_squares_of_sums, 1000, WORK, x, y, sums, out, np.full(1000, -1))
    np.testing.assert_array_equal(out, (x + 1) ** 2)


def test_a_kernel_gets_the_arguments_that_it_has():
    with pytest.raises(TypeError, match="needs all arguments of the kernel"):
        parallel_for(_mistaken, 10, WORK, np.ones(10), np.ones(10))


def test_nothing_to_do():
    assert squares(0)[1].size == 0


def test_two_at_once_both_get_their_results():
    wrong = []

    def often():
        for _ in range(200):
            x, out, _ = squares()
            if not np.array_equal(out, x * x):
                wrong.append(out)

    others = [threading.Thread(target=often) for _ in range(3)]
    for thread in others:
        thread.start()
    often()
    for thread in others:
        thread.join()
    assert not wrong


def test_plain_chunks_and_compiled_ones_take_turns():
    for _ in range(50):
        x, out, _ = squares()
        np.testing.assert_array_equal(out, x * x)
        assert threads.each(lambda part: part + 1, list(range(7))) == list(range(1, 8))


def test_inside_a_plain_chunk_there_is_one_compiled_one():
    assert threads.each(lambda part: int(squares()[2].max()), [0, 1, 2]) == [0, 0, 0]


def test_a_chunk_that_cannot_allocate_is_reported_and_the_next_call_works():
    for _ in range(20):
        numbers = np.zeros(len(threads.ends(100, WORK)) - 1)
        with pytest.raises(MemoryError, match="could not allocate memory"):
            parallel_for(_hungry, 100, WORK, numbers)
        assert numbers[:-1].all()
        x, out, _ = squares()
        np.testing.assert_array_equal(out, x * x)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_pool_of_its_own():
    squares()
    child = os.fork()
    if child == 0:
        x, out, _ = squares()
        os._exit(0 if np.array_equal(out, x * x) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
