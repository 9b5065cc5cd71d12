"""The public module `minikeras.legacy`: what Keras keeps of older versions."""

from minikeras.legacy import saving

__all__ = ["saving"]
