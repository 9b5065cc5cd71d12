"""Stacks of layers by themselves: building, changing, naming."""

import numpy as np
import pytest

import minikeras as keras

Dense = keras.layers.Dense
X = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")


def test_a_stack_without_input_waits_for_data():
    model = keras.Sequential([Dense(3), Dense(2)])
    assert not model.built and model.weights == []
    with pytest.raises(AttributeError, match="no defined"):
        _ = model.output_shape
    assert model(X).shape == (8, 2)
    assert model.built and model.input_shape == (8, 6)
    assert len(model.weights) == 4


def test_a_stack_can_be_built_by_a_shape():
    model = keras.Sequential([Dense(3), Dense(2)])
    model.build((None, 6))
    assert model.output_shape == (None, 2)
    with pytest.raises(ValueError, match="is empty"):
        keras.Sequential().build((None, 6))


@pytest.mark.parametrize("options", [{"input_shape": (6,)}, {"input_dim": 6}])
def test_the_first_layer_may_say_the_shape(options):
    model = keras.Sequential([Dense(3, **options)])
    assert model.built and model.input_shape == (None, 6)
    assert [layer.units for layer in model.layers] == [3]


def test_adding_and_taking_away():
    model = keras.Sequential([keras.Input((6,)), Dense(3)])
    top = Dense(2)
    model.add(top)
    assert model.output_shape == (None, 2) and len(model.weights) == 4
    assert model.pop() is top
    assert model.output_shape == (None, 3) and len(model.weights) == 2
    model.add(Dense(4))
    np.testing.assert_array_equal(model.predict(X, verbose=0), np.asarray(model(X)))


def test_what_cannot_be_added():
    model = keras.Sequential([keras.Input((6,)), Dense(3, name="d")])
    with pytest.raises(ValueError, match="is made of layers"):
        model.add("dense")
    with pytest.raises(ValueError, match="needs its own name"):
        model.add(Dense(3, name="d"))
    with pytest.raises(ValueError, match="already has an input"):
        model.add(keras.Input((3,)))
    with pytest.raises(AttributeError, match="cannot be set"):
        model.layers = []
    assert len(model.layers) == 1 and model.output_shape == (None, 3)


def test_a_built_model_below_builds_the_stack():
    front = keras.Sequential([keras.Input((6,)), Dense(3)])
    model = keras.Sequential([front, Dense(2)])
    assert model.built and model.output_shape == (None, 2)
    assert model.weights[0] is front.weights[0]


def test_round_trip_through_its_config():
    model = keras.Sequential([keras.Input((6,)), Dense(3, "relu"), keras.layers.Dropout(0.5)])
    again = keras.Sequential.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(X), model(X))


def test_training_is_passed_on():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dropout(0.5)])
    np.testing.assert_array_equal(model(X), X)
    assert (np.asarray(model(X, training=True)) == 0).any()
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)


def test_masks_are_passed_on():
    embedding = keras.layers.Embedding(5, 2, mask_zero=True)
    model = keras.Sequential([embedding, keras.layers.GlobalAveragePooling1D()])
    means = model(np.array([[1, 2, 0, 0]]))
    np.testing.assert_allclose(means, embedding.embeddings.numpy()[[1, 2]].mean(axis=0)[None])
