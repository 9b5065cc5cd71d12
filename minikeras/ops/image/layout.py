"""What the ops on images have in common: single images and batches, and where channels stand."""

from minikeras.core import dims, dtypes
from minikeras.core.settings import standardize_data_format
from minikeras.ops.shapes.shaping import moveaxis

IMAGES = {
    "images": "tensor `(height, width, channels)` or `(batch, height, width, channels)`; with "
    '`"channels_first"` the channels stand before the height.',
    "data_format": '`"channels_last"`, `"channels_first"`, or None for that of '
    "`config.image_data_format`.",
    "interpolation": '`"nearest"` or `"bilinear"`.',
    "fill_value": 'number that stands for pixels outside the images in the mode `"constant"`.',
}
"""What docstrings say of arguments that many of these ops have."""


def check_rank(images, name="images"):
    """Raise a ValueError unless the rank is that of an image or a batch of images."""
    if len(images.shape) not in (3, 4):
        raise ValueError(
            "An image has three axes, and a batch of images four. Received: "
            f"{name}.shape={dims.to_public(images.shape)}"
        )


def check_float(images):
    """Raise a ValueError unless the images are floats."""
    if not dtypes.is_float(images.dtype):
        raise ValueError(
            "Invalid images dtype: expected float dtype. Cast the images first. "
            f"Received: images.dtype={images.dtype}"
        )


def channels_last(images, data_format, rank=2):
    """Return images, or a batch of them, with the channels after their `rank` spatial axes."""
    first = standardize_data_format(data_format) == "channels_first"
    return moveaxis(images, -rank - 1, -1) if first else images


def as_declared(images, data_format, rank=2):
    """Undo `channels_last` on a result."""
    first = standardize_data_format(data_format) == "channels_first"
    return moveaxis(images, -1, -rank - 1) if first else images


def spatial_axes(data_format):
    """Return the axes of height and width, counted from the end."""
    return (-3, -2) if standardize_data_format(data_format) == "channels_last" else (-2, -1)
