"""Exceptions of signal handlers (Ctrl-C, a time limit) that come at any moment.

CPython runs a signal's handler in the main thread where a function begins, where a loop jumps back
and after a call. So there are two kinds of test: one raises an exception at each such place in
turn, one lets a timer of the system send signals after random microseconds.
"""

import faulthandler
import random
import signal
import sys
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import minikeras as keras
from minikeras.arrays import threads
from minikeras.core import per_thread

k = keras.layers
pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer"),
    # A generator that is thrown away cannot hand an exception on; a signal does not come there.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

X = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
Y = X[:, :1] * 2


class TimeLimit(Exception):
    """What a user's own handler raises."""


@pytest.fixture(autouse=True)
def three_threads_and_no_hanging():
    before = keras.config.num_threads()
    keras.config.set_num_threads(3)
    faulthandler.dump_traceback_later(1500, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()
    keras.config.set_num_threads(before)


def _scopes():
    """What this thread is in the middle of."""
    return [
        {name: getattr(values, name) for name in type(values).__annotations__}
        for values in per_thread._all
    ]


def _numpy_errors():
    return np.geterr(), np.getbufsize()


def _blas():
    """The number of threads of NumPy's BLAS; Numba may load another one meanwhile."""
    libraries = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
    return [lib["num_threads"] for lib in libraries if "numpy" in lib["filepath"]]


# At each place in turn


def _interrupted_at(action, number):
    """Raise at one of the places where a handler may run; return where, None if there are less."""
    count, place = 0, None

    def look(frame, event, _):
        nonlocal count, place
        if event in ("call", "c_return"):
            count += 1
            if count == number:
                place = event, frame.f_code.co_qualname, frame.f_lineno
                raise KeyboardInterrupt

    sys.setprofile(look)
    try:
        action()
    except KeyboardInterrupt:
        pass
    finally:
        sys.setprofile(None)
    return place


def _model(*more):
    inside = k.Dense(5, "relu", dtype="mixed_float16", activity_regularizer="l2")
    return keras.Sequential([keras.Input((6,)), inside, k.BatchNormalization(), *more, k.Dense(1)])


def _layer_call():
    model = _model(k.Dropout(0.5))
    return lambda: model(X, training=True)


def _predict():
    model = _model()
    return lambda: model.predict(X, batch_size=16, verbose=0)


def _fit():
    model = _model()
    model.compile("adam", "mse")
    return lambda: model.fit(X, Y, batch_size=8, epochs=2, verbose=0)


def _tape():
    weight = keras.Variable(np.ones((6, 1), "float32"))

    def step():
        with keras.GradientTape() as tape:
            loss = keras.ops.sum(keras.ops.matmul(X, weight))
        tape.gradient(loss, weight)

    return step


PLACES = {
    "chunks": (lambda: lambda: threads.each(lambda part: part + 1, [1, 2, 3]), 1),
    "layer": (_layer_call, 11),
    "predict": (_predict, 7),
    "fit": (_fit, 83),
}


@pytest.mark.parametrize("every", [None, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", PLACES)
def test_nothing_stays_open_wherever_an_exception_comes(name, every):
    make, stride = PLACES[name]
    action = make()
    for _ in range(4):  # so that steps are recorded
        action()
    scopes, errors, blas, number = _scopes(), _numpy_errors(), _blas(), 1
    while (place := _interrupted_at(action, number)) is not None:
        assert _scopes() == scopes, place
        if name in ("predict", "fit"):
            assert _numpy_errors() == errors, place
        np.seterr(**errors[0])  # `np.errstate` has such a place itself
        number += every or stride
    assert _blas() == blas and number > stride
    action()


# After random microseconds


def _chunks(part):
    return sum(range(part * 50))


def _python_chunks():
    return threads.each(_chunks, list(range(7)))


def _compiled_chunks():
    x = keras.ops.reshape(keras.ops.arange(200_000, dtype="float32"), (200, 1000)) / 1e5
    return keras.activations.silu(x).numpy().tobytes()


def _network(layers):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    return model


def _small_predict():
    model = _network([k.Dense(5, "relu"), k.Dense(1)])
    return lambda: model.predict(X, batch_size=8, verbose=0).tobytes()


def _wide_fit():
    model = _network([k.Dense(300, "relu"), k.Dense(300, "relu"), k.Dense(1)])
    weights = model.get_weights()

    def fit():
        model.set_weights(weights)
        model.fit(X, Y, batch_size=8, epochs=2, verbose=0, shuffle=False)
        return b"".join(array.tobytes() for array in model.get_weights())

    return fit


RANDOM = {
    "python chunks": (lambda: _python_chunks, 4),
    "compiled chunks": (lambda: _compiled_chunks, 2),
    "predict": (_small_predict, 3),
    "fit": (_wide_fit, 1),
}


def _interrupt(action, times):
    """Run something with a signal after a random time, often; return how often one arrived."""
    arrived = 0

    def handler(*_):
        nonlocal arrived
        arrived += 1
        raise random.choice([KeyboardInterrupt, TimeLimit])

    start = time.perf_counter()
    action()
    longest = 1.2 * (time.perf_counter() - start)
    former = signal.signal(signal.SIGALRM, handler)
    try:
        while arrived < times:
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, longest))
                action()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except (KeyboardInterrupt, TimeLimit):
                pass
    finally:
        signal.signal(signal.SIGALRM, former)
    return arrived


@pytest.mark.parametrize("times", [60, pytest.param(12_500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", RANDOM)
def test_it_always_comes_back_and_computes_the_same_afterwards(name, times):
    make, share = RANDOM[name]
    action = make()
    expected, blas, scopes = action(), _blas(), _scopes()
    for _ in range(5):
        _interrupt(action, times * share // 5)
        assert action() == expected
        assert _blas() == blas and _scopes() == scopes
    others = []
    other = threading.Thread(target=lambda: others.append(action()))
    other.start()
    other.join()
    assert others == [expected]


def test_two_signals_in_a_row_do_not_keep_it_from_waiting():
    """While the chunks of others are waited for, signal after signal arrives."""
    ended = threading.Event()
    begun = threading.Barrier(3)

    def task(part):
        begun.wait(30)
        if part:
            ended.wait(30)
        return part

    def handler(*_):
        signals.append(None)
        if len(signals) == 10:
            ended.set()
        raise TimeLimit("the alarm rang")

    signals = []
    former = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(TimeLimit, match="the alarm rang"):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.05, 0.01)
                threads.each(task, [0, 1, 2])
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, former)
    assert len(signals) >= 10 and ended.is_set()
    assert threads.each(lambda part: part, [0, 1, 2]) == [0, 1, 2]
