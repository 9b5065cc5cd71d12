"""The public module `minikeras.utils.legacy`: the saved form of Keras 2."""

from minikeras.core.registry.legacy import deserialize_keras_object, serialize_keras_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
