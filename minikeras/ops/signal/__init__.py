"""Signals: Fourier transforms, frames and spectrograms."""

from minikeras.ops.signal.fourier import fft, fft2, ifft2, irfft, rfft
from minikeras.ops.signal.frames import extract_sequences
from minikeras.ops.signal.spectrograms import istft, stft

__all__ = [
    "extract_sequences",
    "fft",
    "fft2",
    "ifft2",
    "irfft",
    "istft",
    "rfft",
    "stft",
]
