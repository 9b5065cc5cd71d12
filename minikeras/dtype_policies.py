"""The public module `minikeras.dtype_policies`."""

from minikeras.core.policy import DTypePolicy, FloatDTypePolicy, get

__all__ = ["DTypePolicy", "FloatDTypePolicy", "get"]
