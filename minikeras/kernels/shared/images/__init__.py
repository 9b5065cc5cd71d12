"""Kernels of images: maps along an axis, look-ups of rows, places between pixels."""
