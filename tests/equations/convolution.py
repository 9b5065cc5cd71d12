"""Convolutions over two axes, plain, transposed, depthwise and separable, tap by tap.

LeCun et al., "Gradient-based learning applied to document recognition" (1998), section II; Dumoulin
and Visin, "A guide to convolution arithmetic" (2016), for strides `s`, dilations `d` and transposed
convolution; Chollet, "Xception" (2017), for the separable one. Arrays are `(batch, rows, columns,
channels)`; zeros of a padding are part of `x`. `p, q` is a position of the output, `u, v` a tap of
the kernel: the output at `p` reads the input at `p * s + u * d`. As everywhere in this field, the
kernel is not mirrored.
"""

from numpy import ndindex, sum, tensordot, zeros, zeros_like


def output_size(size, window, s, d):
    """How often a window of some taps fits, `s` places from one to the next."""
    return (size - (window - 1) * d - 1) // s + 1


def conv(x, kernel, bias, s=1, d=1):
    """Convolution; the kernel is `(height, width, channels, filters)`."""
    rows, columns = (output_size(x.shape[i], kernel.shape[i - 1], s, d) for i in (1, 2))
    y = zeros((len(x), rows, columns, len(bias))) + bias  # (batch, rows, columns, filters)
    for p, q in ndindex(rows, columns):
        for u, v in ndindex(kernel.shape[:2]):
            y[:, p, q] += x[:, p * s + u * d, q * s + v * d] @ kernel[u, v]  # (batch, filters)
    return y


def conv_backward(g, x, kernel, s=1, d=1):
    """Gradients of `conv`."""
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    dkernel = zeros_like(kernel)  # (height, width, channels, filters)
    for p, q in ndindex(g.shape[1:3]):
        for u, v in ndindex(kernel.shape[:2]):
            dx[:, p * s + u * d, q * s + v * d] += g[:, p, q] @ kernel[u, v].T
            dkernel[u, v] += x[:, p * s + u * d, q * s + v * d].T @ g[:, p, q]
    dbias = sum(g, axis=(0, 1, 2))  # (filters,)
    return dx, dkernel, dbias


def conv_transpose(x, kernel, bias, s=1, d=1):
    """The gradient of `conv` with respect to its input; the kernel is `(..., filters, channels)`.

    A position of the input adds to as many positions of the output as the kernel has taps.
    """
    rows, columns = ((x.shape[i] - 1) * s + (kernel.shape[i - 1] - 1) * d + 1 for i in (1, 2))
    y = zeros((len(x), rows, columns, len(bias))) + bias  # (batch, rows, columns, filters)
    for p, q in ndindex(x.shape[1:3]):
        for u, v in ndindex(kernel.shape[:2]):
            y[:, p * s + u * d, q * s + v * d] += x[:, p, q] @ kernel[u, v].T
    return y


def conv_transpose_backward(g, x, kernel, s=1, d=1):
    """Gradients of `conv_transpose`: with respect to `x` it is `conv` again."""
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    dkernel = zeros_like(kernel)  # (height, width, filters, channels)
    for p, q in ndindex(x.shape[1:3]):
        for u, v in ndindex(kernel.shape[:2]):
            dx[:, p, q] += g[:, p * s + u * d, q * s + v * d] @ kernel[u, v]
            dkernel[u, v] += g[:, p * s + u * d, q * s + v * d].T @ x[:, p, q]
    dbias = sum(g, axis=(0, 1, 2))  # (filters,)
    return dx, dkernel, dbias


def depthwise_conv(x, kernel, s=1, d=1):
    """Each channel alone with its own kernels, `(height, width, channels, multiplier)`."""
    rows, columns = (output_size(x.shape[i], kernel.shape[i - 1], s, d) for i in (1, 2))
    y = zeros((len(x), rows, columns, *kernel.shape[2:]))  # (..., channels, multiplier)
    for p, q in ndindex(rows, columns):
        for u, v in ndindex(kernel.shape[:2]):
            y[:, p, q] += x[:, p * s + u * d, q * s + v * d, :, None] * kernel[u, v]
    y = y.reshape(len(x), rows, columns, -1)  # (batch, rows, columns, channels * multiplier)
    return y


def depthwise_conv_backward(g, x, kernel, s=1, d=1):
    """Gradients of `depthwise_conv`."""
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    dkernel = zeros_like(kernel)  # (height, width, channels, multiplier)
    g = g.reshape(*g.shape[:3], *kernel.shape[2:])  # (..., channels, multiplier)
    for p, q in ndindex(g.shape[1:3]):
        for u, v in ndindex(kernel.shape[:2]):
            inputs = x[:, p * s + u * d, q * s + v * d, :, None]  # (batch, channels, 1)
            dx[:, p * s + u * d, q * s + v * d] += sum(g[:, p, q] * kernel[u, v], axis=-1)
            dkernel[u, v] += sum(inputs * g[:, p, q], axis=0)
    return dx, dkernel


def separable_conv(x, depthwise, pointwise, s=1, d=1):
    """A depthwise convolution, then one of a single tap that mixes the channels."""
    between = depthwise_conv(x, depthwise, s, d)  # (..., channels * multiplier)
    y = between @ pointwise[0, 0]  # (batch, rows, columns, filters)
    return y, between


def separable_conv_backward(g, x, between, depthwise, pointwise, s=1, d=1):
    """Gradients of `separable_conv`."""
    dbetween = g @ pointwise[0, 0].T  # (..., channels * multiplier)
    dpointwise = tensordot(between, g, axes=([0, 1, 2], [0, 1, 2]))[None, None]
    dx, ddepthwise = depthwise_conv_backward(dbetween, x, depthwise, s, d)
    return dx, ddepthwise, dpointwise
