"""Every layer on the strict stand-in for CuPy: values and gradients are those of the CPU."""

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers
from tests.cases.layers import ROWS

ELSEWHERE = {
    "AdaptiveAveragePooling1D": "the op's row",
    "AdaptiveAveragePooling2D": "the op's row",
    "AdaptiveAveragePooling3D": "the op's row",
    "AdaptiveMaxPooling1D": "the op's row",
    "AdaptiveMaxPooling2D": "the op's row",
    "AdaptiveMaxPooling3D": "the op's row",
    "Embedding": "test_training",
    "GRUCell": "GRU",
    "Identity": "computes nothing",
    "InputLayer": "computes nothing",
    "LSTMCell": "LSTM",
    "Lambda": "computes what its function does",
    "Layer": "computes nothing",
    "RNN": "LSTM and GRU",
    "SimpleRNNCell": "SimpleRNN",
    "StackedRNNCells": "LSTM and GRU",
}


class _Unpacking(layers.Layer):
    """A layer that takes its inputs one by one, called with a list of them."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs, training=False):
        return self.inner(*inputs, training=training)


def run(make, *shapes, watch=None):
    """Return the output, the gradients w.r.t. inputs and weights, and the weights afterwards."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    layer = make()
    inputs = [keras.ops.convert_to_tensor(rng.normal(size=s).astype("float32")) for s in shapes]
    given = inputs if len(inputs) > 1 else inputs[0]
    if isinstance(layer, (layers.MultiHeadAttention, layers.GroupQueryAttention)):
        layer = _Unpacking(layer)
    layer(given, training=True)
    if watch is not None:
        watch.reset()
    with keras.GradientTape() as tape:
        tape.watch(inputs)
        y = layer(given, training=True)
        loss = keras.ops.sum(y * y)
    gradients = tape.gradient(loss, [*inputs, *layer.trainable_variables])
    return [y, *gradients, *[v.value for v in layer.variables if "seed" not in v.path]]


@pytest.mark.parametrize("name", ROWS)
def test_layers_are_those_of_the_cpu(name, request):
    make, *shapes = ROWS[name]
    expected = run(make, *shapes)
    gpu = request.getfixturevalue("gpu")
    found = run(make, *shapes, watch=gpu.transfers)
    assert not gpu.transfers.to_host
    assert not gpu.transfers.to_device
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            assert a.device == "gpu:0"
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-5)


def test_every_layer_has_a_row():
    found = (getattr(layers, name) for name in layers.__all__)
    names = {c.__name__ for c in found if isinstance(c, type) and issubclass(c, layers.Layer)}
    assert names <= {*ROWS, *ELSEWHERE}
