"""Images made brighter or darker, and shifts of the values of their channels."""

from typing import Any

import numpy as np

from minikeras.core.docstrings import described
from minikeras.utils.image import array_to_img, img_to_array, pillow

_ARGUMENTS = {
    "x": "array of rank 3, one image.",
    "channel_axis": "int, the axis of channels.",
    "scale": "bool, whether values are first brought to the range from 0 to 255.",
}


@described(_ARGUMENTS)
def apply_channel_shift(x, intensity, channel_axis=0):
    """Add a number to all values of an image, within the range that they have.

    Args:
        intensity: float that is added.

    Returns:
        An array of the shape and dtype of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import apply_channel_shift
        >>> apply_channel_shift(np.arange(4.0).reshape(1, 2, 2), 1.5).tolist()
        [[[1.5, 2.5], [3.0, 3.0]]]
    """
    smallest, largest = np.min(x), np.max(x)
    # The channels lie one after the other, as in Keras, where statistics follow that order.
    y = np.add(np.moveaxis(x, channel_axis, 0), intensity, order="C")
    return np.moveaxis(np.clip(y, smallest, largest, out=y), 0, channel_axis)


@described(_ARGUMENTS)
def random_channel_shift(x, intensity_range, channel_axis=0):
    """Add a random number to all values of an image, within the range that they have.

    Args:
        intensity_range: float, the largest number, to either side of 0.

    Returns:
        An array of the shape and dtype of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import random_channel_shift
        >>> random_channel_shift(np.ones((1, 4, 4)), 0.2).shape
        (1, 4, 4)
    """
    intensity = np.random.uniform(-intensity_range, intensity_range)
    return apply_channel_shift(x, intensity, channel_axis=channel_axis)


@described(_ARGUMENTS)
def apply_brightness_shift(x, brightness, scale=True):
    """Make an image brighter or darker, by Pillow, which computes with 8 bits.

    Args:
        brightness: float, the factor of all values: 0 gives black, 1 changes nothing.

    Returns:
        An array of the shape of `x` and the default float dtype.

    Raises:
        ImportError: if Pillow is missing.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import apply_brightness_shift
        >>> apply_brightness_shift(np.full((1, 2, 3), 60.0), 0.5, scale=False).tolist()
        [[[30.0, 30.0, 30.0], [30.0, 30.0, 30.0]]]
    """
    return shift_brightness(x, brightness, scale)


def shift_brightness(x, brightness, scale, data_format=None):
    """Compute `apply_brightness_shift` in any layout; by default in that of the settings."""
    smallest, largest = np.min(x), np.max(x)
    is_beyond_bytes = smallest < 0 or largest > 255
    image = array_to_img(x, data_format, scale=scale or is_beyond_bytes)
    y = img_to_array(_enhance().Brightness(image).enhance(brightness), data_format)
    if is_beyond_bytes and not scale:
        return y / 255 * (largest - smallest) + smallest
    return y


def _enhance() -> Any:
    """The module `PIL.ImageEnhance`."""
    pillow()  # says what to install
    from PIL import ImageEnhance

    return ImageEnhance


@described(_ARGUMENTS)
def random_brightness(x, brightness_range, scale=True):
    """Make an image brighter or darker by a random factor.

    Args:
        brightness_range: tuple of two floats, the least and the largest factor.

    Returns:
        An array of the shape of `x` and the default float dtype.

    Raises:
        ImportError: if Pillow is missing.
        ValueError: if `brightness_range` has not two numbers.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import random_brightness
        >>> random_brightness(np.ones((4, 4, 3)), (0.5, 1.5)).shape
        (4, 4, 3)
    """
    if len(brightness_range) != 2:
        raise ValueError(
            f"`brightness_range` must be two floats. Received: brightness_range={brightness_range}"
        )
    return apply_brightness_shift(x, np.random.uniform(*brightness_range), scale)
