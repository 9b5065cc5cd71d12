"""Models of Keras 2."""

from minikeras.keras2.engine.model import Model
from minikeras.keras2.engine.sequential import Sequential

__all__ = ["Model", "Sequential"]
