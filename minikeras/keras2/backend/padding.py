"""Padding with zeros, and images and volumes made larger by whole factors."""

from minikeras import ops
from minikeras.core import settings
from minikeras.keras2.backend.spelling import keras_1
from minikeras.keras2.backend.tensors import symbolic_function

_LAYOUT = {"dim_ordering": "data_format"}


def _pair(padding):
    return (padding, padding) if isinstance(padding, int) else tuple(padding)


def _padded(x, padding, data_format, rank):
    """Pad the spatial axes; one number for an axis means both of its ends."""
    layout = settings.standardize_data_format(data_format)
    if len(padding) != rank:
        raise ValueError(f"Expected {rank} pairs of paddings. Received: padding={padding}")
    first = 1 if layout == "channels_last" else 2
    widths = [(0, 0)] * len(x.shape)
    widths[first : first + rank] = [_pair(p) for p in padding]
    return ops.pad(x, widths)


@symbolic_function
def temporal_padding(x, padding=(1, 1)):
    """Pad the steps of sequences `(batch, steps, channels)` with zeros.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.temporal_padding(K.zeros((2, 3, 4))))
        (2, 5, 4)
    """
    return ops.pad(x, [(0, 0), _pair(padding), (0, 0)])


def asymmetric_temporal_padding(x, left_pad=1, right_pad=1):
    """Pad the steps of sequences with zeros, in the spelling of Keras 1.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.asymmetric_temporal_padding(K.zeros((2, 3, 4)), 0, 2))
        (2, 5, 4)
    """
    return temporal_padding(x, (left_pad, right_pad))


@keras_1(**_LAYOUT)
@symbolic_function
def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Pad rows and columns of images with zeros.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.spatial_2d_padding(K.zeros((2, 3, 3, 1)), ((0, 1), (2, 2))))
        (2, 4, 7, 1)
    """
    return _padded(x, padding, data_format, 2)


def asymmetric_spatial_2d_padding(
    x, top_pad=1, bottom_pad=1, left_pad=1, right_pad=1, dim_ordering="default"
):
    """Pad rows and columns of images with zeros, in the spelling of Keras 1.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.asymmetric_spatial_2d_padding(K.zeros((2, 3, 3, 1)), 0, 1, 2, 2))
        (2, 4, 7, 1)
    """
    pairs = (top_pad, bottom_pad), (left_pad, right_pad)
    return spatial_2d_padding(x, pairs, dim_ordering=dim_ordering)


@keras_1(**_LAYOUT)
@symbolic_function
def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Pad the three spatial axes of volumes with zeros.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.spatial_3d_padding(K.zeros((2, 3, 3, 3, 1))))
        (2, 5, 5, 5, 1)
    """
    return _padded(x, padding, data_format, 3)


def _grown(x, factors, data_format):
    for axis, factor in enumerate(factors, 1 if data_format == "channels_last" else 2):
        x = ops.repeat(x, factor, axis=axis)
    return x


def _check_layout(data_format):
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            'Expected data_format "channels_last" or "channels_first". '
            f"Received: data_format={data_format!r}"
        )


@keras_1(X="x", **_LAYOUT)
@symbolic_function
def resize_images(x, height_factor, width_factor, data_format, interpolation="nearest"):
    """Make images larger by whole factors.

    Args:
        x: tensor of rank 4.
        height_factor: int.
        width_factor: int.
        data_format: `"channels_last"` or `"channels_first"`.
        interpolation: `"nearest"`, or `"bilinear"` as TensorFlow 1 does it: pixel `i` of the
            output lies at `i / factor` of the input.

    Returns:
        A tensor of rank 4.

    Raises:
        ValueError: if an argument is not one of the words.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.resize_images(K.zeros((2, 3, 3, 1)), 2, 3, "channels_last"))
        (2, 6, 9, 1)
    """
    data_format = settings.standardize_data_format(data_format)
    if interpolation == "nearest":
        return _grown(x, (height_factor, width_factor), data_format)
    if interpolation != "bilinear":
        raise ValueError(
            'Expected interpolation "nearest" or "bilinear". '
            f"Received: interpolation={interpolation!r}"
        )
    first = 1 if data_format == "channels_last" else 2
    return _interpolated(_interpolated(x, height_factor, first), width_factor, first + 1)


def _interpolated(x, factor, axis):
    """Interpolate along an axis: `y[i] = (1 - w) x[j] + w x[j + 1]`, `j + w = i / factor`.

    After the last element of `x` comes that element again.
    """
    x = ops.moveaxis(x, axis, 1)
    after = ops.concatenate([x[:, 1:], x[:, -1:]], axis=1)
    parts = [x + (after - x) * (n / factor) for n in range(factor)]
    y = ops.stack(parts, axis=2)
    y = ops.reshape(y, (-1, y.shape[1] * factor, *y.shape[3:]))
    return ops.moveaxis(y, 1, axis)


@keras_1(X="x", **_LAYOUT)
@symbolic_function
def resize_volumes(x, depth_factor, height_factor, width_factor, data_format):
    """Make volumes larger by whole factors, by repeating their elements.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.resize_volumes(K.zeros((2, 3, 3, 3, 1)), 2, 2, 1, "channels_last"))
        (2, 6, 6, 3, 1)
    """
    _check_layout(data_format)
    return _grown(x, (depth_factor, height_factor, width_factor), data_format)
