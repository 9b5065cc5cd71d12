"""Models that every Keras makes, from 2 on, and faults in them.

A fault is a function under the name `<model>__<kind>`: minikeras makes the faulty one.
"""

from functools import partial

import keras
import numpy as np

L = keras.layers
IS_OURS = "minikeras" in L.Dense.__module__
LOSS = "sparse_categorical_crossentropy"


def compiled(model, rule, loss=LOSS):
    model.compile(rule, loss, metrics=["accuracy"] if loss == LOSS else [])
    return model


def cnn(epsilon=1e-3):
    """A convolutional network with BatchNormalization and dropout."""
    keras.utils.set_random_seed(1)
    layers = [
        L.Input((8, 8, 1)),
        L.Conv2D(6, 3, activation="relu", name="conv"),
        L.BatchNormalization(epsilon=epsilon, name="bn"),
        L.MaxPooling2D(name="pool"),
        L.Flatten(name="flat"),
        L.Dropout(0.25, name="drop"),
        L.Dense(10, "softmax", kernel_regularizer=keras.regularizers.L2(1e-4), name="out"),
    ]
    return compiled(keras.Sequential(layers), keras.optimizers.Adam())


def lstm(gates="sigmoid"):
    """An LSTM over rows of digits."""
    keras.utils.set_random_seed(1)
    layers = [
        L.Input((8, 8)),
        L.LSTM(6, recurrent_activation=gates, name="lstm"),
        L.Dense(10, activation="softmax", name="out"),
    ]
    return compiled(keras.Sequential(layers), keras.optimizers.SGD(0.1, momentum=0.9))


def gru(rule=None):
    """GRUs over words, some of which are masked."""
    keras.utils.set_random_seed(1)
    layers = [
        L.Input((7,), dtype="int32"),
        L.Embedding(5, 4, mask_zero=True, name="words"),
        L.GRU(6, return_sequences=True, name="gru"),
        L.GRU(5, go_backwards=True, name="last"),
        L.Dense(3, activation="softmax", name="out"),
    ]
    return compiled(keras.Sequential(layers), rule or keras.optimizers.SGD(0.1))


def gru_rmsprop():
    """The same with an optimizer that squares gradients: of an Embedding, row by row or not."""
    return gru(keras.optimizers.RMSprop())


def transformer():
    """A block of a transformer."""
    keras.utils.set_random_seed(1)
    x = L.Input((6, 8))
    y = L.Add(name="sum")([x, L.MultiHeadAttention(2, 4, name="attention")(x, x)])
    y = L.LayerNormalization(epsilon=1e-6, name="norm")(y)
    hidden = L.Dense(16, activation="tanh", name="wide")(y)
    y = L.Add(name="join")([y, L.Dense(8, name="narrow")(hidden)])
    y = L.Dense(3, activation="softmax", name="out")(L.GlobalAveragePooling1D(name="mean")(y))
    return compiled(keras.Model(x, y), keras.optimizers.Adam(0.01))


def residual(epsilon=1e-7):
    """A residual network that uses one layer twice."""
    keras.utils.set_random_seed(1)
    x = L.Input((5,))
    shared = L.Dense(5, activation="tanh", activity_regularizer="l2", name="shared")
    y = L.Add(name="join")([x, shared(x)])
    y = L.Activation("elu", name="elu")(y)
    out = L.Dense(2, name="out")(shared(y))
    return compiled(keras.Model(x, out), keras.optimizers.Adam(epsilon=epsilon), "mse")


class Own(keras.Model):
    """A model of a user's own."""

    def __init__(self):
        super().__init__(name="own")
        self.first = L.Dense(6, activation="relu", name="first")
        self.last = L.Dense(2, name="last")

    def call(self, x):
        return self.last(self.first(x) * 0.5)


def own():
    keras.utils.set_random_seed(1)
    model = Own()
    model(np.zeros((1, 4), "float32"))
    return compiled(model, keras.optimizers.SGD(0.05), "mse")


FAULTS = {
    "cnn__epsilon": partial(cnn, epsilon=1.01e-3),
    "lstm__gates": partial(lstm, gates="hard_sigmoid"),
    "residual__adam_epsilon": partial(residual, epsilon=1.1e-7),
}


def __getattr__(name):
    """The function that makes a faulty model."""
    if name not in FAULTS:
        raise AttributeError(name)
    if IS_OURS:
        return FAULTS[name]
    return globals()[name.partition("__")[0]]
