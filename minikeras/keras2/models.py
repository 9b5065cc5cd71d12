"""Models of Keras 2, and what makes them from files and texts."""

import numpy as np

from minikeras.keras2 import backend as K
from minikeras.keras2.backend.variables import is_keras_tensor
from minikeras.keras2.engine.input_layer import Input
from minikeras.keras2.engine.model import Model
from minikeras.keras2.engine.sequential import Sequential
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.saving import (
    load_model,
    model_from_config,
    model_from_json,
    model_from_yaml,
    save_model,
)


def clone_model(model, input_tensors=None):
    """Return a model of new layers with new weights, made from the config of another.

    Args:
        model: a graph or stack of layers.
        input_tensors: tensors that the new model takes as inputs, or None for new ones.

    Returns:
        A model.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential, clone_model
        >>> clone_model(Sequential([Dense(2, input_dim=3)])).output_shape
        (None, 2)
    """
    clone = type(model).from_config(model.get_config())
    if input_tensors is None:
        return clone
    tensors = list(input_tensors) if isinstance(input_tensors, (list, tuple)) else [input_tensors]
    inputs = [t if is_keras_tensor(t) else Input(tensor=t) for t in tensors]
    inputs = inputs[0] if len(inputs) == 1 else inputs
    return Model(inputs, clone(inputs), name=model.name)


__getattr__ = elsewhere(__name__)

__all__ = [
    "Input",
    "K",  # this and `np` are for scripts that import `*` from here
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "model_from_yaml",
    "np",
    "save_model",
]
