"""Small data sets that come with the package, so that nothing is downloaded."""

from minikeras.datasets import digits

__all__ = ["digits"]
