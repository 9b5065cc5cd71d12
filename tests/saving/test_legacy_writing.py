"""Models in HDF5 files that are written and read here: the same outputs, and the same training."""

import json

import h5py
import numpy as np
import pytest

import minikeras as keras
from minikeras.saving.legacy.writing import save_weights_h5
from tests.cases.layers import first_of_each

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 4)).astype("float32"), RNG.uniform(size=(8, 2)).astype("float32")


def flat(outputs):
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


def all_equal(a, b):
    for one, other in zip(flat(a), flat(b), strict=True):
        np.testing.assert_array_equal(one, other)


def drawn_weights(model):
    """Other weights than the initial ones, which are often 0; variances are above 0."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape).astype(w.dtype) for w in model.get_weights()])


@first_of_each
def test_each_layer(tmp_path, case):
    inputs = [keras.Input(shape[1:], dtype=case.dtype) for shape in case.shapes]
    outputs = case.call(case.make(), case.nest(inputs))
    model, x = keras.Model(case.nest(inputs), outputs), case.data()
    drawn_weights(model)
    model.save(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5", compile=False)
    all_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    save_weights_h5(model, tmp_path / "w.h5")
    copy = keras.models.clone_model(model)
    copy.load_weights(tmp_path / "w.h5")
    all_equal(model.predict(x, verbose=0), copy.predict(x, verbose=0))


OPTIMIZERS = {
    "adadelta": lambda o: o.Adadelta(1.0),
    "adagrad": lambda o: o.Adagrad(0.1),
    "adam": lambda o: o.Adam(0.01, amsgrad=True),
    "adamax": lambda o: o.Adamax(0.01),
    "adamw": lambda o: o.AdamW(0.01),
    "average": lambda o: o.Adam(0.01, use_ema=True, ema_momentum=0.5),
    "ftrl": lambda o: o.Ftrl(0.1),
    "lion": lambda o: o.Lion(0.01),
    "momentum": lambda o: o.SGD(0.1, momentum=0.9),
    "nadam": lambda o: o.Nadam(0.01),
    "rmsprop": lambda o: o.RMSprop(0.01, momentum=0.5, centered=True),
    "scheduled": lambda o: o.Adam(o.schedules.ExponentialDecay(0.05, 3, 0.7)),
    "sgd": lambda o: o.SGD(0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_bit_for_bit(tmp_path, name):
    dense, norm = keras.layers.Dense, keras.layers.BatchNormalization()
    model = keras.Sequential([keras.Input((4,)), dense(3, "tanh"), norm, dense(2)])
    model.compile(OPTIMIZERS[name](keras.optimizers), "mse", metrics=["mae"])
    for _ in range(3):
        model.train_on_batch(X, Y)
    model.save(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5")
    assert model.evaluate(X, Y, verbose=0) == again.evaluate(X, Y, verbose=0)
    for _ in range(3):
        assert model.train_on_batch(X, Y) == again.train_on_batch(X, Y)
    for a, b in zip(model.variables, again.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
    for a, b in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


# Graphs


def shared_and_nested(k):
    layers = k.layers
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    inside = k.Input((4,))
    model = k.Model(inside, layers.Dense(4)(layers.Dense(3, "relu")(inside)), name="inside")
    dense = layers.Dense(4, "tanh")
    x = layers.Concatenate()([model(dense(a)), model(dense(b))])
    return k.Model([a, b], [layers.Dense(2)(x), layers.Subtract()([model(a), b])])


def ends_inside(k):
    x, y = k.Input((4,)), k.Input((4,))
    inside = k.Sequential([k.Input((4,)), k.layers.Dense(3)])
    graph = k.Model(y, k.layers.Dense(4)(y))
    return k.Model(x, [graph(graph(x)), inside(x)])


def initial_states(k):
    x, h = k.Input((5, 4)), k.Input((3,))
    y = k.layers.GRU(3, return_sequences=True)(x, initial_state=h)
    return k.Model([x, h], k.layers.Bidirectional(k.layers.LSTM(2))(y))


def attention(k):
    x, y = k.Input((5, 4)), k.Input((3, 4))
    return k.Model([x, y], k.layers.MultiHeadAttention(2, 3)(x, y))


def masked(k):
    x = k.Input((5,), dtype="int32")
    return k.Model(x, k.layers.LSTM(3)(k.layers.Embedding(7, 4, mask_zero=True)(x)))


def frozen(k):
    dense = k.layers.Dense
    model = k.Sequential([k.Input((4,)), dense(3, name="first"), dense(2)])
    model.layers[0].trainable = False
    return model


GRAPHS = [shared_and_nested, ends_inside, initial_states, attention, masked, frozen]


def data_of(model):
    def drawn(tensor):
        shape = (3, *tensor.shape[1:])
        return RNG.integers(0, 7, shape) if "int" in str(tensor.dtype) else RNG.normal(size=shape)

    x = [drawn(t).astype("int32" if "int" in str(t.dtype) else "float32") for t in model.inputs]
    return x if len(x) > 1 else x[0]


def operators(k):
    x = k.Input((4,))
    return k.Model(x, k.ops.concatenate([k.ops.relu(x[:, 1:] * 2.0), x], axis=1))


@pytest.mark.parametrize("make", [*GRAPHS, operators])
def test_graphs(tmp_path, make):
    model = make(keras)
    drawn_weights(model)
    model.save(tmp_path / "m.h5")
    again, x = keras.models.load_model(tmp_path / "m.h5", compile=False), data_of(model)
    all_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    frozen_weights = [len(m.non_trainable_weights) for m in (model, again)]
    assert frozen_weights[0] == frozen_weights[1]


def test_the_hard_sigmoid_of_each_generation(tmp_path):
    for activation in ("hard_sigmoid", "keras2>hard_sigmoid"):
        layer = keras.layers.Dense(4, keras.activations.get(activation))
        model = keras.Sequential([keras.Input((4,)), layer])
        model.save(tmp_path / "m.h5")
        again = keras.models.load_model(tmp_path / "m.h5", compile=False)
        all_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))


def test_what_is_in_the_file(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="d")])
    model.compile("adam", "mse")
    model.train_on_batch(X, Y)
    model.save(tmp_path / "m.h5", include_optimizer=False)
    with h5py.File(tmp_path / "m.h5") as file:
        assert "training_config" not in file.attrs
        assert "optimizer_weights" not in file
        first = json.loads(file.attrs["model_config"])["config"]["layers"][0]
        assert first["config"]["batch_input_shape"] == [None, 4]
        assert list(file["model_weights"].attrs["layer_names"]) == [b"d"]


def test_names_that_take_more_than_one_attribute(tmp_path):
    layers = [keras.layers.Dense(1, name=f"{'long' * 100}_{i}") for i in range(200)]
    model = keras.Sequential([keras.Input((1,)), *layers])
    drawn_weights(model)
    model.save(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5", compile=False)
    all_equal(model.get_weights(), again.get_weights())


class Own(keras.Model):
    """A model without a graph."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def test_what_has_no_graph_is_refused_and_the_old_file_stays(tmp_path):
    (tmp_path / "m.h5").write_bytes(b"old")
    model = Own()
    model(X)
    with pytest.raises(ValueError, match="graphs and stacks"):
        model.save(tmp_path / "m.h5")
    assert (tmp_path / "m.h5").read_bytes() == b"old"


