"""Spectrograms against Keras on TensorFlow, beyond the rows: single signals, angles, windows.

The rows are in `tests/cases/layers_features.py`, and `test_layers.py` compares them.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from minikeras.tools.tolerances import assert_close
from parity_tests.support import both, share_weights

pytestmark = pytest.mark.parity

SOUND = np.random.default_rng(0).normal(size=(2, 3000)).astype("float32")
WINDOW = np.array([0.5, 1.0, 1.0, 0.5], "float32")

MEL = [
    {},
    {"fft_length": 64, "sequence_stride": 16, "num_mel_bins": 5, "dtype": "float16"},
    {"fft_length": 64, "sequence_stride": 16, "num_mel_bins": 5, "min_freq": -1.0},
    {"fft_length": 64, "sequence_length": 4, "window": WINDOW, "num_mel_bins": 5},
    {"fft_length": 128, "num_mel_bins": 5, "max_freq": 9000.5, "ref_power": -2.0, "top_db": 4},
    {"fft_length": 128, "num_mel_bins": 5, "ref_power": 0.0, "min_power": 0.1, "mag_exp": 0.5},
]


@pytest.mark.parametrize("options", MEL, ids=str)
@pytest.mark.parametrize("batched", [False, True])
def test_mel(options, batched):
    x = SOUND if batched else SOUND[0]
    y, z = both(lambda engine: np.asarray(engine.layers.MelSpectrogram(**options)(x)))
    assert_close(y, z, length=128)


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_gradient_of_silence(exponent):
    x = np.zeros((1, 200), "float32")
    ours, theirs = both(lambda engine: engine.layers.MelSpectrogram(64, 16, mag_exp=exponent))
    gradients = []
    tapes = ((minikeras, minikeras.GradientTape, ours), (keras, tf.GradientTape, theirs))
    for engine, tape_of, layer in tapes:
        tensor = engine.ops.convert_to_tensor(x)
        with tape_of() as tape:
            tape.watch(tensor)
            loss = engine.ops.sum(layer(tensor))
        gradients.append(tape.gradient(loss, tensor).numpy())
    np.testing.assert_array_equal(*gradients)


def test_matrix():
    arguments = (40, 257, 16000, 60.0, 7600.0)
    ours, theirs = both(lambda engine: engine.layers.MelSpectrogram())
    theirs = theirs.linear_to_mel_weight_matrix(*arguments)
    # Keras subtracts numbers of thousands of mel in float32.
    np.testing.assert_allclose(ours.linear_to_mel_weight_matrix(*arguments), theirs, atol=3e-5)
    assert_close(
        *both(
            lambda engine: engine.layers.MelSpectrogram().linear_to_mel_weight_matrix(
                *arguments, "float64"
            )
        ),
        length=257,
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("mode", ["log", "magnitude", "psd", "stft"])
def test_dtypes(mode, dtype):
    x = SOUND[:, :60, None].astype(dtype)
    ours, theirs = both(lambda engine: engine.layers.STFTSpectrogram(mode, 16, dtype=dtype))
    ours(x), theirs(x)
    share_weights(ours, theirs)
    assert_close(ours(x), theirs(x), length=16)


def test_angles_are_equal_but_for_whole_turns():
    options = {"frame_length": 16, "padding": "same", "dtype": "float64"}
    x = SOUND[:, :60].reshape(2, 30, 2).astype("float64")
    a, b = both(lambda engine: np.asarray(engine.layers.STFTSpectrogram("angle", **options)(x)))
    assert_close(np.exp(1j * a).view("float64"), np.exp(1j * b).view("float64"), length=16)


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "flattop", None, WINDOW])
@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
@pytest.mark.parametrize("periodic", [False, True])
def test_windows(window, scaling, periodic):
    options = {"window": window, "scaling": scaling, "periodic": periodic, "dtype": "float64"}
    x = SOUND[:, :40, None].astype("float64")
    y, z = both(lambda engine: np.asarray(engine.layers.STFTSpectrogram("psd", 4, **options)(x)))
    assert_close(y, z, length=16)
