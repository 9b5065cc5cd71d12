"""Convolutions of one, two or three spatial axes.

Here are the ops that users call: they standardize layouts, strides and paddings, and check shapes.
`convolutions` computes, by ops for plain and for transposed convolution; the others are made of
these: a depthwise convolution has as many groups as channels, a separable one is a depthwise one
and then a convolution with windows of one position.

The docstrings state the equations for two spatial axes, with strides `s` and dilations `d`: at `p,
q` of the output, tap `u, v` of the window reads `p * s + u * d, q * s + v * d` of the input. The
zeros of a padding are part of `x` there, so `dx` is cut to the size of the input in the end. One or
three axes have as many indices. `g` is the gradient with respect to the result `y`.
"""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.shared.windows import output_size, transposed_output_size
from minikeras.ops.nn.convolutions import convolution, transposed_convolution
from minikeras.ops.nn.spatial import (
    as_declared,
    channels_last,
    layout,
    output_sizes,
    paddings,
    per_axis,
)
from minikeras.ops.shapes.shaping import reshape


@op
def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolve a tensor with a kernel (a cross-correlation: the kernel is not flipped).

    A layer adds a bias to each filter; here it is zero. With groups, the same equations hold for
    each slice of the channels and of the filters.

    Equations (convolution.conv):
        rows, columns = (output_size(x.shape[i], kernel.shape[i - 1], s, d) for i in (1, 2))
        y = zeros((len(x), rows, columns, len(bias))) + bias  # (batch, rows, columns, filters)
        for p, q in ndindex(rows, columns):
            for u, v in ndindex(kernel.shape[:2]):
                y[:, p, q] += x[:, p * s + u * d, q * s + v * d] @ kernel[u, v]  # (batch, filters)

    Equations (convolution.conv_backward):
        dx = zeros_like(x)  # (batch, rows, columns, channels)
        dkernel = zeros_like(kernel)  # (height, width, channels, filters)
        for p, q in ndindex(g.shape[1:3]):
            for u, v in ndindex(kernel.shape[:2]):
                dx[:, p * s + u * d, q * s + v * d] += g[:, p, q] @ kernel[u, v].T
                dkernel[u, v] += x[:, p * s + u * d, q * s + v * d].T @ g[:, p, q]
        dbias = sum(g, axis=(0, 1, 2))  # (filters,)

    Args:
        inputs: float tensor `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` if
            `data_format` is `"channels_first"`, of one to three spatial axes.
        kernel: float tensor `(*window, channels / groups, filters)`; the number of groups follows.
        strides: int or tuple of ints, the steps of the window.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the default.
        dilation_rate: int or tuple of ints, the steps between the taps of the window.

    Returns:
        A tensor of the layout of `inputs`, with `filters` channels.

    Raises:
        ValueError: if ranks or channels do not fit, or the window is larger than the input.

    Example:
        >>> import minikeras as keras
        >>> x, kernel = keras.ops.ones((1, 4, 1)), keras.ops.ones((2, 1, 1))
        >>> keras.ops.conv(x, kernel).tolist()
        [[[2.0], [2.0], [2.0]]]
    """
    return conv_bias(inputs, kernel, None, strides, padding, data_format, dilation_rate)


@described(conv)
def conv_bias(
    inputs,
    kernel,
    bias,
    strides=1,
    padding="valid",
    data_format=None,
    dilation_rate=1,
    relu=False,
):
    """Convolve, add a bias to each filter, and apply ReLU, in one pass.

    Args:
        bias: tensor `(filters,)`, or None.
        padding: `"valid"`, `"same"`, or a pair of ints for each spatial axis.
        relu: bool, whether to apply ReLU to the result.

    Returns:
        As for `conv`.

    Raises:
        ValueError: as for `conv`.
    """
    form = layout(data_format)
    kernel = convert_to_tensor(kernel)
    x = channels_last(convert_to_tensor(inputs), form)
    _check_kernel(x, kernel, form)
    groups = _groups(x.shape[-1], kernel, form)
    y = _convolved(x, kernel, bias, strides, padding, dilation_rate, groups, relu)
    return as_declared(y, form)


@op
@described(conv)
def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolve each channel with filters of its own.

    Equations (convolution.depthwise_conv):
        rows, columns = (output_size(x.shape[i], kernel.shape[i - 1], s, d) for i in (1, 2))
        y = zeros((len(x), rows, columns, *kernel.shape[2:]))  # (..., channels, multiplier)
        for p, q in ndindex(rows, columns):
            for u, v in ndindex(kernel.shape[:2]):
                y[:, p, q] += x[:, p * s + u * d, q * s + v * d, :, None] * kernel[u, v]
        y = y.reshape(len(x), rows, columns, -1)  # (batch, rows, columns, channels * multiplier)

    Equations (convolution.depthwise_conv_backward):
        dx = zeros_like(x)  # (batch, rows, columns, channels)
        dkernel = zeros_like(kernel)  # (height, width, channels, multiplier)
        g = g.reshape(*g.shape[:3], *kernel.shape[2:])  # (..., channels, multiplier)
        for p, q in ndindex(g.shape[1:3]):
            for u, v in ndindex(kernel.shape[:2]):
                inputs = x[:, p * s + u * d, q * s + v * d, :, None]  # (batch, channels, 1)
                dx[:, p * s + u * d, q * s + v * d] += sum(g[:, p, q] * kernel[u, v], axis=-1)
                dkernel[u, v] += sum(inputs * g[:, p, q], axis=0)

    Args:
        inputs: float tensor `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` if
            `data_format` is `"channels_first"`, of one or two spatial axes.
        kernel: float tensor `(*window, channels, multiplier)`.

    Returns:
        A tensor of the layout of `inputs`, with `channels * multiplier` channels.

    Raises:
        ValueError: if ranks or channels do not fit, or the window is larger than the input.

    Example:
        >>> import minikeras as keras
        >>> x, kernel = keras.ops.ones((1, 3, 2)), keras.ops.ones((2, 2, 1))
        >>> keras.ops.depthwise_conv(x, kernel).tolist()
        [[[2.0, 2.0], [2.0, 2.0]]]
    """
    form = layout(data_format)
    x, kernel = convert_to_tensor(inputs), convert_to_tensor(kernel)
    if x.ndim > 4:
        raise ValueError(
            "Depthwise convolutions are of one or two spatial axes: the inputs have three or four "
            f"axes. Received: inputs.shape={dims.to_public(x.shape)}"
        )
    x = channels_last(x, form)
    _check_kernel(x, kernel, form)
    *window, channels, multiplier = kernel.shape
    _check_channels(x.shape[-1], channels, form)
    kernel = reshape(kernel, (*window, 1, channels * multiplier))
    y = _convolved(x, kernel, None, strides, padding, dilation_rate, channels)
    return as_declared(y, form)


