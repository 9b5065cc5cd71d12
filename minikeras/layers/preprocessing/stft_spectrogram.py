"""Spectrograms by convolution with kernels that can be trained."""

import warnings
from typing import Annotated, Any

from minikeras import initializers, ops
from minikeras.core import dims
from minikeras.core.checks import choice
from minikeras.core.settings import epsilon
from minikeras.kernels.shared.windows import VALID
from minikeras.layers.base.arguments import DataFormat, revived
from minikeras.layers.base.declare import Field, PositiveInt, layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer
from minikeras.ops.nn.spatial import output_sizes


def _power(real, imag):
    return real * real + imag * imag


def _density(real, imag):
    """Powers, those twice that stand for two frequencies, k and N - k."""
    power = _power(real, imag)
    return power + ops.pad(power[..., 1:-1], ((0, 0), (0, 0), (0, 0), (1, 1)))


def _magnitude(real, imag):
    return ops.sqrt(ops.maximum(_power(real, imag), epsilon()))


_MODES = {
    "log": lambda real, imag: ops.log(ops.maximum(_magnitude(real, imag), epsilon())),
    "magnitude": _magnitude,
    "psd": _density,
    "real": lambda real: real,
    "imag": lambda imag: imag,
    "angle": lambda real, imag: ops.arctan2(imag, real),
    "stft": lambda real, imag: ops.concatenate([real, imag], axis=-1),
}
"""What a mode makes of the real and imaginary parts `(batch, channels, frames, bins)`."""


