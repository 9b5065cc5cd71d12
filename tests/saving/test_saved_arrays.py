"""Arrays in configs go through JSON, or are refused when they are written down."""

import json

import numpy as np
import pytest

import minikeras as keras

RNG = np.random.default_rng(0)
COMPLEX = (RNG.normal(size=(2, 3)) + 1j * RNG.normal(size=(2, 3))).astype("complex64")


@pytest.mark.parametrize(
    "array",
    [COMPLEX, COMPLEX.astype("complex128"), COMPLEX[0, 0], np.array(1j), np.array([1j, np.inf])]
    + [np.arange(3), np.float16([1, 2]), np.array([True])],
    ids=str,
)
def test_numbers(array):
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(array)))
    again = keras.saving.deserialize_keras_object(saved)
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize(
    "array",
    [np.array([object()]), np.array(["2020-01-01"], "M8[D]"), np.array([b"a"])],
    ids=lambda array: array.dtype.name,
)
def test_other_things_are_refused_when_they_are_written(array):
    with pytest.raises(ValueError, match="Cannot serialize an array of dtype"):
        keras.saving.serialize_keras_object(array)


@keras.saving.register_keras_serializable("test_saved_arrays")
class Rotation(keras.layers.Layer):
    """A layer with an array of complex numbers among its arguments."""

    def __init__(self, factors, **options):
        super().__init__(**options)
        self.factors = np.asarray(factors)

    def call(self, x):
        return x * self.factors.real.astype("float32")

    def get_config(self):
        return {**super().get_config(), "factors": self.factors}

    @classmethod
    def from_config(cls, config):
        factors = keras.saving.deserialize_keras_object(config.pop("factors"))
        return cls(factors, **config)


def test_a_model_with_complex_numbers_is_saved(tmp_path):
    model = keras.Sequential([keras.Input((3,)), Rotation(COMPLEX[0])])
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.layers[0].factors, COMPLEX[0])
    assert "imag" in model.to_json()


@pytest.mark.parametrize("value", [{"real": [1, 2], "imag": [1, 2, 3]}, {"real": [1]}, {}, "x"])
def test_halves_of_complex_numbers_are_refused(value):
    config = {"value": value, "dtype": "complex64"}
    with pytest.raises((ValueError, TypeError)):
        keras.saving.deserialize_keras_object({"class_name": "__numpy__", "config": config})
