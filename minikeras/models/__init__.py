"""Models: graphs of layers, stacks of layers, and subclasses with a `call` of their own."""

from minikeras.core.first_use import on_first_use
from minikeras.models.cloning import clone_model
from minikeras.models.functional import Functional
from minikeras.models.model import Model, model_from_json
from minikeras.models.sequential import Sequential

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "model_from_yaml",
    "save_model",
]

__getattr__, __dir__ = on_first_use(
    __name__,
    {
        "minikeras.saving.api": ["load_model", "save_model"],
        "minikeras.saving.legacy.texts": ["model_from_yaml"],
    },
)
