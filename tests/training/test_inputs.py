"""What `fit`, `evaluate` and `predict` take as data and numbers, and how they refuse the rest."""

import numpy as np
import pytest

import minikeras as keras

SAMPLES = 12
_rng = np.random.default_rng(0)
X = _rng.integers(0, 9, size=(SAMPLES, 2)).astype("float32")
Y = _rng.integers(0, 9, size=SAMPLES).astype("float32")
W = _rng.random(SAMPLES).astype("float32")


class Frame:
    """A stand-in for a data frame or a series: iterating over it gives names, not rows."""

    def __init__(self, array):
        self.array = np.asarray(array)
        self.shape = self.array.shape

    def to_numpy(self):
        return self.array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)

    def __len__(self):
        return len(self.array)

    def __iter__(self):
        return iter("abc")


class Exchanged:
    """A tensor of another library that offers DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Foreign:
    """A tensor of another library: its dtype is none of NumPy's."""

    def __init__(self, array):
        self.array = array
        self.shape, self.dtype = array.shape, "foreign.float32"

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)


def in_columns_of_objects(array):
    """What a data frame with columns of floats, ints and bools gives."""
    objects = np.asarray(array).astype(object)
    objects[-1] = [int(value) for value in objects[-1]] if objects.ndim > 1 else int(objects[-1])
    return Frame(objects)


KINDS = {
    "our tensors": keras.ops.convert_to_tensor,
    "our variables": lambda a: keras.Variable(a),
    "data frames": Frame,
    "data frames of objects": in_columns_of_objects,
    "foreign tensors": Foreign,
    "DLPack": Exchanged,
    "float64": lambda a: a.astype("float64"),
    "big-endian floats": lambda a: a.astype(">f8"),
    "big-endian ints": lambda a: a.astype(">i4"),
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "every other row": lambda a: np.repeat(a, 2, axis=0)[::2],
}


def model():
    m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    m.layers[0].set_weights([np.ones((2, 1)) / 3, np.ones(1)])
    m.compile("sgd", "mse", metrics=["mae"])
    return m


class Batches:
    """An iterable of batches that can start again and knows its length, as loaders do."""

    def __init__(self, *arrays, pack=tuple):
        self.batches = [pack([a[i : i + 4] for a in arrays]) for i in range(0, SAMPLES, 4)]

    def __iter__(self):
        return iter(self.batches)

    def __len__(self):
        return len(self.batches)


def of_batches(kind, pack=tuple):
    """Convert the parts of each batch to a kind of array."""
    source = Batches(X, Y)
    source.batches = [pack([kind(part) for part in batch]) for batch in source.batches]
    return source


WAYS = {
    "fit": lambda kind: (
        model().fit(kind(X), kind(Y), shuffle=False, verbose=0, batch_size=4, epochs=2).history
    ),
    "fit, split": lambda kind: (
        model().fit(kind(X), kind(Y), shuffle=False, verbose=0, validation_split=0.25).history
    ),
    "validation": lambda kind: (
        model().fit(X, Y, shuffle=False, verbose=0, validation_data=(kind(X), kind(Y))).history
    ),
    "batches": lambda kind: model().fit(of_batches(kind), verbose=0, epochs=2).history,
    "lists of batches": lambda kind: model().fit(of_batches(kind, list), verbose=0).history,
    "generator": lambda kind: (
        model().fit(iter(of_batches(kind)), verbose=0, steps_per_epoch=3).history
    ),
    "evaluate": lambda kind: model().evaluate(kind(X), kind(Y), verbose=0),
    "evaluate, batches": lambda kind: model().evaluate(of_batches(kind), verbose=0),
    "predict": lambda kind: model().predict(kind(X), verbose=0),
    "predict, batches": lambda kind: model().predict(of_batches(kind), verbose=0),
    "train_on_batch": lambda kind: model().train_on_batch(kind(X), kind(Y)),
    "predict_on_batch": lambda kind: model().predict_on_batch(kind(X)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_of_arrays_are_taken(kind):
    for name, way in WAYS.items():
        ours, plain = way(KINDS[kind]), way(lambda a: a)
        assert keras.tree.flatten(ours), name
        for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(plain), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


@pytest.mark.parametrize(
    "call", [lambda x: model()(x), lambda x: keras.layers.Activation("tanh")(x)]
)
def test_models_and_layers_are_called_on_data_frames(call):
    np.testing.assert_array_equal(np.asarray(call(Frame(X)))[0], np.asarray(call(X))[0])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1.0, "a"], "columns of numbers.*could not convert.*Encode text"),
        (["a", 1.0], "Expected numbers or strings in `x`.*received 1.0"),
        (["a", "b"], "computes with numbers"),
    ],
)
def test_columns_of_text_are_refused(row, message):
    with pytest.raises(ValueError, match=message):
        model().predict(Frame(np.array([row], dtype=object)), verbose=0)


