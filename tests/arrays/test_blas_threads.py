"""BLAS held to one thread: by several threads of Python, nested, through errors and forks."""

import os
import subprocess
import sys
import threading

import pytest

from minikeras.arrays import blas_threads, threads
from minikeras.arrays.blas_threads import hold_at_one
from minikeras.core import settings


class Library:
    """A BLAS whose number of threads is that of the process, or one for each thread of Python."""

    def __init__(self, number=4, thread_local=False, name="openblas"):
        self.internal_api = name
        self.threading_layer = "openmp" if thread_local else "pthreads"
        self._shared, self._own = {"number": number}, threading.local()
        self._thread_local, self._first = thread_local, number

    def get_num_threads(self):
        if self._thread_local:
            return getattr(self._own, "number", self._first)
        return self._shared["number"]

    def set_num_threads(self, number):
        if self._thread_local:
            self._own.number = number
        else:
            self._shared["number"] = number


@pytest.fixture
def libraries(monkeypatch):
    libraries = blas_threads._Libraries()
    libraries._process_wide, libraries._thread_local = [Library(4), Library(1)], [Library(3, True)]
    libraries._are_known = True
    monkeypatch.setattr(blas_threads, "_libraries", libraries)
    return [*libraries._process_wide, *libraries._thread_local]


def numbers(libraries):
    return [library.get_num_threads() for library in libraries]


def test_one_thread_inside_and_the_own_numbers_behind(libraries):
    assert hold_at_one(numbers, libraries) == [1, 1, 1]
    assert numbers(libraries) == [4, 1, 3]


def test_the_arguments_and_the_result_pass():
    actual = hold_at_one(lambda *args, **named: (args, named), 1, function=2)
    assert actual == ((1,), {"function": 2})


def test_nested(libraries):
    def outer():
        return hold_at_one(numbers, libraries), numbers(libraries)

    assert hold_at_one(outer) == ([1, 1, 1], [1, 1, 1])
    assert numbers(libraries) == [4, 1, 3]


def test_an_exception_sets_it_back(libraries):
    def fail():
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        hold_at_one(fail)
    assert numbers(libraries) == [4, 1, 3]


def test_the_last_of_several_threads_sets_it_back(libraries):
    first_is_out, second_is_in = threading.Event(), threading.Event()
    seen = []

    def second():
        def inside():
            second_is_in.set()
            assert first_is_out.wait(30)
            seen.append(numbers(libraries))

        hold_at_one(inside)

    other = threading.Thread(target=second)

    def first():
        other.start()
        assert second_is_in.wait(30)
        return numbers(libraries)

    assert hold_at_one(first) == [1, 1, 1]
    assert numbers(libraries) == [1, 1, 3]  # the second still holds those of the process
    first_is_out.set()
    other.join()
    assert seen == [[1, 1, 1]]
    assert numbers(libraries) == [4, 1, 3]


def test_many_threads_at_once(libraries):
    wrong = []

    def often():
        for _ in range(2000):
            if hold_at_one(numbers, libraries) != [1, 1, 1]:
                wrong.append(None)

    others = [threading.Thread(target=often) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert not wrong and numbers(libraries) == [4, 1, 3]


def test_threads_that_help_have_one_thread_of_their_own(libraries, monkeypatch):
    monkeypatch.setitem(settings._settings, "num_threads", 3)
    monkeypatch.setattr(threads, "_pool", threads._Pool())
    together = threading.Barrier(3, timeout=30)

    def task(part):
        together.wait()
        return numbers(libraries)

    assert threads.each(task, [0, 1, 2]) == [[1, 1, 1]] * 3
    assert numbers(libraries) == [4, 1, 3]


@pytest.mark.parametrize("thread_local", [True, False])
def test_which_number_a_library_keeps(thread_local):
    assert blas_threads._is_thread_local(Library(thread_local=thread_local)) is thread_local
    assert blas_threads._is_thread_local(Library(name="mkl"))
    assert not blas_threads._is_thread_local(Library(name="blis"))


FIT = """
import threading
import numpy as np
import minikeras as keras
from threadpoolctl import threadpool_info

def fit(found):
    keras.utils.set_random_seed(3)
    k = keras.layers
    model = keras.Sequential([keras.Input((64,)), k.Dense(256, "relu"), k.Dense(256), k.Dense(8)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(512, 64)).astype("float32")
    model.fit(x, x[:, :8], batch_size=128, epochs=2, verbose=0, shuffle=False)
    found.append([*[w.tolist() for w in model.get_weights()], model.predict(x, verbose=0).tolist()])

def counts():
    found = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
    return [lib["num_threads"] for lib in found if "numpy" in lib["filepath"]]

before, found = counts(), []
fit(found)
for _ in range(2):
    several = [threading.Thread(target=fit, args=(found,)) for _ in range(AT_ONCE)]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()
assert len(found) == 1 + 2 * AT_ONCE
assert all(other == found[0] for other in found)
assert counts() == before
"""


@pytest.mark.parametrize(
    ("blas", "ours", "compiled", "at_once"), [("2", "1", "0", 3), (None, None, "1", 2)]
)
def test_a_model_trains_to_the_same_bits_in_any_thread(blas, ours, compiled, at_once):
    environment = {**os.environ, "MINIKERAS_COMPILED": compiled}
    for name, value in (("OPENBLAS_NUM_THREADS", blas), ("MINIKERAS_NUM_THREADS", ours)):
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    environment.pop("OMP_NUM_THREADS", None)
    code = FIT.replace("AT_ONCE", str(at_once))
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("inside", [True, False])
def test_a_forked_process_keeps_its_own_hold_and_forgets_those_of_others(inside):
    """The real libraries: forked inside this thread's hold, or inside another's."""

    def real():
        return numbers(blas_threads._libraries._process_wide)

    def forked():
        child = os.fork()
        if child == 0:
            held = all(number == 1 for number in real())
            holders = {threading.get_ident()} if inside else set()
            alone = blas_threads._libraries._holders == holders
            os._exit(0 if alone and (held or not inside) else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    if inside:
        assert hold_at_one(forked) == 0
        return
    held, ended = threading.Event(), threading.Event()

    def hold():
        held.set()
        ended.wait(30)

    other = threading.Thread(target=hold_at_one, args=(hold,))
    other.start()
    assert held.wait(30)
    try:
        assert forked() == 0
    finally:
        ended.set()
        other.join()
