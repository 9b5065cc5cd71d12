"""Models and layers of a user's own: what they find among their attributes, and when."""

import numpy as np
import pytest

import minikeras as keras

Dense = keras.layers.Dense
X = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")


class Tower(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = Dense(4)
        self.several = [Dense(3)]
        self.named = {"last": Dense(2)}

    def call(self, x, training=None):
        x = self.first(x)
        for layer in self.several:
            x = layer(x)
        return self.named["last"](x)


def test_layers_in_lists_and_dicts_belong_to_the_model():
    model = Tower()
    model.several.append(Dense(3))
    model.named["spare"] = Dense(5)
    assert len(model.layers) == 5
    del model.named["spare"]
    model.several.pop()
    assert len(model.layers) == 3
    model(X)
    assert len(model.weights) == 6


def test_a_model_must_be_called_before_it_has_weights():
    model = Tower()
    assert not model.built
    with pytest.raises(ValueError, match="built"):
        model.count_params()
    model(X)
    assert model.built and model.count_params() == 28 + 15 + 8


def test_fit_builds_a_model():
    model = Tower()
    model.compile("sgd", "mse")
    model.fit(X, np.ones((8, 2)), verbose=0)
    assert model.count_params() == 51
    assert model.predict(X, verbose=0).shape == (8, 2)


def test_forgetting_the_base_class():
    class Forgetful(keras.Model):
        def __init__(self):
            self.dense = Dense(2)

        def call(self, x):
            return self.dense(x)

    with pytest.raises(RuntimeError, match=r"super\(\).__init__"):
        Forgetful()(X)


def test_several_arguments():
    class Joined(keras.layers.Layer):
        def build(self, left_shape, right_shape):
            self.kernel = self.add_weight((left_shape[-1], right_shape[-1]), "ones")

        def call(self, left, right, scale=1.0):
            return keras.ops.matmul(left, self.kernel) * right * scale

    layer = Joined()
    expected = X.sum(axis=-1, keepdims=True) * X[:, :3]
    np.testing.assert_allclose(layer(X, X[:, :3]), expected, rtol=1e-5)
    a, b = keras.Input((6,)), keras.Input((3,))
    model = keras.Model([a, b], layer(a, right=b, scale=2.0))
    np.testing.assert_allclose(model([X, X[:, :3]]), 2 * expected, rtol=1e-5)


def test_sublayers_made_in_call():
    class Lazy(keras.layers.Layer):
        inner = None

        def call(self, x):
            if self.inner is None:
                self.inner = Dense(3)
            return self.inner(x)

    layer = Lazy()
    assert layer(X).shape == (8, 3)
    assert [v.name for v in layer.weights] == ["kernel", "bias"]


def test_freezing_reaches_all_parts():
    model = Tower()
    model(X)
    model.trainable = False
    assert model.trainable_weights == [] and len(model.non_trainable_weights) == 6
    model.several[0].trainable = True
    assert model.trainable_weights == [], "a frozen model has nothing to train"
    model.trainable = True
    assert len(model.trainable_weights) == 6


def test_losses_are_those_of_the_last_call():
    class Penalised(keras.layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.sum(x * x))
            return x

    model = keras.Sequential([keras.Input((6,)), Penalised(), Dense(2, kernel_regularizer="l2")])
    for factor in (1.0, 2.0):
        model(factor * X)
        np.testing.assert_allclose(
            model.losses[0], (factor * X) ** 2 @ np.ones(6) @ np.ones(8), 1e-5
        )
        assert len(model.losses) == 2


def test_activity_is_penalised_per_sample():
    layer = Dense(2, activity_regularizer=keras.regularizers.L1(0.5))
    for count in (2, 8):
        y = np.asarray(layer(X[:count]))
        np.testing.assert_allclose(layer.losses[0], 0.5 * np.abs(y).sum() / count, rtol=1e-5)


def test_config_from_the_constructor():
    class Scale(keras.layers.Layer):
        def __init__(self, factor, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, x):
            return x * self.factor

    config = Scale(3.0, name="s").get_config()
    assert config["factor"] == 3.0 and config["name"] == "s"
    again = Scale.from_config(config)
    np.testing.assert_allclose(again(X), 3 * X)
