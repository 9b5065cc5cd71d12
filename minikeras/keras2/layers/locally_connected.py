"""Locally connected layers: convolutions whose window has weights of its own at each place.

With windows of K places over C channels, the inputs at output place p as a row of K * C numbers:

    y[n, p, f] = activation(sum_k patches[n, p, k] * kernel[p, k, f] + bias[p, f])
"""

import math
from itertools import product
from typing import Any

from minikeras import ops
from minikeras.layers.base.arguments import Count, DataFormat
from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    Regularizer,
    UseBias,
    layer,
)
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer


def _per_axis(value, rank, name):
    sizes = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(sizes) != rank or not all(isinstance(s, int) and s > 0 for s in sizes):
        raise ValueError(f"`{name}` takes a positive int, or {rank} of them. Received: {value!r}")
    return sizes


@layer
class _LocallyConnected(Layer):
    """What both layers share; the number of axes is up to subclasses."""

    rank = 0

    filters: Count
    kernel_size: Any
    strides: Any = 1
    padding: str = "valid"
    data_format: DataFormat = None
    activation: Activation = None
    use_bias: UseBias = True
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    bias_constraint: Constraint = None

    def setup(self):
        """Check the window, which never leaves the input."""
        if self.padding != "valid":
            raise ValueError(
                f"{type(self).__name__} has weights for places inside the input alone: expected "
                f'padding="valid", received {self.padding!r}.'
            )
        self.kernel_size = _per_axis(self.kernel_size, self.rank, "kernel_size")
        self.strides = _per_axis(self.strides, self.rank, "strides")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _is_channels_first(self):
        return self.rank > 1 and self.data_format == "channels_first"

    def _sizes(self, shape):
        """The channels and the sizes of the places in a shape."""
        if self._is_channels_first:
            return shape[1], tuple(shape[2:])
        return shape[-1], tuple(shape[1:-1])

    def _places(self, sizes) -> Any:
        """The sizes of the output's places."""
        windows = zip(sizes, self.kernel_size, self.strides, strict=True)
        return tuple(None if s is None else (s - k) // step + 1 for s, k, step in windows)

    def build(self, input_shape):
        """Make the kernel `(places, window * channels, filters)`, and a bias for each place."""
        channels, sizes = self._sizes(input_shape)
        places = self._places(sizes)
        if channels is None or None in places:
            raise ValueError(
                f"All axes but the batch of the input of {type(self).__name__} must be known: "
                f"each place has weights of its own. Found shape: {tuple(input_shape)}"
            )
        window = math.prod(self.kernel_size) * channels
        self.kernel = self.field_weight("kernel", (math.prod(places), window, self.filters))
        self.bias = self.field_weight("bias", (*places, self.filters)) if self.use_bias else None

    def call(self, inputs):
        """Multiply the window at each place by the kernel of that place."""
        patches, places = self._patches(inputs)
        y = ops.matmul(patches, self.kernel)  # (places, batch, filters)
        y = ops.reshape(ops.transpose(y, (1, 0, 2)), (inputs.shape[0], *places, self.filters))
        if self._is_channels_first:
            y = ops.moveaxis(y, -1, 1)
        return self.activation(self._with_bias(y))

    def _with_bias(self, y):
        if self.bias is None:
            return y
        if self._is_channels_first:  # Keras 2 reads the bias's numbers in this order
            return y + ops.reshape(self.bias, (self.filters, *self.bias.shape[:-1]))
        return y + self.bias

    def _patches(self, inputs):
        """The windows `(places, batch, window * channels)`, and the sizes of the places."""
        _, sizes = self._sizes(inputs.shape)
        places = self._places(sizes)
        taps = []
        for offsets in product(*map(range, self.kernel_size)):
            along = zip(offsets, places, self.strides, strict=True)
            cuts = tuple(slice(at, at + (n - 1) * step + 1, step) for at, n, step in along)
            kept = (slice(None),) * (2 if self._is_channels_first else 1)
            taps.append(inputs[(*kept, *cuts)])
        if self._is_channels_first:  # (batch, channels, window, *places)
            x = ops.stack(taps, axis=2)
            order = (*range(3, 3 + self.rank), 0, 1, 2)
        else:  # (batch, *places, window, channels)
            x = ops.stack(taps, axis=1 + self.rank)
            order = (*range(1, 1 + self.rank), 0, 1 + self.rank, 2 + self.rank)
        x = ops.transpose(x, order)
        return ops.reshape(x, (math.prod(places), inputs.shape[0], self.kernel.shape[1])), places

    def compute_output_shape(self, input_shape):
        """Return the shape with the places that are left, and `filters` channels."""
        places = self._places(self._sizes(input_shape)[1])
        if self._is_channels_first:
            return (input_shape[0], self.filters, *places)
        return (input_shape[0], *places, self.filters)


@layer
class LocallyConnected1D(_LocallyConnected):
    """A convolution of sequences with weights of its own at each step.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, new_steps, filters)`.

    Args:
        filters: number of channels of the output.
        kernel_size: length of the window.
        strides: steps from one window to the next.
        padding: `"valid"`; nothing else is possible.
        data_format: has no effect: channels are last.

    Raises:
        ValueError: if the padding is another, or the number of steps is unknown.

    Example:
        >>> from minikeras.keras2.layers import LocallyConnected1D
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([LocallyConnected1D(4, 3, input_shape=(10, 2))])
        >>> model.output_shape, model.count_params()
        ((None, 8, 4), 224)
    """

    rank = 1


@layer
class LocallyConnected2D(_LocallyConnected):
    """A convolution of images with weights of its own at each place.

    Input shape: `(batch, rows, columns, channels)`; output shape: `(batch, new_rows, new_columns,
    filters)`; channels come first with `"channels_first"`.

    Args:
        filters: number of channels of the output.
        kernel_size: rows and columns of the window.
        strides: steps from one window to the next.
        padding: `"valid"`; nothing else is possible.
        data_format: `"channels_last"` or `"channels_first"`; None for the setting.

    Raises:
        ValueError: if the padding is another, or a size is unknown.

    Example:
        >>> from minikeras.keras2.layers import LocallyConnected2D
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([LocallyConnected2D(4, (3, 3), input_shape=(5, 5, 2))])
        >>> model.output_shape, model.count_params()
        ((None, 3, 3, 4), 684)
    """

    rank = 2
