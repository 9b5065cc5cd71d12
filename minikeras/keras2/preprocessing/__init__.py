"""Preprocessing of images, sequences and text as Keras 2 names it."""

from minikeras.keras2.finder import elsewhere
from minikeras.keras2.preprocessing import image, sequence, text

__getattr__ = elsewhere(__name__)

__all__ = ["image", "sequence", "text"]
