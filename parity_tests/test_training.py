"""`fit`, `evaluate` and their kin against Keras: histories and results from the same seed."""

import numpy as np
import pytest

from parity_tests.scenario import same

pytestmark = pytest.mark.parity

# Samples times steps: how many terms enter a number of a history.
LENGTH = 40 * 6
SAMPLES = 40

_rng = np.random.default_rng(0)
X = _rng.normal(size=(SAMPLES, 6)).astype("float32")
X2 = _rng.normal(size=(SAMPLES, 3)).astype("float32")
Y = _rng.normal(size=(SAMPLES, 2)).astype("float32")
LABELS = _rng.integers(0, 3, SAMPLES)
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
BITS = (_rng.random((SAMPLES, 1)) > 0.5).astype("float32")
WEIGHTS = _rng.random(SAMPLES).astype("float32")


def mlp(k, units=2, activation=None):
    return k.Sequential(
        [
            k.Input((6,)),
            k.layers.Dense(5, activation="tanh"),
            k.layers.Dense(units, activation=activation),
        ]
    )


def two_headed(k, outputs="list"):
    a, b = k.Input((6,), name="a"), k.Input((3,), name="b")
    hidden = k.layers.Concatenate()([k.layers.Dense(4, activation="tanh")(a), b])
    u = k.layers.Dense(2, name="u")(hidden)
    v = k.layers.Dense(1, activation="sigmoid", name="v")(hidden)
    return k.Model([a, b], {"u": u, "v": v} if outputs == "dict" else [u, v])


def fit(model, *data, **options):
    return model.fit(*data, **{"verbose": 0, **options}).history


SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


@scenario
def metrics_and_results(k):
    m = mlp(k)
    m.compile("adam", "mse", metrics=["mae", "mse"])
    history = fit(m, X, Y, epochs=3, batch_size=8)
    results = [m.evaluate(X, Y, verbose=0, return_dict=d) for d in (False, True)]
    return history, results, m.metrics_names, m.predict(X, verbose=0), m.history.epoch


@scenario
def weighted_metrics(k):
    m = mlp(k, 3, "softmax")
    metrics = ["accuracy", "acc", k.metrics.SparseTopKCategoricalAccuracy(2)]
    m.compile(
        "sgd", "sparse_categorical_crossentropy", metrics=metrics, weighted_metrics=["accuracy"]
    )
    history = fit(m, X, LABELS, epochs=2, sample_weight=WEIGHTS, validation_split=0.25)
    return history, m.evaluate(X, LABELS, verbose=0, sample_weight=WEIGHTS), m.metrics_names


@scenario
def metrics_of_the_same_name(k):
    m = mlp(k)
    named = k.metrics.MeanSquaredError(name="mse")
    m.compile("sgd", "mse", metrics=["mse", "mse", named], weighted_metrics=["mse", "mae", "mae"])
    return fit(m, X, Y, sample_weight=WEIGHTS)


@scenario
def crossentropy_by_targets(k):
    histories = []
    kinds = ((3, "softmax", ONE_HOT), (3, "softmax", LABELS), (1, "sigmoid", BITS))
    for units, activation, y in kinds:
        m = mlp(k, units, activation)
        m.compile("sgd", "crossentropy", metrics=["accuracy"])
        histories.append(fit(m, X, y, epochs=2))
    return histories