@layer
class STFTSpectrogram(Layer):
    """Transform the frames of signals by convolution with the waves of each frequency.

    The short-time Fourier transform of frame t at frequency bin k, with the window `w`, the step
    `s` and N for `fft_length`, is a convolution of the signal with two kernels:

        real[t, k] = sum over n of x[t s + n] w[n] cos(2 pi k n / N)
        imag[t, k] = -sum over n of x[t s + n] w[n] sin(2 pi k n / N)

    Allen, "Short term spectral analysis, synthesis, and modification by discrete Fourier transform"
    (1977). The kernels are weights, `real_kernel` and `imag_kernel`, which begin as these waves
    (`initializers.STFT`) and are trained, unless `trainable=False`. Each channel is transformed by
    itself, with the same kernels.

    Args:
        mode: what is returned. `"magnitude"`: `m = sqrt(max(real^2 + imag^2, epsilon))` with
            `keras.config.epsilon()`; `"log"`: `log(m)`; `"psd"`: the power `real^2 + imag^2`,
            doubled but for the first and last bin; `"real"`, `"imag"`; `"angle"`: that of
            `real + i imag`, in radians; `"stft"`: the real parts, then the imaginary ones.
        frame_length: int, the length of a frame, in samples.
        frame_step: int, the step from one frame to the next, at most `frame_length`; None for half
            of it.
        fft_length: int, N, at least `frame_length`; None for the next power of two.
        window: `"hann"`, `"hamming"`, another name of a window that SciPy knows, a float array
            `(frame_length,)` of factors, or None.
        periodic: bool, whether the window is one period of a sequence, or symmetric.
        scaling: `"density"` divides the window by its Euclidean norm, `"spectrum"` by the sum of
            its absolute values, None leaves it.
        padding: `"valid"` for the frames that lie within the signal, or `"same"` for
            `ceil(samples / frame_step)` frames, with zeros at both ends.
        expand_dims: bool, whether channels and bins have an axis each, as in images.

    Input shape: `(batch, samples, channels)`; output shape: `(batch, frames, channels * bins)`,
    with `expand_dims` `(batch, frames, bins, channels)`, where `bins = fft_length // 2 + 1`, twice
    that in the mode `"stft"`. With `"channels_first"`: `(batch, channels, samples)`;
    `(batch, channels * bins, frames)`, `(batch, channels, frames, bins)`.

    Raises:
        ValueError: if an argument is none of these.
        TypeError: if inputs are not float16, float32 or float64.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.STFTSpectrogram("log", frame_length=64, trainable=False)
        >>> layer(keras.random.uniform((3, 1600, 1))).shape
        (3, 49, 33)
    """

    mode: Annotated[str, Field(choice(*_MODES))] = "log"
    frame_length: PositiveInt = 256
    frame_step: Any = None
    fft_length: Any = None
    window: Annotated[Any, Field(revived)] = "hann"
    periodic: bool = False
    scaling: Annotated[Any, Field(choice(None, "density", "spectrum"))] = "density"
    padding: Annotated[str, Field(choice("valid", "same"))] = "valid"
    expand_dims: bool = False
    data_format: DataFormat = None

    def setup(self):
        """Check the arguments, and fill in what depends on others."""
        step, length, size = self.frame_step, self.frame_length, self.fft_length
        if step is not None and not 1 <= step <= length:
            raise ValueError(
                "`frame_step` must be an int from 1 to `frame_length`, so that frames leave no "
                f"gap. Received: frame_step={step}, frame_length={length}"
            )
        if size is not None and size < length:
            raise ValueError(
                "A frame must fit into its transform: `fft_length` is at least `frame_length`. "
                f"Received: fft_length={size}, frame_length={length}"
            )
        if size is not None and size & (size - 1):
            warnings.warn(
                "The transform is fast where `fft_length` is a power of two. Received: "
                f"fft_length={size}",
                stacklevel=4,
            )
        self._step = step or max(length // 2, 1)
        self._bins = (size or 1 << (length - 1).bit_length()) // 2 + 1
        self._initializer("real")  # raises now if there is no window of that name
        self.input_spec = InputSpec(ndim=3)

    def _initializer(self, side):
        return initializers.STFT(side, self.window, self.scaling, self.periodic)

    def build(self, input_shape):
        """Make the kernels that the mode needs, `(frame_length, 1, bins)` each."""
        if self.mode != "imag":
            self.real_kernel = self._kernel("real")
        if self.mode != "real":
            self.imag_kernel = self._kernel("imag")

    def _kernel(self, side):
        shape = (self.frame_length, 1, self._bins)
        return self.add_weight(shape, self._initializer(side), name=f"{side}_kernel")

    def call(self, inputs):
        """Convolve with the kernels, and combine the parts as the mode says."""
        if inputs.dtype not in ("float16", "float32", "float64"):
            raise TypeError(
                f"Layer '{self.name}' takes inputs of dtype float16, float32 or float64. "
                f"Received: inputs.dtype={inputs.dtype}"
            )
        x = inputs if self.data_format == "channels_first" else ops.swapaxes(inputs, 1, 2)
        parts = []
        if self.mode != "imag":
            parts.append(self._convolved(x, self.real_kernel))
        if self.mode != "real":
            parts.append(self._convolved(x, self.imag_kernel))
        return self._laid_out(_MODES[self.mode](*parts))

    def _convolved(self, x, kernel):
        """Signals `(batch, channels, samples)` to `(batch, channels, frames, bins)`."""
        batch, channels, samples = x.shape
        y = ops.conv(
            ops.reshape(x, (batch * channels, samples, 1)),
            ops.cast(kernel, x.dtype),
            strides=self._step,
            padding=self.padding,
            data_format="channels_last",
        )
        return ops.reshape(y, (batch, channels, *y.shape[1:]))

    def _laid_out(self, y):
        """Put the axes `(batch, channels, frames, bins)` in the order of the output."""
        batch, channels, frames, bins = y.shape
        first = self.data_format == "channels_first"
        if self.expand_dims:
            return y if first else ops.transpose(y, (0, 2, 3, 1))
        if first:
            return ops.reshape(ops.swapaxes(y, 2, 3), (batch, channels * bins, frames))
        return ops.reshape(ops.swapaxes(y, 1, 2), (batch, frames, channels * bins))

    def compute_output_shape(self, input_shape):
        """Return the shape of the spectrograms, as the class's description has it."""
        first = self.data_format == "channels_first"
        batch, channels, samples = input_shape if first else (input_shape[i] for i in (0, 2, 1))
        pads = "same" if self.padding == "same" else (VALID,)
        sizes = dims.from_public((samples,))
        counts = output_sizes(sizes, (self.frame_length,), (self._step,), pads, (1,))
        (frames,) = dims.to_public(counts)
        bins = self._bins * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            return (batch, channels, frames, bins) if first else (batch, frames, bins, channels)
        features = None if channels is None else channels * bins
        return (batch, features, frames) if first else (batch, frames, features)

    def get_config(self):
        """Return the arguments, `expand_dims` last, as Keras writes them."""
        config = super().get_config()
        config["expand_dims"] = config.pop("expand_dims")
        return config