BAD_NUMBERS = [
    ("batch_size", [-1, 2.5, "8", 4.0, [4]]),
    ("steps_per_epoch", [-1, 2.0, "2"]),
    ("epochs", [-1, 1.5, "2", 2.0, None]),
    ("initial_epoch", [-1, 0.5]),
    ("validation_steps", [-1, 1.5]),
    ("validation_batch_size", [-1, 1.5]),
    ("validation_freq", [0, -1, 1.5, "1", [0], [1.5], None]),
    ("validation_split", [-0.1, 1.5, 2, "0.5", float("nan")]),
]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD_NUMBERS for value in values]
)
def test_numbers_that_make_no_sense_are_refused(name, value):
    m = model()
    before = m.get_weights()
    options = {"epochs": 2, "verbose": 0, "validation_data": (X, Y), name: value}
    with pytest.raises(ValueError, match=f"(?s)`?{name}.*(received|Received)"):
        m.fit(X, Y, **options)
    np.testing.assert_array_equal(before[0], m.get_weights()[0])
    assert not m.optimizer.built


@pytest.mark.parametrize("method", ["evaluate", "predict"])
@pytest.mark.parametrize(("name", "value"), [("batch_size", -1), ("steps", -1), ("steps", 1.5)])
def test_numbers_of_evaluate_and_predict(method, name, value):
    with pytest.raises(ValueError, match=f"`{name}`.*received"):
        getattr(model(), method)(X, verbose=0, **{name: value})


def test_whole_numbers_of_numpy_and_zero_are_taken():
    m = model()
    numbers = {"batch_size": np.int64(4), "epochs": np.int32(2), "validation_freq": np.int64(2)}
    history = m.fit(X, Y, verbose=0, validation_data=(X, Y), **numbers).history
    assert [len(history[name]) for name in ("loss", "val_loss")] == [2, 1]
    # `samples // batch_size` is 0 where samples are few: as if it were absent, as in Keras.
    assert m.fit(X, Y, steps_per_epoch=0, batch_size=0, verbose=0).epoch == [0]


def yields(*batches):
    yield from batches


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_batch_that_is_none_is_refused(place):
    batches = [(X, Y)] * 4
    batches[place] = None
    with pytest.raises(ValueError, match="gave None.*by returning"):
        model().fit(yields(*batches), verbose=0, steps_per_epoch=4)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_empty_batch_is_refused(method, place):
    batches = [(X, Y)] * 4
    batches[place] = X[:0], Y[:0]
    with pytest.raises(ValueError, match=r"one without any.*\(0, 2\).*Leave empty batches out"):
        getattr(model(), method)(yields(*batches), verbose=0)


def test_predictions_of_no_samples_are_none():
    outputs = model().predict(yields((X,), (X[:0],)), steps=2, verbose=0)
    assert outputs.shape == (SAMPLES, 1)


def test_weights_of_one_array_for_several_outputs_weigh_samples():
    x = keras.Input((2,))
    m = keras.Model(x, [keras.layers.Dense(1)(x), keras.layers.Dense(1)(x)])
    m.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"one weight for each sample.*\(12, 2\)"):
        m.fit(X, [Y, Y], sample_weight=X, verbose=0)


@pytest.mark.parametrize("stop", ["stop_evaluating", "stop_predicting"])
def test_a_run_that_was_stopped_does_not_stop_the_next(stop):
    m, steps = model(), []
    setattr(m, stop, True)
    callback = keras.callbacks.LambdaCallback()
    callback.on_test_batch_end = lambda i, logs=None: steps.append(i)
    callback.on_predict_batch_end = callback.on_test_batch_end
    run = m.evaluate if stop == "stop_evaluating" else m.predict
    run(X, *([Y] if run == m.evaluate else []), batch_size=4, verbose=0, callbacks=[callback])
    assert steps == [0, 1, 2]


def test_what_is_kept_about_kinds_of_batches_is_bounded():
    m = keras.Sequential([keras.layers.Dense(1)])
    m.compile("sgd", "mse")
    for length in range(1, 80):
        m.train_on_batch(np.ones((length, 2)), np.ones((length, 1)))
    assert len(m._training.prediction_specs) <= 64
