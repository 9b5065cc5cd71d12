"""Pooling, and convolutions whose kernel differs from place to place."""

import itertools

from minikeras import ops
from minikeras.keras2.backend.convolutional import layout
from minikeras.keras2.backend.spelling import keras_1
from minikeras.keras2.backend.tensors import symbolic_function

_OLD = {"border_mode": "padding", "dim_ordering": "data_format"}


def _pooled(x, pool_size, strides, padding, data_format, pool_mode):
    pools = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in pools:
        raise ValueError(f'Expected pool_mode "max" or "avg". Received: pool_mode={pool_mode!r}')
    return pools[pool_mode](x, pool_size, strides, padding, layout(data_format))


@keras_1(**_OLD)
@symbolic_function
def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    """Maximum (`pool_mode="max"`) or mean (`"avg"`) over windows of images.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.pool2d(K.zeros((2, 6, 6, 1)), (2, 2), (2, 2)))
        (2, 3, 3, 1)
    """
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


@keras_1(**_OLD)
@symbolic_function
def pool3d(x, pool_size, strides=(1, 1, 1), padding="valid", data_format=None, pool_mode="max"):
    """Maximum (`pool_mode="max"`) or mean (`"avg"`) over windows of volumes.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.pool3d(K.zeros((2, 6, 6, 6, 1)), (2, 2, 2), (2, 2, 2), pool_mode="avg"))
        (2, 3, 3, 3, 1)
    """
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


def _local(inputs, kernel, kernel_size, strides, output_shape, data_format):
    """`y[b, place] = flatten(inputs[b, window of place]) @ kernel[place]`, with places in order."""
    windows = []
    for place in itertools.product(*map(range, output_shape)):
        axes = zip(place, strides, kernel_size, strict=True)
        window = tuple(slice(i * s, i * s + k) for i, s, k in axes)
        if data_format == "channels_first":
            window = (slice(None), *window)
        windows.append(ops.reshape(inputs[(slice(None), *window)], (-1, kernel.shape[1])))
    y = ops.transpose(ops.matmul(ops.stack(windows, axis=0), kernel), (1, 0, 2))
    return ops.reshape(y, (-1, *output_shape, kernel.shape[2]))


@symbolic_function
def local_conv1d(inputs, kernel, kernel_size, strides, data_format=None):
    """Convolution of sequences with a kernel of its own at each step.

    Args:
        inputs: tensor `(batch, steps, channels)`.
        kernel: tensor `(output steps, window * channels, filters)`.
        kernel_size: tuple of one int, the window.
        strides: tuple of one int.
        data_format: accepted; the inputs are read channels last, as Keras 2 does.

    Returns:
        A tensor `(batch, output steps, filters)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.local_conv1d(K.zeros((2, 4, 1)), K.zeros((3, 2, 5)), (2,), (1,)))
        (2, 3, 5)
    """
    layout(data_format)
    return _local(inputs, kernel, kernel_size, strides, kernel.shape[:1], "channels_last")


@symbolic_function
def local_conv2d(inputs, kernel, kernel_size, strides, output_shape, data_format=None):
    """Convolution of images with a kernel of its own at each place.

    Args:
        inputs: tensor of rank 4.
        kernel: tensor `(output rows * output columns, window, filters)`, where `window` are the
            elements of one window in the order of the layout.
        kernel_size: tuple of two ints.
        strides: tuple of two ints.
        output_shape: tuple of two ints, output rows and columns.
        data_format: layout of the inputs; that of the settings if None.

    Returns:
        A tensor of rank 4.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x, kernel = K.zeros((2, 3, 3, 1)), K.zeros((4, 4, 5))
        >>> K.int_shape(K.local_conv2d(x, kernel, (2, 2), (1, 1), (2, 2)))
        (2, 2, 2, 5)
    """
    data_format = layout(data_format)
    y = _local(inputs, kernel, kernel_size, strides, tuple(output_shape), data_format)
    return y if data_format == "channels_last" else ops.moveaxis(y, -1, 1)
