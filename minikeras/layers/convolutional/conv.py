"""Convolution layers of one, two and three spatial axes.

What they share stands in `_Windowed` (the window's arguments) and `_Conv`. Keras names its classes
by the number of axes, which is all that tells them apart.
"""

from typing import Any

from minikeras.core import dims
from minikeras.kernels.shared.windows import VALID, causal_padding
from minikeras.layers.base.arguments import (
    Count,
    DataFormat,
    Padding,
    int_tuple,
    is_relu,
    padding_word,
)
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
from minikeras.ops.nn.conv import conv_bias
from minikeras.ops.nn.spatial import output_sizes


class _Windowed(Layer):
    """What all convolutions have: a window with strides, a layout, a bias and an activation.

    Args:
        filters: int, the number of output channels.
        kernel_size: int, or one int for each spatial axis (height and width of an image): the size
            of the window.
        strides: int, or one int for each spatial axis: the steps of the window.
        dilation_rate: int, or one int for each spatial axis: the steps between the taps of the
            window; other than 1 it goes with strides of 1 only.
    """

    kernel_size: Any
    strides: Any
    dilation_rate: Any
    padding: Any
    data_format: Any
    _rank: int
    _causal = False
    _strides_with_dilation = False

    def setup(self):
        """Bring the window's arguments into the form of one int for each axis."""
        rank = self._rank
        self.kernel_size = int_tuple(self.kernel_size, rank, "kernel_size")
        self.strides = int_tuple(self.strides, rank, "strides")
        self.dilation_rate = int_tuple(self.dilation_rate, rank, "dilation_rate")
        self.padding = padding_word(self.padding, allow_causal=self._causal)
        self.input_spec = InputSpec(min_ndim=rank + 2)
        strided, dilated = max(self.strides) > 1, max(self.dilation_rate) > 1
        if strided and dilated and not self._strides_with_dilation:
            raise ValueError(
                "`strides` and `dilation_rate` cannot both be greater than 1. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    def _input_channels(self, input_shape):
        """The number of channels, noted as what inputs must have from now on."""
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"Layer '{self.name}' needs inputs with a known number of channels (axis {axis}). "
                f"Received: input_shape={input_shape}"
            )
        self.input_spec = InputSpec(min_ndim=self._rank + 2, axes={axis: channels})
        return channels

    def _window_options(self, **more):
        return {
            "strides": self.strides,
            "padding": self._paddings(),
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            **more,
        }

    def _paddings(self):
        """The padding as ops take it: a word, or for a causal one the pairs."""
        if self.padding != "causal":
            return self.padding
        axes = zip(self.kernel_size, self.dilation_rate, strict=True)
        return tuple(causal_padding(taps, rate) for taps, rate in axes)

    def _output_shape(self, input_shape, channels):
        self._check_rank(input_shape)
        first = self.data_format == "channels_first"
        sizes = dims.from_public(input_shape[2:] if first else input_shape[1:-1])
        pads = self._paddings()
        pads = (VALID,) * self._rank if pads == "valid" else pads
        spatial = output_sizes(sizes, self.kernel_size, self.strides, pads, self.dilation_rate)
        spatial = dims.to_public(spatial)
        batch = input_shape[0]
        return (batch, channels, *spatial) if first else (batch, *spatial, channels)

    def _check_rank(self, input_shape):
        if len(input_shape) != self._rank + 2:
            raise ValueError(
                f"Kernel shape must have the same length as input, but layer '{self.name}' has a "
                f"kernel of rank {self._rank + 2} and received input of shape {input_shape}."
            )


@layer
class _Conv(_Windowed):
    """A convolution; the number of axes is up to subclasses.

    Args:
        groups: int, the number of parts of the channels that are convolved by themselves.
    """

    filters: Count
    kernel_size: Any
    strides: Any = 1
    padding: Padding = "valid"
    data_format: DataFormat = None
    dilation_rate: Any = 1
    groups: int = 1
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
        super().setup()
        if self.groups <= 0:
            raise ValueError(f"`groups` must be greater than 0. Received: groups={self.groups}")
        if self.filters % self.groups:
            raise ValueError(
                "Each group makes the same number of filters, so `filters` is a multiple of "
                f"`groups`. Received: groups={self.groups}, filters={self.filters}"
            )

    def build(self, input_shape):
        """Make the kernel `(*window, channels / groups, filters)` and the bias `(filters,)`."""
        channels = self._input_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                "Each group reads the same number of channels, so the channels of the input are a "
                f"multiple of `groups`. Received: groups={self.groups} and {channels} channels, in "
                f"input_shape={input_shape}"
            )
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.field_weight("kernel", shape)
        self.bias = self.field_weight("bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs):
        """Convolve, add, activate."""
        fused = is_relu(self.activation)
        y = conv_bias(inputs, self.kernel, self.bias, **self._window_options(relu=fused))
        return y if fused else self.activation(y)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with the sizes that the windows leave, and `filters`."""
        return self._output_shape(input_shape, self.filters)


@layer
class Conv1D(_Conv):
    """Convolve sequences: `activation(conv(x, kernel) + bias)` along one axis.

    Args:
        padding: `"valid"`, `"same"`, or `"causal"` (no output sees a later input).

    Input shape: `(batch, steps, channels)`; output shape: `(batch, new_steps, filters)`.

    Raises:
        ValueError: if an argument is outside its range, or the groups do not divide the channels.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Conv1D(4, 3)(keras.ops.ones((2, 8, 3))).shape
        (2, 6, 4)
    """

    _rank = 1
    _causal = True


@layer
class Conv2D(_Conv):
    """Convolve images: `activation(conv(x, kernel) + bias)` along two axes.

    Input shape: `(batch, height, width, channels)`; output shape: `(batch, new_height, new_width,
    filters)`; the channels come after the batch with `"channels_first"`.

    Raises:
        ValueError: if an argument is outside its range, or the groups do not divide the channels.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Conv2D(4, 3, padding="same")(keras.ops.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 4)
    """

    _rank = 2

    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)


@layer
class Conv3D(_Conv):
    """Convolve volumes: `activation(conv(x, kernel) + bias)` along three axes.

    Input shape: `(batch, *spatial, channels)`; output shape: `(batch, *new_spatial, filters)`; the
    channels come after the batch with `"channels_first"`.

    Raises:
        ValueError: if an argument is outside its range, or the groups do not divide the channels.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Conv3D(4, 2)(keras.ops.ones((1, 3, 4, 5, 2))).shape
        (1, 2, 3, 4, 4)
    """

    _rank = 3

    strides: Any = (1, 1, 1)
    dilation_rate: Any = (1, 1, 1)


Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
