"""Model files: `keras.saving`, and the formats of its files."""

from minikeras.core.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from minikeras.core.registry import deserialize as deserialize_keras_object
from minikeras.core.registry import serialize as serialize_keras_object
from minikeras.saving.api import load_model, load_weights, save_model, save_weights
from minikeras.saving.editor import KerasFileEditor

__all__ = [
    "CustomObjectScope",
    "KerasFileEditor",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