@op
@described(depthwise_conv)
def separable_conv(
    inputs,
    depthwise_kernel,
    pointwise_kernel,
    strides=1,
    padding="valid",
    data_format=None,
    dilation_rate=1,
):
    """Convolve each channel with filters of its own, then mix the channels at each position.

    Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions" (2017).

    Equations (convolution.separable_conv):
        between = depthwise_conv(x, depthwise, s, d)  # (..., channels * multiplier)
        y = between @ pointwise[0, 0]  # (batch, rows, columns, filters)

    Equations (convolution.separable_conv_backward):
        dbetween = g @ pointwise[0, 0].T  # (..., channels * multiplier)
        dpointwise = tensordot(between, g, axes=([0, 1, 2], [0, 1, 2]))[None, None]
        dx, ddepthwise = depthwise_conv_backward(dbetween, x, depthwise, s, d)

    Args:
        depthwise_kernel: float tensor `(*window, channels, multiplier)`.
        pointwise_kernel: float tensor `(*ones, channels * multiplier, filters)`.
        strides: int or tuple of ints, the steps of the window of the depthwise part.
        dilation_rate: int or tuple of ints, the steps between the taps of the window of the
            depthwise part.

    Returns:
        A tensor of the layout of `inputs`, with `filters` channels.

    Raises:
        ValueError: if ranks or channels do not fit, or the window is larger than the input.

    Example:
        >>> import minikeras as keras
        >>> ones = keras.ops.ones
        >>> keras.ops.separable_conv(ones((1, 3, 2)), ones((2, 2, 1)), ones((1, 2, 1))).tolist()
        [[[4.0], [4.0]]]
    """
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    pointwise_kernel = convert_to_tensor(pointwise_kernel)
    channels = y.shape[-1] if layout(data_format) == "channels_last" else y.shape[1]
    if pointwise_kernel.ndim == y.ndim:
        _check_channels(channels, pointwise_kernel.shape[-2], layout(data_format))
    return conv(y, pointwise_kernel, 1, "valid", data_format)


@op
@described(conv)
def conv_transpose(
    inputs,
    kernel,
    strides=1,
    padding="valid",
    output_padding=None,
    data_format=None,
    dilation_rate=1,
):
    """Transposed convolution: the gradient of a convolution with respect to its input.

    A layer adds a bias to each filter; here it is zero. A padding is cut from `y`.

    Equations (convolution.conv_transpose):
        rows, columns = ((x.shape[i] - 1) * s + (kernel.shape[i - 1] - 1) * d + 1 for i in (1, 2))
        y = zeros((len(x), rows, columns, len(bias))) + bias  # (batch, rows, columns, filters)
        for p, q in ndindex(x.shape[1:3]):
            for u, v in ndindex(kernel.shape[:2]):
                y[:, p * s + u * d, q * s + v * d] += x[:, p, q] @ kernel[u, v].T

    Equations (convolution.conv_transpose_backward):
        dx = zeros_like(x)  # (batch, rows, columns, channels)
        dkernel = zeros_like(kernel)  # (height, width, filters, channels)
        for p, q in ndindex(x.shape[1:3]):
            for u, v in ndindex(kernel.shape[:2]):
                dx[:, p, q] += g[:, p * s + u * d, q * s + v * d] @ kernel[u, v]
                dkernel[u, v] += g[:, p * s + u * d, q * s + v * d].T @ x[:, p, q]
        dbias = sum(g, axis=(0, 1, 2))  # (filters,)

    Args:
        kernel: float tensor `(*window, filters, channels)`.
        strides: int or tuple of ints, by which the spatial sizes grow.
        output_padding: int or tuple of ints, what to add to the sizes; None for Keras's choice.

    Returns:
        A tensor of the layout of `inputs`, with `filters` channels.

    Raises:
        ValueError: if ranks or channels do not fit, or no convolution has such an output.

    Example:
        >>> import minikeras as keras
        >>> x, kernel = keras.ops.ones((1, 2, 1)), keras.ops.ones((2, 1, 1))
        >>> keras.ops.conv_transpose(x, kernel, strides=2).tolist()
        [[[1.0], [1.0], [1.0], [1.0]]]
    """
    return conv_transpose_bias(
        inputs, kernel, None, strides, padding, output_padding, data_format, dilation_rate
    )


