"""Images in files, as Pillow images and as arrays: reading, writing, conversion.

Pillow (https://python-pillow.org) decodes, converts and resizes; a Pillow image has its size as
(width, height), an array here its shape as (height, width, channels) or (channels, height, width).
"""

import io
import os
import warnings
from typing import Any

import numpy as np

from minikeras.core import settings
from minikeras.core.checks import one_of
from minikeras.core.distribution import how_to_install

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
"""The ways in which `load_img` resizes, by Pillow's names."""

_MODES = {
    # Gray of 16 and 32 bits stays as it is: `convert("L")` would clip it to 8 bits.
    "grayscale": ("L", ("L", "I;16", "I")),
    "rgb": ("RGB", ("RGB",)),
    "rgba": ("RGBA", ("RGBA",)),
}
"""For each `color_mode` what an image is converted to, and the modes in which it may stay."""


def pillow() -> Any:
    """Return the module `PIL.Image`.

    Raises:
        ImportError: if Pillow is missing.

    Example:
        >>> pillow().new("RGB", (3, 2)).size
        (3, 2)
    """
    try:
        from PIL import Image
    except ImportError:
        message = f"Images need the package `pillow`. {how_to_install('data')}"
        raise ImportError(message) from None
    return Image


def load_img(
    path,
    color_mode="rgb",
    target_size=None,
    interpolation="nearest",
    keep_aspect_ratio=False,
):
    """Read an image file.

    Args:
        path: str, bytes or path of a file, or an `io.BytesIO` that holds a file.
        color_mode: str, `"rgb"`, `"rgba"` or `"grayscale"`: what the image is converted to. Gray
            images of 16 or 32 bits keep their bits in `"grayscale"`.
        target_size: tuple of two ints `(height, width)` in pixels, to which the image is resized;
            None leaves its size.
        interpolation: str, how it is resized: `"nearest"`, `"bilinear"`, `"bicubic"`, `"box"`,
            `"hamming"` or `"lanczos"`.
        keep_aspect_ratio: bool, whether the largest central part with the proportions of
            `target_size` is resized, instead of the whole image.

    Returns:
        A Pillow image.

    Raises:
        ImportError: if Pillow is missing.
        TypeError: if `path` is neither a path nor an `io.BytesIO`.
        ValueError: if `color_mode` or `interpolation` is unknown.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> keras.utils.save_img("white.png", np.full((4, 6, 3), 255), scale=False)
        >>> image = keras.utils.load_img("white.png", target_size=(2, 3))
        >>> keras.utils.img_to_array(image).shape
        (2, 3, 3)
    """
    one_of("color_mode", color_mode, _MODES)
    one_of("interpolation", interpolation, INTERPOLATIONS)
    mode, fitting = _MODES[color_mode]
    image = _open(path)
    if image.mode not in fitting:
        image = image.convert(mode)
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    box = _central_box(image.size, target_size) if keep_aspect_ratio else None
    method = getattr(pillow().Resampling, interpolation.upper())
    return image.resize((target_size[1], target_size[0]), method, box=box)


def _open(path):
    """The Pillow image in a file or in its bytes."""
    if isinstance(path, io.BytesIO):
        return pillow().open(path)
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(
            "`path` must be a str, bytes, a path or an `io.BytesIO`. "
            f"Received: path={path!r} of type {type(path).__name__}"
        )
    with open(path, "rb") as file:  # Pillow decodes later, so it gets the bytes, not the open file
        return pillow().open(io.BytesIO(file.read()))