@scenario
def class_weights(k):
    m = mlp(k, 3, "softmax")
    m.compile("rmsprop", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    history = fit(m, X, LABELS, epochs=2, class_weight={0: 1.0, 1: 2.0, 2: 0.5})
    one_hot = mlp(k, 3, "softmax")
    one_hot.compile("rmsprop", "categorical_crossentropy")
    return history, fit(one_hot, X, ONE_HOT, epochs=2, class_weight={0: 1.0, 2: 0.5})


@scenario
def single_batches(k):
    m = mlp(k, 3, "softmax")
    m.compile("rmsprop", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    return (
        m.train_on_batch(X, LABELS, class_weight={0: 3.0}),
        m.train_on_batch(X, LABELS, sample_weight=WEIGHTS, return_dict=True),
        m.test_on_batch(X, LABELS),
        m.test_on_batch(X, LABELS, return_dict=True),
        m.predict_on_batch(X),
    )


@scenario
def outputs_in_lists(k):
    m = two_headed(k)
    m.compile(
        "adam",
        ["mse", "binary_crossentropy"],
        loss_weights=[0.3, 2.0],
        metrics=[["mae"], ["accuracy", "mae"]],
    )
    x, y = [X, X2], [Y, BITS]
    history = fit(m, x, y, epochs=2, validation_split=0.2)
    results = [m.evaluate(x, y, verbose=0, return_dict=d) for d in (False, True)]
    return history, results, m.metrics_names, m.predict(x, verbose=0)


@scenario
def outputs_in_dicts(k):
    m = two_headed(k, "dict")
    m.compile(
        "adam",
        {"u": "mse", "v": "binary_crossentropy"},
        loss_weights={"u": 0.3, "v": 2.0},
        metrics={"v": ["accuracy", "mae"]},
        weighted_metrics={"u": "mae"},
    )
    x, y = {"a": X, "b": X2}, {"u": Y, "v": BITS}
    weights = {"u": WEIGHTS, "v": WEIGHTS * 2}
    history = fit(m, x, y, epochs=2, sample_weight=weights)
    return history, m.evaluate(x, y, verbose=0), m.metrics_names, m.predict(x, verbose=0)


@scenario
def dicts_for_listed_outputs(k):
    m = two_headed(k)
    m.compile("adam", {"u": "mse", "v": "mae"}, metrics={"u": "mae"})
    return fit(m, {"a": X, "b": X2}, {"u": Y, "v": BITS}, epochs=2)


@scenario
def one_loss_for_all_outputs(k):
    m = two_headed(k)
    m.compile("adam", "mse", metrics=["mae", "mse"], weighted_metrics=["mae", "mae"])
    x, y = [X, X2], [Y, BITS]
    one_weight = fit(m, x, y, epochs=2, sample_weight=WEIGHTS)
    return one_weight, fit(m, x, y, sample_weight=[WEIGHTS, 2 * WEIGHTS])


@scenario
def outputs_without_loss(k):
    listed = two_headed(k)
    listed.compile("adam", ["mse", None])
    named = two_headed(k, "dict")
    named.compile("adam", {"u": "mse"})
    y = {"u": Y, "v": BITS}
    return fit(listed, [X, X2], [Y, BITS], epochs=2), fit(named, [X, X2], y, epochs=2)


@scenario
def penalties(k):
    first = k.layers.Dense(
        5, "tanh", kernel_regularizer="l2", activity_regularizer=k.regularizers.L1(0.01)
    )
    last = k.layers.Dense(2, bias_regularizer=k.regularizers.L2(0.1))
    m = k.Sequential([k.Input((6,)), first, last])
    m.compile("adam", "mse", metrics=["mse"])
    return fit(m, X, Y, epochs=2, batch_size=7), m.evaluate(X, Y, verbose=0)


@scenario
def when_to_validate(k):
    m = mlp(k)
    m.compile("sgd", "mse")
    every_second = fit(m, X, Y, epochs=4, validation_data=(X[:9], Y[:9]), validation_freq=2)
    weighted = (X[:9], Y[:9], WEIGHTS[:9])
    listed = fit(
        m, X, Y, epochs=4, validation_data=weighted, validation_freq=[1, 4], validation_batch_size=4
    )
    later = fit(m, X, Y, epochs=5, initial_epoch=3)
    return every_second, listed, later, m.history.epoch, sorted(m.history.params.items())


@scenario
def orders_of_samples(k):
    m = mlp(k)
    m.compile("sgd", "mse")
    return [fit(m, X, Y, epochs=2, batch_size=7, shuffle=s) for s in ("batch", False, True)]


@scenario
def losses_and_metrics_of_ones_own(k):
    def far(y_true, y_pred):
        return k.ops.mean(k.ops.abs(y_true - y_pred), axis=-1)

    m = mlp(k)
    m.compile("sgd", far, metrics=[far, lambda a, b: k.ops.mean(a - b)])
    single = mlp(k, 1)
    single.compile(
        k.optimizers.SGD(0.05, momentum=0.9),
        k.losses.Huber(reduction="sum"),
        metrics=[k.metrics.RootMeanSquaredError()],
        loss_weights=0.5,
    )
    return fit(m, X, Y, epochs=2, sample_weight=WEIGHTS), fit(single, X, BITS, epochs=2)


@scenario
def targets_without_their_last_axis(k):
    m = mlp(k, 1)
    m.compile("sgd", "mse", metrics=["mae"])
    return fit(m, X, BITS[:, 0], epochs=2)


@scenario
def other_dtypes_of_data(k):
    m = mlp(k)
    m.compile("sgd", "mse")
    return fit(m, X.astype("float64"), Y.astype("float64")), fit(m, X.astype("int32"), Y)


@scenario
def compiled_twice(k):
    m = mlp(k)
    m.compile("sgd", "mse", metrics=["mae"])
    first = fit(m, X, Y)
    m.compile("adam", "mae", run_eagerly=True)
    second = fit(m, X, Y)
    m.compile("sgd", "mse", steps_per_execution=3)
    return first, second, fit(m, X, Y, batch_size=8), m.metrics_names


@scenario
def averaged_weights(k):
    m = mlp(k)
    m.compile(k.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5), "mse")
    return fit(m, X, Y, epochs=2, batch_size=8), m.evaluate(X, Y, verbose=0), m.get_weights()


@scenario
def random_layers(k):
    layers = k.layers
    m = k.Sequential([k.Input((6,)), layers.Dense(8, "relu"), layers.Dropout(0.4), layers.Dense(2)])
    m.compile("adam", "mse")
    history = fit(m, X, Y, epochs=3, batch_size=8, validation_split=0.2)
    deferred = k.Sequential([layers.Dense(5), layers.Dropout(0.3), layers.Dense(2)])
    deferred.compile("adam", "mse")
    return history, fit(deferred, X, Y, epochs=2), [v.path for v in deferred.weights]


@scenario
def moving_statistics(k):
    layers = k.layers
    m = k.Sequential([k.Input((6,)), layers.Dense(5), layers.BatchNormalization(), layers.Dense(2)])
    m.compile("sgd", "mse")
    history = fit(m, X, Y, epochs=2, batch_size=8, validation_split=0.2)
    return history, m.evaluate(X, Y, verbose=0)


@scenario
def frozen_layers(k):
    m = mlp(k)
    m.layers[0].trainable = False
    m.compile("sgd", "mse")
    part = fit(m, X, Y, epochs=2), len(m.trainable_weights)
    m.trainable = False
    m.compile("sgd", "mse")
    return part, fit(m, X, Y)


@scenario
def stopped_training(k):
    class Stop(k.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                self.model.stop_training = True

    m = mlp(k)
    m.compile("sgd", "mse")
    options = {"batch_size": 8, "callbacks": [Stop()], "validation_data": (X, Y)}
    return fit(m, X, Y, epochs=3, **options)


@pytest.mark.sampled(rows=5)
@pytest.mark.parametrize("name", SCENARIOS)
def test_training(name):
    same(SCENARIOS[name], LENGTH)
