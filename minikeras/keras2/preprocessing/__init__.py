"""Preprocessing of images, sequences and text as Keras 2 names it."""

from minikeras.keras2.preprocessing import image, sequence, text

__all__ = ["image", "sequence", "text"]
