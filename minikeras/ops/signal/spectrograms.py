"""The short-time Fourier transform: how the frequencies of a signal change, and the way back.

Griffin and Lim, "Signal estimation from modified short-time Fourier transform" (1984).
"""

import math

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.checks import one_of
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.core.work import spend_numbers
from minikeras.ops.creation.filled import arange
from minikeras.ops.elementwise.trigonometry import cos
from minikeras.ops.rearranging.elements import pad, tile
from minikeras.ops.reductions.sums import sum as sum_
from minikeras.ops.shapes.shaping import reshape
from minikeras.ops.signal.fourier import half_transformed, irfft
from minikeras.ops.signal.frames import framed, overlap_added

# The means and amplitudes of windows that are raised cosines.
_WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46)}

_FRAMES = {
    "sequence_length": "int, the length of a frame.",
    "sequence_stride": "int, the step from one frame to the next.",
    "fft_length": "int, the length of the Fourier transform, at least that of a frame.",
    "window": '`"hann"`, `"hamming"`, a float tensor `(sequence_length,)` of factors, or None.',
    "center": "bool, whether frames lie around their places, the signal being mirrored at its "
    "ends, or begin there.",
}


@op
@described(_FRAMES)
def stft(x, sequence_length, sequence_stride, fft_length, window="hann", center=True):
    """Compute the Fourier transforms of overlapping frames of a signal, each under a window.

    Args:
        x: float32 or float64 tensor `(..., n)`.

    Returns:
        A tuple of two tensors `(..., frames, fft_length // 2 + 1)`: real and imaginary parts.

    Raises:
        TypeError: if `x` is of another dtype.
        ValueError: if a length or the window does not fit.

    Example:
        >>> import minikeras as keras
        >>> real, imag = keras.ops.stft(keras.ops.ones(12), 4, 2, 4)
        >>> real.shape, real[0].numpy().round(5).tolist()
        ((7, 3), [2.0, -1.0, 0.0])
    """
    x = convert_to_tensor(x)
    if x.dtype not in ("float32", "float64"):
        raise TypeError(f"`x` must be of dtype float32 or float64. Received: x.dtype={x.dtype}")
    _check(sequence_length, sequence_stride, fft_length)
    weights = _window(window, sequence_length, fft_length, x.dtype)
    if isinstance(x.shape[-1], Dim):
        count = x.shape[-1] + (fft_length // 2 * 2 if center else 0) - fft_length
        shape = (*x.shape[:-1], count // sequence_stride + 1, fft_length // 2 + 1)
        return (Abstract(shape, x.dtype),) * 2
    if center:
        half = fft_length // 2
        x = pad(x, ((0, 0),) * (x.ndim - 1) + ((half, half),), mode="reflect")
    frames = framed(x, length=fft_length, stride=sequence_stride)
    return half_transformed(frames if weights is None else frames * weights)


stft.class_name = "STFT"


@op
@described(_FRAMES)
def istft(
    x,
    sequence_length,
    sequence_stride,
    fft_length,
    length=None,
    window="hann",
    center=True,
):
    """Put a signal together from the Fourier transforms of its frames; undoes `stft`.

    Frames are multiplied by the window and added up; each number of the result is divided by the
    sum of the squares of the windows over it.

    Args:
        x: tuple of two float tensors `(..., frames, fft_length // 2 + 1)`: real and imaginary
            parts.
        length: int, the length of the result, or None for all that the frames cover.

    Returns:
        A tensor `(..., length)`.

    Raises:
        ValueError: if `x` is no such pair, or a length or the window does not fit.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.convert_to_tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        >>> keras.ops.istft(keras.ops.stft(x, 4, 2, 4), 4, 2, 4).numpy().round(5).tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    """
    _check(sequence_length, sequence_stride, fft_length)
    frames = irfft(x, fft_length)
    if frames.ndim < 2:
        raise ValueError(
            f"Input should have rank >= 2. Received: shape={dims.to_public(frames.shape)}"
        )
    weights = _window(window, sequence_length, fft_length, frames.dtype)
    start = fft_length // 2 if center else 0
    size = fft_length + sequence_stride * (frames.shape[-2] - 1)
    end = size - start if length is None else start + length
    if isinstance(frames.shape[-2], Dim):
        return Abstract((*frames.shape[:-2], end - start), frames.dtype)
    if weights is not None:
        frames = frames * (weights / _overlaps(weights * weights, sequence_stride))
    return overlap_added(frames, size=size, stride=sequence_stride)[..., start:end]


istft.class_name = "ISTFT"


def _check(sequence_length, sequence_stride, fft_length):
    if not isinstance(sequence_stride, int) or sequence_stride <= 0:
        raise ValueError(
            "`sequence_stride` must be an int greater than 0. Received: "
            f"sequence_stride={sequence_stride}"
        )
    if fft_length < sequence_length:
        raise ValueError(
            "A frame must fit into its transform: `fft_length` is at least `sequence_length`. "
            f"Received: sequence_length={sequence_length}, fft_length={fft_length}"
        )


def _window(window, length, fft_length, dtype):
    """The factors `(fft_length,)` of a frame in the middle of zeros, or None."""
    if window is None:
        return None
    if isinstance(window, str):
        one_of("window", window, _WINDOWS)
        factors = _raised_cosine(*_WINDOWS[window], length, dtype)
    else:
        factors = cast(convert_to_tensor(window), dtype=dtype)
        if factors.shape != (length,):
            raise ValueError(
                "The shape of `window` must be equal to [sequence_length]. "
                f"Received: window shape={dims.to_public(factors.shape)}"
            )
    before = (fft_length - length) // 2
    spend_numbers(fft_length)  # a window that was given is a constant, in a model's graph as well
    return pad(factors, ((before, fft_length - length - before),))


def _raised_cosine(mean, amplitude, length, dtype):
    # TensorFlow's period: `length` where that is even, so that windows add up to a constant.
    period = max(length - length % 2, 1)
    if length == 1:
        mean, amplitude = 1.0, 0.0
    return mean - amplitude * cos(2 * math.pi / period * arange(length, dtype=dtype))


def _overlaps(squares, stride):
    """For each number of a frame, the sum of the squares of all frames that cover it."""
    size = squares.shape[0]
    count = -(-size // stride)
    parts = reshape(pad(squares, ((0, count * stride - size),)), (count, stride))
    return tile(sum_(parts, axis=0), count)[:size]
