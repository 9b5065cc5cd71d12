"""One step of training changes every trainable weight."""

import numpy as np
import pytest

import minikeras as keras
from tests.cases.layers import FIRST, LAYERS

# The classes of layers of which some row has weights to train.
TRAINED = {
    *("AdditiveAttention", "Attention", "GroupQueryAttention", "MultiHeadAttention"),
    *("BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization"),
    *("Bidirectional", "GRU", "LSTM", "RNN", "SimpleRNN", "TimeDistributed"),
    *("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    *("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
    *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
    *("Dense", "EinsumDense", "Embedding", "PReLU", "SpectralNormalization", "STFTSpectrogram"),
}


def weights_moved(case):
    """Train a model of one layer for one step; return how many weights it has to train."""
    keras.utils.set_random_seed(1)
    inputs = [keras.Input(batch_shape=shape, dtype=case.dtype) for shape in case.shapes]
    model = keras.Model(inputs, case.call(case.make(), case.nest(inputs)))
    before = [np.array(w) for w in model.trainable_weights]
    if before:
        model.compile(keras.optimizers.SGD(0.1), "mse")
        shape = model.predict_on_batch(case.data()).shape
        model.train_on_batch(case.data(), np.random.default_rng(1).normal(size=shape))
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.any(np.array(weight) != old), f"{case}: {weight.path}"
    return len(before)


@pytest.mark.parametrize("name", FIRST)
def test_every_weight_moves(name):
    moved = [weights_moved(case) for case in LAYERS if case.name == name]
    assert any(moved) == (name in TRAINED)
