"""What a user gets wrong is told before anything changes: weights, optimizer, metrics."""


import numpy as np
import pytest

import minikeras as keras
from minikeras.core import registry

SAMPLES = 40
_rng = np.random.default_rng(0)
X = _rng.normal(size=(SAMPLES, 6)).astype("float32")
Y = _rng.normal(size=(SAMPLES, 2)).astype("float32")
LABELS = _rng.integers(0, 3, SAMPLES)
TOKENS = _rng.integers(0, 5, (SAMPLES, 4))


def classifier():
    m = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(3, "softmax")]
    )
    m.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    m.fit(X, LABELS, verbose=0)
    return m


def regression():
    m = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    m.compile("adam", "mse", metrics=["mae"])
    m.fit(X, Y, verbose=0)
    return m


def by_name():
    a, b = keras.Input((6,), name="a"), keras.Input((3,), name="b")
    joined = keras.layers.Concatenate()([a, b])
    m = keras.Model({"a": a, "b": b}, keras.layers.Dense(2)(joined))
    m.compile("adam", "mse")
    m.fit({"a": X, "b": X[:, :3]}, Y, verbose=0)
    return m


def embedding():
    layers = [keras.layers.Embedding(5, 2), keras.layers.Flatten(), keras.layers.Dense(2)]
    m = keras.Sequential([keras.Input((4,), dtype="int32"), *layers])
    m.compile("adam", "mse")
    m.fit(TOKENS, Y, verbose=0)
    return m


def uncompiled():
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])


def state(model, with_metrics=True):
    """Copies of all that a failed call must leave as it was."""
    arrays = model.get_weights()
    if model.optimizer is not None:
        arrays += [np.array(v) for v in model.optimizer.variables]
    if with_metrics:
        arrays += [np.array(v) for metric in model.metrics for v in metric.variables]
    return arrays


def refused(model, call, message, error=ValueError, with_metrics=True):
    """Fail unless a call raises, with a message that says so, and changes nothing."""
    before = state(model, with_metrics)
    with pytest.raises(error, match=message):
        call(model)
    after = state(model, with_metrics)
    assert len(before) == len(after)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def replaced(labels, place, value):
    changed = labels.copy()
    changed[place] = value
    return changed


WRONG_DATA = [
    (
        "surplus axis",
        classifier,
        (X[:, :, None][:, :, [0, 0]], LABELS),
        r"expected shape=\(None, 6\)",
    ),
    ("missing axis", classifier, (X[:, 0], LABELS), r"expected shape=\(None, 6\)"),
    ("other last axis", classifier, (X[:, :5], LABELS), r"found shape=\(\d+, 5\)"),
    (
        "labels too large",
        classifier,
        (X, LABELS + 1),
        "labels.*run from 1 to 3.*3 classes.*from 0 to 2",
    ),
    ("labels too small", classifier, (X, LABELS - 1), "labels.*run from -1 to 1.*3 classes"),
    ("a late label", classifier, (X, replaced(LABELS, 39, 7)), "1 of 40 labels.*sample 39"),
    (
        "a NaN label",
        classifier,
        (X, replaced(LABELS.astype("float32"), 5, np.nan)),
        "label.*sample 5",
    ),
    ("no targets", classifier, (X,), "target of output 'dense_1' is None"),
    ("wide targets", regression, (X, np.ones((SAMPLES, 3))), r"y_true.shape=\(\d+, 3\)"),
    ("one-hot targets", classifier, (X, np.eye(3)[LABELS]), "one axis less"),
    ("fewer targets", classifier, (X, LABELS[:30]), r"same number of samples.*\[30, 40\]"),
    ("fewer weights", classifier, (X, LABELS, None, np.ones(3)), "same number of samples"),
    ("no samples", classifier, (X[:0], LABELS[:0]), "no samples"),
    ("text", classifier, (np.array([["a"] * 6]), LABELS[:1]), "computes with numbers.*string"),
    ("no data", classifier, (), "`x` is missing"),
    ("missing key", by_name, ({"a": X}, Y), r"missing \['b'\]"),
    ("surplus key", by_name, ({"a": X, "b": X[:, :3], "c": X}, Y), r"surplus \['c'\]"),
    ("other key", by_name, ({"a": X, "bb": X[:, :3]}, Y), r"missing \['b'\], surplus \['bb'\]"),
    ("too few inputs", by_name, ([X], Y), "is 2. Received: 1"),
    ("too many targets", regression, (X, [Y, Y]), r"2 entries.*1 output.*array of shape"),
]


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize(
    ("make", "data", "message"), [w[1:] for w in WRONG_DATA], ids=[w[0] for w in WRONG_DATA]
)
def test_wrong_data(make, data, message, method):
    single = method.endswith("batch")
    names = ("x", "y", "class_weight" if single else "batch_size", "sample_weight")
    batch = {name: part for name, part in zip(names, data, strict=False) if part is not None}
    options = {} if single else {"verbose": 0}

    refused(
        make(),
        lambda model: getattr(model, method)(**{"x": None, **batch}, **options),
        f"(?s){message}",
    )


