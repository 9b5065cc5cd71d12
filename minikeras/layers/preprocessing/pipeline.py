"""Pipeline: layers one after the other, for preparing data."""

from minikeras.core import registry, trees
from minikeras.layers.base.call_spec import signature_of
from minikeras.layers.base.layer import Layer


class Pipeline(Layer):
    """Apply layers one after the other.

    In contrast to a `Sequential` it is no model: it takes what its first layer takes, such as a
    dict of images and labels, and has no training of its own.

    Args:
        layers: list of layers.
        name: a name without `/`, or None for an automatic one.

    Example:
        >>> import minikeras as keras
        >>> steps = [keras.layers.CenterCrop(2, 2), keras.layers.Rescaling(0.5)]
        >>> keras.layers.Pipeline(steps)(keras.ops.ones((4, 4, 1)))[0, :, 0].tolist()
        [0.5, 0.5]
    """

    _allows_options_by_position = True

    def __init__(self, layers, name=None):
        super().__init__(name=name, autocast=False)  # the first layer casts to its own dtype
        self._pipeline_layers = layers

    @property
    def layers(self):
        """The layers in their order."""
        return self._pipeline_layers

    def call(self, inputs, training=True, mask=None):
        """Run the layers, each on the outputs of the one before."""
        for layer in self._pipeline_layers:
            taken = signature_of(type(layer).call)
            options = {"mask": mask} if taken.has("mask") else {}
            if taken.has("training") and training is not None:
                options["training"] = training
            inputs = layer(inputs, **options)
            mask = trees.map_structure(lambda x: getattr(x, "_keras_mask", None), inputs)
        return inputs

    def get_config(self):
        """Return the constructor's arguments."""
        return {"layers": registry.serialize(list(self._pipeline_layers)), "name": self.name}

    @classmethod
    def from_config(cls, config):
        """Make the pipeline and its layers of what `get_config` returned.

        Raises:
            ValueError: if the config holds no list of layers.
        """
        layers = config.get("layers")
        if not isinstance(layers, (list, tuple)):
            raise ValueError(
                "The config of a `Pipeline` must hold its layers, as a list of their saved forms. "
                f"Received: layers={layers}"
            )
        return cls(**{**config, "layers": [registry.deserialize(layer) for layer in layers]})
