"""Chunks of a batch, and the threads that share them."""

import os
import threading
import weakref

import numpy as np
import pytest

from minikeras.arrays import threads
from minikeras.core import settings


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setitem(settings._settings, "num_threads", 3)


def test_chunks_cover_all_items_in_order():
    for count in range(12):
        parts = threads.chunks(count, 1e9)
        assert [i for part in parts for i in range(count)[part]] == list(range(count))
        assert len(parts) == max(min(count, 12), 1)
        assert len(threads.chunks(count, 1e9, each_thread=1)) == max(min(count, 3), 1)


def test_several_chunks_for_each_thread_if_they_are_not_too_short():
    parts = threads.chunks(100, 3e6)
    assert len(parts) == 12 and parts[0].start == 0 and parts[-1].stop == 100
    assert len(threads.chunks(100, 1.5e6)) == 6
    assert len(threads.chunks(100, 3e5)) == 3
    assert len(threads.chunks(5, 3e7)) == 5


def test_little_work_stays_together():
    assert threads.chunks(100, 10) == [slice(0, 100)]


def test_every_chunk_runs_and_results_keep_their_order():
    together = threading.Barrier(3, timeout=30)

    def task(part):
        together.wait()  # passes only if all three run at once
        return part, threading.get_ident()

    results = threads.each(task, [0, 1, 2])
    assert [part for part, _ in results] == [0, 1, 2]
    assert len({ident for _, ident in results}) == 3
    assert results[0][1] == threading.get_ident()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_error_is_raised_when_all_have_ended(place):
    ended = []

    def task(part):
        ended.append(part)
        if part == place:
            raise ValueError(f"chunk {part}")

    with pytest.raises(ValueError, match=f"chunk {place}"):
        threads.each(task, [0, 1, 2])
    assert sorted(ended) == [0, 1, 2]
    assert threads.each(lambda part: part, [4, 5]) == [4, 5]


def test_chunks_are_not_divided_again():
    inner = threads.each(lambda part: len(threads.chunks(100, 1e9)), [0, 1, 2])
    assert inner == [1, 1, 1]
    assert len(threads.chunks(100, 1e9)) == 12


def test_chunks_given_inside_a_chunk_run_one_after_the_other():
    def outer(part):
        return threads.each(lambda inner: (part, inner), [0, 1])

    assert threads.each(outer, [0, 1, 2]) == [[(part, 0), (part, 1)] for part in (0, 1, 2)]


def test_more_chunks_than_threads(monkeypatch):
    assert threads.each(lambda part: part, list(range(20))) == list(range(20))
    monkeypatch.setitem(settings._settings, "num_threads", 1)
    assert threads.each(lambda part: part, [4, 5]) == [4, 5]


def test_a_thread_that_is_held_up_leaves_the_other_chunks_to_the_rest():
    others_are_done, left = threading.Event(), list(range(1, 8))

    def task(part):
        if part == 0:
            assert others_are_done.wait(30)
        else:
            left.remove(part)
            if not left:
                others_are_done.set()
        return part

    assert threads.each(task, list(range(8))) == list(range(8))


def test_nothing_is_kept_of_work_that_is_done():
    class Big:
        pass

    big = Big()
    seen = weakref.ref(big)
    threads.each(lambda part, big=big: part, [0, 1, 2])
    threads.each(lambda part: Big(), [0, 1, 2])
    del big
    assert seen() is None


def test_numbers_overflow_in_silence_in_every_thread():
    def task(part):
        return np.float32([1e38]) * np.float32(1e38)

    with np.errstate(all="ignore"):
        assert all(np.isinf(value) for value in threads.each(task, [0, 1, 2]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    threads.each(lambda part: part, [0, 1, 2])
    child = os.fork()
    if child == 0:
        done = threads.each(lambda part: part * 2, [0, 1, 2]) == [0, 2, 4]
        os._exit(0 if done else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