def test_validation_data_are_checked_before_training():
    refused(
        regression(),
        lambda m: m.fit(X, Y, validation_data=(X[:, :3], Y), verbose=0),
        r"found shape=\(\d+, 3\)",
    )
    refused(
        regression(),
        lambda m: m.fit(X, Y, validation_data=(X, Y), validation_freq=1.5, verbose=0),
        "`validation_freq` must be an int, or a list",
    )


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_nan_targets_are_refused(method):
    message = "NaN in 1 of 40 samples, the first at sample 3"
    refused(regression(), lambda m: getattr(m, method)(X, replaced(Y, 3, np.nan)), message)


def test_nan_targets_may_be_meant_by_a_loss_of_ones_own():
    def where_known(y_true, y_pred):
        known = keras.ops.logical_not(keras.ops.isnan(y_true))
        return keras.ops.mean(keras.ops.where(known, y_true - y_pred, 0.0) ** 2, axis=-1)

    m = regression()
    m.compile("sgd", where_known)
    assert np.isfinite(m.fit(X, replaced(Y, 3, np.nan), verbose=0).history["loss"][0])


def test_labels_to_ignore_are_no_mistake():
    m = classifier()
    m.compile("sgd", keras.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    assert np.isfinite(m.fit(X, replaced(LABELS, 3, -1), verbose=0).history["loss"][0])
    refused(m, lambda m: m.fit(X, replaced(LABELS, 3, -2), verbose=0), "first at sample 3")


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_training_before_compile(method):
    refused(
        uncompiled(), lambda m: getattr(m, method)(X, Y), rf"call `compile\(\)` before.*{method}"
    )


def two_tables():
    a, b = keras.Input((4,), name="a"), keras.Input((), name="b", dtype="int32")
    first, second = keras.layers.Embedding(9, 2)(a), keras.layers.Embedding(5, 2)(b)
    parts = [keras.layers.Flatten()(first), second]
    m = keras.Model({"a": a, "b": b}, keras.layers.Dense(2)(keras.layers.Concatenate()(parts)))
    m.compile("adam", "mse", metrics=["mae"])
    m.fit({"b": TOKENS[:, 0], "a": TOKENS}, Y, verbose=0)
    return m


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_an_index_outside_an_embedding(method):
    wrong = replaced(TOKENS, (20, 1), 5)
    message = r"\[-5, 5\).*sample 20 has 5"
    refused(embedding(), lambda m: getattr(m, method)(wrong, Y), message, IndexError)
    data = {"b": wrong[:, 1], "a": TOKENS}
    refused(two_tables(), lambda m: getattr(m, method)(data, Y), message, IndexError)
    refused(embedding(), lambda m: m(wrong), r"\[-5, 5\).*received 5", IndexError)


def test_validation_indices_are_checked_before_training():
    wrong = replaced(TOKENS, (20, 1), 5)
    refused(
        embedding(),
        lambda m: m.fit(TOKENS, Y, validation_data=(wrong, Y), verbose=0),
        "sample 20 has 5",
        IndexError,
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (lambda w: w[:-1], "has 4 weights.*Received: 3 arrays"),
        (lambda w: [w[0].T, *w[1:]], r"dense/kernel.*\(6, 5\).*\(5, 6\)"),
        (lambda w: [2 * v for v in w[:-1]] + [np.zeros(7)], r"dense_1/bias.*\(3,\).*\(7,\)"),
    ],
)
def test_weights_of_another_shape(weights, message):
    refused(classifier(), lambda m: m.set_weights(weights(m.get_weights())), message)


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("layer", lambda: keras.layers.deserialize({"class_name": "Dens", "config": {}})),
        ("initializer", lambda: keras.layers.Dense(2, kernel_initializer="glorot")),
        ("activation", lambda: keras.layers.Dense(2, activation="rellu")),
        ("regularizer", lambda: keras.layers.Dense(2, kernel_regularizer="l7")),
        ("constraint", lambda: keras.layers.Dense(2, kernel_constraint="big")),
        ("optimizer", lambda: keras.optimizers.get("addam")),
        ("loss", lambda: keras.losses.get("msse")),
        ("metric", lambda: keras.metrics.get("acuracy")),
    ],
)
def test_unknown_names(kind, make):
    with pytest.raises(ValueError, match=f"Could not interpret {kind}.*Known names: "):
        make()


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "addam", "loss": "mse"},
        {"optimizer": "sgd", "loss": "msse"},
        {"optimizer": "sgd", "loss": "mse", "metrics": ["acuracy"]},
        {"optimizer": "sgd", "loss": "mse", "metrics": "mae"},
        {"optimizer": "sgd", "loss": ["mse", "nothing"]},
    ],
    ids=str,
)
def test_a_failed_compile_keeps_the_former_one(options):
    m = regression()
    before = m.optimizer, m.loss
    refused(m, lambda m: m.compile(**options), "Could not interpret|Expected `metrics`")
    assert (m.optimizer, m.loss) == before
    m.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.Input(6),
        lambda: keras.Input(shape=6),
        lambda: keras.Input(batch_shape=6),
        lambda: keras.Input((-1,)),
        lambda: keras.layers.Dense(2).add_weight(shape="x"),
        lambda: keras.layers.Dense(2).add_weight(shape=(None, 2)),
        lambda: keras.layers.Dense(0),
        lambda: keras.layers.Dense(2.5),
        lambda: keras.layers.Reshape(6),
        lambda: keras.layers.Reshape((2, 3.0)),
        lambda: keras.ops.reshape(X, "ab"),
        lambda: keras.ops.zeros("ab"),
        lambda: keras.ops.broadcast_to(X, 3.5),
    ],
)
def test_values_that_are_no_shapes(make):
    with pytest.raises((ValueError, TypeError), match="shape|`units`"):
        make()


