"""Every layer on the strict stand-in for CuPy: values and gradients are those of the CPU."""

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers

# A row: the layer, and the shapes of its inputs (one batch of floats each; ints for `ids`).
LINE, IMAGE, VOLUME = (2, 6, 3), (2, 6, 6, 3), (2, 4, 4, 4, 2)
ROWS = {
    "Activation": (lambda: layers.Activation("tanh"), LINE),
    "ActivityRegularization": (lambda: layers.ActivityRegularization(l2=0.1), LINE),
    "Add": (layers.Add, LINE, LINE),
    "AdditiveAttention": (layers.AdditiveAttention, LINE, LINE),
    "AlphaDropout": (lambda: layers.AlphaDropout(0.3, seed=1), LINE),
    "Attention": (layers.Attention, LINE, LINE),
    "Average": (layers.Average, LINE, LINE),
    "AveragePooling1D": (lambda: layers.AveragePooling1D(2), LINE),
    "AveragePooling2D": (lambda: layers.AveragePooling2D(3, 2, "same"), IMAGE),
    "AveragePooling3D": (lambda: layers.AveragePooling3D(2), VOLUME),
    "BatchNormalization": (layers.BatchNormalization, IMAGE),
    "Bidirectional": (lambda: layers.Bidirectional(layers.GRU(2)), LINE),
    "Concatenate": (layers.Concatenate, LINE, LINE),
    "Conv1D": (lambda: layers.Conv1D(4, 3, padding="causal", dilation_rate=2), LINE),
    "Conv1DTranspose": (lambda: layers.Conv1DTranspose(2, 3, strides=2), LINE),
    "Conv2D": (lambda: layers.Conv2D(6, 3, strides=2, groups=3, activation="relu"), IMAGE),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(2, 3, strides=2, padding="same"), IMAGE),
    "Conv3D": (lambda: layers.Conv3D(2, 2, padding="same"), VOLUME),
    "Conv3DTranspose": (lambda: layers.Conv3DTranspose(2, 2), VOLUME),
    "Cropping1D": (layers.Cropping1D, LINE),
    "Cropping2D": (layers.Cropping2D, IMAGE),
    "Cropping3D": (layers.Cropping3D, VOLUME),
    "Dense": (lambda: layers.Dense(4, activation="relu"), LINE),
    "DepthwiseConv1D": (lambda: layers.DepthwiseConv1D(3, depth_multiplier=2), LINE),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(3, strides=2, padding="same"), IMAGE),
    "Dot": (lambda: layers.Dot(axes=1), LINE, LINE),
    "Dropout": (lambda: layers.Dropout(0.3, seed=1), LINE),
    "EinsumDense": (lambda: layers.EinsumDense("abc,cd->abd", (None, 4)), LINE),
    "ELU": (layers.ELU, LINE),
    "Flatten": (layers.Flatten, IMAGE),
    "GRU": (lambda: layers.GRU(2, return_sequences=True), LINE),
    "GaussianDropout": (lambda: layers.GaussianDropout(0.3, seed=1), LINE),
    "GaussianNoise": (lambda: layers.GaussianNoise(0.3, seed=1), LINE),
    "GlobalAveragePooling1D": (layers.GlobalAveragePooling1D, LINE),
    "GlobalAveragePooling2D": (layers.GlobalAveragePooling2D, IMAGE),
    "GlobalAveragePooling3D": (layers.GlobalAveragePooling3D, VOLUME),
    "GlobalMaxPooling1D": (layers.GlobalMaxPooling1D, LINE),
    "GlobalMaxPooling2D": (layers.GlobalMaxPooling2D, IMAGE),
    "GlobalMaxPooling3D": (layers.GlobalMaxPooling3D, VOLUME),
    "GroupQueryAttention": (lambda: layers.GroupQueryAttention(2, 4, 2), LINE, LINE),
    "GroupNormalization": (lambda: layers.GroupNormalization(3), IMAGE),
    "LSTM": (lambda: layers.LSTM(2, go_backwards=True), LINE),
    "LayerNormalization": (layers.LayerNormalization, LINE),
    "LeakyReLU": (layers.LeakyReLU, LINE),
    "MultiHeadAttention": (lambda: layers.MultiHeadAttention(2, 3), LINE, LINE),
    "Masking": (layers.Masking, LINE),
    "MaxPooling1D": (layers.MaxPooling1D, LINE),
    "MaxPooling2D": (lambda: layers.MaxPooling2D(3, 2, "same"), IMAGE),
    "MaxPooling3D": (layers.MaxPooling3D, VOLUME),
    "Maximum": (layers.Maximum, LINE, LINE),
    "Minimum": (layers.Minimum, LINE, LINE),
    "Multiply": (layers.Multiply, LINE, LINE),
    "PReLU": (layers.PReLU, LINE),
    "Permute": (lambda: layers.Permute((2, 1)), LINE),
    "RMSNormalization": (layers.RMSNormalization, LINE),
    "ReLU": (lambda: layers.ReLU(max_value=1.0), LINE),
    "RepeatVector": (lambda: layers.RepeatVector(3), (2, 3)),
    "Reshape": (lambda: layers.Reshape((3, 6)), LINE),
    "SeparableConv1D": (lambda: layers.SeparableConv1D(4, 3), LINE),
    "SeparableConv2D": (lambda: layers.SeparableConv2D(4, 3), IMAGE),
    "SimpleRNN": (lambda: layers.SimpleRNN(2), LINE),
    "Softmax": (layers.Softmax, LINE),
    "SpatialDropout1D": (lambda: layers.SpatialDropout1D(0.3, seed=1), LINE),
    "SpatialDropout2D": (lambda: layers.SpatialDropout2D(0.3, seed=1), IMAGE),
    "SpatialDropout3D": (lambda: layers.SpatialDropout3D(0.3, seed=1), VOLUME),
    "Subtract": (layers.Subtract, LINE, LINE),
    "TimeDistributed": (lambda: layers.TimeDistributed(layers.Dense(2)), LINE),
    "UnitNormalization": (layers.UnitNormalization, LINE),
    "UpSampling1D": (layers.UpSampling1D, LINE),
    "UpSampling2D": (layers.UpSampling2D, IMAGE),
    "UpSampling3D": (layers.UpSampling3D, VOLUME),
    "ZeroPadding1D": (layers.ZeroPadding1D, LINE),
    "ZeroPadding2D": (layers.ZeroPadding2D, IMAGE),
    "ZeroPadding3D": (layers.ZeroPadding3D, VOLUME),
}
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
    """Return the output, the gradients by inputs and weights, and the weights afterwards."""
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
