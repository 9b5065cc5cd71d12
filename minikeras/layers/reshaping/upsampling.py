"""Layers that enlarge images and volumes by whole factors."""

from typing import Any

from minikeras import ops
from minikeras.core.checks import one_of
from minikeras.layers.base.arguments import DataFormat, int_tuple
from minikeras.layers.base.declare import layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer

_INTERPOLATIONS = "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"


class _UpSampling(Layer):
    size: Any
    data_format: Any
    _rank: int

    def setup(self):
        """Demand a batch, the enlarged axes and the channels."""
        self.size = int_tuple(self.size, self._rank, "size")
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs):
        """Enlarge one axis after the other."""
        first = 2 if self.data_format == "channels_first" else 1
        for axis, factor in enumerate(self.size, start=first):
            inputs = ops.repeat(inputs, factor, axis=axis)
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape with the sizes multiplied."""
        first = 2 if self.data_format == "channels_first" else 1
        shape = list(input_shape)
        for axis, factor in enumerate(self.size, start=first):
            shape[axis] = None if shape[axis] is None else shape[axis] * factor
        return tuple(shape)


@layer
class UpSampling2D(_UpSampling):
    """Enlarge images by whole factors.

    Args:
        size: int or two ints, factors for height and width.
        interpolation: `"nearest"` (pixels are repeated), `"bilinear"`, `"bicubic"`, `"lanczos3"` or
            `"lanczos5"`, see `ops.image.resize`.

    Input shape: `(batch, height, width, channels)`, or with the channels after the batch.

    Raises:
        ValueError: if the interpolation is another one.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([1.0, 2.0], (1, 1, 2, 1))
        >>> keras.layers.UpSampling2D((1, 2))(x)[0, 0, :, 0].tolist()
        [1.0, 1.0, 2.0, 2.0]
    """

    _rank = 2

    size: Any = (2, 2)
    data_format: DataFormat = None
    interpolation: str = "nearest"

    def setup(self):
        """Check the interpolation."""
        super().setup()
        self.interpolation = self.interpolation.lower()
        one_of("interpolation", self.interpolation, _INTERPOLATIONS)

    def call(self, inputs):
        """Repeat pixels, or weigh them by the interpolation."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        sizes = inputs.shape[2:] if self.data_format == "channels_first" else inputs.shape[1:3]
        return ops.image.resize(
            inputs,
            tuple(size * factor for size, factor in zip(sizes, self.size, strict=True)),
            interpolation=self.interpolation,
            data_format=self.data_format,
        )


@layer
class UpSampling3D(_UpSampling):
    """Enlarge volumes by whole factors: each cell is repeated.

    Args:
        size: int or three ints, the factors.

    Input shape: `(batch, *spatial, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.UpSampling3D()(keras.ops.ones((1, 2, 3, 4, 1))).shape
        (1, 4, 6, 8, 1)
    """

    _rank = 3

    size: Any = (2, 2, 2)
    data_format: DataFormat = None
