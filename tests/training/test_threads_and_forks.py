"""Models that train and predict in several threads at once, and in forked processes."""

import multiprocessing
import os
import threading

import numpy as np
import pytest

import minikeras as keras

k = keras.layers
X = np.random.default_rng(0).normal(size=(64, 12, 12, 2)).astype("float32")
Y = np.eye(4, dtype="float32")[np.arange(64) % 4]


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    """Threads that take part in however little work there is."""
    before = keras.config.num_threads()
    keras.config.set_num_threads(3)
    monkeypatch.setattr("minikeras.arrays.threads._LEAST_WORK", 1)
    yield
    keras.config.set_num_threads(before)


def _convolutional():
    return [k.Conv2D(4, 3, activation="relu"), k.MaxPooling2D(), k.Flatten(), k.Dense(4)]


def _normalized():
    return [k.Flatten(), k.Dense(96, "silu"), k.BatchNormalization(), k.Dense(4)]


def _recurrent():
    return [k.Reshape((12, 24)), k.LSTM(8), k.Dense(4)]


def _dense():
    return [k.Flatten(), k.Dense(128, "relu"), k.Dense(4)]


LAYERS = [_convolutional, _normalized, _recurrent, _dense]


def _trained(layers):
    """What a model predicts after some training, as bytes; seeds do not cross threads."""
    initializer = keras.initializers.GlorotUniform(seed=1)
    model = keras.Sequential([keras.Input(X.shape[1:]), *layers()])
    for weight in model.trainable_weights:
        if len(weight.shape) > 1:
            weight.assign(initializer(weight.shape))
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    model.fit(X, Y, batch_size=16, epochs=3, verbose=0, shuffle=False)
    return model.predict(X, batch_size=16, verbose=0).tobytes()


def _in_threads(tasks):
    results = [None] * len(tasks)

    def run(i):
        results[i] = tasks[i]()

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a thread hangs"
    return results


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "in NumPy"])
def test_four_models_train_in_four_threads_as_alone(compiled):
    before = keras.config.compiled_kernels()
    keras.config.set_compiled_kernels(compiled)
    try:
        alone = [_trained(layers) for layers in LAYERS]
        for _ in range(3):
            tasks = [lambda layers=layers: _trained(layers) for layers in LAYERS]
            assert _in_threads(tasks) == alone
    finally:
        keras.config.set_compiled_kernels(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_process_trains_like_its_parent():
    expected = [_trained(layers) for layers in LAYERS]  # the threads have started by then
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        trained = pool.map_async(_trained, LAYERS).get(timeout=120)
    assert trained == expected
    assert [_trained(layers) for layers in LAYERS] == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_process_forked_in_the_middle_of_training_goes_on():
    """Forked by one thread of Python while another trains."""
    expected, stop = _trained(_dense), threading.Event()

    def train():
        while not stop.is_set():
            _trained(_normalized)

    other = threading.Thread(target=train)
    other.start()
    try:
        children = []
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if _trained(_dense) == expected else 1)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    finally:
        stop.set()
        other.join()
    assert codes == [0] * 5
