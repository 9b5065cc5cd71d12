"""Wrapper: the base of layers that hold another layer."""

from typing import Annotated, Any

from minikeras.core import registry
from minikeras.layers.base.arguments import checked_layer
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.base.layer import Layer


@layer
class Wrapper(Layer):
    """The base of layers that hold another one, which they build and save with themselves.

    A subclass defines `call`.

    Args:
        layer: the layer that is held.

    Raises:
        ValueError: if `layer` is none.

    Example:
        >>> import minikeras as keras
        >>> class Twice(keras.layers.Wrapper):
        ...     def call(self, x):
        ...         return self.layer(self.layer(x))
        >>> float(Twice(keras.layers.Rescaling(3.0))(keras.ops.ones(())))
        9.0
    """

    layer: Annotated[Any, Field(checked_layer, registry.serialize)]

    def build(self, input_shape=None):
        """Build the layer that is held for the same inputs."""
        if not self.layer.built:
            self.layer.build(input_shape)
