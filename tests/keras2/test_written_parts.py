"""Initializers, weights and optimizers that scripts write themselves, as in Keras 1 and 2."""

import numpy as np
import pytest

from minikeras.keras2 import backend as K
from minikeras.keras2 import constraints, initializations, initializers, layers, optimizers
from minikeras.keras2.layers import GRU, LSTM, Conv2D, Dense, Layer
from minikeras.keras2.models import Sequential, model_from_json
from minikeras.keras2.utils import CustomObjectScope


class Twos(initializers.Initializer):
    """An initializer as Keras 2's documentation shows one: it returns a tensor."""

    def __init__(self, value=2.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return K.constant(self.value, shape=shape, dtype=dtype)

    def get_config(self):
        return {"value": self.value}


def of_keras_2(shape, dtype=None):
    return 2 * K.ones(shape, dtype=dtype)


def of_keras_1(shape, name=None):
    return K.variable(np.full(shape, 2.0), name=name)


def of_numpy(shape):
    return np.full(shape, 2.0)


WRITTEN = [Twos(), of_keras_2, of_keras_1, of_numpy]


@pytest.mark.parametrize("initializer", WRITTEN, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize(
    "make",
    [
        lambda **options: Dense(3, input_shape=(4,), **options),
        lambda **options: Conv2D(3, 2, input_shape=(4, 4, 1), **options),
        lambda **options: LSTM(3, input_shape=(4, 2), **options),
        lambda **options: GRU(3, input_shape=(4, 2), **options),
    ],
    ids=["dense", "conv", "lstm", "gru"],
)
def test_initializers_of_a_script(make, initializer):
    model = Sequential([make(kernel_initializer=initializer)])
    kernel = model.get_weights()[0]
    assert kernel.dtype == "float32" and (kernel == 2.0).all()
    names = {"Twos": Twos, **{f.__name__: f for f in (of_keras_2, of_keras_1, of_numpy)}}
    with CustomObjectScope(names):
        again = model_from_json(model.to_json())
    np.testing.assert_array_equal(again.get_weights()[0], kernel)


def test_a_drawing_initializer_draws_again_for_each_weight():
    def narrow(shape, name=None):
        return initializations.normal(shape, scale=0.01, name=name)

    model = Sequential([Dense(3, init=narrow, input_dim=4), Dense(3, init=narrow)])
    first, second = (layer.get_weights()[0] for layer in model.layers)
    assert 0 < np.abs(first).max() < 0.1 and not np.array_equal(first[:3], second)


@pytest.mark.parametrize(
    "args, kwargs, name",
    [
        (("w", (2, 3)), {"initializer": "one"}, "w"),
        (((2, 3),), {"initializer": "one", "name": "w"}, "w"),
        (((2, 3), "one", "w"), {}, "w"),
        (((2, 3), "w"), {"initializer": "one"}, "w"),
        (([2, 3], initializations.get("one")), {"name": "w"}, "w"),
        ((), {"shape": (2, 3), "initializer": "ones", "name": "w"}, "w"),
        (("w", (2, 3), "float32", "ones", None, False), {}, "w"),
    ],
)
def test_every_order_of_the_arguments_of_add_weight(args, kwargs, name):
    weight = Layer(name="layer").add_weight(*args, **kwargs)
    assert weight.name.split("/")[-1] == f"{name}:0"
    assert K.eval(weight).tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize(
    "args, kwargs, told",
    [
        (("w",), {"name": "w"}, "multiple values.*name"),
        (((2,), "one", "w"), {"initializer": "zero"}, "multiple values.*initializer"),
        (tuple("abcdefgh"), {}, "takes 7"),
        (("w", (2,)), {"spread": 1}, "spread"),
    ],
)
def test_arguments_of_add_weight_that_do_not_fit(args, kwargs, told):
    layer = Layer()
    with pytest.raises(TypeError, match=told):
        layer.add_weight(*args, **kwargs)
    assert layer.weights == []


def test_weights_of_a_layer_of_a_script_follow_the_seed_of_numpy():
    def drawn():
        np.random.seed(3)
        return K.eval(Layer().add_weight("w", (2, 3)))

    np.testing.assert_array_equal(drawn(), drawn())


class Descent(optimizers.Optimizer):
    """Gradient descent as it was written for Keras 1."""

    def get_updates(self, params, constraints, loss):
        gradients = self.get_gradients(loss, params)
        updates = []
        for p, g in zip(params, gradients, strict=True):
            new = p - 0.5 * g
            updates.append(K.update(p, constraints[p](new) if p in constraints else new))
        return updates


def test_an_optimizer_written_for_keras_1_gets_the_constraints():
    layer = Dense(1, input_dim=2, W_constraint=constraints.NonNeg(), bias=False)
    model = Sequential([layer])
    model.set_weights([np.full((2, 1), 0.1)])
    model.compile(Descent(), "mse")
    model.train_on_batch(np.ones((4, 2)), np.full((4, 1), -9.0))
    assert model.get_weights()[0].tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda get, params, loss: get(loss, params),
        lambda get, params, loss: get(loss=loss, params=params),
        lambda get, params, loss: get(params, [], loss),
        lambda get, params, loss: get(params, {}, loss),
        lambda get, params, loss: get(params=params, constraints={}, loss=loss),
    ],
)
def test_every_order_of_the_arguments_of_get_updates(call):
    p = K.variable(2.0)
    K.function([], [], call(optimizers.SGD(0.25).get_updates, [p], K.square(p)))([])
    assert K.get_value(p) == 1.0


def test_constraints_given_to_get_updates_apply():
    p = K.variable(0.1)
    optimizer = optimizers.SGD(1.0)
    K.function([], [], optimizer.get_updates([p], {p: constraints.NonNeg()}, 9 * p))([])
    assert K.get_value(p) == 0.0
    with pytest.raises(TypeError, match="params"):
        optimizer.get_updates(p)


def test_a_layer_that_pays_attention_as_it_was_written():
    """`add_weight` with the shape first and the name by name, a mask, and sums over the steps."""

    class Attention(Layer):
        def __init__(self, **kwargs):
            self.supports_masking = True
            self.init = initializers.get("glorot_uniform")
            super().__init__(**kwargs)

        def build(self, input_shape):
            self.W = self.add_weight(
                (input_shape[-1],), initializer=self.init, name=f"{self.name}_W"
            )
            self.b = self.add_weight((input_shape[1],), initializer="zero", name=f"{self.name}_b")
            self.built = True

        def compute_mask(self, inputs, mask=None):
            return None

        def call(self, x, mask=None):
            score = K.tanh(K.squeeze(K.dot(x, K.expand_dims(self.W)), -1) + self.b)
            weight = K.exp(score) * K.cast(mask, K.floatx())
            weight /= K.sum(weight, axis=1, keepdims=True)
            return K.sum(x * K.expand_dims(weight), axis=1)

        def compute_output_shape(self, input_shape):
            return input_shape[0], input_shape[-1]

    model = Sequential(
        [layers.Embedding(9, 3, input_length=5, mask_zero=True), Attention(), Dense(1)]
    )
    model.compile("adam", "mse")
    words = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 7]])
    model.train_on_batch(words, np.ones((2, 1)))
    short = model.predict(words)[0]
    model.layers[0].set_weights([np.where(np.arange(9)[:, None] == 0, 9.0, 0.0) * np.ones((9, 3))])
    assert np.isfinite(short).all() and model.predict(words)[0] == model.layers[2].get_weights()[1]