class Encoder(keras.Model):
    """A class that makes its own graph."""

    def __init__(self, units=3, **options):
        x = keras.Input((4,))
        super().__init__(x, keras.layers.Dense(units, "tanh")(x), **options)
        self.units = units


class Configured(Encoder):
    """One that also says what its arguments are."""

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@pytest.mark.parametrize("cls", [Encoder, Configured])
@pytest.mark.parametrize("place", ["graph", "stack", "deep"])
def test_a_class_that_makes_its_graph_inside_of_a_model(tmp_path, cls, place):
    inner, x = cls(5), keras.Input((4,))
    if place == "deep":
        inner = keras.Sequential([keras.Input((4,)), inner])
    last = keras.layers.Dense(2)
    model = keras.Model(x, last(inner(x)))
    if place == "stack":
        model = keras.Sequential([x, inner, last])
    drawn_weights(model)
    model.save(tmp_path / "m.h5")
    own = {cls.__name__: cls}
    again = keras.models.load_model(tmp_path / "m.h5", custom_objects=own, compile=False)
    all_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))


@pytest.mark.parametrize("moment", [1, 2, 4])
def test_an_interrupt_while_values_are_put_in_place(tmp_path, monkeypatch, moment):
    layers = [keras.layers.Dense(3), keras.layers.BatchNormalization(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    save_weights_h5(model, tmp_path / "m.h5")
    drawn_weights(model)
    before, adopt, calls = model.get_weights(), keras.Variable.adopt, []

    def interrupted(variable, array):
        calls.append(variable)
        if len(calls) == moment:
            raise KeyboardInterrupt("now")
        adopt(variable, array)

    monkeypatch.setattr(keras.Variable, "adopt", interrupted)
    with pytest.raises(KeyboardInterrupt, match="now"):
        model.load_weights(tmp_path / "m.h5")
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
