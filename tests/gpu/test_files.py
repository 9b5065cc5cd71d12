"""Models on a device and in files: a file knows no device, each copy between them is asked for."""

import numpy as np
import pytest

import minikeras as keras
from minikeras.arrays.device import device, name_of

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 6)).astype("float32"), RNG.normal(size=(8, 1)).astype("float32")


def trained():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5, seed=1),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01, use_ema=True), "mse")
    model.fit(X, Y, batch_size=4, verbose=0)
    return model


def values(model):
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


@pytest.mark.parametrize("name", ["model.keras", "folder"])
def test_a_model_on_a_device_is_saved_and_loaded(gpu, tmp_path, name):
    model = trained()
    model.save(tmp_path / name, zipped=name.endswith(".keras"))
    again = keras.models.load_model(tmp_path / name)
    assert all(name_of(v.array) == "gpu:0" for v in again.weights)
    for mine, read in zip(values(model), values(again), strict=True):
        np.testing.assert_array_equal(mine, read)
    with device("cpu"):
        on_host = keras.models.load_model(tmp_path / name)
    assert all(name_of(v.array) == "cpu:0" for v in on_host.weights)
    for mine, read in zip(values(model), values(on_host), strict=True):
        np.testing.assert_array_equal(mine, read)
    again.fit(X, Y, batch_size=4, verbose=0)


def test_weights_stay_where_the_model_lies(gpu, tmp_path):
    model = trained()
    before = model.get_weights()
    model.save_weights(tmp_path / "m.weights.h5")
    model.save_weights(tmp_path / "m.weights.json", max_shard_size=1e-7)
    model.fit(X, Y, batch_size=4, verbose=0)
    for name in ("m.weights.h5", "m.weights.json"):
        model.load_weights(tmp_path / name)
        assert all(name_of(v.array) == "gpu:0" for v in model.weights)
        for weight, value in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, value)
