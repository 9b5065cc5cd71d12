"""Convolutions of each channel separately: depthwise, and separable with a mixing step after it.

A depthwise convolution is a grouped one with as many groups as channels, and runs as such. Chollet,
"Xception: Deep Learning with Depthwise Separable Convolutions" (2017).
"""

from typing import Any

from minikeras import ops
from minikeras.layers.base.arguments import Count, DataFormat, Padding, is_relu
from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    Regularizer,
    UseBias,
    layer,
)
from minikeras.layers.convolutional.conv import _Windowed
from minikeras.ops.nn.conv import conv_bias


class _ByChannel(_Windowed):
    """A convolution of each channel with filters of its own.

    Args:
        depth_multiplier: int, the number of depthwise filters for each channel.
        dilation_rate: int, or one int for each spatial axis: the steps between the taps of the
            window.
        depthwise_initializer: initializer of the depthwise kernel.
        pointwise_initializer: initializer of the pointwise kernel.
        depthwise_regularizer: regularizer of the depthwise kernel.
        pointwise_regularizer: regularizer of the pointwise kernel.
        depthwise_constraint: constraint of the depthwise kernel.
        pointwise_constraint: constraint of the pointwise kernel.
    """

    depth_multiplier: int
    depthwise_initializer: Any
    depthwise_regularizer: Any
    depthwise_constraint: Any
    _strides_with_dilation = True

    def _depthwise_weight(self, name, channels):
        return self.add_weight(
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name=name,
        )

    def _depthwise(self, inputs, kernel, bias, relu=False):
        """Convolve each channel with `depth_multiplier` filters of its own."""
        *window, channels, multiplier = kernel.shape
        grouped = ops.reshape(kernel, (*window, 1, channels * multiplier))
        return conv_bias(inputs, grouped, bias, **self._window_options(relu=relu))


@layer
class _DepthwiseConv(_ByChannel):
    kernel_size: Any
    strides: Any = 1
    padding: Padding = "valid"
    depth_multiplier: Count = 1
    data_format: DataFormat = None
    dilation_rate: Any = 1
    activation: Activation = None
    use_bias: UseBias = True
    depthwise_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    depthwise_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Regularizer = None
    depthwise_constraint: Constraint = None
    bias_constraint: Constraint = None

    def build(self, input_shape):
        """Make the kernel `(*window, channels, multiplier)` and the bias."""
        channels = self._input_channels(input_shape)
        self.compute_output_shape(input_shape)
        self.kernel = self._depthwise_weight("kernel", channels)
        filters = (channels * self.depth_multiplier,)
        self.bias = self.field_weight("bias", filters) if self.use_bias else None

    def call(self, inputs):
        """Convolve each channel, add, activate."""
        fused = is_relu(self.activation)
        y = self._depthwise(inputs, self.kernel, self.bias, relu=fused)
        return y if fused else self.activation(y)

    def compute_output_shape(self, input_shape):
        """Return the shape that the windows leave, each channel multiplied."""
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        return self._output_shape(input_shape, channels * self.depth_multiplier)


@layer
class DepthwiseConv1D(_DepthwiseConv):
    """Convolve each channel of sequences with filters of its own.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, new_steps, channels *
    depth_multiplier)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.DepthwiseConv1D(3, depth_multiplier=2)(keras.ops.ones((1, 8, 3))).shape
        (1, 6, 6)
    """

    _rank = 1


@layer
class DepthwiseConv2D(_DepthwiseConv):
    """Convolve each channel of images with filters of its own.

    Input shape: `(batch, height, width, channels)`; output shape: `(batch, new_height, new_width,
    channels * depth_multiplier)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.DepthwiseConv2D(3)(keras.ops.ones((1, 8, 8, 3))).shape
        (1, 6, 6, 3)
    """

    _rank = 2

    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)


@layer
class _SeparableConv(_ByChannel):
    filters: Count
    kernel_size: Any
    strides: Any = 1
    padding: Padding = "valid"
    data_format: DataFormat = None
    dilation_rate: Any = 1
    depth_multiplier: Count = 1
    activation: Activation = None
    use_bias: UseBias = True
    depthwise_initializer: Initializer = "glorot_uniform"
    pointwise_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    depthwise_regularizer: Regularizer = None
    pointwise_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Regularizer = None
    depthwise_constraint: Constraint = None
    pointwise_constraint: Constraint = None
    bias_constraint: Constraint = None

    def build(self, input_shape):
        """Make the depthwise kernel, the pointwise kernel and the bias."""
        channels = self._input_channels(input_shape)
        self.compute_output_shape(input_shape)
        self.depthwise_kernel = self._depthwise_weight("depthwise_kernel", channels)
        self.pointwise_kernel = self.add_weight(
            shape=(*(1,) * self._rank, channels * self.depth_multiplier, self.filters),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
            name="pointwise_kernel",
        )
        self.bias = self.field_weight("bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs):
        """Convolve each channel, mix the channels, add, activate."""
        y = self._depthwise(inputs, self.depthwise_kernel, None)
        fused = is_relu(self.activation)
        form = self.data_format
        y = conv_bias(y, self.pointwise_kernel, self.bias, data_format=form, relu=fused)
        return y if fused else self.activation(y)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with the sizes that the windows leave, and `filters`."""
        return self._output_shape(input_shape, self.filters)


@layer
class SeparableConv1D(_SeparableConv):
    """Convolve each channel of sequences separately, then mix the channels at each step.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, new_steps, filters)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.SeparableConv1D(4, 3)(keras.ops.ones((1, 8, 3))).shape
        (1, 6, 4)
    """

    _rank = 1


@layer
class SeparableConv2D(_SeparableConv):
    """Convolve each channel of images separately, then mix the channels at each place.

    Input shape: `(batch, height, width, channels)`; output shape: `(batch, new_height, new_width,
    filters)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.SeparableConv2D(4, 3)(keras.ops.ones((1, 8, 8, 3))).shape
        (1, 6, 6, 4)
    """

    _rank = 2

    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)


SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
