"""Models through files: what one engine wrote trains on in the other as if nothing had happened."""

import keras
import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close
from parity_tests.support import both, share_weights

pytestmark = pytest.mark.parity


def plain(engine):
    x = engine.Input((6,))
    h = engine.layers.Dense(5, activation="relu")(x)
    h = engine.layers.BatchNormalization()(h)
    return engine.Model(x, engine.layers.Dense(1)(h))


def stack(engine):
    return engine.Sequential(
        [engine.Input((6,)), engine.layers.Dense(4, "tanh"), engine.layers.Dense(1)]
    )


def nested(engine):
    inner = engine.Sequential([engine.Input((6,)), engine.layers.Dense(4)], name="inner")
    x = engine.Input((6,))
    shared = engine.layers.Dense(4, activation="tanh", name="shared")
    both_ways = engine.layers.Add()([shared(inner(x)), shared(shared(inner(x)))])
    return engine.Model(x, engine.layers.Dense(1)(both_ways))


def shared_between_models(engine):
    """One layer inside two models of the model."""
    layer = engine.layers.Dense(6, activation="tanh", name="both")
    one = engine.Sequential([engine.Input((6,)), layer], name="one")
    two = engine.Sequential([engine.Input((6,)), layer, engine.layers.Dense(6)], name="two")
    x = engine.Input((6,))
    return engine.Model(x, engine.layers.Dense(1)(two(one(x))))


def with_ops(engine):
    x = engine.Input((6,))
    h = engine.ops.sin(x) * 2.0 + x[:, ::-1]
    h = engine.ops.concatenate([h, engine.ops.relu(-x)], axis=-1)
    return engine.Model(x, engine.layers.Dense(1)(h / engine.ops.maximum(x[:, :1], 1.0)))


def recurrent(engine):
    x = engine.Input((6,))
    h = engine.layers.Reshape((3, 2))(x)
    h = engine.layers.Masking()(h)
    h = engine.layers.Bidirectional(engine.layers.LSTM(3, return_sequences=True))(h)
    h = engine.layers.TimeDistributed(engine.layers.Dense(2))(h)
    cells = [engine.layers.GRUCell(2), engine.layers.LSTMCell(2)]
    return engine.Model(x, engine.layers.Dense(1)(engine.layers.RNN(cells)(h)))


MODELS = [plain, stack, nested, shared_between_models, with_ops, recurrent]


def adam(engine):
    schedule = engine.optimizers.schedules.ExponentialDecay(0.05, 3, 0.7)
    return engine.optimizers.Adam(schedule)


OPTIMIZERS = {
    "sgd": lambda e: e.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "adam": adam,
    "adam_ema": lambda e: e.optimizers.Adam(0.02, use_ema=True, ema_overwrite_frequency=3),
    "accumulation": lambda e: e.optimizers.RMSprop(0.02, gradient_accumulation_steps=2),
    "loss_scale": lambda e: e.optimizers.LossScaleOptimizer(e.optimizers.Adam(0.02)),
    "nadam": lambda e: e.optimizers.Nadam(0.02),
    "adamw": lambda e: e.optimizers.AdamW(0.02, clipnorm=0.5),
    "ftrl": lambda e: e.optimizers.Ftrl(0.02),
    "lion": lambda e: e.optimizers.Lion(0.02),
}


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(12, 6)).astype("float32"), rng.normal(size=(12, 1)).astype("float32")


def trained(make, optimizer):
    ours, theirs = both(make)
    share_weights(ours, theirs)
    for model, engine in ((ours, minikeras), (theirs, keras)):
        model.compile(OPTIMIZERS[optimizer](engine), "mse", metrics=["mae"])
        if engine is keras:
            model.run_eagerly = True  # tracing takes seconds
        for _ in range(3):
            model.train_on_batch(*data())
    return ours, theirs


def steps(model, count=3):
    for _ in range(count):
        model.train_on_batch(*data())
    return model.get_weights()


CASES = [
    *((make, "adam") for make in MODELS),
    *((plain, name) for name in OPTIMIZERS if name != "adam"),
]


@pytest.mark.sampled(rows=5)
@pytest.mark.parametrize(("make", "optimizer"), CASES)
def test_training_goes_on(make, optimizer, tmp_path):
    ours, theirs = trained(make, optimizer)
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    here = minikeras.models.load_model(tmp_path / "ours.keras")
    from_keras = minikeras.models.load_model(tmp_path / "theirs.keras")
    there = keras.models.load_model(tmp_path / "ours.keras")
    there.run_eagerly = True
    for model in (here, from_keras, there):
        for a, b in zip(
            model.evaluate(*data(), verbose=0), ours.evaluate(*data(), verbose=0), strict=True
        ):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)
    expected = steps(ours)
    for value, again in zip(expected, steps(here), strict=True):
        np.testing.assert_array_equal(value, again)
    for model, other in ((from_keras, theirs), (there, here)):
        got, want = steps(model), steps(other) if other is theirs else other.get_weights()
        for value, expected in zip(got, want, strict=True):
            assert_close(value, expected, length=1000)
