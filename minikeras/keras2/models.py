"""Models of Keras 2, and what makes them from files and texts."""

from minikeras.keras2.engine.model import Model
from minikeras.keras2.engine.sequential import Sequential
from minikeras.keras2.saving import (
    load_model,
    model_from_config,
    model_from_json,
    model_from_yaml,
    save_model,
)

__all__ = [
    "Model",
    "Sequential",
    "load_model",
    "model_from_config",
    "model_from_json",
    "model_from_yaml",
    "save_model",
]
