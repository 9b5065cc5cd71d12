"""What scripts of Keras 1 and 2 do with models: losses in graphs, custom layers, shared ones."""

import numpy as np
import pytest

from minikeras.keras2 import backend as K
from minikeras.keras2 import initializers, losses, optimizers
from minikeras.keras2.layers import (
    LSTM,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Embedding,
    Input,
    InputLayer,
    Lambda,
    Layer,
    TimeDistributed,
    add,
)
from minikeras.keras2.models import (
    Model,
    Sequential,
    clone_model,
    load_model,
    model_from_json,
)

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(12, 4).astype("float32")
Y = RANDOM.randn(12, 2).astype("float32")


def test_a_loss_that_is_a_tensor_of_the_graph():
    x = Input((4,))
    h = Dense(3)(x)
    y = Dense(4)(h)
    model = Model(x, y)
    model.add_loss(K.mean(losses.mse(x, y)) + 0.1 * K.mean(K.square(h)))
    model.compile("sgd")
    w, b, v, c = model.get_weights()
    hidden = X @ w + b
    expected = np.mean((hidden @ v + c - X) ** 2) + 0.1 * np.mean(hidden**2)
    np.testing.assert_allclose(model.test_on_batch(X, None), expected, rtol=1e-5)
    history = model.fit(X, epochs=5, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_a_loss_closes_over_an_inner_tensor():
    x = Input((4,))
    h = Dense(3)(x)
    y = Dense(2)(h)
    model = Model(x, y)
    model.compile("sgd", lambda t, p: K.mean(K.square(t - p), axis=-1) + K.sum(K.abs(h), axis=-1))
    w, b, v, c = model.get_weights()
    hidden = X @ w + b
    expected = np.mean((hidden @ v + c - Y) ** 2) + np.mean(np.abs(hidden).sum(1))
    np.testing.assert_allclose(model.test_on_batch(X, Y), expected, rtol=1e-5)


def test_inputs_and_targets_of_tensors():
    x = Input(tensor=K.constant(X))
    model = Model(x, Dense(2)(x))
    model.compile(optimizers.SGD(0.1), "mse", target_tensors=[K.constant(Y)])
    history = model.fit(epochs=3, steps_per_epoch=2, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    w, b = model.get_weights()
    expected = np.mean((X @ w + b - Y) ** 2)
    np.testing.assert_allclose(model.evaluate(None, None, steps=2, verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize("by_generator", [False, True])
def test_the_logs_keep_the_precision_of_the_losses(by_generator):
    model = Sequential([Dense(2, input_dim=4, dtype="float64")])
    model.compile(optimizers.SGD(0.0), "mse", metrics=["mae"])
    if by_generator:
        batches = iter([(X[:8], Y[:8]), (X[8:], Y[8:])])
        history = model.fit_generator(batches, 2, verbose=0).history
    else:
        history = model.fit(X, Y, batch_size=8, epochs=1, verbose=0).history
    logged = [history["loss"][0], history["mean_absolute_error"][0]]
    np.testing.assert_allclose(logged, model.evaluate(X, Y, verbose=0), rtol=1e-14)


def test_outputs_without_a_loss():
    x = Input((4,))
    first, second = Dense(2, name="first")(x), Dense(2, name="second")(x)
    model = Model(x, [first, second])
    model.add_loss(K.mean(K.square(first - second)))
    model.compile("sgd", loss=[None, None])
    p, q = model.predict(X)
    np.testing.assert_allclose(model.test_on_batch(X, None), np.mean((p - q) ** 2), rtol=1e-5)
    assert len(model.fit(X, None, epochs=2, verbose=0).history["loss"]) == 2


def test_weights_of_steps():
    model = Sequential([LSTM(2, return_sequences=True, input_shape=(3, 4))])
    model.compile("sgd", "mse", sample_weight_mode="temporal")
    x, y = RANDOM.randn(5, 3, 4), RANDOM.randn(5, 3, 2)
    weights = RANDOM.randint(0, 2, (5, 3)).astype("float32")
    errors = ((model.predict(x) - y) ** 2).mean(-1)
    expected = (errors * weights).mean() / (weights != 0).mean()
    np.testing.assert_allclose(model.test_on_batch(x, y, weights), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="axes"):
        model.test_on_batch(x, y, np.ones(5))


class Scaled(Layer):
    """A layer as scripts of Keras 2 write them, with a loss, an update and a penalty."""

    def __init__(self, factor=2.0, **kwargs):
        self.factor = factor
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.gain = self.add_weight(
            name="gain", shape=(input_shape[1],), initializer="ones", trainable=True
        )
        self.count = self.add_weight(name="count", shape=(), initializer="zeros", trainable=False)
        super().build(input_shape)

    def call(self, x):
        self.add_loss(K.sum(K.square(self.gain)) * 0.01, inputs=x)
        self.add_update(K.update_add(self.count, 1.0), inputs=x)
        return x * self.gain * self.factor

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def test_a_custom_layer_with_a_loss_and_an_update(tmp_path):
    model = Sequential([Scaled(3.0, input_shape=(4,)), Dense(2)])
    model.compile("sgd", "mse")
    loss = model.train_on_batch(X, Y)
    gain = np.ones(4)
    assert K.get_value(model.layers[0].count) == 1
    assert len(model.losses) == 1 and len(model.updates) == 1
    assert loss > 0.01 * np.sum(gain**2)
    model.save(str(tmp_path / "model.h5"))
    again = load_model(str(tmp_path / "model.h5"), custom_objects={"Scaled": Scaled})
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    text = model_from_json(model.to_json(), custom_objects={"Scaled": Scaled})
    assert text.layers[0].factor == 3.0


class Old(Layer):
    """A layer as scripts of Keras 1 write them."""

    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super().__init__(**kwargs)

    def build(self, input_shape):
        initial = np.full((input_shape[1], self.output_dim), 0.5)
        self.W = K.variable(initial)
        self.trainable_weights = [self.W]

    def call(self, x, mask=None):
        return K.dot(x, self.W)

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], self.output_dim)


def test_a_custom_layer_of_keras_1():
    model = Sequential([Old(2, input_shape=(4,))])
    model.compile("sgd", "mse")
    assert model.output_shape == (None, 2) and len(model.trainable_weights) == 1
    np.testing.assert_allclose(model.predict(X), np.repeat(X.sum(1, keepdims=True) / 2, 2, 1), 1e-4)
    model.train_on_batch(X, Y)
    assert not np.allclose(model.get_weights()[0], 0.5)


class Masked(Layer):
    """A layer that computes with the mask that it gets."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x, mask=None):
        mask = K.cast(mask, "float32")
        return K.sum(x * K.expand_dims(mask), axis=1) / K.sum(mask, axis=1, keepdims=True)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])


def test_a_custom_layer_gets_the_mask():
    model = Sequential([Embedding(5, 3, mask_zero=True, input_length=4), Masked(), Dense(1)])
    model.compile("sgd", "mse")
    x = np.array([[1, 2, 0, 0], [3, 4, 1, 2]])
    table, kernel, bias = model.get_weights()
    means = np.stack([table[[1, 2]].mean(0), table[x[1]].mean(0)])
    np.testing.assert_allclose(model.predict(x), means @ kernel + bias, rtol=1e-4, atol=1e-6)


def test_the_mask_reaches_the_loss():
    layers = [Embedding(5, 3, mask_zero=True, input_length=4), LSTM(2, return_sequences=True)]
    model = Sequential(layers)
    model.compile("sgd", "mse")
    x = np.array([[1, 2, 0, 0], [3, 4, 1, 2]])
    y = RANDOM.randn(2, 4, 2)
    errors = ((model.predict(x) - y) ** 2).mean(-1)
    mask = x != 0
    expected = np.mean(errors * mask) / np.mean(mask)
    np.testing.assert_allclose(model.test_on_batch(x, y), expected, rtol=1e-5)


class Descent(optimizers.Optimizer):
    """An optimizer of a user's own, in functions of K."""

    def get_updates(self, loss, params):
        grads = self.get_gradients(loss, params)
        return [K.update_sub(p, 0.1 * g) for p, g in zip(params, grads, strict=True)]


def test_an_optimizer_of_ones_own():
    model = Sequential([Dense(2, input_dim=4)])
    model.compile(Descent(), "mse")
    w, b = model.get_weights()
    model.train_on_batch(X, Y)
    error = X @ w + b - Y
    np.testing.assert_allclose(model.get_weights()[0], w - 0.1 * X.T @ error / 12, rtol=1e-4)


def test_nodes_of_a_shared_layer():
    dense = Dense(3)
    a, b = Input((4,)), Input((4,))
    ya, yb = dense(a), dense(b)
    assert dense.get_output_at(0) is ya and dense.get_output_at(1) is yb
    assert dense.get_input_at(1) is b and dense.output_shape == (None, 3)
    with pytest.raises(AttributeError, match="get_output_at"):
        _ = dense.output
    model = Model([a, b], add([ya, yb]))
    w, c = model.get_weights()
    np.testing.assert_allclose(model.predict([X, 2 * X]), 3 * X @ w + 2 * c, rtol=1e-4, atol=1e-5)


def test_a_model_that_is_called_adds_no_nodes_to_its_layers():
    """So `layer.output` remains that of the graph that the model was made from."""
    inner = Sequential([Dense(3, input_dim=2, activation="tanh")])
    layers = [TimeDistributed(inner), BatchNormalization(), LSTM(3), Dropout(0.5), Dense(2)]
    model = Sequential([InputLayer((5, 2)), *layers])
    outputs = [layer.output for layer in layers]
    taken = [len(layer.outbound_nodes) for layer in layers]
    z = Input((5, 2))
    combined = Model(z, model(z))
    model(K.constant(np.zeros((1, 5, 2))))
    assert all(layer.output is y for layer, y in zip(layers, outputs, strict=True))
    assert [len(layer.outbound_nodes) for layer in layers] == taken
    assert len(inner.layers[0].inbound_nodes) == 1
    x = RANDOM.randn(3, 5, 2)
    np.testing.assert_allclose(combined.predict(x), model.predict(x), rtol=1e-5)
    features = Model(model.input, outputs[2]).predict(x)
    w, b = layers[-1].get_weights()
    np.testing.assert_allclose(model.predict(x), features @ w + b, rtol=1e-4, atol=1e-6)
    combined.compile("sgd", "mse")
    combined.train_on_batch(x, np.ones((3, 2)))
    assert layers[1].get_weights()[2].any()  # the updates of the call inside run


def test_a_model_inside_another_brings_its_losses():
    inner = Sequential([Dense(3, input_dim=4, kernel_regularizer="l2", activity_regularizer="l1")])
    x = Input((4,))
    outer = Model(x, Dense(2)(inner(x)))
    outer.compile("sgd", "mse")
    w, b, v, c = outer.get_weights()
    hidden = X @ w + b
    error = np.mean((hidden @ v + c - Y) ** 2)
    expected = error + 0.01 * np.sum(w**2) + 0.01 * np.abs(hidden).sum()
    np.testing.assert_allclose(outer.test_on_batch(X, Y), expected, rtol=1e-5)


class Described(Model):
    """A model whose `call` describes it."""

    def __init__(self):
        super().__init__(name="described")
        self.first, self.second = Dense(3, activation="relu"), Dense(2)
        self.drop = Dropout(0.5)

    def call(self, inputs):
        return self.second(self.drop(self.first(inputs)))


def test_a_subclass_with_a_call():
    model = Described()
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, epochs=2, verbose=0)
    assert set(history.history) == {"loss", "mean_absolute_error"}
    w, b, v, c = model.get_weights()
    np.testing.assert_allclose(model.predict(X), np.maximum(X @ w + b, 0) @ v + c, rtol=1e-4)


def test_layers_of_ones_own_inside_wrappers():
    model = Sequential(
        [TimeDistributed(Lambda(lambda t: t * 2), input_shape=(3, 4)), Activation("tanh")]
    )
    model.compile("sgd", "mse")
    x = RANDOM.randn(2, 3, 4)
    np.testing.assert_allclose(model.predict(x), np.tanh(2 * x), rtol=1e-4)


def test_the_same_numpy_seed_gives_the_same_weights():
    np.random.seed(3)
    first = Dense(3, input_dim=4)
    model = Sequential([first])
    np.random.seed(3)
    again = Sequential([Dense(3, input_dim=4)])
    np.testing.assert_array_equal(model.get_weights()[0], again.get_weights()[0])
    assert initializers.get("uniform").seed is not None


def test_a_model_that_begins_inside_another():
    whole = Sequential([Dense(3, input_dim=4), Dense(2)])
    part = Model(whole.layers[1].input, whole.output)
    hidden = RANDOM.randn(5, 3).astype("float32")
    w, b = whole.get_weights()[2:]
    np.testing.assert_allclose(part.predict(hidden), hidden @ w + b, rtol=1e-4, atol=1e-5)


def test_a_learning_phase_that_is_fixed():
    K.set_learning_phase(1)
    try:
        model = Sequential([Dropout(0.5, input_shape=(100,))])
    finally:
        K.clear_session()
    x = np.ones((2, 100))
    assert (model.predict(x) == 0).any()
    other = Sequential([Dropout(0.5, input_shape=(100,))])
    assert (other.predict(x) == 1).all()


def test_a_layer_is_called_on_a_variable():
    v = K.variable(X)
    dense = Dense(2)
    y = dense(v)
    before = K.eval(y)
    K.set_value(v, 2 * X)
    b = dense.get_weights()[1]
    np.testing.assert_allclose(K.eval(y) - b, 2 * (before - b), rtol=1e-4, atol=1e-6)


def test_what_trains_together_is_one_step():
    generator = Sequential([Dense(4, input_dim=2)])
    critic = Sequential([Dense(1, activation="sigmoid", input_dim=4)])
    critic.compile("sgd", "binary_crossentropy")
    critic.trainable = False
    z = Input((2,))
    both = Model(z, critic(generator(z)))
    both.compile("sgd", "binary_crossentropy")
    assert len(both.trainable_weights) == 2
    fixed = critic.get_weights()
    both.train_on_batch(np.ones((3, 2)), np.ones((3, 1)))
    assert all(np.array_equal(a, b) for a, b in zip(fixed, critic.get_weights(), strict=True))
    critic.train_on_batch(X, np.ones((12, 1)))
    assert not np.array_equal(fixed[0], critic.get_weights()[0])


def test_a_clone_has_weights_of_its_own():
    model = Sequential([Dense(2, input_dim=4), Dropout(0.5)])
    clone = clone_model(model)
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    onto = clone_model(model, K.constant(X))
    w, b = onto.get_weights()
    np.testing.assert_allclose(onto.predict(None, steps=1), X @ w + b, rtol=1e-4, atol=1e-5)
