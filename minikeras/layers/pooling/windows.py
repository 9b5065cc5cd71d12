"""Pooling layers: the maximum or the mean of windows, evenly spread windows, or everything."""

from collections.abc import Callable
from typing import Any, ClassVar

from minikeras import ops
from minikeras.core import dims
from minikeras.kernels.shared.windows import VALID
from minikeras.layers.base.arguments import DataFormat, Padding, int_tuple, padding_word
from minikeras.layers.base.declare import layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer
from minikeras.ops.nn.spatial import output_sizes


@layer
class _Pooling(Layer):
    """The maximum or the mean of each window.

    Args:
        pool_size: int, or one int for each spatial axis (height and width of an image): the size of
            the window.
        strides: int, or one int for each spatial axis: the steps of the window; `pool_size` by
            default.
    """

    _rank: ClassVar[int]
    _pool: ClassVar[Callable[..., Any]]

    pool_size: Any
    strides: Any = None
    padding: Padding = "valid"
    data_format: DataFormat = None
    name: str | None = None

    def setup(self):
        """Bring the window's arguments into the form of one int for each axis."""
        padding_word(self.padding)
        self.pool_size = int_tuple(self.pool_size, self._rank, "pool_size")
        strides = self.pool_size if self.strides is None else self.strides
        self.strides = int_tuple(strides, self._rank, "strides")
        self.input_spec = InputSpec(ndim=self._rank + 2)
        self.built = True

    def call(self, inputs):
        """Pool each window."""
        return self._pool(
            inputs,
            self.pool_size,
            strides=self.strides,
            padding=self.padding.lower(),
            data_format=self.data_format,
        )

    def compute_output_shape(self, input_shape):
        """Return the input's shape with the sizes that the windows leave."""
        first = self.data_format == "channels_first"
        sizes = dims.from_public(input_shape[2:] if first else input_shape[1:-1])
        ones = (1,) * self._rank
        pads = (VALID,) * self._rank if self.padding.lower() == "valid" else "same"
        spatial = dims.to_public(output_sizes(sizes, self.pool_size, self.strides, pads, ones))
        batch, channels = input_shape[0], input_shape[1 if first else -1]
        return (batch, channels, *spatial) if first else (batch, *spatial, channels)


@layer
class MaxPooling1D(_Pooling):
    """The maximum of each window of sequences.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, new_steps, channels)`.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1))
        >>> keras.layers.MaxPooling1D()(x).tolist()
        [[[1.0], [3.0]]]
    """

    _rank = 1
    _pool = staticmethod(ops.max_pool)

    pool_size: Any = 2


@layer
class MaxPooling2D(_Pooling):
    """The maximum of each window of images.

    Input shape: `(batch, height, width, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.MaxPooling2D(2)(keras.ops.ones((1, 8, 6, 3))).shape
        (1, 4, 3, 3)
    """

    _rank = 2
    _pool = staticmethod(ops.max_pool)

    pool_size: Any = (2, 2)


@layer
class MaxPooling3D(_Pooling):
    """The maximum of each window of volumes.

    Input shape: `(batch, *spatial, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.MaxPooling3D(2)(keras.ops.ones((1, 4, 4, 6, 2))).shape
        (1, 2, 2, 3, 2)
    """

    _rank = 3
    _pool = staticmethod(ops.max_pool)

    pool_size: Any = (2, 2, 2)


@layer
class AveragePooling1D(_Pooling):
    """The mean of each window of sequences; padded steps do not count.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, new_steps, channels)`.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1))
        >>> keras.layers.AveragePooling1D(2)(x).tolist()
        [[[0.5], [2.5]]]
    """

    _rank = 1
    _pool = staticmethod(ops.average_pool)


@layer
class AveragePooling2D(_Pooling):
    """The mean of each window of images; padded pixels do not count.

    Input shape: `(batch, height, width, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.AveragePooling2D(2)(keras.ops.ones((1, 8, 6, 3))).shape
        (1, 4, 3, 3)
    """

    _rank = 2
    _pool = staticmethod(ops.average_pool)


@layer
class AveragePooling3D(_Pooling):
    """The mean of each window of volumes; padded cells do not count.

    Input shape: `(batch, *spatial, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.AveragePooling3D(2)(keras.ops.ones((1, 4, 4, 6, 2))).shape
        (1, 2, 2, 3, 2)
    """

    _rank = 3
    _pool = staticmethod(ops.average_pool)


@layer
class _AdaptivePooling(Layer):
    _rank: ClassVar[int]
    _pool: ClassVar[Callable[..., Any]]

    output_size: Any
    data_format: DataFormat = None

    def setup(self):
        """Bring the number of windows into the form of one int for each axis."""
        try:
            self.output_size = int_tuple(self.output_size, self._rank, "output_size")
        except ValueError:
            raise TypeError(
                f"`output_size` must be a positive integer or a tuple of {self._rank} of them. "
                f"Received: {self.output_size} of type {type(self.output_size)}"
            ) from None
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs):
        """Pool each window."""
        return self._pool(inputs, self.output_size, data_format=self.data_format)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with the asked sizes."""
        if self.data_format == "channels_first":
            return (*input_shape[:2], *self.output_size)
        return (input_shape[0], *self.output_size, input_shape[-1])


def _adaptive(name, rank, pool, what):
    """Make an adaptive pooling layer; the six differ in the pool and the number of axes alone."""
    doc = f"""The {what} of as many windows as asked for, spread evenly over {rank} axes.

    Args:
        output_size: int or {rank} ints, number of windows along each axis.
        data_format: `"channels_last"`, `"channels_first"`, or None for the default.
        **kwargs: `name`, `dtype`.

    Input shape: `(batch, *spatial, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.{name}(2)(keras.ops.ones((1, {"5, " * rank}3))).shape
        (1, {"2, " * rank}3)
    """
    members = {"__doc__": doc, "__module__": __name__, "_rank": rank, "_pool": staticmethod(pool)}
    return layer(type(name, (_AdaptivePooling,), members))


AdaptiveMaxPooling1D = _adaptive("AdaptiveMaxPooling1D", 1, ops.adaptive_max_pool, "maximum")
AdaptiveMaxPooling2D = _adaptive("AdaptiveMaxPooling2D", 2, ops.adaptive_max_pool, "maximum")
AdaptiveMaxPooling3D = _adaptive("AdaptiveMaxPooling3D", 3, ops.adaptive_max_pool, "maximum")
AdaptiveAveragePooling1D = _adaptive(
    "AdaptiveAveragePooling1D", 1, ops.adaptive_average_pool, "mean"
)
AdaptiveAveragePooling2D = _adaptive(
    "AdaptiveAveragePooling2D", 2, ops.adaptive_average_pool, "mean"
)
AdaptiveAveragePooling3D = _adaptive(
    "AdaptiveAveragePooling3D", 3, ops.adaptive_average_pool, "mean"
)

MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
