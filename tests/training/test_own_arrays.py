"""What goes into the engine and what comes out of it shares no memory that anybody writes to.

One table of all the public ways out, one of all the ways in. Out: everything that a user gets is
overwritten; then the model, its inputs and what it says of them must be as before. In: every array
that was passed is overwritten between two batches; what is computed must be what a fresh array for
each batch gives.
"""

import numpy as np
import pytest

import minikeras as keras

SAMPLES = 12
_rng = np.random.default_rng(0)
X = _rng.normal(size=(SAMPLES, 3)).astype("float32")
Y = _rng.normal(size=(SAMPLES, 3)).astype("float32")
KERNEL = _rng.normal(size=(3, 3)).astype("float32")


class Vector(keras.metrics.Metric):
    """A metric whose result is a vector, and is the very variable that it sums up in."""

    def __init__(self):
        super().__init__(name="vector")
        self.total = self.add_variable((3,), "zeros", name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(keras.ops.sum(y_pred, axis=0))

    def result(self):
        return self.total.value


class Open(keras.Model):
    """Returns its input, a view of it, a weight, a view of one, a constant, and something new."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
        self.constant = keras.ops.ones((SAMPLES, 3))

    def call(self, x):
        y = self.dense(x)
        kernel = self.dense.kernel
        # The weight as it is has as many rows as it has: not a batch, but nobody asks.
        return {
            "input": x,
            "view": keras.ops.reshape(x, (-1, 3)),
            "weight": kernel.value,
            "weight's view": keras.ops.transpose(kernel),
            "constant": self.constant,
            "new": y,
            "again": y,
        }


def same():
    """A model that gives its input back after a layer that passes it on."""
    x = keras.Input((3,))
    return keras.Model(x, keras.layers.Activation("linear")(x))


def trained():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="dense")])
    model.layers[0].set_weights([KERNEL, np.zeros(3)])
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae", Vector()])
    model.fit(X, Y, verbose=0, batch_size=4, epochs=2, shuffle=False)
    return model


def opened():
    model = Open()
    model(X)
    return model


def logs_of(model, method, *hooks):
    """All the logs that a callback hears."""
    received = []

    def receive(*arguments, logs=None):
        received.append(logs if logs is not None else arguments[-1])

    callback = keras.callbacks.LambdaCallback()
    for hook in hooks:
        setattr(callback, hook, receive)
    data = (X,) if method == "predict" else (X, Y)
    getattr(model, method)(*data, verbose=0, batch_size=4, callbacks=[callback])
    return received


BATCH_ENDS = ("on_train_batch_end", "on_test_batch_end", "on_predict_batch_end")

# Name: which model, and what a user can get hold of.
WAYS_OUT = {
    "predict": (opened, lambda m: m.predict(X, verbose=0)),
    "predict, batches": (same, lambda m: m.predict(X, verbose=0, batch_size=5)),
    "predict, generator": (same, lambda m: m.predict(iter([(X,)] * 2), steps=2, verbose=0)),
    "predict_on_batch": (opened, lambda m: m.predict_on_batch(X)),
    "predict_on_batch, same": (same, lambda m: m.predict_on_batch(X)),
    "asarray": (opened, lambda m: {k: np.asarray(v) for k, v in m(X).items()}),
    "array": (opened, lambda m: {k: np.array(v, copy=None) for k, v in m(X).items()}),
    "numpy": (opened, lambda m: {k: v.numpy() for k, v in m(X).items()}),
    "convert_to_numpy": (
        opened,
        lambda m: {k: keras.ops.convert_to_numpy(v) for k, v in m(X).items()},
    ),
    "asarray of a variable": (trained, lambda m: [np.asarray(w) for w in m.weights]),
    "numpy of a variable": (trained, lambda m: [w.numpy() for w in m.weights]),
    "value of a variable": (trained, lambda m: [np.asarray(w.value) for w in m.weights]),
    "asarray of an op's view": (
        trained,
        lambda m: [np.asarray(keras.ops.reshape(w, (-1,))) for w in m.weights],
    ),
    "get_weights": (trained, lambda m: m.get_weights()),
    "get_weights of a layer": (trained, lambda m: m.layers[0].get_weights()),
    "state of the optimizer": (trained, lambda m: [np.asarray(v) for v in m.optimizer.variables]),
    "metrics": (trained, lambda m: [np.asarray(v.result()) for v in m.metrics[:1]]),
    "results": (trained, lambda m: list(m.get_metrics_result().values())),
    "evaluate": (trained, lambda m: m.evaluate(X, Y, verbose=0, return_dict=True)),
    "evaluate, list": (trained, lambda m: m.evaluate(X, Y, verbose=0)),
    "test_on_batch": (trained, lambda m: m.test_on_batch(X, Y, return_dict=True)),
    "logs of evaluate": (trained, lambda m: logs_of(m, "evaluate", *BATCH_ENDS, "on_test_end")),
    "logs of predict": (same, lambda m: logs_of(m, "predict", *BATCH_ENDS)),
    "logs of predict, many": (opened, lambda m: logs_of(m, "predict", *BATCH_ENDS)),
}


def overwrite(nest):
    """Write into every array of a nest that can be written to, and change every list and dict."""
    if isinstance(nest, np.ndarray):
        if nest.flags.writeable:
            nest[...] = 77
        return
    if isinstance(nest, dict):
        for part in list(nest.values()):
            overwrite(part)
        nest.clear()
    elif isinstance(nest, (list, tuple)):
        for part in nest:
            overwrite(part)


def arrays(nest):
    return [leaf for leaf in keras.tree.flatten(nest) if isinstance(leaf, np.ndarray)]


def state(model):
    weights = [w.numpy() for w in model.weights]
    if model.optimizer is not None:
        weights += [np.array(v) for v in model.optimizer.variables]
    weights += [v.numpy() for metric in model.metrics for v in metric.variables]
    return [*weights, model(X) if not isinstance(model, Open) else list(model(X).values())]


def assert_equal(before, after):
    for a, b in zip(keras.tree.flatten(before), keras.tree.flatten(after), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("way", WAYS_OUT)
def test_what_comes_out_is_the_callers_own(way):
    make, get = WAYS_OUT[way]
    model = make()
    inputs = X.copy(), Y.copy()
    get(model)
    results = get(model)
    values = [[np.array(a) for a in arrays(results)], state(model)]
    # Arrays of one result share nothing with each other either.
    for i, array in enumerate(arrays(results)):
        others = arrays(results)[:i]
        assert not any(np.may_share_memory(array, other) for other in others)
    overwrite(results)
    np.testing.assert_array_equal(X, inputs[0])
    np.testing.assert_array_equal(Y, inputs[1])
    assert_equal(values[1], state(model))
    assert_equal(values[0], [np.array(a) for a in arrays(get(model))])


def test_history_is_not_what_the_metrics_go_on_in():
    model = trained()
    first = np.array(model.history.history["vector"][0])
    assert not np.array_equal(first, model.history.history["vector"][1])
    model.evaluate(X, Y, verbose=0)
    np.testing.assert_array_equal(first, model.history.history["vector"][0])


def test_memory_that_is_shared_on_purpose_cannot_be_written_to():
    tensor = keras.ops.ones(3)
    shared = np.array(tensor, copy=False)
    assert np.may_share_memory(shared, np.array(tensor, copy=False))
    with pytest.raises(ValueError, match="read-only"):
        shared[0] = 2
    with pytest.raises(ValueError, match="Unable to avoid copy"):
        np.array(tensor, dtype="float64", copy=False)


class Last(keras.layers.Layer):
    """Adds what it received the last time; as a user's memory of earlier batches does."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def call(self, x):
        if not hasattr(x, "numpy"):  # asked for its shape
            return x
        self.seen.append(x)
        return x * self.seen[max(len(self.seen) - 2, 0)]


def memory():
    x = keras.Input((3,))
    model = keras.Model(x, keras.layers.Dense(3, kernel_initializer="ones")(Last()(x)))
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def refilled(steps, targets=True):
    """Batches in one pair of arrays, which are overwritten after each."""
    x, y = np.empty((4, 3), "float32"), np.empty((4, 3), "float32")
    for step in range(steps):
        x[:], y[:] = X[step : step + 4], Y[step : step + 4]
        yield (x, y) if targets else (x,)
        x[:] = y[:] = 1e6


def fresh(steps, targets=True):
    for step in range(steps):
        batch = X[step : step + 4].copy(), Y[step : step + 4].copy()
        yield batch if targets else batch[:1]


class Refilling(keras.utils.PyDataset):
    """The same as a data set."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return 8

    def __getitem__(self, i):
        return [batch for _, batch in zip(range(i + 1), self.batches(8), strict=False)][-1]


class Iterable:
    """An iterable that can start again."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return self.batches(8)

    def __len__(self):
        return 8


def by_hand(model, method, batches):
    return [getattr(model, method)(*batch) for batch in batches]


WAYS_IN = {
    "fit": lambda m, b: m.fit(b(8), steps_per_epoch=8, verbose=0).history,
    "fit, data set": lambda m, b: m.fit(Refilling(b), verbose=0, shuffle=False).history,
    "fit, iterable": lambda m, b: m.fit(Iterable(b), verbose=0, epochs=2).history,
    "fit, weighted": lambda m, b: (
        m.fit(b(8), steps_per_epoch=8, verbose=0, class_weight={0: 2.0, 1: 0.5}).history
    ),
    "evaluate": lambda m, b: m.evaluate(b(8), steps=8, verbose=0),
    "predict": lambda m, b: m.predict(b(8, targets=False), steps=8, verbose=0),
    "validation": lambda m, b: (
        (
            m.fit(X[:4], Y[:4], validation_data=b(8), validation_steps=4, verbose=0, shuffle=False)
        ).history
    ),
    "train_on_batch": lambda m, b: by_hand(m, "train_on_batch", b(8)),
    "test_on_batch": lambda m, b: by_hand(m, "test_on_batch", b(8)),
    "predict_on_batch": lambda m, b: by_hand(m, "predict_on_batch", b(8, targets=False)),
    "call": lambda m, b: [m(*batch) for batch in b(8, targets=False)],
    "set_weights": lambda m, b: [
        m.set_weights([np.float32(2) * batch[0][:3], batch[0][0]]) or m.predict_on_batch(X)
        for batch in b(8)
    ],
    "assign": lambda m, b: [
        (m.layers[-1].bias.assign(batch[0][0]).numpy(), m(X)) for batch in b(8)
    ],
}


TRAINING = {"validation", "train_on_batch", "set_weights", "assign"}


@pytest.mark.parametrize(
    ("way", "make"),
    [
        (way, make)
        for way in WAYS_IN
        for make in (memory, trained, same)
        if make is not same or not (way in TRAINING or way.startswith("fit"))
    ],
)
def test_arrays_that_went_in_can_be_refilled(way, make):
    def run(batches):
        model = make()
        if not model.compiled:
            model.compile("sgd", "mse")
        return [WAYS_IN[way](model, batches), model.get_weights()]

    assert_equal(run(fresh), run(refilled))


def test_an_op_keeps_no_array_of_the_caller():
    x, w = np.ones((1, 2), "float32"), keras.Variable(np.ones((2, 1), "float32"))
    with keras.GradientTape() as tape:
        y = keras.ops.matmul(x, w)
        view = keras.ops.reshape(x, (2,))
    x[...] = 9
    np.testing.assert_array_equal(tape.gradient(y, w), [[1], [1]])
    np.testing.assert_array_equal(view, [1, 1])


def test_a_weight_is_not_the_array_that_an_initializer_returns():
    first = np.ones(3, "float32")
    weight = keras.Variable(lambda shape, dtype: first, shape=(3,))
    first[...] = 9
    np.testing.assert_array_equal(weight.numpy(), [1, 1, 1])
