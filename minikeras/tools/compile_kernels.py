"""Compile the fast kernels beforehand, so that no later run waits for it.

A kernel is compiled for the types of the arrays that it is called with. So this program trains
small networks, which call all kernels with the types that networks call them with.
"""

import sys
import time

import numpy as np

import minikeras as keras
from minikeras.core.distribution import how_to_install
from minikeras.kernels import providers

layers = keras.layers
BATCH = 64


def add_arguments(parser):
    """Declare the options of `minikeras compile`.

    Args:
        parser: an `argparse.ArgumentParser`.
    """
    parser.add_argument(
        "--dtype",
        choices=["float32", "float64"],
        nargs="+",
        default=["float32"],
        help="the types of numbers to compile for",
    )


def run(arguments):
    """Train every network of the table for two steps, with a progress bar.

    Args:
        arguments: namespace with `dtype`, a list of strings.

    Returns:
        0 if the kernels are compiled, 1 where the compiler is missing.
    """
    if not providers.has_compiler():
        print(f"There is no compiler: {how_to_install('compiled')}", file=sys.stderr)
        return 1
    start = time.perf_counter()
    jobs = [(dtype, network) for dtype in arguments.dtype for network in NETWORKS]
    bar = keras.utils.Progbar(len(jobs), unit_name="network")
    for number, (dtype, network) in enumerate(jobs, 1):
        compile_for(network, dtype)
        bar.update(number)
    print(f"The kernels are compiled; it took {time.perf_counter() - start:.0f} seconds.")
    return 0


def compile_for(network, dtype):
    """Train a network for two steps and let it predict, by compiled kernels alone.

    Args:
        network: a row of `NETWORKS`.
        dtype: `"float32"` or `"float64"`.
    """
    body, shape, optimizer = network
    settings = keras.config.floatx(), providers.always_compiled
    keras.config.set_floatx(dtype)
    providers.always_compiled = True  # these arrays are small
    try:
        inputs = keras.Input(shape)
        model = keras.Model(inputs, layers.Dense(3, activation="softmax")(body(inputs)))
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        x = np.ones((2 * BATCH, *shape), dtype)
        model.fit(x, np.zeros(len(x), "int32"), batch_size=BATCH, verbose=0)
        model.predict(x, batch_size=BATCH, verbose=0)
    finally:
        keras.config.set_floatx(settings[0])
        providers.always_compiled = settings[1]


def _dense(x):
    x = layers.Dropout(0.5)(layers.Dense(256, activation="relu")(x))
    for activation in ("sigmoid", "silu", _tanh_gelu, _roots):
        x = layers.Activation(activation)(layers.Dense(256)(x))
    return x


def _tanh_gelu(x):
    return keras.ops.gelu(x, approximate=True)


def _roots(x):
    x = keras.ops.exp(x)
    return keras.ops.sqrt(x) + keras.ops.rsqrt(x) + keras.ops.reciprocal(x)


def _convolutions(x):
    x = layers.Conv2D(32, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, padding="same")(x)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.Conv2D(16, 1, strides=2)(x)
    x = layers.SeparableConv2D(16, 5, padding="same", activation="relu")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2DTranspose(16, 3, strides=2, padding="same")(x)
    x = layers.Conv2D(2, 3)(x)  # few filters, which have loops of their own
    return layers.GlobalAveragePooling2D()(x)


def _attention(x):
    x = layers.LayerNormalization()(x)
    x = layers.MultiHeadAttention(2, 8)(x, x)
    x = layers.Dense(16, activation="gelu")(x)
    return layers.GlobalAveragePooling1D()(x)


def _pictures(x):
    x = layers.RandomRotation(0.1)(layers.Conv2D(3, 1)(x))
    x = layers.RandomTranslation(0.1, 0.1, interpolation="nearest")(x)
    x = layers.RandomElasticTransform()(x)
    x = layers.Resizing(6, 6)(x)
    return layers.Flatten()(layers.RandomSaturation(0.5, value_range=(0, 1))(x))


def _recurrent(kind):
    return lambda x: kind(8)(kind(8, return_sequences=True)(x))


def _words(x):
    return layers.Flatten()(layers.Embedding(20, 8)(x))


NETWORKS = [
    (_dense, (256,), "adam"),
    (layers.Flatten(), (8,), "sgd"),
    (_convolutions, (32, 32, 3), "rmsprop"),
    (_pictures, (8, 8, 3), "sgd"),
    (_recurrent(layers.LSTM), (6, 4), "adam"),
    (_recurrent(layers.GRU), (6, 4), "adagrad"),
    (_recurrent(layers.SimpleRNN), (6, 4), keras.optimizers.SGD(momentum=0.9)),
    (_attention, (6, 16), "adamw"),
    (_words, (6,), "adam"),
]
"""Each network's body, the shape of a sample, and its optimizer."""
