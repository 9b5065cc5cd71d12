"""Wrapper as the base of a user's own layer."""

import numpy as np
import pytest

import minikeras as keras


@keras.utils.register_keras_serializable("tests")
class Scaled(keras.layers.Wrapper):
    """A layer whose outputs are scaled."""

    def __init__(self, layer, factor=2.0, **kwargs):
        super().__init__(layer, **kwargs)
        self.factor = factor

    def call(self, inputs):
        return self.layer(inputs) * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def test_a_wrapper_builds_and_saves_the_layer(tmp_path):
    model = keras.Sequential([keras.Input((3,)), Scaled(keras.layers.Dense(2), 3.0, name="a")])
    assert model.layers[0].layer.built and len(model.weights) == 2
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = np.ones((4, 3), "float32")
    np.testing.assert_array_equal(again(x), model(x))
    assert again.layers[0].get_config() == model.layers[0].get_config()


def test_a_build_that_goes_on_to_that_of_its_base_makes_one_path():
    class Doubled(keras.layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.gain = self.add_weight(shape=(), initializer="ones", name="gain")

    layer = Doubled(2, name="a")
    layer.build((None, 3))
    assert [w.path for w in layer.weights] == ["a/kernel", "a/bias", "a/gain"]
    assert layer.get_build_config() == {"input_shape": (None, 3)}


def test_something_else_than_a_layer_is_refused():
    with pytest.raises(ValueError, match="`layer` must be a layer"):
        keras.layers.Wrapper(3)
    with pytest.raises(ValueError, match="has neither a"):
        keras.layers.SpectralNormalization(keras.layers.ReLU()).build((2, 3))
    with pytest.raises(ValueError, match="power_iterations"):
        keras.layers.SpectralNormalization(keras.layers.Dense(2), power_iterations=0)


def test_the_largest_singular_value_becomes_one():
    keras.utils.set_random_seed(1)
    layer = keras.layers.SpectralNormalization(keras.layers.Conv2D(4, 3), power_iterations=50)
    x = keras.ops.ones((1, 5, 5, 2))
    layer(x, training=True)
    kernel = np.array(layer.layer.kernel).reshape(-1, 4)
    np.testing.assert_allclose(np.linalg.svd(kernel, compute_uv=False)[0], 1, rtol=1e-5)
    before = np.array(layer.kernel)
    layer(x)
    np.testing.assert_array_equal(layer.kernel, before)
    layer.kernel.assign(0 * before)
    layer(x, training=True)
    assert not np.array(layer.kernel).any() and np.isfinite(layer.vector_u).all()
