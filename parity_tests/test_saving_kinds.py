"""What a model may be made of, through files both ways: nests, masks, own classes, assets."""

import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close
from parity_tests.support import both, share_weights

pytestmark = pytest.mark.parity
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(4, 6)).astype("float32")
WORDS = RNG.integers(0, 5, (4, 6)).astype("int32")


def own_classes(engine):
    """A layer with weights, sub-layers in containers and assets, and functions, of one engine."""
    register = engine.saving.register_keras_serializable(package="lab")

    @register
    class Scale(engine.layers.Layer):
        def __init__(self, factor=2.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor
            self.parts = {"b": engine.layers.Dense(6), "a": [engine.layers.Dense(6)]}
            self.words = []

        def build(self, input_shape):
            self.gain = self.add_weight(shape=(6,), initializer="ones", name="gain")
            self.parts["b"].build(input_shape)
            self.parts["a"][0].build(input_shape)

        def call(self, x):
            return self.parts["a"][0](self.parts["b"](x)) * self.gain * self.factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

        def save_assets(self, folder):
            Path(folder, "words.txt").write_text(" ".join(self.words))

        def load_assets(self, folder):
            self.words = Path(folder, "words.txt").read_text().split()

    @register
    class ByHand(engine.layers.Layer):
        def build(self, input_shape):
            self.bias = self.add_weight(shape=(6,), name="bias")

        def call(self, x):
            return x + self.bias

        def save_own_variables(self, store):
            store["doubled"] = np.asarray(self.bias) * 2

        def load_own_variables(self, store):
            self.bias.assign(store["doubled"] / 2)

    @register
    class Net(engine.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.first = engine.layers.Dense(units)
            self.stack = [engine.layers.Dense(3), engine.layers.Dropout(0.1), ByHand()]
            self.last = engine.layers.Dense(6)

        def call(self, x):
            return self.stack[2](self.last(self.stack[0](self.first(x))))

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @register
    def swish(x):
        return x * engine.ops.sigmoid(x)

    @register
    def error(y_true, y_pred):
        return engine.ops.mean(engine.ops.abs(y_true - y_pred), axis=-1)

    return {"Scale": Scale, "ByHand": ByHand, "Net": Net, "swish": swish, "error": error}


OWN = {engine: own_classes(engine) for engine in (minikeras, keras)}


def nests(engine):
    x = {"b": engine.Input((6,), name="b"), "a": engine.Input((6,), name="a")}
    h = engine.layers.Dense(3)(x["b"])
    return engine.Model(x, {"one": h, "two": [engine.layers.Dense(2)(x["a"]), h]})


def masked(engine):
    x = engine.Input((6,), dtype="int32")
    h = engine.layers.Embedding(5, 4, mask_zero=True)(x)
    return engine.Model(x, engine.layers.GRU(3)(h))


def half(engine):
    x = engine.Input((6,))
    h = engine.layers.Dense(4, dtype="mixed_float16", activation="relu")(x)
    return engine.Model(x, engine.layers.Dense(2, dtype="float32")(h))


def own_layer(engine):
    x = engine.Input((6,))
    layer = OWN[engine]["Scale"](0.5, activity_regularizer="l2")
    layer.words = ["some", "words"]
    h = engine.layers.Lambda(OWN[engine]["swish"])(layer(x))
    return engine.Model(x, engine.layers.Dense(2, activation=OWN[engine]["swish"])(h))


def subclassed(engine):
    model = OWN[engine]["Net"](5)
    model(engine.ops.zeros((1, 6)))
    return model


def attention(engine):
    x = engine.Input((6, 4))
    h = engine.layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    return engine.Model(x, engine.layers.LayerNormalization()(h + x))


def options(engine):
    """Initializers, regularizers and constraints, a frozen layer, a name of a part."""
    x = engine.Input((6,), name="rows")
    h = engine.layers.Dense(
        4,
        kernel_initializer=engine.initializers.HeNormal(3),
        kernel_regularizer=engine.regularizers.L1L2(0.1, 0.2),
        bias_constraint=engine.constraints.MaxNorm(2.0),
        trainable=False,
        name="frozen",
    )(x)
    return engine.Model(x, engine.layers.Dense(2)(h), name="with_options")


INPUTS = {
    nests: {"a": ROWS, "b": ROWS[::-1]},
    masked: WORDS,
    attention: RNG.normal(size=(4, 6, 4)).astype("float32"),
}
MODELS = [nests, masked, half, own_layer, subclassed, attention, options]


def flat(result):
    if isinstance(result, dict):
        return [part for key in sorted(result) for part in flat(result[key])]
    if isinstance(result, (list, tuple)):
        return [part for item in result for part in flat(item)]
    return [np.asarray(result)]


def assert_same(one, other, x):
    for a, b in zip(flat(one(x)), flat(other(x)), strict=True):
        assert_close(a, b, length=50)


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("zipped", [True, False])
def test_kinds_of_models(make, zipped, tmp_path):
    ours, theirs = both(make)
    share_weights(ours, theirs)
    x = INPUTS.get(make, ROWS)
    names = [tmp_path / ("ours.keras" if zipped else "ours"), tmp_path / "theirs.keras"]
    ours.save(names[0], zipped=zipped)
    theirs.save(names[1])
    here = [minikeras.models.load_model(name) for name in names]
    there = keras.models.load_model(names[0])
    for model in here:
        assert_same(model, ours, x)
        if make not in (own_layer, subclassed):  # their layers have automatic names
            assert [w.path for w in model.weights] == [w.path for w in ours.weights]
        assert model.trainable_weights == [w for w in model.weights if w.trainable]
    assert_same(here[0], there, x)
    for model in (*here, there):
        if make is own_layer:
            assert model.layers[1].words == ["some", "words"]
            assert model.layers[1].factor == 0.5


def test_own_loss_and_metric(tmp_path):
    for engine, other in ((minikeras, keras), (keras, minikeras)):
        model = own_layer(engine)
        model.compile("sgd", loss=OWN[engine]["error"], metrics=[OWN[engine]["error"]])
        model.fit(ROWS, ROWS[:, :2], verbose=0)
        model.save(tmp_path / "own.keras")
        expected = model.evaluate(ROWS, ROWS[:, :2], verbose=0)
        for reader in (engine, other):
            again = reader.models.load_model(tmp_path / "own.keras")
            np.testing.assert_allclose(
                again.evaluate(ROWS, ROWS[:, :2], verbose=0), expected, rtol=1e-5
            )


def test_custom_objects_instead_of_registration(tmp_path):
    class Plain(minikeras.layers.Layer):
        def call(self, x):
            return x * 3

    model = minikeras.Sequential([minikeras.Input((2,)), Plain()])
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"m\.keras.*Could not locate 'Plain'"):
        minikeras.models.load_model(tmp_path / "m.keras")
    again = minikeras.models.load_model(tmp_path / "m.keras", custom_objects={"Plain": Plain})
    np.testing.assert_array_equal(again(np.ones((1, 2))), [[3, 3]])
    with minikeras.saving.custom_object_scope({"Plain": Plain}):
        minikeras.models.load_model(tmp_path / "m.keras")


def test_code_needs_trust(tmp_path):
    for engine in (minikeras, keras):
        model = engine.Sequential(
            [engine.Input((2,)), engine.layers.Lambda(lambda x: x * 3, output_shape=(2,))]
        )
        model.save(tmp_path / "code.keras")
        with pytest.raises(ValueError, match="safe_mode=False"):
            minikeras.models.load_model(tmp_path / "code.keras")
        for reader in (minikeras, keras):
            again = reader.models.load_model(tmp_path / "code.keras", safe_mode=False)
            np.testing.assert_array_equal(again(np.ones((1, 2))), [[3, 3]])


def test_the_state_of_random_generators_and_stateful_layers_goes_on(tmp_path):
    """Keras's own files lose both; a Keras that reads ours passes over them."""
    x = minikeras.Input((3, 2), batch_size=4)
    h = minikeras.layers.LSTM(3, stateful=True)(x)
    model = minikeras.Model(x, minikeras.layers.Dropout(0.5, seed=3)(h))
    rows = RNG.normal(size=(4, 3, 2)).astype("float32")
    model(rows, training=True)
    model.save(tmp_path / "m.keras")
    again = minikeras.models.load_model(tmp_path / "m.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keras.models.load_model(tmp_path / "m.keras")
    for _ in range(3):
        np.testing.assert_array_equal(model(rows, training=True), again(rows, training=True))
