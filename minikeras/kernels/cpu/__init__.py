"""Kernels tuned for NumPy arrays on a CPU."""
