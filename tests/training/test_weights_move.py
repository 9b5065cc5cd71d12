"""One step of training changes every trainable weight."""

import numpy as np
import pytest

import minikeras as keras

k = keras.layers
LAYERS = [
    (k.Dense(3), (4,)),
    (k.Conv1D(3, 2), (6, 2)),
    (k.Conv2D(4, 3, groups=2, padding="same"), (5, 5, 2)),
    (k.Conv3D(2, 2), (3, 3, 3, 2)),
    (k.DepthwiseConv2D(3, depth_multiplier=2), (5, 5, 2)),
    (k.SeparableConv1D(3, 2), (6, 2)),
    (k.SeparableConv2D(3, 3), (5, 5, 2)),
    (k.Conv1DTranspose(3, 2), (4, 2)),
    (k.Conv2DTranspose(3, 2, strides=2), (4, 4, 2)),
    (k.PReLU("ones"), (4,)),
    (k.BatchNormalization(), (5, 3)),
    (k.LayerNormalization(), (5, 3)),
    (k.GroupNormalization(1), (5, 3)),
    (k.RMSNormalization(), (5, 3)),
    (k.SimpleRNN(3), (4, 2)),
    (k.GRU(3), (4, 2)),
    (k.GRU(3, reset_after=False), (4, 2)),
    (k.LSTM(3), (4, 2)),
    (k.LSTM(3, recurrent_dropout=0.1, seed=1), (4, 2)),
    (k.Bidirectional(k.LSTM(3, return_sequences=True)), (4, 2)),
    (k.RNN([k.GRUCell(3), k.LSTMCell(2)]), (4, 2)),
    (k.TimeDistributed(k.Dense(3)), (4, 2)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: getattr(value, "name", None))
def test_every_weight_moves(layer, shape):
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input(shape), type(layer).from_config(layer.get_config())])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = [np.array(w) for w in model.trainable_weights]
    x = rng.normal(size=(6, *shape))
    model.train_on_batch(x, rng.normal(size=(6, *model.output_shape[1:])))
    assert before
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.any(np.array(weight) != old), weight.path
