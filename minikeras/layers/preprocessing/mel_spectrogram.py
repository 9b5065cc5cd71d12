"""Spectrograms of sound on the mel scale, in decibels.

Stevens, Volkmann and Newman, "A scale for the measurement of the psychological magnitude pitch"
(1937); the formula of the scale, and filters that are triangles on it, are those of the Hidden
Markov Model Toolkit: Young et al., "The HTK Book", section 5.4.
"""

import math
from functools import lru_cache
from typing import Annotated, Any

import numpy as np

from minikeras import ops
from minikeras.arrays import device
from minikeras.layers.base.arguments import revived
from minikeras.layers.base.declare import Field, PositiveInt, layer
from minikeras.layers.preprocessing.data_layer import DataLayer

# Mel of a frequency f in Hertz: 1127 ln(1 + f / 700), so that 1000 Hertz are 1000 mel.
_BREAK_FREQUENCY = 700.0
_MEL_PER_NEPER = 1127.0


@layer
class MelSpectrogram(DataLayer):
    """Turn sound into a mel spectrogram: how strong each band of pitches is at each time.

    With the short-time Fourier transform `Z` of a signal and triangular filters `A` on the mel
    scale (`linear_to_mel_weight_matrix`):

        S = |Z|^mag_exp A
        D = 10 log10(max(S, min_power)) - 10 log10(max(|ref_power|, min_power))
        y = max(D, max(D) - top_db)

    where `max(D)` is the largest value of the whole batch, and `y = S` without `power_to_db`.

    Args:
        fft_length: int, the length of the Fourier transform, in samples.
        sequence_stride: int, the step from one frame to the next, in samples.
        sequence_length: int, the length of a frame, at most `fft_length`, which is meant by None.
        window: `"hann"`, `"hamming"`, a float array `(sequence_length,)` of factors, or None.
        sampling_rate: number of samples in a second.
        num_mel_bins: int, the number of bands.
        min_freq: float, where the lowest band begins, in Hertz.
        max_freq: float, where the highest band ends, in Hertz; None for half the sampling rate.
        power_to_db: bool, whether to return decibels.
        top_db: float, how many decibels below the largest value smaller ones are cut off.
        mag_exp: float, the exponent of the magnitude: 1 for amplitudes, 2 for powers.
        min_power: float, the least power of which a logarithm is taken.
        ref_power: float, the power of 0 decibels.

    Input shape: `(..., samples)`; output shape: `(..., num_mel_bins, frames)` with
    `frames = samples // sequence_stride + 1` if `fft_length` is even. Frames lie around their
    times; the signal is mirrored at its ends, so it must be longer than `fft_length // 2`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.MelSpectrogram(256, 128, sampling_rate=8000, num_mel_bins=40)
        >>> layer(keras.random.uniform((2, 1600))).shape
        (2, 40, 13)
    """

    fft_length: PositiveInt = 2048
    sequence_stride: PositiveInt = 512
    sequence_length: Any = None
    window: Annotated[Any, Field(revived)] = "hann"
    sampling_rate: Any = 16000
    num_mel_bins: PositiveInt = 128
    min_freq: float = 20.0
    max_freq: Any = None
    power_to_db: bool = True
    top_db: float = 80.0
    mag_exp: float = 2.0
    min_power: float = 1e-10
    ref_power: float = 1.0

    def setup(self):
        """Fill in what depends on other arguments, and check the ranges."""
        self.sequence_length = self.sequence_length or self.fft_length
        self.max_freq = self.max_freq or int(self.sampling_rate / 2)
        if not 0 < self.sequence_length <= self.fft_length:
            raise ValueError(
                "`fft_length` must be greater than or equal to `sequence_length`, both positive. "
                f"Received: sequence_length={self.sequence_length}, fft_length={self.fft_length}"
            )
        if not -_BREAK_FREQUENCY < self.min_freq < self.max_freq:
            raise ValueError(
                f"`min_freq` must be above -{_BREAK_FREQUENCY} and below `max_freq` (by default "
                f"half of `sampling_rate`). Received: min_freq={self.min_freq}, "
                f"max_freq={self.max_freq}"
            )

    def call(self, inputs):
        """Transform frames, add up the frequencies of each band, take logarithms."""
        # Half precision is too narrow for powers of sums of thousands of samples.
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        x = ops.cast(inputs, dtype)
        real, imag = ops.stft(
            x, self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )
        magnitudes = ops.sqrt(real * real + imag * imag)
        y = ops.matmul(ops.power(magnitudes, self.mag_exp), self._matrix(dtype))
        if self.power_to_db:
            y = self._in_decibels(y)
        return ops.cast(ops.swapaxes(y, -1, -2), self.compute_dtype)

    def _matrix(self, dtype):
        return self.linear_to_mel_weight_matrix(
            self.num_mel_bins,
            self.fft_length // 2 + 1,
            self.sampling_rate,
            self.min_freq,
            self.max_freq,
            dtype,
        )

    def _in_decibels(self, power):
        reference = 10 * math.log10(max(abs(self.ref_power), self.min_power))
        decibels = 10 * ops.log10(ops.maximum(power, self.min_power)) - reference
        return ops.maximum(decibels, ops.max(decibels) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins=20,
        num_spectrogram_bins=129,
        sampling_rate=8000,
        lower_edge_hertz=125.0,
        upper_edge_hertz=3800.0,
        dtype="float32",
    ):
        """Return the matrix that adds up frequencies to bands on the mel scale.

        On the scale `m(f) = 1127 ln(1 + f / 700)`, `num_mel_bins + 2` edges `e` lie at equal
        distances. Band b is a triangle that rises from `e[b]` to 1 at `e[b + 1]` and falls to
        `e[b + 2]`:

            A[k, b] = max(0, min(m(f[k]) - e[b], e[b + 2] - m(f[k])) / (e[1] - e[0]))

        and the constant part of a signal, k = 0, is in no band.

        Args:
            num_mel_bins: int, the number of bands.
            num_spectrogram_bins: int, the number of frequencies from 0 to half the sampling rate.
            sampling_rate: number of samples in a second.
            lower_edge_hertz: float, where the lowest band begins, in Hertz.
            upper_edge_hertz: float, where the highest band ends, in Hertz.
            dtype: float dtype of the result, which is computed in float64.

        Returns:
            A tensor `(num_spectrogram_bins, num_mel_bins)`.

        Example:
            >>> import minikeras as keras
            >>> layer = keras.layers.MelSpectrogram()
            >>> matrix = layer.linear_to_mel_weight_matrix(2, 5, 8000, 0.0, 4000.0)
            >>> matrix.numpy().astype("float64").round(2).tolist()
            [[0.0, 0.0], [0.6, 0.4], [0.0, 0.87], [0.0, 0.38], [0.0, 0.0]]
        """
        edges = lower_edge_hertz, upper_edge_hertz
        sizes = num_mel_bins, num_spectrogram_bins
        return _filters(*sizes, sampling_rate, *edges, dtype, device.current())

    def compute_output_shape(self, input_shape):
        """Return the axes before the samples, `num_mel_bins`, and the number of frames."""
        *batch, samples = input_shape
        if samples is None:
            return (*batch, self.num_mel_bins, None)
        padded = samples + self.fft_length // 2 * 2
        frames = (padded - self.fft_length) // self.sequence_stride + 1
        return (*batch, self.num_mel_bins, frames)


@lru_cache(maxsize=32)
def _filters(bins, frequencies, sampling_rate, lower, upper, dtype, _device):
    """The matrix of `linear_to_mel_weight_matrix`, made once and kept on its device."""
    lowest, highest = _mel(lower), _mel(upper)
    distance = (highest - lowest) / (bins + 1)
    edges = lowest + distance * np.arange(bins + 2, dtype="float64")
    left, right = edges[:-2], edges[2:]
    step = sampling_rate / 2 / max(frequencies - 1, 1)
    hertz = step * np.arange(1, frequencies, dtype="float64")
    mel = _MEL_PER_NEPER * np.log1p(hertz / _BREAK_FREQUENCY)[:, None]
    triangles = np.minimum(mel - left, right - mel) / distance
    matrix = np.pad(np.maximum(triangles, 0.0), ((1, 0), (0, 0)))
    return ops.convert_to_tensor(matrix, dtype)


def _mel(hertz):
    return _MEL_PER_NEPER * math.log1p(hertz / _BREAK_FREQUENCY)