def _central_box(size, target_size):
    """The largest central box with the target's proportions: `(left, top, right, bottom)`."""
    (width, height), (target_height, target_width) = size, target_size
    box_height = min(height, width * target_height // target_width)
    box_width = min(width, height * target_width // target_height)
    top, left = (height - box_height) // 2, (width - box_width) // 2
    return left, top, left + box_width, top + box_height


def img_to_array(img, data_format=None, dtype=None):
    """Turn an image into an array.

    Args:
        img: Pillow image, or an array of rank 2 or 3.
        data_format: str, `"channels_last"` or `"channels_first"`: the order of the result's axes;
            `keras.config.image_data_format()` by default.
        dtype: dtype of the result; `keras.config.floatx()` by default.

    Returns:
        A NumPy array `(height, width, channels)` or `(channels, height, width)`; gray images have
        one channel.

    Raises:
        ValueError: if the rank is neither 2 nor 3.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> image = keras.utils.array_to_img(np.zeros((4, 6, 3)))
        >>> keras.utils.img_to_array(image, data_format="channels_first").shape
        (3, 4, 6)
    """
    data_format = settings.standardize_data_format(data_format)
    x = np.asarray(img, dtype=dtype or settings.floatx())
    if x.ndim not in (2, 3):
        raise ValueError(f"`img` must have rank 2 or 3. Received: an image of shape {x.shape}")
    if x.ndim == 2:
        x = x[:, :, np.newaxis]
    return x.transpose(2, 0, 1) if data_format == "channels_first" else x


def array_to_img(x, data_format=None, scale=True, dtype=None):
    """Turn an array into an image.

    Args:
        x: array-like of rank 3 with 1 (gray), 3 (red, green, blue) or 4 (and alpha) channels.
        data_format: str, `"channels_last"` or `"channels_first"`: the order of the axes of `x`;
            `keras.config.image_data_format()` by default.
        scale: bool, whether values are brought to the range from 0 to 255: the smallest becomes 0
            and the largest 255. Else they are taken as they are.
        dtype: dtype in which this is computed; `keras.config.floatx()` by default.

    Returns:
        A Pillow image of 8 bits a channel; of 32 bits if `x` is gray and has values above 255.

    Raises:
        ImportError: if Pillow is missing.
        ValueError: if the rank is not 3, or the number of channels not 1, 3 or 4.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> keras.utils.array_to_img(np.random.random((4, 6, 3))).size
        (6, 4)
    """
    data_format = settings.standardize_data_format(data_format)
    image_module = pillow()
    x = np.asarray(x, dtype=dtype or settings.floatx())
    if x.ndim != 3:
        raise ValueError(f"`x` must have rank 3: it is one image. Received: x of shape {x.shape}")
    if data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(
            f"`x` must have 1, 3 or 4 channels. Received: x with {x.shape[2]} channels, "
            f"in the layout {data_format!r}"
        )
    if scale:
        x = _scaled(x)
    if x.shape[2] > 1:
        return image_module.fromarray(x.astype("uint8"))
    x = x[:, :, 0]
    return image_module.fromarray(x.astype("int32" if np.max(x) > 255 else "uint8"))


def _scaled(x):
    """Values from 0 to 255, in three roundings as Keras does it."""
    x = x - np.min(x)
    largest = np.max(x)
    if largest != 0:
        x /= largest
    x *= 255
    return x


def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Write an array as an image file.

    Args:
        path: str or path of the file, or a binary file object.
        x: array-like of rank 3, one image (see `array_to_img`).
        data_format: str, `"channels_last"` or `"channels_first"`: the order of the axes of `x`;
            `keras.config.image_data_format()` by default.
        file_format: str, the format of the file, such as `"png"`; by default the extension of
            `path` says it. A file object without a name needs it.
        scale: bool, whether values are brought to the range from 0 to 255.
        **kwargs: options of `PIL.Image.Image.save`, such as `quality`.

    Raises:
        ImportError: if Pillow is missing.
        ValueError: if `x` is no image, or the format is not known.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> keras.utils.save_img("noise.png", np.random.random((4, 6, 3)))
        >>> keras.utils.load_img("noise.png").format, keras.utils.load_img("noise.png").size
        ('PNG', (6, 4))
    """
    image = array_to_img(x, data_format=data_format, scale=scale)
    file_format = _file_format(path, file_format)
    if image.mode == "RGBA" and file_format == "JPEG":
        warnings.warn("JPEG files have no alpha channel: it is left out.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)


def _file_format(path, file_format):
    """Pillow's name of a format; None where it is Pillow that looks at a file object's name."""
    if file_format is None and not isinstance(path, (str, bytes, os.PathLike)):
        return None
    extension = os.path.splitext(os.fsdecode(path))[1] if file_format is None else f".{file_format}"
    formats = pillow().registered_extensions()
    return formats.get(extension.lower(), file_format)
