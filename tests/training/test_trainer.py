"""The training loops alone: what `fit`, `evaluate` and `predict` call, return and leave."""

import gc
import itertools
import time

import numpy as np
import pytest

import minikeras as keras
from minikeras.ops.random.seeds import set_random_seed

SAMPLES = 40
_rng = np.random.default_rng(0)
X = _rng.normal(size=(SAMPLES, 6)).astype("float32")
Y = X @ _rng.normal(size=(6, 2)).astype("float32")


def model(loss="mse", **options):
    m = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    m.compile("sgd", loss, **options)
    return m


def test_a_step_by_hand():
    """One step of gradient descent on the mean squared error, written out."""
    m = model()
    kernel, bias = m.get_weights()
    error = X @ kernel + bias - Y
    loss = m.train_on_batch(X, Y)
    np.testing.assert_allclose(loss, np.mean(error**2), rtol=1e-5)
    gradient = 2 * error / error.size
    weights = m.get_weights()
    np.testing.assert_allclose(weights[0], kernel - 0.01 * X.T @ gradient, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(weights[1], bias - 0.01 * gradient.sum(axis=0), rtol=1e-4, atol=1e-6)


def test_training_makes_the_loss_small():
    m = model(metrics=["mae"])
    m.compile(keras.optimizers.Adam(0.05), "mse", metrics=["mae"])
    history = m.fit(X, Y, epochs=60, verbose=0).history
    assert history["loss"][-1] < 1e-3 * history["loss"][0]
    assert list(history) == ["loss", "mae"]


STATE = {
    "compiled": True,
    "optimizer": keras.optimizers.SGD(0.1),
    "loss": "mae",
    "run_eagerly": True,
    "jit_compile": True,
    "steps_per_execution": 2,
    "stop_training": True,
    "stop_evaluating": True,
    "stop_predicting": True,
    "history": keras.callbacks.History(),
}


@pytest.mark.parametrize("name", STATE)
@pytest.mark.parametrize("kind", ["Sequential", "Functional", "subclass"])
def test_the_state_of_training_is_set_by_attributes(kind, name):
    class Own(keras.Model):
        def __init__(self):
            setattr(self, name, STATE[name])  # the layer itself does not exist yet
            super().__init__()

    x = keras.Input((1,))
    kinds = {"Sequential": keras.Sequential, "Functional": lambda: keras.Model(x, x)}
    m, other = (kinds.get(kind, Own)() for _ in range(2))
    assert not getattr(kinds.get(kind, keras.Model)(), name) or name == "steps_per_execution"
    setattr(m, name, STATE[name])
    assert getattr(m, name) is STATE[name]
    assert kind == "subclass" or getattr(other, name) is not STATE[name]


def test_a_step_stops_being_recorded_once_steps_run_eagerly():
    m = model()
    m.train_on_batch(X, Y)
    seen = []
    m.train_step = lambda data: seen.append(data) or {}
    m.train_on_batch(X, Y)
    assert not seen
    m.run_eagerly = True
    m.train_on_batch(X, Y)
    assert len(seen) == 1


def test_results_of_evaluate():
    m = model(metrics=["mae"])
    loss, mae = m.evaluate(X, Y, verbose=0)
    error = m.predict(X, verbose=0) - Y
    np.testing.assert_allclose([loss, mae], [np.mean(error**2), np.mean(np.abs(error))], rtol=1e-5)
    assert m.evaluate(X, Y, verbose=0, return_dict=True) == {"loss": loss, "mae": mae}
    assert isinstance(model().evaluate(X, Y, verbose=0), float)


def test_evaluating_and_predicting_change_no_weight():
    m = model()
    before = m.get_weights()
    m.evaluate(X, Y, verbose=0)
    m.predict(X, verbose=0)
    m.test_on_batch(X, Y)
    assert int(m.optimizer.iterations) == 0
    for a, b in zip(before, m.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_sample_weights_weigh():
    m = model()
    weights = np.zeros(SAMPLES)
    weights[:3] = 1.0
    error = m.predict(X, verbose=0) - Y
    expected = np.mean(error[:3] ** 2) * 3 / SAMPLES
    results = m.evaluate(X, Y, batch_size=SAMPLES, sample_weight=weights, verbose=0)
    np.testing.assert_allclose(results, expected, rtol=1e-5)


def test_the_same_seed_gives_the_same_run():
    runs = []
    for _ in range(2):
        set_random_seed(3)
        layers = [keras.layers.Dense(5), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
        m = keras.Sequential([keras.Input((6,)), *layers])
        m.compile("adam", "mse")
        runs.append((m.fit(X, Y, epochs=2, batch_size=8, verbose=0).history, m.get_weights()))
    assert runs[0][0] == runs[1][0]
    for a, b in zip(runs[0][1], runs[1][1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_validation_does_not_train():
    m = model()
    split = m.fit(X, Y, validation_split=0.25, epochs=2, verbose=0).history
    assert list(split) == ["loss", "val_loss"]
    after = m.evaluate(X[30:], Y[30:], verbose=0)
    np.testing.assert_allclose(split["val_loss"][-1], after, rtol=1e-6)


def test_every_sample_is_seen_once_an_epoch():
    seen = []

    class Watching(keras.Model):
        def train_step(self, data):
            seen.append(data[0])
            return super().train_step(data)

    inputs = keras.Input((6,))
    m = Watching(inputs, keras.layers.Dense(2)(inputs))
    m.compile("sgd", "mse", run_eagerly=True)  # what is recorded is not called again
    m.fit(X, Y, batch_size=16, verbose=0)
    assert [len(batch) for batch in seen] == [16, 16, 8]
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)[:, 0]), np.sort(X[:, 0]))


@pytest.mark.parametrize("shuffle", [False, "batch"])
def test_batches_that_stay_in_place(shuffle):
    seen = []

    class Watching(keras.Model):
        def train_step(self, data):
            seen.append(np.sort(data[0][:, 0]))
            return super().train_step(data)

    inputs = keras.Input((6,))
    m = Watching(inputs, keras.layers.Dense(2)(inputs))
    m.compile("sgd", "mse")
    m.fit(X, Y, batch_size=10, shuffle=shuffle, verbose=0)
    for i, batch in enumerate(seen):
        np.testing.assert_array_equal(batch, np.sort(X[10 * i : 10 * i + 10, 0]))


def test_iterables_of_batches_start_again():
    class Batches:
        def __iter__(self):
            return iter([(X[:20], Y[:20]), (X[20:], Y[20:])])

    m = model()
    with pytest.warns(UserWarning, match="ran out of data"):
        history = m.fit(Batches(), epochs=3, verbose=0).history
    assert len(history["loss"]) == 3
    assert int(m.optimizer.iterations) == 6


def test_data_that_run_out_end_the_epoch():
    m = model()
    with pytest.warns(UserWarning, match="ran out of data; the epoch ends before step 2"):
        m.fit(X, Y, batch_size=20, steps_per_epoch=5, verbose=0)
    assert int(m.optimizer.iterations) == 2


def test_whoever_stops_in_the_middle_of_a_dataset_does_not_wait_for_the_rest():
    asked = []

    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 100

        def __getitem__(self, i):
            asked.append(i)
            time.sleep(0.01)
            return X, Y

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt("by the user")

    data = Data(workers=2, max_queue_size=50)
    with pytest.raises(KeyboardInterrupt, match="by the user"):
        model().fit(data, verbose=0, callbacks=[Stop()])
    gc.collect()
    count = len(asked)
    time.sleep(0.1)
    assert len(asked) == count < 60


@pytest.mark.parametrize("workers", [1, 4])
def test_batches_of_a_dataset_keep_their_order(workers):
    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 8

        def __getitem__(self, i):
            return X[5 * i : 5 * i + 5], Y[5 * i : 5 * i + 5]

    m = model()
    m.set_weights([np.eye(6, 2), np.zeros(2)])
    np.testing.assert_array_equal(m.predict(Data(workers=workers), verbose=0), X[:, :2])


def test_a_dataset_is_iterated_over_once_or_without_end():
    class Data(keras.utils.PyDataset):
        num_batches = 3

        def __getitem__(self, i):
            return i

    assert list(Data()) == [0, 1, 2]
    Data.num_batches = None
    assert list(itertools.islice(Data(), 5)) == [0, 1, 2, 3, 4]


def test_what_a_step_returns_is_what_is_logged():
    class Own(keras.Model):
        def train_step(self, data):
            return {"answer": 42.0}

    inputs = keras.Input((6,))
    m = Own(inputs, keras.layers.Dense(2)(inputs))
    m.compile("sgd", "mse")
    assert m.fit(X, Y, epochs=2, verbose=0).history == {"answer": [42.0, 42.0]}


def test_a_loop_of_ones_own():
    m = model()
    optimizer, loss = keras.optimizers.SGD(0.1), keras.losses.MeanSquaredError()
    values = []
    for _ in range(50):
        with keras.GradientTape() as tape:
            value = loss(Y, m(X, training=True))
        optimizer.apply(tape.gradient(value, m.trainable_weights), m.trainable_weights)
        values.append(float(value))
    assert values[-1] < 0.1 * values[0]


def test_unused_outputs_leave_their_layer_alone():
    a = keras.Input((6,))
    used, unused = keras.layers.Dense(2, name="used"), keras.layers.Dense(2, name="unused")
    m = keras.Model(a, [used(a), unused(a)])
    m.compile("sgd", ["mse", None])
    before = [w.numpy() for w in unused.weights]
    with pytest.warns(UserWarning, match="unused/kernel"):
        m.fit(X, [Y, Y], verbose=0)
    for a, b in zip(before, unused.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_checks_cost_no_random_numbers():
    set_random_seed(1)
    layers = [keras.layers.Dropout(0.5, seed=5), keras.layers.Dense(2)]
    m = keras.Sequential([keras.Input((6,)), *layers])
    m.compile("sgd", "mse")
    m.fit(X, Y, batch_size=8, verbose=0)
    np.testing.assert_array_equal(layers[0].seed_generator.state, [5, SAMPLES // 8])


def test_float16_layers_scale_the_loss():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dense(2, dtype="float32")]
        m = keras.Sequential([keras.Input((6,)), *layers])
        m.compile(keras.optimizers.Adam(0.01), "mse")
        history = m.fit(X, Y, epochs=3, verbose=0).history["loss"]
    finally:
        keras.config.set_dtype_policy("float32")
    assert isinstance(m.optimizer, keras.optimizers.LossScaleOptimizer)
    assert history[-1] < history[0]
    assert float(m.optimizer.dynamic_scale) == 2.0**15
