"""Wrapper: the base of layers that hold another layer."""

from minikeras.core.constructors import bound
from minikeras.keras2.engine import configs
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.spelling import parsed, shown_as

_PARAMETERS = "self, layer, **kwargs"


class Wrapper(Layer):
    """The base of layers that hold another one, which a subclass builds and calls.

    Args:
        layer: the layer that is held.
        **kwargs: see `Layer`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.layers import Dense, Input, Wrapper
        >>> class Halved(Wrapper):
        ...     def build(self, input_shape):
        ...         self.layer.build(input_shape)
        ...         super().build()
        ...     def call(self, x):
        ...         return self.layer.call(x) / 2
        ...     def compute_output_shape(self, input_shape):
        ...         return self.layer.compute_output_shape(input_shape)
        >>> K.int_shape(Halved(Dense(2))(Input((3,))))
        (None, 2)
    """

    @shown_as(_PARAMETERS)
    def __init__(self, *args, **kwargs):
        if hasattr(type(self), "_row"):  # a layer of the engine, which keeps itself what it holds
            super().__init__(**kwargs)
            return
        values = bound(parsed(_PARAMETERS), self, args, kwargs)
        super().__init__(**values.get("kwargs", {}))
        self.layer = values["layer"]

    def build(self, input_shape=None):
        """Note that the weights are made; subclasses make them.

        Args:
            input_shape: tuple of sizes.
        """
        self.built = True

    def get_config(self):
        """Return the constructor's arguments, the layer's own config among them."""
        return {**super().get_config(), "layer": configs.serialize(self.layer)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make the layer from what `get_config` returned."""
        config = dict(config)
        return cls(configs.deserialize(config.pop("layer"), custom_objects), **config)
