"""The models that the benchmarks train, written once against the Keras API.

Every function takes the `keras` module to use (ours or the real one) and returns
`(model, x, y)`, the model compiled with Adam, the data made from a fixed seed.
"""

import numpy as np


def _data(shape, classes, samples, integers=None):
    rng = np.random.default_rng(0)
    if integers:
        x = rng.integers(0, integers, (samples, *shape)).astype("int32")
    else:
        x = rng.normal(size=(samples, *shape)).astype("float32")
    return x, rng.integers(0, classes, samples).astype("int32")


def _compiled(keras, layers, x, y):
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=str(x.dtype)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x, y


def tiny_mlp(keras):
    """20-64-64-10, batch 32: all overhead."""
    dense = keras.layers.Dense
    layers = [dense(64, activation="relu"), dense(64, activation="relu")]
    return _compiled(keras, [*layers, dense(10, activation="softmax")], *_data((20,), 10, 3200))


def mlp(keras):
    """784-512-512-10 with dropout, batch 128."""
    dense, dropout = keras.layers.Dense, keras.layers.Dropout
    layers = [
        dense(512, activation="relu"),
        dropout(0.2),
        dense(512, activation="relu"),
        dropout(0.2),
        dense(10, activation="softmax"),
    ]
    return _compiled(keras, layers, *_data((784,), 10, 3840))


def convnet(keras):
    """28x28x1, 32 and 64 filters, batch 128."""
    k = keras.layers
    layers = [
        k.Conv2D(32, 3, activation="relu"),
        k.Conv2D(64, 3, activation="relu"),
        k.MaxPooling2D(),
        k.Flatten(),
        k.Dense(10, activation="softmax"),
    ]
    return _compiled(keras, layers, *_data((28, 28, 1), 10, 1280))


def batch_norm_net(keras):
    """Six 3x3x16 convolutions with BatchNormalization on 32x32, batch 64."""
    k = keras.layers
    layers = []
    for _ in range(6):
        layers += [
            k.Conv2D(16, 3, padding="same", use_bias=False),
            k.BatchNormalization(),
            k.ReLU(),
        ]
    layers += [k.GlobalAveragePooling2D(), k.Dense(10, activation="softmax")]
    return _compiled(keras, layers, *_data((32, 32, 3), 10, 640))


def stacked_lstm(keras):
    """Three LSTM(32) over 8 steps, batch 64."""
    k = keras.layers
    layers = [
        k.LSTM(32, return_sequences=True),
        k.LSTM(32, return_sequences=True),
        k.LSTM(32),
        k.Dense(10, activation="softmax"),
    ]
    return _compiled(keras, layers, *_data((8, 8), 10, 1920))


def text_lstm(keras):
    """Embedding(20000, 128) and LSTM(128) over 80 steps, batch 32."""
    k = keras.layers
    layers = [k.Embedding(20000, 128), k.LSTM(128), k.Dense(2, activation="softmax")]
    return _compiled(keras, layers, *_data((80,), 2, 320, integers=20000))


WORKLOADS = {
    "tiny_mlp": (tiny_mlp, 32),
    "mlp": (mlp, 128),
    "convnet": (convnet, 128),
    "batch_norm_net": (batch_norm_net, 64),
    "stacked_lstm": (stacked_lstm, 64),
    "text_lstm": (text_lstm, 32),
}
