"""Models whose numbers sit on kinks: sums that cancel, so that a rounding decides their sign.

A column of `cancelling` holds each number twice, once with the other sign, in random order. The
rows of digits are made of equal numbers first, so the products with half of the columns are zero
but for rounding, in float64 as in float32.
"""

import keras
import numpy as np

L, ops = keras.layers, keras.ops


def cancelling(rows, columns):
    """A kernel of which half the columns cancel."""
    draw = np.random.default_rng(0)
    kernel = draw.normal(size=(rows, columns))
    for column in range(columns // 2):
        half = draw.normal(size=rows // 2).astype("float32")
        kernel[:, column] = draw.permutation(np.concatenate([half, -half]))
    return kernel.astype("float32")


class Inside(L.Layer):
    """Takes a function of products inside, so that no output shows its argument."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def build(self, shape):
        kernel = keras.initializers.Constant(cancelling(shape[-1], 32))
        self.kernel = self.add_weight(shape=(shape[-1], 32), name="kernel", initializer=kernel)

    def call(self, x):
        return self.function(ops.matmul(ops.tanh(x), self.kernel))


def _network(layer):
    keras.utils.set_random_seed(1)
    layers = [L.Dense(64, name="equal"), layer, L.Dense(3, name="out")]
    model = keras.Sequential([keras.Input((64,)), *layers])
    model.compile("sgd", "mse")
    first = model.layers[0]
    first.set_weights([np.full((64, 64), 1 / 64, "float32"), np.zeros(64, "float32")])
    return model


def dense():
    """The kink of a layer's activation."""
    model = _network(L.Dense(32, activation="relu", name="kinked"))
    model.get_layer("kinked").set_weights([cancelling(64, 32), np.zeros(32, "float32")])
    return model


def inside():
    """A kink inside of a layer."""
    return _network(Inside(lambda y: ops.tanh(ops.relu(y)), name="kinked"))


def rounds():
    """Sums that are a half but for rounding."""
    return _network(Inside(lambda y: ops.round(y + 0.5), name="kinked"))


def largest():
    """Two largest numbers of a row that are equal but for rounding."""

    def function(y):
        first, second = y[:, :16], y[:, 16:]
        return ops.max(ops.stack([second + first, second], -1), -1)

    return _network(Inside(function, name="kinked"))
