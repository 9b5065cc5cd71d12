"""What the functions of this package share: images as arrays, and their ranges of values."""

import numpy as np

from minikeras.core import settings
from minikeras.ops.core.tensors import convert_to_numpy


def as_channels_last(images, data_format=None):
    """Return images as an array with the channels last.

    Args:
        images: tensor or array of rank 4.
        data_format: str, `"channels_last"` or `"channels_first"`: the order of their axes;
            `keras.config.image_data_format()` by default.

    Returns:
        A NumPy array `(batch, height, width, channels)`.

    Raises:
        ValueError: if the rank is not 4.
    """
    x = convert_to_numpy(images)
    if x.ndim != 4:
        raise ValueError(f"`images` must have rank 4. Received: images of shape {x.shape}")
    is_first = settings.standardize_data_format(data_format) == "channels_first"
    return x.transpose(0, 2, 3, 1) if is_first else x


def as_bytes(images, value_range):
    """Return images with the values from 0 to 255.

    Args:
        images: array.
        value_range: tuple of two floats, what stands for black and for white; values outside count
            as these.

    Returns:
        A uint8 array.
    """
    low, high = value_range
    x = images.astype("float32")
    if (low, high) != (0, 255):  # scaling would round
        x = (x - low) / (high - low) * 255
    return np.clip(x, 0, 255).astype("uint8")
