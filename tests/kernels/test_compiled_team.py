"""Threads that share the pieces of a compiled kernel."""

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
from minikeras.kernels.compiled.loops import compiled, inner
from minikeras.kernels.compiled.team import ALL, divided, shared, together

WORK = 1e9  # worth every thread


@pytest.fixture(autouse=True, params=[1, 2, 5])
def count(request):
    """Each test with one thread, with two, and with more than this machine has cores."""
    before = config.num_threads()
    config.set_num_threads(request.param)
    yield request.param
    config.set_num_threads(before)


@compiled()
def _squares(team, ends, number, x, out, whose):
    if number == ALL:
        return together(team, ends, (x, out, whose))
    for i in range(ends[number], ends[number + 1]):
        out[i] += x[i] * x[i]  # a piece that is computed twice shows
        whose[i] = number


@compiled()
def _squares_of_sums(team, ends, number, x, y, sums, out, whose):
    _sums(team, ends, number, x, y, sums)
    _squares(team, ends, number, sums, out, whose)


@inner()
def _sums(team, ends, number, x, y, out):
    if number == ALL:
        return together(team, ends, (x, y, out))
    for i in range(ends[number], ends[number + 1]):
        out[i] += x[i] + y[i]


@compiled()
def _hungry(team, ends, number, numbers):
    if number == ALL:
        return together(team, ends, (numbers,))
    if number == len(numbers) - 1:
        raise MemoryError
    numbers[number] = 1


@numba.njit
def _mistaken(team, ends, number, x, y):
    if number == ALL:
        return together(team, ends, (x,))


_self = ctypes.CDLL(None).pthread_self if hasattr(os, "fork") else None
if _self is not None:
    _self.argtypes, _self.restype = (), ctypes.c_size_t


@numba.njit(nogil=True)
def _who(team, ends, number, who):
    if number == ALL:
        return together(team, ends, (who,))
    total = 1.0
    for _ in range(300_000):  # long enough for others to come
        total = total * 1.0000001 + 1e-9
    who[number] = _self() if total > 0 else 0


def squares(size=1000):
    x, out = np.arange(float(size)), np.zeros(size)
    whose = np.full(size, -1)
    divided(_squares, size, WORK, x, out, whose)
    return x, out, whose


def test_every_piece_is_computed_once(count):
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
        shared(_who, threads.ends(20, WORK), who)
        assert len(set(who) - {0}) <= wanted


def test_one_kernel_shares_after_another():
    x, y, sums, out = np.arange(1000.0), np.ones(1000), np.zeros(1000), np.zeros(1000)
    divided(_squares_of_sums, 1000, WORK, x, y, sums, out, np.full(1000, -1))
    np.testing.assert_array_equal(out, (x + 1) ** 2)


def test_a_kernel_gets_the_arguments_that_it_has():
    with pytest.raises(TypeError, match="needs all arguments of the kernel"):
        divided(_mistaken, 10, WORK, np.ones(10), np.ones(10))


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


def test_plain_pieces_and_compiled_ones_take_turns():
    for _ in range(50):
        x, out, _ = squares()
        np.testing.assert_array_equal(out, x * x)
        assert threads.each(lambda part: part + 1, list(range(7))) == list(range(1, 8))


def test_inside_a_plain_piece_there_is_one_compiled_one():
    assert threads.each(lambda part: int(squares()[2].max()), [0, 1, 2]) == [0, 0, 0]


def test_a_piece_that_finds_no_room_is_told_and_the_next_call_works():
    for _ in range(20):
        numbers = np.zeros(len(threads.ends(100, WORK)) - 1)
        with pytest.raises(MemoryError, match="found no room"):
            divided(_hungry, 100, WORK, numbers)
        assert numbers[:-1].all()
        x, out, _ = squares()
        np.testing.assert_array_equal(out, x * x)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_team_of_its_own():
    squares()
    child = os.fork()
    if child == 0:
        x, out, _ = squares()
        os._exit(0 if np.array_equal(out, x * x) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
