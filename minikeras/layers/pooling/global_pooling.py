"""Layers that pool all places of each channel into one."""

from collections.abc import Callable
from typing import Any, ClassVar

from minikeras import ops
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer


@layer
class _GlobalPooling(Layer):
    """The maximum or the mean of all places of each channel.

    Args:
        keepdims: bool, whether the pooled axes stay, with size 1.
    """

    _rank: ClassVar[int]
    _reduce: ClassVar[Callable[..., Any]]

    data_format: DataFormat = None
    keepdims: bool = False

    def setup(self):
        """Demand a batch, the spatial axes and the channels."""
        self.input_spec = InputSpec(ndim=self._rank + 2)
        self.built = True

    @property
    def _axes(self):
        start = 1 if self.data_format == "channels_last" else 2
        return tuple(range(start, start + self._rank))

    def call(self, inputs):
        """Pool everything."""
        return self._reduce(inputs, axis=self._axes, keepdims=self.keepdims)

    def compute_output_shape(self, input_shape):
        """Return `(batch, channels)`, with ones for the pooled axes if `keepdims`."""
        axes, kept = self._axes, (1,) if self.keepdims else ()
        shape = []
        for i, size in enumerate(input_shape):
            shape.extend(kept if i in axes else (size,))
        return tuple(shape)


@layer
class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum of all steps.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, channels)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.GlobalMaxPooling1D()(keras.ops.ones((2, 5, 3))).shape
        (2, 3)
    """

    _rank = 1
    _reduce = staticmethod(ops.max)


@layer
class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum of all pixels.

    Input shape: `(batch, height, width, channels)`; output shape: `(batch, channels)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.GlobalMaxPooling2D()(keras.ops.ones((2, 4, 5, 3))).shape
        (2, 3)
    """

    _rank = 2
    _reduce = staticmethod(ops.max)


@layer
class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum of all cells of a volume.

    Input shape: `(batch, *spatial, channels)`; output shape: `(batch, channels)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.GlobalMaxPooling3D()(keras.ops.ones((2, 4, 5, 4, 3))).shape
        (2, 3)
    """

    _rank = 3
    _reduce = staticmethod(ops.max)


@layer
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of all steps, or of those that a mask marks as data.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, channels)`.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.array([[[1.0], [3.0], [8.0]]])
        >>> mask = keras.ops.array([[True, True, False]])
        >>> keras.layers.GlobalAveragePooling1D()(x, mask=mask).tolist()
        [[2.0]]
    """

    _rank = 1
    _reduce = staticmethod(ops.mean)

    def setup(self):
        """Take masks as well."""
        super().setup()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        """Average the steps where the mask, of shape `(batch, steps)`, is True."""
        if mask is None:
            return super().call(inputs)
        (steps,) = self._axes
        weights = ops.expand_dims(ops.cast(mask, inputs.dtype), 3 - steps)
        kept = ops.where(ops.cast(weights, "bool"), inputs, 0)
        options = {"axis": steps, "keepdims": self.keepdims}
        return ops.sum(kept, **options) / ops.sum(weights, **options)

    def compute_mask(self, inputs, mask=None):
        """Return None: no steps are left to mask."""
        return None


@layer
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of all pixels.

    Input shape: `(batch, height, width, channels)`; output shape: `(batch, channels)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.GlobalAveragePooling2D()(keras.ops.ones((2, 4, 5, 3))).shape
        (2, 3)
    """

    _rank = 2
    _reduce = staticmethod(ops.mean)


@layer
class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of all cells of a volume.

    Input shape: `(batch, *spatial, channels)`; output shape: `(batch, channels)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.GlobalAveragePooling3D()(keras.ops.ones((2, 4, 5, 4, 3))).shape
        (2, 3)
    """

    _rank = 3
    _reduce = staticmethod(ops.mean)


GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
