"""A model's inputs have dtypes, and what it is called with takes them."""

import numpy as np
import pytest

import minikeras as keras


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "int32", "bool"])
@pytest.mark.parametrize("kind", ["graph", "stack"])
def test_values_take_the_dtype_of_the_input(kind, dtype):
    x = keras.Input((3,))
    layer = keras.layers.Activation("linear", dtype="float64")
    model = keras.Model(x, layer(x)) if kind == "graph" else keras.Sequential([x, layer])
    values = (np.arange(6).reshape(2, 3) / 7 * (3 if dtype == "uint8" else 1)).astype(dtype)
    expected = values.astype("float32").astype("float64")
    np.testing.assert_array_equal(model(values), expected)
    np.testing.assert_array_equal(model.predict(values, verbose=0), expected)


def test_masks_stay():
    x = keras.Input((4,), dtype="int32")
    embedding = keras.layers.Embedding(5, 2, mask_zero=True)
    inner_input = keras.Input((4, 2))
    inner = keras.Model(inner_input, keras.layers.GlobalAveragePooling1D()(inner_input))
    ids = np.array([[1, 2, 0, 0]])
    mean = np.asarray(embedding(ids))[:, :2].mean(1)
    outputs = keras.Model(x, inner(embedding(x)))(ids)
    half = inner(keras.layers.Masking()(np.asarray(embedding(ids) * 1.0, "float16")))
    np.testing.assert_allclose(outputs, mean, rtol=1e-6)
    assert half.shape == (1, 2)
