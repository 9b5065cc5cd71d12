"""The networks that the benchmarks train, written once against the Keras API.

A workload is a function of the module `keras.layers` (ours or the real one) and an input; the table
`WORKLOADS` holds each with its shapes. All train with Adam in float32, on random data from a fixed
seed: for the time of a step the values do not matter.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

WORKLOADS: dict[str, "Workload"] = {}


@dataclass(frozen=True)
class Workload:
    """A network with the shape of its data and the length of an epoch."""

    body: Callable
    shape: tuple[int, ...]
    batch_size: int
    steps: int
    classes: int = 10
    vocabulary: int | None = None
    reconstructs: bool = False

    @property
    def about(self):
        """One line that says what the network is."""
        return f"{self.body.__doc__.strip().rstrip('.')}; batch {self.batch_size}"

    def data(self):
        """Return the inputs and the targets of one epoch."""
        rng = np.random.default_rng(0)
        shape = (self.batch_size * self.steps, *self.shape)
        if self.vocabulary:
            x = rng.integers(0, self.vocabulary, shape).astype("int32")
        else:
            x = rng.random(shape, "float32")
        if self.reconstructs:
            return x, x
        return x, rng.integers(0, self.classes, shape[0]).astype("int32")

    def model(self, keras):
        """Return the compiled model, made with `keras`."""
        inputs = keras.Input(self.shape, dtype="int32" if self.vocabulary else "float32")
        outputs = self.body(keras.layers, inputs)
        if not self.reconstructs:
            outputs = keras.layers.Dense(self.classes, activation="softmax")(outputs)
        model = keras.Model(inputs, outputs)
        if self.reconstructs:
            model.compile("adam", "mean_squared_error")
        else:
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model


def workload(**options):
    """Enter a function into the table under its name."""

    def enter(body):
        WORKLOADS[body.__name__] = Workload(body, **options)
        return body

    return enter


@workload(shape=(20,), batch_size=32, steps=100)
def tiny_mlp(k, x):
    """20-64-64-10: all overhead."""
    return k.Dense(64, activation="relu")(k.Dense(64, activation="relu")(x))


@workload(shape=(784,), batch_size=128, steps=30)
def mlp(k, x):
    """784-512-512-10 with dropout."""
    for _ in range(2):
        x = k.Dropout(0.2)(k.Dense(512, activation="relu")(x))
    return x


@workload(shape=(256,), batch_size=1024, steps=5)
def wide_mlp(k, x):
    """256-1024-1024-10 on large batches."""
    return k.Dense(1024, activation="relu")(k.Dense(1024, activation="relu")(x))


@workload(shape=(28, 28, 1), batch_size=128, steps=5)
def convnet(k, x):
    """28x28x1, convolutions of 32 and 64 filters, pooling."""
    x = k.Conv2D(32, 3, activation="relu")(x)
    x = k.Conv2D(64, 3, activation="relu")(x)
    return k.Flatten()(k.MaxPooling2D()(x))


@workload(shape=(100, 100, 3), batch_size=32, steps=2)
def vgg(k, x):
    """100x100x3, two blocks of two convolutions, pooling and dropout."""
    for filters in (32, 64):
        x = k.Conv2D(filters, 3, activation="relu")(x)
        x = k.Conv2D(filters, 3, activation="relu")(x)
        x = k.Dropout(0.25)(k.MaxPooling2D()(x))
    x = k.Dense(256, activation="relu")(k.Flatten()(x))
    return k.Dropout(0.5)(x)


@workload(shape=(32, 32, 3), batch_size=64, steps=6)
def resnet(k, x):
    """32x32x16, three residual blocks with BatchNormalization."""
    x = k.Conv2D(16, 3, padding="same")(x)
    for _ in range(3):
        y = x
        for _ in range(2):
            y = k.ReLU()(k.BatchNormalization()(y))
            y = k.Conv2D(16, 3, padding="same", use_bias=False)(y)
        x = k.Add()([x, y])
    return k.GlobalAveragePooling2D()(k.ReLU()(k.BatchNormalization()(x)))


@workload(shape=(32, 32, 3), batch_size=32, steps=8)
def separable(k, x):
    """32x32x32, separable, depthwise and strided convolutions."""
    x = k.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = k.SeparableConv2D(64, 3, padding="same", activation="relu")(x)
    x = k.SeparableConv2D(64, 3, strides=2, padding="same", activation="relu")(x)
    x = k.DepthwiseConv2D(3, strides=2, padding="same", activation="relu")(x)
    x = k.Conv2D(128, 1, activation="relu")(x)
    return k.GlobalAveragePooling2D()(k.Conv2D(128, 3, strides=2, activation="relu")(x))


@workload(shape=(28, 28, 1), batch_size=64, steps=8, reconstructs=True)
def autoencoder(k, x):
    """28x28x1, strided convolutions down, transposed convolutions up."""
    x = k.Conv2D(16, 3, strides=2, padding="same", activation="relu")(x)
    x = k.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
    x = k.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu")(x)
    x = k.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu")(x)
    return k.Conv2D(1, 3, padding="same", activation="sigmoid")(x)


@workload(shape=(8, 8), batch_size=64, steps=30)
def stacked_lstm(k, x):
    """Three LSTM(32) over 8 steps of 8 features."""
    x = k.LSTM(32, return_sequences=True)(x)
    return k.LSTM(32)(k.LSTM(32, return_sequences=True)(x))


@workload(shape=(80,), batch_size=32, steps=8, classes=2, vocabulary=20000)
def text_lstm(k, x):
    """Embedding(20000, 128) and LSTM(128) over 80 steps."""
    return k.LSTM(128)(k.Embedding(20000, 128)(x))


@workload(shape=(40, 32), batch_size=32, steps=15)
def bidirectional_gru(k, x):
    """Bidirectional GRU(32) over 40 steps of 32 features."""
    return k.Bidirectional(k.GRU(32))(x)


@workload(shape=(64, 64), batch_size=32, steps=8)
def transformer(k, x):
    """Two transformer blocks, 64 tokens of 64 features, 4 heads."""
    for _ in range(2):
        y = k.MultiHeadAttention(num_heads=4, key_dim=16)(x, x)
        x = k.LayerNormalization(epsilon=1e-6)(k.Add()([x, y]))
        y = k.Dense(64)(k.Dense(256, activation="relu")(x))
        x = k.LayerNormalization(epsilon=1e-6)(k.Add()([x, y]))
    return k.GlobalAveragePooling1D()(x)