def test_graphs_that_hang_apart():
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    y = keras.layers.Dense(2)(a)
    with pytest.raises(ValueError, match="name=a.*is not computed from the inputs"):
        keras.Model(b, y)
    with pytest.raises(ValueError, match="not connected to the inputs"):
        keras.Model(a, [y, b])
    with pytest.raises(ValueError, match="All `outputs` values must be KerasTensors"):
        keras.Model(a, [y, 3])
    with pytest.raises(ValueError, match="same tensor twice"):
        keras.Model([a, a], y)


def test_names_that_are_taken():
    twice = [keras.layers.Dense(2, name="d"), keras.layers.Dense(2, name="d")]
    with pytest.raises(ValueError, match="give this one another `name`"):
        keras.Sequential(twice)
    a = keras.Input((6,))
    with pytest.raises(ValueError, match="2 operations of the name 'd'"):
        keras.Model(a, twice[1](twice[0](a)))
    for kind in (keras.Model, keras.Function):
        x = a
        for name in ("d", "e", "e", "d", "d"):
            x = keras.layers.Dense(2, name=name)(x)
        with pytest.raises(ValueError, match="3 operations of the name 'd'"):
            kind(a, x)


def test_no_seam_that_is_not_filled_is_a_bare_key_error():
    for name in ("functional", "save_model", "save_model_h5", "load_model_h5", "save_training"):
        assert registry.late_bound[name]
    with pytest.raises(RuntimeError, match="no 'nonsense' is known"):
        registry.late_bound["nonsense"]
    with pytest.raises(RuntimeError, match="Import `minikeras` first: no 'another' is known"):
        registry.late_bound["another"]
