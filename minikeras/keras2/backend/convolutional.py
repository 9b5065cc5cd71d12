"""Convolutions, and the bias that follows them.

Kernels have the axes `(*window, channels, filters)`, in either layout of the images; those of
transposed convolutions `(*window, filters, channels)`. Where a call is spelled as in Keras 1 and
the layout is `"th"`, kernels have that time's axes `(filters, channels, *window)`.
"""

import functools
from typing import Any

from minikeras import ops
from minikeras.core import settings
from minikeras.keras2.backend.padding import temporal_padding
from minikeras.keras2.backend.shapes import permute_dimensions, sizes
from minikeras.keras2.backend.spelling import keras_1, layout_of
from minikeras.keras2.backend.tensors import symbolic_function

_SHAPES = ("image_shape", "filter_shape", "volume_shape")
_OLD = {"border_mode": "padding", "dim_ordering": "data_format"}


def _old_kernels(**places):
    """Let a function take kernels with the axes of Keras 1, given their places among arguments."""

    def decorate(function) -> Any:
        @functools.wraps(function)
        def transposed(*args, **kwargs):
            images = layout(layout_of(kwargs.get("dim_ordering", "default")))
            if kwargs.keys() & function._old_arguments and images == "channels_first":
                args = list(args)
                for name, place in places.items():
                    holder: Any = kwargs if name in kwargs else args
                    key = name if name in kwargs else place
                    rank = len(holder[key].shape)
                    holder[key] = permute_dimensions(holder[key], (*range(2, rank), 1, 0))
            return function(*args, **kwargs)

        return transposed

    return decorate


def layout(data_format):
    """Return the name of a layout, that of the settings for None.

    Args:
        data_format: `"channels_last"`, `"channels_first"` or None.

    Returns:
        A string.

    Raises:
        ValueError: if it is another one.
    """
    return settings.standardize_data_format(data_format)


@keras_1(_SHAPES, stride="strides", **_OLD)
@symbolic_function
def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution of sequences; `padding="causal"` looks at no later step.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.conv1d(K.zeros((2, 5, 3)), K.zeros((3, 3, 4))))
        (2, 3, 4)
    """
    data_format = layout(data_format)
    if padding == "causal":
        if data_format != "channels_last":
            raise ValueError(
                'Causal padding in `conv1d` needs data_format="channels_last". '
                f"Received: data_format={data_format!r}"
            )
        (dilation,) = _each(dilation_rate, 1)
        x, padding = temporal_padding(x, (dilation * (kernel.shape[0] - 1), 0)), "valid"
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def _each(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)


@_old_kernels(kernel=1)
@keras_1(_SHAPES, filter_dilation="dilation_rate", **_OLD)
@symbolic_function
def conv2d(x, kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """Convolution of images.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.conv2d(K.zeros((2, 5, 5, 3)), K.zeros((3, 3, 3, 4)), padding="same"))
        (2, 5, 5, 4)
    """
    return ops.conv(x, kernel, strides, padding, layout(data_format), dilation_rate)


@_old_kernels(kernel=1)
@keras_1(_SHAPES, **_OLD)
@symbolic_function
def conv3d(
    x, kernel, strides=(1, 1, 1), padding="valid", data_format=None, dilation_rate=(1, 1, 1)
):
    """Convolution of volumes.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.conv3d(K.zeros((2, 5, 5, 5, 3)), K.zeros((3, 3, 3, 3, 4))))
        (2, 3, 3, 3, 4)
    """
    return ops.conv(x, kernel, strides, padding, layout(data_format), dilation_rate)


def atrous_conv2d(
    x,
    kernel,
    rate=1,
    border_mode="valid",
    dim_ordering="default",
    image_shape=None,
    filter_shape=None,
):
    """Dilated convolution of images, in the spelling of Keras 1.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.atrous_conv2d(K.zeros((2, 7, 7, 3)), K.zeros((3, 3, 3, 4)), rate=2))
        (2, 3, 3, 4)
    """
    return conv2d(
        x, kernel, border_mode=border_mode, dim_ordering=dim_ordering, filter_dilation=(rate, rate)
    )


@_old_kernels(depthwise_kernel=1, pointwise_kernel=2)
@keras_1(_SHAPES, **_OLD)
@symbolic_function
def separable_conv2d(
    x,
    depthwise_kernel,
    pointwise_kernel,
    strides=(1, 1),
    padding="valid",
    data_format=None,
    dilation_rate=(1, 1),
):
    """Convolution of each channel of images, then of each pixel over the channels.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x, depthwise = K.zeros((2, 5, 5, 3)), K.zeros((3, 3, 3, 2))
        >>> K.int_shape(K.separable_conv2d(x, depthwise, K.zeros((1, 1, 6, 4))))
        (2, 3, 3, 4)
    """
    kernels = depthwise_kernel, pointwise_kernel
    return ops.separable_conv(x, *kernels, strides, padding, layout(data_format), dilation_rate)


@symbolic_function
def separable_conv1d(
    x,
    depthwise_kernel,
    pointwise_kernel,
    strides=1,
    padding="valid",
    data_format=None,
    dilation_rate=1,
):
    """Convolution of each channel of sequences, then of each step over the channels.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x, depthwise = K.zeros((2, 5, 3)), K.zeros((3, 3, 2))
        >>> K.int_shape(K.separable_conv1d(x, depthwise, K.zeros((1, 6, 4))))
        (2, 3, 4)
    """
    kernels = depthwise_kernel, pointwise_kernel
    return ops.separable_conv(x, *kernels, strides, padding, layout(data_format), dilation_rate)


@symbolic_function
def depthwise_conv2d(
    x, depthwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)
):
    """Convolution of each channel of images by kernels of its own.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.depthwise_conv2d(K.zeros((2, 5, 5, 3)), K.zeros((3, 3, 3, 2))))
        (2, 3, 3, 6)
    """
    layout_name = layout(data_format)
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, layout_name, dilation_rate)


def _transposed(x, kernel, output_shape, strides, padding, data_format, dilation_rate=1):
    """The gradient of a convolution that has an input of `output_shape`."""
    data_format, rank = layout(data_format), len(kernel.shape) - 2
    y = ops.conv_transpose(
        x, kernel, strides, "valid", data_format=data_format, dilation_rate=dilation_rate
    )
    first = 1 if data_format == "channels_last" else 2
    lengths = sizes(output_shape)[first : first + rank]
    axes = zip(
        range(first, first + rank),
        kernel.shape[:rank],
        _each(strides, rank),
        _each(dilation_rate, rank),
        lengths,
        strict=True,
    )
    for axis, window, stride, dilation, length in axes:
        full = (x.shape[axis] - 1) * stride + (window - 1) * dilation + 1
        y = _cut(y, axis, full, length, padding)
    return y


def _cut(y, axis, full, length, padding):
    """Cut the padding of the convolution's input away; rows that no window reached are zero."""
    if not (isinstance(length, int) and isinstance(full, int)):
        shape = list(y.shape)
        shape[axis] = length
        return type(y)(tuple(shape), y.dtype)
    before = max(full - length, 0) // 2 if padding == "same" else 0
    missing = before + length - y.shape[axis]
    if missing > 0:
        y = ops.pad(y, [(0, missing if n == axis else 0) for n in range(len(y.shape))])
    taken = [slice(None)] * len(y.shape)
    taken[axis] = slice(before, before + length)
    return y[tuple(taken)]


