"""Transposed convolution layers: the way back from a convolution's output to sizes of its input.

Each is the gradient of a convolution by its input. Dumoulin and Visin, "A guide to convolution
arithmetic for deep learning" (2016), section 4.
"""

from typing import Any

from minikeras.core import dims
from minikeras.kernels.shared.windows import transposed_output_size
from minikeras.layers.base.arguments import Count, DataFormat, Padding, int_tuple, is_relu
from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    Regularizer,
    UseBias,
    layer,
)
from minikeras.layers.convolutional.conv import _Windowed
from minikeras.ops.nn.conv import conv_transpose_bias


class _Transposed(_Windowed):
    """What transposed convolutions share.

    Args:
        strides: int, or one int for each spatial axis, by which the sizes grow.
        output_padding: int, or one int for each spatial axis, below the strides: what to add to the
            sizes; None for Keras's choice.
    """

    filters: int
    use_bias: bool
    activation: Any
    output_padding: Any

    def setup(self):
        super().setup()
        if self.output_padding is None:
            return
        extra = int_tuple(self.output_padding, self._rank, "output_padding", least=0)
        self.output_padding = extra
        for axis, (more, stride) in enumerate(zip(extra, self.strides, strict=True)):
            if more >= stride:
                raise ValueError(
                    "`output_padding` must be less than `strides` along each axis; along axis "
                    f"{axis} they are {more} and {stride}. Received: output_padding={extra}, "
                    f"strides={self.strides}"
                )

    def build(self, input_shape):
        """Make the kernel `(*window, filters, channels)` and the bias `(filters,)`."""
        channels = self._input_channels(input_shape)
        self.kernel = self.field_weight("kernel", (*self.kernel_size, self.filters, channels))
        self.bias = self.field_weight("bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs):
        """Convolve backwards, add, activate."""
        fused = is_relu(self.activation)
        options = self._window_options(output_padding=self.output_padding, relu=fused)
        y = conv_transpose_bias(inputs, self.kernel, self.bias, **options)
        return y if fused else self.activation(y)

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs of which a convolution makes this shape."""
        self._check_rank(input_shape)
        first = self.data_format == "channels_first"
        sizes = dims.from_public(input_shape[2:] if first else input_shape[1:-1])
        extra = self.output_padding or (None,) * self._rank
        axes = zip(sizes, self.kernel_size, self.strides, extra, self.dilation_rate, strict=True)
        spatial = dims.to_public(
            transposed_output_size(n, taps, step, self.padding, more, rate)
            for n, taps, step, more, rate in axes
        )
        batch, filters = input_shape[0], self.filters
        return (batch, filters, *spatial) if first else (batch, *spatial, filters)


@layer
class _ConvTranspose(_Transposed):
    filters: Count
    kernel_size: Any
    strides: Any = 1
    padding: Padding = "valid"
    output_padding: Any = None
    data_format: DataFormat = None
    dilation_rate: Any = 1
    activation: Activation = None
    use_bias: UseBias = True
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    bias_constraint: Constraint = None


@layer
class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution of sequences.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, new_steps, filters)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Conv1DTranspose(4, 3, strides=2)(keras.ops.ones((1, 8, 3))).shape
        (1, 17, 4)
    """

    _rank = 1


@layer
class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution of images.

    Input shape: `(batch, height, width, channels)`; output shape: `(batch, new_height, new_width,
    filters)`.

    Example:
        >>> import minikeras as keras
        >>> grow = keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same")
        >>> grow(keras.ops.ones((1, 8, 8, 3))).shape
        (1, 16, 16, 4)
    """

    _rank = 2

    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)


@layer
class Conv3DTranspose(_Transposed):
    """Transposed convolution of volumes.

    Input shape: `(batch, *spatial, channels)`; output shape: `(batch, *new_spatial, filters)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Conv3DTranspose(4, 2)(keras.ops.ones((1, 3, 3, 3, 2))).shape
        (1, 4, 4, 4, 4)
    """

    _rank = 3

    filters: Count
    kernel_size: Any
    strides: Any = (1, 1, 1)
    padding: Padding = "valid"
    data_format: DataFormat = None
    output_padding: Any = None
    dilation_rate: Any = (1, 1, 1)
    activation: Activation = None
    use_bias: UseBias = True
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    bias_constraint: Constraint = None


Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
