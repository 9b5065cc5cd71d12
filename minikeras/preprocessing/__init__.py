"""Keras 2's preprocessing of images, sequences and text, and what Keras 3 has kept of it."""
