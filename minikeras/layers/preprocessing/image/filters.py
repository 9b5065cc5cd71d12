"""Sharpness and blur: each pixel is mixed with its neighbors."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core.constructors import Field
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from minikeras.layers.preprocessing.image.draws import by_image, chosen
from minikeras.layers.preprocessing.image.fields import (
    AnyRange,
    Probability,
    Seed,
    ValueRange,
    factor_in,
)
from minikeras.ops.random import draws as random


def _smoothing(dtype):
    """The kernel of Pillow's filter SMOOTH, of 1 and in the middle 5, with the sum 1."""
    middle = ops.cast(ops.equal(ops.arange(3), 1), dtype)
    return (1 + 4 * middle[:, None, None, None] * middle[:, None, None]) / 13


@layer
class RandomSharpness(BaseImagePreprocessingLayer):
    """Sharpen or smooth each image while training.

    `y = x + (1 - 2 f) (smoothed - x)`: 0 smooths, 0.5 leaves images as they are, 1 sharpens.

    Args:
        factor: float, or two floats, from 0 to 1: `f` is drawn from this range; one number `f`
            stands for `(0, f)`.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> import minikeras as keras
        >>> image = keras.ops.reshape([0.0, 13.0, 0.0], (1, 3, 1))
        >>> keras.layers.RandomSharpness((0, 0))(image)[0, :, 0].tolist()
        [1.0, 5.0, 1.0]
    """

    factor: Annotated[Any, factor_in(0, 1)]
    value_range: ValueRange = (0, 255)
    data_format: DataFormat = None
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `factor` for each image."""
        _, batch, seed = self._drawing(data, seed)
        return {"factor": random.uniform((batch,), *self.factor, seed=seed)}

    def transform_images(self, images, transformation: Any = None, training=True):
        """Mix images with their smoothed versions."""
        dtype = self.compute_dtype
        images = ops.cast(images, dtype)
        if not training:
            return images
        is_first = self.data_format == "channels_first"
        images = ops.swapaxes(images, -3, -1) if is_first else images
        kernel = ops.tile(_smoothing(dtype), (1, 1, images.shape[-1], 1))
        smoothed = ops.depthwise_conv(
            images, kernel, strides=1, padding="same", data_format="channels_last"
        )
        factor = by_image(ops.cast(transformation["factor"] * 2, dtype))
        images = images + (1.0 - factor) * (smoothed - images)
        images = ops.clip(images, *self.value_range)
        return ops.swapaxes(images, -3, -1) if is_first else images


def _odd(value, name):
    sizes = value if isinstance(value, (tuple, list)) else (value, value)
    is_odd = [isinstance(size, (int, float)) and size % 2 == 1 for size in sizes]
    if is_odd != [True, True]:
        raise ValueError(
            f"The `{name}` argument should be an odd number (or a list of two odd numbers). "
            f"Received: {name}={value}"
        )
    return tuple(sizes)


@layer
class RandomGaussianBlur(BaseImagePreprocessingLayer):
    """Blur some of the images while training.

    Args:
        kernel_size: odd int, or two of them, width and height of the window in pixels.
        sigma: float, or two floats, from 0 to 1: the standard deviations along width and height, in
            pixels, are drawn from this range; one number `s` stands for `(0, s)`.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomGaussianBlur((1, 1), sigma=(1, 1))
        >>> layer(keras.ops.ones((1, 5, 1)))[0, 2].tolist()
        [0.451863]
    """

    factor: Probability = 1.0
    kernel_size: Annotated[Any, Field(_odd)] = 3
    sigma: Annotated[Any, factor_in(0, 1)] = 1.0
    value_range: AnyRange = (0, 255)
    data_format: DataFormat = None
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw which images are blurred, and `blur_factor`, the deviations for the batch."""
        if not training:
            return None
        _, batch, seed = self._drawing(data, seed)
        should_apply = chosen(batch, self.factor, seed)
        sigma = random.uniform((2,), *self.sigma, seed=seed, dtype=self.compute_dtype) + 1e-6
        return {"should_apply_blur": should_apply, "blur_factor": sigma}

    def transform_images(self, images, transformation: Any = None, training=True):
        """Blur the chosen images."""
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        blurred = ops.image.gaussian_blur(
            images,
            kernel_size=self.kernel_size,
            sigma=transformation["blur_factor"],
            data_format=self.data_format,
        )
        images = ops.where(by_image(transformation["should_apply_blur"]), blurred, images)
        return ops.cast(ops.clip(images, *self.value_range), self.compute_dtype)
