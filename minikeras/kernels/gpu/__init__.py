"""Kernels for CuPy arrays on a GPU; files and functions are named as those of `kernels/cpu`."""
