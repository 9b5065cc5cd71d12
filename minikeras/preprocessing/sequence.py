"""Sequences for training, as in `keras.preprocessing.sequence`."""

from minikeras.utils.sequence import pad_sequences

__all__ = ["pad_sequences"]
