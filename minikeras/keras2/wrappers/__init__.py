"""Models of Keras 2 in other libraries."""

from minikeras.keras2.wrappers import scikit_learn

__all__ = ["scikit_learn"]
