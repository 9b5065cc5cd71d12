"""Kernels that Numba compiles: optional, of the names and arguments of those they stand in for.

Only files of this package import Numba, and only `kernels/providers.py` imports them.
"""
