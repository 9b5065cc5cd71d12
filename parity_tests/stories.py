"""Three differences that people met, rebuilt small, for `minikeras check stories:NAME`.

The process of either engine imports this file: what differs is chosen by the engine. Nothing here
knows of tests.
"""

import keras
import numpy as np

L = keras.layers
ops = keras.ops
IS_OURS = "minikeras" in L.Dense.__module__


class AdamWithEpsilonInside(keras.optimizers.Adam):
    """Adam that adds epsilon to `sqrt(v)` after the bias correction of `v`, as other libraries do.

    Keras corrects the bias in the learning rate and adds epsilon to the uncorrected root.
    """

    def update_step(self, gradient, variable, learning_rate):
        dtype = variable.dtype
        rate, gradient = ops.cast(learning_rate, dtype), ops.cast(gradient, dtype)
        step = ops.cast(self.iterations + 1, dtype)
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        m.assign(m + (gradient - m) * (1 - self.beta_1))
        v.assign(v + (ops.square(gradient) - v) * (1 - self.beta_2))
        m_hat = m / (1 - ops.power(ops.cast(self.beta_1, dtype), step))
        v_hat = v / (1 - ops.power(ops.cast(self.beta_2, dtype), step))
        variable.assign(variable - rate * m_hat / (ops.sqrt(v_hat) + self.epsilon))


def epsilon_in_two_places():
    """A network with LayerNormalization, some of whose gradients are tiny."""
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((6,)),
        L.Dense(8, name="first"),
        L.LayerNormalization(name="norm"),
        L.Dense(8, activation="tanh", name="second"),
        L.Dense(3, activation="softmax", name="out"),
    ]
    model = keras.Sequential(layers)
    make = AdamWithEpsilonInside if IS_OURS else keras.optimizers.Adam
    model.compile(make(1e-3), "sparse_categorical_crossentropy")
    return model


def sgd():
    """The network of `epsilon_in_two_places`, trained by SGD."""
    model = epsilon_in_two_places()
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


def wide_convolution():
    """A convolution whose sums have 1,024 * 4 * 7 terms each."""
    keras.utils.set_random_seed(1)
    convolution = L.Conv2D(
        4, (4, 7), dilation_rate=(3, 2), padding="same", use_bias=False, name="conv"
    )
    return keras.Sequential([keras.Input((6, 6, 1024)), convolution])


class FusedBatchNormalization(L.BatchNormalization):
    """Moves its variance by that of a sample, `n/(n-1)` times as large, as Keras 2's kernel did."""

    def call(self, inputs, training=None, mask=None):
        before = self.moving_variance + 0.0
        outputs = super().call(inputs, training=training, mask=mask)
        if training:
            count = np.prod([n for axis, n in enumerate(inputs.shape) if axis != 3])
            moved = (self.moving_variance - before * self.momentum) * (count / (count - 1))
            self.moving_variance.assign(before * self.momentum + moved)
        return outputs


def variance_of_a_sample():
    """A network of Keras 2, whose BatchNormalization was computed by a fused kernel."""
    keras.utils.set_random_seed(1)
    norm = FusedBatchNormalization if IS_OURS else L.BatchNormalization
    layers = [
        keras.Input((8, 8, 1)),
        L.Conv2D(4, 3, name="conv"),
        norm(name="bn"),
        L.Flatten(name="flat"),
        L.Dense(10, activation="softmax", name="out"),
    ]
    model = keras.Sequential(layers)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model
