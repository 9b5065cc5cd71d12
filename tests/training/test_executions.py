"""Several steps in one execution, and limits for trying out a script."""

import array

import numpy as np
import pytest

import minikeras as keras

X, Y = np.ones((12, 2), "float32"), np.zeros((12, 1), "float32")


class Events(keras.callbacks.Callback):
    """Writes down the numbers of batches."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)

    on_predict_batch_begin = on_train_batch_begin
    on_predict_batch_end = on_train_batch_end


def model(**options):
    m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    m.compile("sgd", "mse", **options)
    return m


@pytest.mark.parametrize(
    ("steps", "seen"), [(1, [0, 0, 1, 1, 2, 2, 3, 3]), (2, [0, 1, 2, 3]), (3, [0, 2, 3, 5])]
)
def test_callbacks_see_the_steps_of_an_execution_as_one(steps, seen):
    m, events = model(steps_per_execution=steps), Events()
    m.fit(X, Y, batch_size=3, verbose=0, callbacks=[events])
    assert events.seen == seen
    assert int(m.optimizer.iterations) == 4
    events.seen.clear()
    assert m.predict(X, batch_size=3, verbose=0, callbacks=[events]).shape == (12, 1)
    assert events.seen == seen


def test_callbacks_that_count_batches_count_those_of_an_execution(tmp_path):
    path = str(tmp_path / "{batch}.keras")
    save = keras.callbacks.ModelCheckpoint(path, save_freq=4)
    model(steps_per_execution=2).fit(X, Y, batch_size=1, verbose=0, callbacks=[save])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["12.keras", "4.keras", "8.keras"]


def test_a_number_of_steps_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="`steps_per_execution`.*received 0"):
        model(steps_per_execution=0)


@pytest.fixture
def limits():
    yield keras.config.set_max_epochs, keras.config.set_max_steps_per_epoch
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


def test_epochs_and_steps_are_limited(limits):
    max_epochs, max_steps = limits
    max_epochs(2)
    with pytest.warns(UserWarning, match="Limiting epochs to 2"):
        assert model().fit(X, Y, epochs=5, verbose=0).epoch == [0, 1]
    assert model().fit(X, Y, epochs=1, verbose=0).epoch == [0]
    max_epochs(None)
    max_steps(2)
    with pytest.warns(UserWarning, match="Limiting steps_per_epoch to 2"):
        m = model()
        m.fit(X, Y, batch_size=3, verbose=0, validation_data=(X, Y))
    assert int(m.optimizer.iterations) == 2
    with pytest.warns(UserWarning, match="Limiting steps_per_epoch to 2"):
        assert m.predict(X, batch_size=3, verbose=0).shape == (6, 1)


def masked(values):
    return np.ma.array(values, mask=np.eye(*values.shape))


def in_bfloat16(values):
    return values.astype(pytest.importorskip("ml_dtypes").bfloat16)


def in_float8(values):
    return values.astype(pytest.importorskip("ml_dtypes").float8_e5m2)


def buffer(values):
    return memoryview(values)


@pytest.mark.parametrize("kind", [masked, in_bfloat16, in_float8, buffer])
def test_kinds_of_arrays_of_numpy_and_python(kind):
    m = model()
    wanted = m.predict(X, verbose=0)
    for call in (lambda x: m.predict(x, verbose=0), m.predict_on_batch, m, lambda x: m(x) + 0):
        np.testing.assert_array_equal(np.asarray(call(kind(X))), wanted)
    assert keras.ops.convert_to_tensor(kind(X)).dtype == "float32"
    assert type(keras.ops.convert_to_tensor(kind(X)).data) is np.ndarray
    for result in (keras.ops.ones((12, 2)) + kind(X), keras.ops.add(kind(X), 1.0)):
        np.testing.assert_array_equal(result, X + 1)


def test_other_sequences_of_python():
    assert keras.ops.convert_to_tensor(array.array("d", [1, 2])).dtype == "float64"
    assert keras.ops.convert_to_tensor(range(3)).dtype == "int32"
    with pytest.raises(ValueError, match="Cannot convert|Expected"):
        model().predict("text", verbose=0)
