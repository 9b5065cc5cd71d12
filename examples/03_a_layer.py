"""A layer of your own.

You learn what a layer is: weights, made in `build` when the shape of the inputs is known, and a
computation, written in `call`. Everything else (gradients, training, the summary) follows.

The layer here is a dense layer with a gate (Dauphin et al., "Language Modeling with Gated
Convolutional Networks", 2017): y = (x A + a) * sigmoid(x B + b). The product of the two branches
lets a single layer learn things that one ordinary dense layer cannot.

To see a layer opened up in the browser: `minikeras explain --layer Dense --units 3`.
"""

import numpy as np

import minikeras as keras

ops = keras.ops


class GatedDense(keras.layers.Layer):
    """`y = (x A + a) * sigmoid(x B + b)`: one branch says what, the other how much of it."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)  # name and dtype are the base class's business
        self.units = units

    def build(self, input_shape):
        """Make the weights. Called once, with the shape of the first inputs."""
        shape = (input_shape[-1], self.units)
        self.value_kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="A")
        self.value_bias = self.add_weight(shape=(self.units,), initializer="zeros", name="a")
        self.gate_kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="B")
        self.gate_bias = self.add_weight(shape=(self.units,), initializer="zeros", name="b")

    def call(self, x):
        """Compute the outputs. No gradient is written down here: the tape finds it."""
        values = x @ self.value_kernel + self.value_bias
        return values * ops.sigmoid(x @ self.gate_kernel + self.gate_bias)

    def get_config(self):
        """What it takes to make this layer again."""
        return {**super().get_config(), "units": self.units}


keras.utils.set_random_seed(1)

# --- Weights appear with the first call ----------------------------------------------------------

layer = GatedDense(4)
assert layer.weights == []
x = np.random.default_rng(1).normal(size=(2, 3)).astype("float32")
y = layer(x)
print("weights after the first call:")
for weight in layer.weights:
    print(f"  {weight.path:20} {weight.shape}")
assert len(layer.trainable_weights) == 4
assert layer.count_params() == 2 * (3 * 4 + 4)

a, a_bias, b, b_bias = layer.get_weights()
by_hand = (x @ a + a_bias) / (1 + np.exp(-(x @ b + b_bias)))
np.testing.assert_allclose(y, by_hand, rtol=1e-5, atol=1e-6)

# A layer that can describe itself can be made again: models are saved and cloned this way.
twin = GatedDense.from_config(layer.get_config())
assert twin.units == 4 and twin.name == layer.name

# --- In a model it behaves like any other layer --------------------------------------------------

# A problem that no single linear layer solves: do the two numbers have the same sign?
rng = np.random.default_rng(2)
points = rng.uniform(-1, 1, (1000, 2)).astype("float32")
same_sign = (points[:, 0] * points[:, 1] > 0).astype("float32")


def train(first_layer):
    """Train a layer with one output unit on top; return the accuracy."""
    model = keras.Sequential([keras.Input((2,)), first_layer, keras.layers.Dense(1)])
    model.summary()
    model.compile(
        keras.optimizers.Adam(0.03),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],  # a score above 0 means yes
    )
    model.fit(points, same_sign, epochs=15, verbose=0)
    return model.evaluate(points, same_sign, verbose=0)[1]


print()
gated = train(GatedDense(8))
linear = train(keras.layers.Dense(8))
print(f"accuracy with the gated layer {gated:.1%}, with a linear layer {linear:.1%}")
assert gated > 0.95
assert linear < 0.7  # two linear layers are one linear layer, which can only draw a straight line
