"""Rescaling: numbers times a factor, plus an offset."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core import registry
from minikeras.core.constructors import Field
from minikeras.core.settings import image_data_format
from minikeras.layers.base.arguments import revived
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.data_layer import DataLayer

Scale = Annotated[Any, Field(revived, registry.serialize)]


@layer
class Rescaling(DataLayer):
    """Multiply by a scale and add an offset, in training and in inference.

    Args:
        scale: number, or one for each channel: `1 / 255` brings bytes to `[0, 1]`.
        offset: number, or one for each channel.

    Input shape: any.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Rescaling(1 / 127.5, offset=-1)([0, 255]).tolist()
        [-1.0, 1.0]
    """

    scale: Scale
    offset: Scale = 0.0

    def setup(self):
        """Let masks pass."""
        self.supports_masking = True

    def call(self, inputs):
        """Return `inputs * scale + offset` in the compute dtype."""
        dtype = self.compute_dtype
        scale, offset = ops.cast(self.scale, dtype), ops.cast(self.offset, dtype)
        if scale.shape and image_data_format() == "channels_first":
            scale = ops.reshape(scale, (*scale.shape, *(1,) * (3 - len(scale.shape))))
        return ops.cast(inputs, dtype) * scale + offset

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape
