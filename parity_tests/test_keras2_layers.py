"""Layers of Keras 2 against tf-keras: outputs, and a step of training from the same weights."""

import numpy as np
import pytest

from minikeras.keras2 import layers
from minikeras.keras2.layers import Input
from minikeras.keras2.models import Model
from minikeras.keras2.optimizers import SGD
from minikeras.tools.tolerances import assert_close

k = pytest.importorskip("tf_keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

_HARD = {"recurrent_activation": "hard_sigmoid"}
_IMAGE, _SEQUENCE = (6, 7, 2), (5, 3)

# class, arguments, what tf-keras must be told, shape of the input, terms of the longest sum
ROWS = [
    ("LSTM", {"units": 4}, _HARD, _SEQUENCE, 90),
    ("LSTM", {"units": 4, "return_sequences": True, "go_backwards": True}, _HARD, _SEQUENCE, 90),
    ("GRU", {"units": 4}, {**_HARD, "reset_after": False}, _SEQUENCE, 90),
    ("GRU", {"units": 4, "reset_after": True}, _HARD, _SEQUENCE, 90),
    ("SimpleRNN", {"units": 4, "activation": "relu"}, {}, _SEQUENCE, 90),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 3}, _HARD, (3, 6, 5, 2), 600),
    (
        "ConvLSTM2D",
        {"filters": 2, "kernel_size": 2, "padding": "same", "return_sequences": True},
        _HARD,
        (3, 4, 5, 2),
        600,
    ),
    ("LocallyConnected1D", {"filters": 3, "kernel_size": 2, "strides": 2}, {}, (7, 2), 40),
    (
        "LocallyConnected2D",
        {"filters": 3, "kernel_size": (2, 3), "strides": (2, 1), "activation": "tanh"},
        {},
        _IMAGE,
        40,
    ),
    (
        "LocallyConnected2D",
        {"filters": 3, "kernel_size": (2, 3), "data_format": "channels_first"},
        {},
        (2, 6, 5),
        40,
    ),
    ("ThresholdedReLU", {"theta": 0.3}, {}, _IMAGE, 1),
    ("PReLU", {"shared_axes": [1, 2]}, {}, _IMAGE, 200),
    ("LeakyReLU", {}, {}, _IMAGE, 1),
    ("Dense", {"units": 4, "activation": "hard_sigmoid"}, {}, (5,), 20),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}, {}, _IMAGE, 300),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "padding": "same"}, {}, _IMAGE, 300),
]


@pytest.mark.parametrize("name, options, defaults, shape, length", ROWS)
def test_a_step_of_training(name, options, defaults, shape, length):
    rng = np.random.RandomState(0)
    x = rng.randn(8, *shape).astype("float32")
    inputs = Input(shape)
    ours = Model(inputs, getattr(layers, name)(**options)(inputs))
    theirs_inputs = k.layers.Input(shape)
    theirs_layer = getattr(k.layers, name)(**{**options, **defaults})
    theirs = k.models.Model(theirs_inputs, theirs_layer(theirs_inputs))
    weights = [rng.uniform(-0.5, 0.5, w.shape).astype("float32") for w in ours.get_weights()]
    for model in (ours, theirs):
        model.set_weights(weights)
    assert_close(ours.predict(x), theirs.predict(x, verbose=0), length, name)
    y = rng.randn(*ours.predict(x).shape).astype("float32")
    ours.compile(SGD(lr=0.1), "mse")
    theirs.compile(k.optimizers.SGD(0.1), "mse", run_eagerly=True)
    losses = [np.float32(model.train_on_batch(x, y)) for model in (ours, theirs)]
    assert_close(*losses, y.size, name)
    for i, (a, b) in enumerate(zip(ours.get_weights(), theirs.get_weights(), strict=True)):
        assert_close(a, b, length * len(x), f"{name}, weight {i}")


# Settings that a later tf-keras lists besides; a separable convolution has those of its base class.
LATER = {"input_dim", "output_padding", "shared_axes"}
KERNELS = {f"kernel_{kind}" for kind in ("constraint", "initializer", "regularizer")}
LATER_OF = {"SeparableConv2D": LATER | KERNELS}


@pytest.mark.parametrize("name, options, defaults, shape, length", ROWS)
def test_configs(name, options, defaults, shape, length):
    ours = getattr(layers, name)(**options).get_config()
    theirs = getattr(k.layers, name)(**{**options, **defaults}).get_config()
    plain = {key: value for key, value in theirs.items() if not isinstance(value, dict)}
    later = {"implementation", "time_major", "groups", "dtype", "name", "seed"}
    for key, value in plain.items():
        if key not in later and key in ours:
            assert _plain(ours[key]) == _plain(value), key
    assert set(theirs) - set(ours) <= later | LATER_OF.get(name, LATER)


def _plain(value):
    if isinstance(value, (list, tuple)):
        return list(value)
    return np.float32(value) if isinstance(value, (float, np.floating)) else value
