"""Kinds of data and how `fit`, `evaluate` and `predict` take them, against Keras."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import tensorflow as tf

from parity_tests.scenario import same
from parity_tests.test_training import LENGTH

pytestmark = pytest.mark.parity

_rng = np.random.default_rng(0)
X = _rng.integers(0, 9, size=(12, 2)).astype("float32")
Y = _rng.integers(0, 2, size=(12, 1)).astype("float32")
CLASSES = _rng.integers(0, 3, size=12)
WEIGHTS = {0: 1.0, 1: 3.0, 2: 0.5}

KINDS = {
    "data frames": lambda: (pd.DataFrame(X), pd.Series(Y[:, 0])),
    "data frames of ints": lambda: (pd.DataFrame(X.astype("int64")), pd.Series(Y[:, 0])),
    "data frames of bools": lambda: (pd.DataFrame(X > 3), pd.DataFrame(Y > 0)),
    "tensors": lambda: (tf.constant(X), tf.constant(Y)),
    "variables": lambda: (tf.Variable(X), tf.Variable(Y)),
    "bfloat16": lambda: (tf.constant(X, "bfloat16"), tf.constant(Y, "bfloat16")),
    "ragged": lambda: (tf.RaggedTensor.from_tensor(X), Y),
    "sparse": lambda: (tf.sparse.from_dense(X), Y),
    "CSR": lambda: (scipy.sparse.csr_matrix(X), Y),
    "COO": lambda: (scipy.sparse.coo_matrix(X), Y),
}


def model(k, units=1, loss="mse", **options):
    m = k.Sequential([k.Input((2,)), k.layers.Dense(units, "softmax" if units > 1 else None)])
    m.layers[0].set_weights([np.arange(1, 1 + 2 * units).reshape(2, units) / 9, np.zeros(units)])
    m.compile("sgd", loss, **options)
    return m


def fit(m, *data, **options):
    return m.fit(*data, **{"verbose": 0, "shuffle": False, "batch_size": 5, **options}).history


@pytest.mark.sampled(rows=3)
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_arrays(kind):
    def scenario(k):
        x, y = KINDS[kind]()
        m = model(k)
        trained = fit(m, x, y, validation_split=0.25), fit(m, X, Y, validation_data=(x, y))
        outputs = m.evaluate(x, y, verbose=0), m.predict(x, verbose=0)
        if kind in ("CSR", "COO"):  # Keras takes them in these three methods alone
            return trained, outputs
        return trained, outputs, m.train_on_batch(x, y), np.asarray(m(x))

    same(scenario, LENGTH)


def test_a_series_is_a_column_for_the_model():
    def scenario(k):
        ranks = []

        class Ranks(k.Model):
            def call(self, x):
                ranks.append(len(x.shape))
                return k.ops.reshape(k.ops.cast(x, "float32"), (-1, 1))

        m = Ranks()
        m.compile("sgd", "mse", run_eagerly=True)
        m.predict(pd.Series(Y[:, 0]), verbose=0)
        in_predict = ranks[-1]
        m.predict_on_batch(pd.Series(Y[:, 0]))
        return in_predict, ranks[-1]

    same(scenario)


TARGETS = {
    "ints": CLASSES,
    "a column": CLASSES[:, None],
    "floats": CLASSES.astype("float32"),
    "a series": pd.Series(CLASSES),
    "a tensor": tf.constant(CLASSES),
    "one-hot": np.eye(3)[CLASSES],
    "one-hot bools": np.eye(3)[CLASSES] > 0,
    "one-hot frame": pd.DataFrame(np.eye(3)[CLASSES]),
}


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("kind", TARGETS)
def test_class_weights(kind):
    y = TARGETS[kind]
    loss = "categorical_crossentropy" if "one-hot" in kind else "sparse_categorical_crossentropy"

    def scenario(k):
        class Data(k.utils.PyDataset):
            def __len__(self):
                return 2

            def __getitem__(self, i):
                return X, np.asarray(y)

        data = tf.data.Dataset.from_tensor_slices((X, np.asarray(y))).batch(5)
        return (
            fit(model(k, 3, loss), X, y, class_weight=WEIGHTS, validation_split=0.3),
            fit(model(k, 3, loss), Data(), batch_size=None, class_weight=WEIGHTS),
            fit(model(k, 3, loss), data, batch_size=None, class_weight=WEIGHTS),
            model(k, 3, loss).train_on_batch(X, y, class_weight={1: 2.0}),
        )

    same(scenario, LENGTH)


def events_of(k):
    """A callback that writes down the numbers of batches and their results."""
    seen = []

    class Events(k.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            seen.append(("end", batch, float(logs["loss"])))

        def on_predict_batch_end(self, batch, logs=None):
            seen.append(("end", batch, tuple(logs["outputs"].shape)))

        on_test_batch_begin = on_predict_batch_begin = on_train_batch_begin
        on_test_batch_end = on_train_batch_end

    return Events(), seen


@pytest.mark.sampled()
@pytest.mark.parametrize("steps", [2, 3, 5])
def test_steps_per_execution(steps):
    def scenario(k):
        callback, seen = events_of(k)
        options = {"callbacks": [callback], "verbose": 0}
        m = model(k, steps_per_execution=steps)
        results = [
            fit(m, X, Y, batch_size=3, epochs=2, **options),
            fit(m, X, Y, batch_size=3, epochs=3, steps_per_epoch=2, validation_data=(X, Y)),
            m.evaluate(X, Y, batch_size=3, **options),
            m.predict(X, batch_size=3, **options),
        ]
        data = ((X, Y) for _ in range(12))
        results.append(fit(m, data, batch_size=None, epochs=2, steps_per_epoch=5, **options))
        return results, seen

    same(scenario, LENGTH)


REFUSED = {
    "a number": lambda m: m.fit(5, Y),
    "a set": lambda m: m.fit({1, 2}, Y),
    "text": lambda m: m.fit("abc", Y),
    "lengths": lambda m: m.fit(X, Y[:5]),
    "weights of another length": lambda m: m.fit(X, Y, sample_weight=np.ones(5)),
    "both weights": lambda m: m.fit(X, Y, sample_weight=Y[:, 0], class_weight={0: 1.0}),
    "weights by class of several targets": lambda m: m.fit(X, [Y, Y], class_weight={0: 1.0}),
    "targets beside a generator": lambda m: m.fit(((X, Y) for _ in range(2)), Y),
    "weights beside a generator": lambda m: m.fit(((X, Y) for _ in range(2)), sample_weight=Y),
    "a generator that is empty": lambda m: m.fit(X for _ in range(0)),
    "a batch of four parts": lambda m: m.fit((X, Y, Y, Y) for _ in range(2)),
    "a generator to be split": lambda m: m.fit(((X, Y) for _ in range(2)), validation_split=0.5),
    "validation of four parts": lambda m: m.fit(X, Y, validation_data=(X, Y, Y, Y)),
    "objects": lambda m: m.fit(X.astype(object), Y),
    "missing numbers": lambda m: m.fit(pd.DataFrame(X).astype("Int64").mask(X == 0), Y),
    "columns of text": lambda m: m.fit(pd.DataFrame(X.astype(str)), Y),
    "targets of text": lambda m: m.fit(X, pd.Series(Y[:, 0]).astype(str)),
}


@pytest.mark.filterwarnings("ignore")
def test_what_is_refused():
    def scenario(k):
        refused = {}
        for name, call in REFUSED.items():
            try:
                call(model(k))
            except ValueError as error:
                refused[name] = type(error).__name__
        return refused

    same(scenario)


@pytest.mark.filterwarnings("ignore:Limiting")
def test_limits():
    def scenario(k):
        try:
            k.config.set_max_epochs(2)
            k.config.set_max_steps_per_epoch(2)
            m = model(k)
            first = fit(m, X, Y, batch_size=None, epochs=4, validation_data=(X, Y))
            return first, m.predict(X, batch_size=3, verbose=0), m.evaluate(X, Y, verbose=0)
        finally:
            k.config.set_max_epochs(None)
            k.config.set_max_steps_per_epoch(None)

    same(scenario, LENGTH)


def test_flags_of_the_configuration():
    def scenario(k):
        c, heard = k.config, []
        heard += [c.is_traceback_filtering_enabled(), c.is_flash_attention_enabled()]
        c.disable_traceback_filtering()
        c.disable_flash_attention()
        heard += [c.is_traceback_filtering_enabled(), c.is_flash_attention_enabled()]
        c.enable_traceback_filtering()
        c.enable_flash_attention()
        heard += [c.is_traceback_filtering_enabled(), c.is_flash_attention_enabled()]
        policy = k.dtype_policies.serialize(k.DTypePolicy("mixed_float16"))
        names = [
            k.dtype_policies.deserialize(policy).name,
            k.mixed_precision.Policy("float16").name,
        ]
        return heard, c.is_nnx_enabled(), c.max_epochs(), policy, names

    same(scenario)
