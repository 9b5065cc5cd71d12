"""The images that an architecture takes: the shape of its input, and how the input is padded."""

import warnings

from minikeras.autograd.symbolic import is_keras_tensor
from minikeras.core import settings

_LARGEST = 224
"""The size of the images whose weights are taken where there are none of the right size."""


def is_channels_first():
    """Say whether images are of shape (channels, height, width)."""
    return settings.image_data_format() == "channels_first"


def channel_axis():
    """Return the axis of the channels in a batch of images, counted from the front."""
    return 1 if is_channels_first() else 3


def signed_channel_axis():
    """Return the same axis, counted from the back where it is the last one."""
    return 1 if is_channels_first() else -1


def channels_of(x):
    """Return the number of channels of a batch of images."""
    return x.shape[channel_axis()]


def image_shape(rows, columns, channels):
    """Return the shape of an image in the order of axes that the settings name."""
    return (channels, rows, columns) if is_channels_first() else (rows, columns, channels)


def rows_and_columns(shape):
    """Return the height and the width of an image's shape."""
    return tuple(shape[1:3]) if is_channels_first() else tuple(shape[:2])


def obtain_input_shape(input_shape, default_size, min_size, include_top, weights):
    """Check the shape of an architecture's input, or choose it.

    Args:
        input_shape: tuple of three sizes, None for a size that may be any, or None.
        default_size: int, the size of the images with which the architecture is usually trained.
        min_size: int, the least height and width that are not reduced to nothing.
        include_top: bool, whether a classifier follows, which needs images of a fixed size.
        weights: None, `"imagenet"` or a path.

    Returns:
        A tuple of three sizes. Without `input_shape` it is `default_size` if a classifier follows,
        and any size otherwise.

    Raises:
        ValueError: if the shape is not one of an image, or does not fit the other arguments.

    Example:
        >>> from minikeras.applications.shared.inputs import obtain_input_shape
        >>> obtain_input_shape(None, 224, 32, include_top=False, weights=None)
        (None, None, 3)
    """
    default_shape = image_shape(default_size, default_size, 3)
    if weights == "imagenet" and include_top:
        if input_shape is not None and tuple(input_shape) != default_shape:
            raise ValueError(
                "With `include_top=True` and `weights='imagenet'`, `input_shape` must be "
                f"{default_shape}. Received: input_shape={input_shape}"
            )
        return default_shape
    if not input_shape:
        return default_shape if include_top else image_shape(None, None, 3)
    _check_input_shape(input_shape, min_size, weights)
    if include_top and None in input_shape:
        raise ValueError(
            "With `include_top=True`, each size in `input_shape` must be a number. "
            f"Received: input_shape={input_shape}"
        )
    return tuple(input_shape)


def _check_input_shape(input_shape, min_size, weights):
    if len(input_shape) != 3:
        raise ValueError(
            "`input_shape` must be a tuple of three sizes, without the batch. "
            f"Received: input_shape={input_shape}"
        )
    channels = input_shape[0 if is_channels_first() else 2]
    if channels != 3 and weights == "imagenet":
        raise ValueError(
            "With `weights='imagenet'` the input must have 3 channels. "
            f"Received: input_shape={input_shape}"
        )
    if channels not in (1, 3):
        warnings.warn(
            "This model usually takes images of 1 or 3 channels. "
            f"Received: input_shape={input_shape}, with {channels} channels",
            stacklevel=2,
        )
    check_size(input_shape, min_size)


def check_size(input_shape, min_size):
    """Raise a ValueError if an image is smaller than an architecture can take."""
    if any(size is not None and size < min_size for size in rows_and_columns(input_shape)):
        raise ValueError(
            f"Images must be at least of size {min_size} x {min_size}. "
            f"Received: input_shape={input_shape}"
        )


def usual_size(shape, sizes, default):
    """Return the height of a square image if weights were trained for it, `default` otherwise."""
    rows, columns = rows_and_columns(shape)
    return rows if rows == columns and rows in sizes else default


def trained_size(shape, sizes):
    """Return the height of the images that weights were trained for; warn if they are others.

    Args:
        shape: tuple of three sizes, the shape of the model's images.
        sizes: tuple of ints, the heights and widths of square images that there are weights for.
    """
    size = usual_size(shape, sizes, None)
    if size is None:
        warnings.warn(
            f"There are weights for square images of the sizes {sizes}. Those for {_LARGEST} are "
            f"taken. Received: input_shape={shape}",
            stacklevel=3,
        )
        return _LARGEST
    return size


def padding_before_stride(x, kernel_size):
    """Return the padding with which a convolution of stride 2 halves an image.

    `padding="same"` of TensorFlow puts the odd row and column at the end, other libraries at the
    beginning. Weights that were trained with a fixed padding need the same here: half a kernel on
    each side, one less at the beginning where the size is even.

    Args:
        x: symbolic tensor, a batch of images.
        kernel_size: int, odd.

    Returns:
        `((top, bottom), (left, right))`, for `ZeroPadding2D`. Unknown sizes count as even.

    Example:
        >>> import minikeras as keras
        >>> from minikeras.applications.shared.inputs import padding_before_stride
        >>> padding_before_stride(keras.Input((224, 225, 3)), 3)
        ((0, 1), (1, 1))
    """
    half = kernel_size // 2
    rows, columns = rows_and_columns(x.shape[1:])
    return tuple((half - _is_even(size), half) for size in (rows, columns))


def _is_even(size):
    return size is None or size % 2 == 0


def require_channels_last(family):
    """Raise a ValueError unless the settings put an image's channels last."""
    if is_channels_first():
        raise ValueError(
            f"{family} takes images whose channels are last. Call "
            "`keras.config.set_image_data_format('channels_last')` first. "
            "Received: image_data_format='channels_first'"
        )


def check_input_tensor(input_shape, input_tensor):
    """Raise a ValueError unless both, if they are given, say the same of an image's width."""
    if input_shape is None or input_tensor is None:
        return
    if not is_keras_tensor(input_tensor):
        raise ValueError(
            f"`input_tensor` must be a KerasTensor, as `keras.Input` returns. "
            f"Received: {input_tensor} of type {type(input_tensor)}"
        )
    axis = 1 if is_channels_first() else 2
    if input_tensor.shape[axis] != input_shape[1]:
        raise ValueError(
            f"`input_shape[1]` must be `input_tensor.shape[{axis}]`. Received: "
            f"input_shape={input_shape}, input_tensor.shape={input_tensor.shape}"
        )
