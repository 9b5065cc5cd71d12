"""The kernels that are measured alone, with the arithmetic that each one needs.

The counts are those of the definition, whatever a kernel does instead: two operations for each
product that is added up. A pass moves every input and output once: forward the inputs, the weights
and the result; backward the inputs, the weights, the gradient of the result and one gradient for
each input and weight.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A kernel: how to set it up, and the operations of its forward pass.

    Attributes:
        setup: function of a keras module; returns `(function, inputs, weights)`, the function one
            of the inputs. Gradients are by those inputs that are floats, and by the weights.
        per_output: operations for each element of the result.
        per_input: operations for each element of the first input.
        backward: the operations of the backward pass, as a multiple. It is 2 where the gradients
            with respect to an input and a weight are each a pass of the same size, else 1.
        looks_up: whether only those rows of the weights are moved that the result consists of.
    """

    setup: Callable[[Any], tuple]
    per_output: float = 0.0
    per_input: float = 0.0
    backward: float = 2.0
    looks_up: bool = False

    def operations(self, inputs, result):
        """Return the operations of the forward and of the backward pass."""
        forward = self.per_output * result.size + self.per_input * inputs[0].size
        return forward, self.backward * forward

    def bytes_moved(self, inputs, weights, result):
        """Return the bytes that the forward and the backward pass must move at least."""
        fixed = sum(_bytes(x) for x in inputs if not _is_float(x))
        free = sum(_bytes(x) for x in inputs if _is_float(x))
        free += _bytes(result) if self.looks_up else sum(map(_bytes, weights))
        return fixed + free + _bytes(result), fixed + 2 * free + _bytes(result)


def _is_float(x):
    return "float" in str(x.dtype)


def _bytes(x):
    return x.numpy().nbytes


def _layer(make, shape, vocabulary=None, **counts):
    """The case of a layer, in training, on an input of a shape."""

    def setup(keras):
        layer = make(keras.layers)
        x = keras.ops.convert_to_tensor(_data(shape, vocabulary))
        layer(x)  # makes the weights
        return lambda x: layer(x, training=True), [x], layer.trainable_variables

    return Case(setup, **counts)


def _op(name, *shapes, classes=None, **counts):
    """The case of an op on inputs of some shapes, the first of which may be integer classes."""

    def setup(keras):
        first, *others = (_data(s, classes if i == 0 else None) for i, s in enumerate(shapes))
        inputs = [keras.ops.convert_to_tensor(x) for x in (first, *others)]
        options = {"from_logits": True} if classes else {}
        return lambda *arrays: getattr(keras.ops, name)(*arrays, **options), inputs, []

    return Case(setup, **counts)


def _data(shape, below=None):
    rng = np.random.default_rng(0)
    if below:
        return rng.integers(0, below, shape).astype("int32")
    return rng.standard_normal(shape, "float32")


def _conv(filters, size, shape, **options):
    """A convolution: for each result, a product for each cell of the window and channel."""
    products = size**2 * shape[-1]
    return _layer(lambda k: k.Conv2D(filters, size, **options), shape, per_output=2 * products)


def _dense(units, shape):
    return _layer(lambda k: k.Dense(units), shape, per_output=2 * shape[-1])


def _recurrent(name, gates, units, shape):
    """All steps: a product with the features and one with the state, for each gate."""
    counts = {"per_output": 2 * gates * (shape[-1] + units)}
    return _layer(lambda k: getattr(k, name)(units, return_sequences=True), shape, **counts)


CASES = {
    "conv 3x3, 28x28x1 to 32": _conv(32, 3, (128, 28, 28, 1)),
    "conv 3x3, 26x26x32 to 64": _conv(64, 3, (128, 26, 26, 32)),
    "conv 3x3, 32x32x16 to 16, same": _conv(16, 3, (64, 32, 32, 16), padding="same"),
    "conv 3x3, 100x100x3 to 32": _conv(32, 3, (32, 100, 100, 3)),
    "conv 3x3, 14x14x128 to 128": _conv(128, 3, (32, 14, 14, 128)),
    "conv 3x3, stride 2, 32x32x64 to 128": _conv(128, 3, (32, 32, 32, 64), strides=2),
    "conv 1x1, 28x28x128 to 128": _conv(128, 1, (32, 28, 28, 128)),
    "depthwise conv 3x3, 32x32x64": _layer(
        lambda k: k.DepthwiseConv2D(3, padding="same"), (32, 32, 32, 64), per_output=18
    ),
    "transposed conv 3x3, stride 2, 14x14x32 to 32": _layer(
        lambda k: k.Conv2DTranspose(32, 3, strides=2, padding="same"),
        (64, 14, 14, 32),
        per_input=2 * 9 * 32,
    ),
    "max pooling 2x2, 24x24x64": _layer(
        lambda k: k.MaxPooling2D(), (128, 24, 24, 64), per_input=1, backward=1
    ),
    "average pooling 2x2, 24x24x64": _layer(
        lambda k: k.AveragePooling2D(2), (128, 24, 24, 64), per_input=1, backward=1
    ),
    # Sum, difference, square, sum of squares, product and sum with the weights; backward likewise.
    "batch norm, 32x32x16": _layer(lambda k: k.BatchNormalization(), (64, 32, 32, 16), per_input=7),
    "layer norm, 64x256": _layer(lambda k: k.LayerNormalization(), (64, 64, 256), per_input=7),
    "relu, 26x26x32": _op("relu", (128, 26, 26, 32), per_input=1, backward=1),
    # Largest, difference, exponential, sum, and a logarithm by row; backward the quotient.
    "softmax cross-entropy, 1000 classes": _op(
        "sparse_categorical_crossentropy",
        (1024,),
        (1024, 1000),
        classes=1000,
        per_output=4 * 1000,
        backward=0.5,
    ),
    "dense, 512 to 512, batch 128": _dense(512, (128, 512)),
    "dense, 1024 to 1024, batch 1024": _dense(1024, (1024, 1024)),
    "LSTM(128), 80 steps of 128": _recurrent("LSTM", 4, 128, (32, 80, 128)),
    "LSTM(32), 8 steps of 32": _recurrent("LSTM", 4, 32, (64, 8, 32)),
    "GRU(32), 40 steps of 32": _recurrent("GRU", 3, 32, (32, 40, 32)),
    # Two products for each pair of a target and a source; the gradient of each is two more.
    "attention, 64 tokens, 4 heads of 16": _op(
        "dot_product_attention", *[(32, 64, 4, 16)] * 3, per_output=4 * 64
    ),
    "attention, 256 tokens, 8 heads of 64": _op(
        "dot_product_attention", *[(4, 256, 8, 64)] * 3, per_output=4 * 256
    ),
    "embedding of 128, 32x80 of 20000": _layer(
        lambda k: k.Embedding(20000, 128), (32, 80), 20000, looks_up=True
    ),
}
