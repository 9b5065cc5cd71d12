"""Models: graphs of layers, stacks of layers, and subclasses with a `call` of their own."""

from minikeras.core import registry
from minikeras.models.cloning import clone_model
from minikeras.models.functional import Functional
from minikeras.models.model import Model, model_from_json
from minikeras.models.sequential import Sequential

_FROM_SAVING = ("load_model", "model_from_yaml", "save_model")

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "model_from_yaml",  # pyright: ignore
    "save_model",
]


def __getattr__(name):
    """Find what reads and writes files, which is imported when it is first used."""
    if name in _FROM_SAVING:
        return registry.late_bound[name]
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