@symbolic_function
def conv2d_transpose(
    x,
    kernel,
    output_shape,
    strides=(1, 1),
    padding="valid",
    data_format=None,
    dilation_rate=(1, 1),
):
    """Transposed convolution of images, with outputs of a given shape.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x, kernel = K.zeros((2, 3, 3, 4)), K.zeros((3, 3, 1, 4))
        >>> K.int_shape(K.conv2d_transpose(x, kernel, (2, 5, 5, 1)))
        (2, 5, 5, 1)
    """
    return _transposed(x, kernel, output_shape, strides, padding, data_format, dilation_rate)


@symbolic_function
def conv3d_transpose(x, kernel, output_shape, strides=(1, 1, 1), padding="valid", data_format=None):
    """Transposed convolution of volumes, with outputs of a given shape.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x, kernel = K.zeros((2, 3, 3, 3, 4)), K.zeros((3, 3, 3, 1, 4))
        >>> K.int_shape(K.conv3d_transpose(x, kernel, (2, 5, 5, 5, 1)))
        (2, 5, 5, 5, 1)
    """
    return _transposed(x, kernel, output_shape, strides, padding, data_format)


def deconv2d(
    x,
    kernel,
    output_shape,
    strides=(1, 1),
    border_mode="valid",
    dim_ordering="default",
    image_shape=None,
    filter_shape=None,
):
    """Transposed convolution of images, in the spelling and with the kernels of Keras 1.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x, kernel = K.zeros((2, 3, 3, 4)), K.zeros((3, 3, 4, 1))
        >>> K.int_shape(K.deconv2d(x, kernel, (2, 5, 5, 1)))
        (2, 5, 5, 1)
    """
    data_format = layout(layout_of(dim_ordering))
    axes = (0, 1, 3, 2) if data_format == "channels_last" else (2, 3, 0, 1)
    kernel = permute_dimensions(kernel, axes)
    return conv2d_transpose(x, kernel, output_shape, strides, border_mode, data_format)


@symbolic_function
def bias_add(x, bias, data_format=None):
    """Add a bias to each channel, or one to each place and channel.

    Args:
        x: tensor of rank 2 to 5.
        bias: tensor of rank 1, or of the shape of `x` without the batch, channels last. Where `x`
            has its channels first such a bias is reshaped, not transposed, as in Keras 2.
        data_format: layout of `x`; that of the settings if None.

    Returns:
        A tensor of the shape of `x`.

    Raises:
        ValueError: if the bias has another rank.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.bias_add(K.zeros((1, 2, 2)), K.constant([1.0, 2.0]))).tolist()
        [[[1.0, 2.0], [1.0, 2.0]]]
    """
    data_format, x, bias = (
        layout(data_format),
        ops.convert_to_tensor(x),
        ops.convert_to_tensor(bias),
    )
    rank, own = len(x.shape), len(bias.shape)
    if own not in (1, rank - 1):
        raise ValueError(
            f"The bias must have 1 axis or {rank - 1}, for x of shape {tuple(x.shape)}. "
            f"Received: bias of shape {tuple(bias.shape)}"
        )
    if rank > 2 and data_format == "channels_first":
        if own > 1:
            bias = ops.reshape(bias, (bias.shape[-1], *bias.shape[:-1]))
        else:
            bias = ops.reshape(bias, (-1, *(1,) * (rank - 2)))
    return x + bias
