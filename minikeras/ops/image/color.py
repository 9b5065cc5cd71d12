"""Colors: red, green and blue; hue, saturation and value; shades of gray."""

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise
from minikeras.autograd.fused import fused
from minikeras.core import dims, dtypes
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.shared.images import colors as kernels
from minikeras.ops import numpy as functions
from minikeras.ops.image.layout import IMAGES, as_declared, channels_last, check_float, check_rank

# How bright the eye finds red, green and blue: the luma of ITU-R BT.601.
_LUMA = (0.2989, 0.5870, 0.1140)


@op
@described(IMAGES)
def rgb_to_grayscale(images, data_format=None):
    """Turn colors into shades of gray: `0.2989 red + 0.5870 green + 0.1140 blue`.

    Returns:
        A tensor of the dtype of `images` with one channel; integers are truncated. Images of one
        channel stay as they are.

    Raises:
        ValueError: if the rank is not 3 or 4, or there are not 1 or 3 channels.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.image.rgb_to_grayscale([[[1.0, 0.0, 0.0]]]).tolist()
        [[[0.2989]]]
    """
    images = convert_to_tensor(images)
    check_rank(images)
    x = channels_last(images, data_format)
    if x.shape[-1] not in (1, 3) and not isinstance(x.shape[-1], Dim):
        raise ValueError(
            "Images have three channels, or one if they are gray already. Received: "
            f"images.shape={dims.to_public(images.shape)}"
        )
    if x.shape[-1] == 1:
        return images
    wide = cast(x, dtype=dtypes.result_type(x.dtype, "float"))
    red, green, blue = (wide[..., i : i + 1] * share for i, share in enumerate(_LUMA))
    return as_declared(cast(red + green + blue, dtype=x.dtype), data_format)


rgb_to_grayscale.class_name = "RGBToGrayscale"


@op
@described(IMAGES)
def rgb_to_hsv(images, data_format=None):
    """Turn red, green and blue into hue, saturation and value.

        value = max(red, green, blue)
        range = value - min(red, green, blue)
        saturation = range / value
        hue = (green - blue) / range / 6             # if red is the largest, modulo 1
        hue = (blue - red) / range / 6 + 1 / 3       # if green is
        hue = (red - green) / range / 6 + 2 / 3      # if blue is

    A color without saturation has the hue 0, black the saturation 0.

    Args:
        images: float tensor `(height, width, 3)` or `(batch, height, width, 3)` of numbers from 0
            to 1; with `"channels_first"` the channels stand before the height.

    Returns:
        A tensor of the shape and dtype of `images`, of numbers from 0 to 1.

    Raises:
        ValueError: if the rank is not 3 or 4, the images are no floats, or there are not 3
            channels.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.image.rgb_to_hsv([[[0.0, 0.5, 0.0]]]).tolist()
        [[[0.33333, 1.0, 0.5]]]
    """
    x = _three_channels(images, data_format)
    return as_declared(_hsv_of_rgb(x), data_format)


rgb_to_hsv.class_name = "RGBToHSV"


@op
@described(rgb_to_hsv)
def hsv_to_rgb(images, data_format=None):
    """Turn hue, saturation and value into red, green and blue.

        red = value * (1 - saturation + saturation * clip(|6 hue - 3| - 1, 0, 1))
        green = value * (1 - saturation + saturation * clip(2 - |6 hue - 2|, 0, 1))
        blue = value * (1 - saturation + saturation * clip(2 - |6 hue - 4|, 0, 1))

    Returns:
        A tensor of the shape and dtype of `images`, of numbers from 0 to 1.

    Raises:
        ValueError: if the rank is not 3 or 4, the images are no floats, or there are not 3
            channels.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.image.hsv_to_rgb([[[0.0, 1.0, 0.5]]]).tolist()
        [[[0.5, 0.0, 0.0]]]
    """
    x = _three_channels(images, data_format)
    return as_declared(_rgb_of_hsv(x), data_format)


hsv_to_rgb.class_name = "HSVToRGB"


def _three_channels(images, data_format):
    """Float images with their three channels last."""
    images = convert_to_tensor(images)
    check_rank(images)
    check_float(images)
    x = channels_last(images, data_format)
    if x.shape[-1] != 3 and not isinstance(x.shape[-1], Dim):
        raise ValueError(
            "Input images must have 3 channels. "
            f"Received: images.shape={dims.to_public(images.shape)}"
        )
    return x


def _in_one_pass(name, kernel):
    """A fused op of a kernel, of whose text over ops gradients are taken."""

    @op
    def reference(x):
        return kernel(functions, x)

    def forward(xp, x, *, save):
        return kernel(xp, x), None

    return fused(name, reference=reference, forward=forward, backward=None, family=elementwise)


_hsv_of_rgb = _in_one_pass("hsv_of_rgb", kernels.rgb_to_hsv)
_rgb_of_hsv = _in_one_pass("rgb_of_hsv", kernels.hsv_to_rgb)