@described(conv_transpose)
def conv_transpose_bias(
    inputs,
    kernel,
    bias,
    strides=1,
    padding="valid",
    output_padding=None,
    data_format=None,
    dilation_rate=1,
    relu=False,
):
    """Transposed convolution, a bias for each filter, and ReLU, in one pass.

    Args:
        bias: tensor `(filters,)`, or None.
        relu: bool, whether to apply ReLU to the result.

    Returns:
        As for `conv_transpose`.

    Raises:
        ValueError: as for `conv_transpose`.
    """
    form = layout(data_format)
    kernel = convert_to_tensor(kernel)
    x = channels_last(convert_to_tensor(inputs), form)
    _check_kernel(x, kernel, form)
    _check_channels(x.shape[-1], kernel.shape[-1], form)
    window, rank = kernel.shape[:-2], x.ndim - 2
    strides = per_axis(strides, rank, "strides")
    dilation = per_axis(dilation_rate, rank, "dilation_rate")
    extra = output_padding
    extra = (extra,) * rank if extra is None or isinstance(extra, int) else tuple(extra)
    sizes = tuple(
        transposed_output_size(n, k, s, padding.lower(), e, d)
        for n, k, s, e, d in zip(x.shape[1:-1], window, strides, extra, dilation, strict=True)
    )
    pads = paddings(padding, sizes, window, strides, dilation)
    if dims.is_known(sizes):
        _check_transposed(x, sizes, window, strides, pads, dilation, output_padding)
    options = {"strides": strides, "padding": pads, "dilation": dilation}
    y = transposed_convolution(x, kernel, bias, input_shape=sizes, relu=relu, **options)
    return as_declared(y, form)


def _convolved(x, kernel, bias, strides, padding, dilation, groups, relu=False):
    """`convolution` of channels-last tensors, with the arguments that users give."""
    rank, window, sizes = x.ndim - 2, kernel.shape[:-2], x.shape[1:-1]
    strides = per_axis(strides, rank, "strides")
    dilation = per_axis(dilation, rank, "dilation_rate")
    pads = paddings(padding, sizes, window, strides, dilation)
    output_sizes(sizes, window, strides, pads, dilation)
    return convolution(
        x,
        kernel,
        bias,
        strides=strides,
        padding=pads,
        dilation=dilation,
        groups=groups,
        relu=relu,
    )


def _check_kernel(x, kernel, form):
    if kernel.ndim != x.ndim:
        raise ValueError(
            f"Expected a kernel of rank {x.ndim}, (*window, channels, filters), for an input of "
            f"rank {x.ndim}. Received: kernel.shape={dims.to_public(kernel.shape)}, "
            f"data_format='{form}'."
        )


def _groups(channels, kernel, form):
    """In how many groups a kernel divides the channels."""
    own, filters = kernel.shape[-2:]
    if isinstance(channels, Dim):
        raise ValueError("The number of channels must be known: declare it with the input.")
    if not own or channels % own or filters % (channels // own):
        raise ValueError(
            "The number of input channels must be a multiple of the kernel's input channels, and "
            "the filters a multiple of the groups that follow. "
            f"Received: input channels={channels}, kernel input channels={own}, filters={filters}, "
            f"data_format='{form}'."
        )
    return channels // own


def _check_channels(channels, expected, form):
    if channels != expected:
        raise ValueError(
            f"The kernel reads {expected} channels, so the inputs must have as many. Received: "
            f"{channels} channels, with data_format='{form}'"
        )


def _check_transposed(x, sizes, window, strides, pads, dilation, output_padding):
    """Check that a convolution of the output has the shape of the input."""
    axes = zip(sizes, window, strides, pads, dilation, strict=True)
    if tuple(output_size(*axis) for axis in axes) != x.shape[1:-1]:
        raise ValueError(
            f"No convolution takes spatial sizes {sizes} to {x.shape[1:-1]} with window={window}, "
            f"strides={strides}. `output_padding` must be less than the strides. "
            f"Received: output_padding={output_padding}"
        )
