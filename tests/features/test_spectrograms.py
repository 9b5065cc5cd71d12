"""Spectrograms: single signals, silence, bands, windows that are arrays, arguments refused."""

import json

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers

RNG = np.random.default_rng(3)
SOUND = RNG.normal(size=(2, 160)).astype("float32")
WINDOW = np.array([0.5, 1.0, 1.0, 0.5])


def mel(**options):
    return layers.MelSpectrogram(64, **{"sequence_stride": 16, "num_mel_bins": 4, **options})


@pytest.mark.parametrize("options", [{}, {"power_to_db": False}, {"mag_exp": 1.0}])
def test_a_single_signal_is_a_batch_of_one(options):
    layer = mel(**options)
    np.testing.assert_allclose(layer(SOUND[0]), layer(SOUND[:1])[0], rtol=1e-6)
    assert layer.compute_output_shape((160,)) == (4, 11)
    assert layer(keras.Input(batch_shape=(None,))).shape == (4, None)
    assert layer(SOUND[0].tolist()).shape == (4, 11)


@pytest.mark.parametrize("length", [63, 64])
@pytest.mark.parametrize("samples", [95, 96, 97])
def test_as_many_frames_as_the_shape_says(length, samples):
    layer = layers.MelSpectrogram(length, 16, num_mel_bins=4)
    assert layer(SOUND[:, :samples]).shape == layer.compute_output_shape((2, samples))


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_silence_has_the_gradient_zero(exponent):
    x = keras.ops.zeros((1, 160))
    layer = mel(mag_exp=exponent)
    with keras.GradientTape() as tape:
        tape.watch(x)
        loss = keras.ops.sum(layer(x))
    assert not np.any(tape.gradient(loss, x))


def test_a_tone_is_loudest_in_its_band():
    layer = layers.MelSpectrogram(256, 64, sampling_rate=8000, num_mel_bins=16)
    edges = 700 * np.expm1(np.linspace(*1127 * np.log1p(np.array([20, 4000]) / 700), 18) / 1127)
    time = np.arange(2000) / 8000
    for band in (3, 8, 14):
        decibels = layer(np.sin(2 * np.pi * edges[band + 1] * time)).numpy()
        assert decibels[:, 10].argmax() == band
        assert decibels.min() >= decibels.max() - 80


def test_bands_overlap_to_one_between_the_first_and_last_peak():
    matrix = mel().linear_to_mel_weight_matrix(6, 129, 8000, 0.0, 4000.0, "float64").numpy()
    hertz = np.linspace(0, 4000, 129)
    peaks = 700 * np.expm1(1127 * np.log1p(4000 / 700) * np.array([1, 6]) / 7 / 1127)
    inside = (hertz > peaks[0]) & (hertz < peaks[1])
    np.testing.assert_allclose(matrix[inside].sum(axis=1), 1, rtol=1e-12)
    assert not matrix[0].any()


@pytest.mark.parametrize(
    "layer",
    [
        mel(sequence_length=4, window=WINDOW),
        layers.STFTSpectrogram(frame_length=4, window=WINDOW, mode="stft"),
    ],
    ids=lambda layer: layer.name,
)
def test_a_window_that_is_an_array_comes_back_from_a_file(layer):
    x = SOUND if isinstance(layer, layers.MelSpectrogram) else SOUND[..., None]
    copy = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    np.testing.assert_array_equal(copy.window, WINDOW)
    np.testing.assert_array_equal(copy(x), layer(x))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_kernels_compute_the_transform_of_frames(padding):
    x = RNG.normal(size=(2, 40, 3))
    layer = layers.STFTSpectrogram(
        "stft", 8, 4, 16, window=None, padding=padding, expand_dims=True, dtype="float64"
    )
    total = 44 if padding == "same" else 40
    padded = np.pad(x, ((0, 0), ((total - 40) // 2, (total - 39) // 2), (0, 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 8, axis=1)[:, ::4]
    z = np.moveaxis(np.fft.rfft(frames, 16), 2, 3)
    np.testing.assert_allclose(layer(x), np.concatenate([z.real, z.imag], axis=2), atol=1e-12)


def test_the_angle_is_that_of_the_parts():
    x = RNG.normal(size=(2, 40, 1))
    angle, parts = (
        layers.STFTSpectrogram(mode, 8, dtype="float64")(x).numpy() for mode in ("angle", "stft")
    )
    np.testing.assert_allclose(angle, np.angle(parts[..., :5] + 1j * parts[..., 5:]), atol=1e-12)


def test_a_length_that_is_no_power_of_two_is_warned_of():
    with pytest.warns(UserWarning, match=r"power of two. Received: fft_length=12"):
        layers.STFTSpectrogram(frame_length=8, fft_length=12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "power"}, r"must be one of 'log', .* Received: mode='power'"),
        ({"frame_length": 0}, r"positive integer. Received: frame_length=0"),
        ({"frame_step": 0}, r"from 1 to `frame_length`, .* Received: frame_step=0"),
        ({"frame_step": 9}, r"Received: frame_step=9, frame_length=8"),
        ({"fft_length": 4}, r"at least `frame_length`. Received: fft_length=4"),
        ({"window": "none such"}, r"window='none such'|Invalid window name"),
        ({"scaling": "power"}, r"None, 'density', 'spectrum'. Received: scaling='power'"),
        ({"padding": "causal"}, r"'valid', 'same'. Received: padding='causal'"),
    ],
)
def test_arguments_of_kernels_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        layers.STFTSpectrogram(**{"frame_length": 8, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sequence_length": 65}, r"Received: sequence_length=65, fft_length=64"),
        ({"sequence_stride": 0}, r"positive integer. Received: sequence_stride=0"),
        ({"num_mel_bins": 2.5}, r"Received: num_mel_bins=2.5"),
        ({"min_freq": 9000.0}, r"Received: min_freq=9000.0, max_freq=8000"),
    ],
)
def test_arguments_of_bands_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        mel(**options)


def test_signals_are_checked():
    with pytest.raises(TypeError, match=r"float16, float32 or float64. Received: .*=int32"):
        layers.STFTSpectrogram(frame_length=4)(np.ones((1, 8, 1), "int32"))
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        layers.STFTSpectrogram(frame_length=4)(np.ones((1, 8)))
    with pytest.raises(ValueError, match=r"window.* must be equal to \[sequence_length\]"):
        mel(window=WINDOW)(SOUND)
