"""Brightness, contrast, and the share of images that are inverted or made gray."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from minikeras.layers.preprocessing.image.draws import by_image, chosen, each_image
from minikeras.layers.preprocessing.image.fields import (
    BASE_FACTOR,
    AnyRange,
    Probability,
    Seed,
    ValueRange,
    factor_in,
)
from minikeras.ops.random import draws as random


@layer
class RandomBrightness(BaseImagePreprocessingLayer):
    """Add a number to each image while training, and clip the result to the range of values.

    Args:
        factor: float, or two floats, from -1 to 1: what is added is drawn from this range, times
            the width of `value_range`; one number `f` stands for `(-f, f)`.

    Raises:
        ValueError: if the factor is out of its range.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomBrightness((0.5, 0.5), value_range=(0, 1))
        >>> layer(keras.ops.zeros((1, 1, 3))).tolist()
        [[[0.5, 0.5, 0.5]]]
    """

    factor: Annotated[Any, BASE_FACTOR]
    value_range: ValueRange = (0, 255)
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw what is added to each image, as `rgb_delta`."""
        shape, _, seed = self._drawing(data, seed)
        if not training:
            return {"rgb_delta": ops.zeros(each_image(shape))}
        low, high = self.value_range
        delta = random.uniform(each_image(shape), *self.factor, seed=seed)
        return {"rgb_delta": delta * (high - low)}

    def transform_images(self, images, transformation, training=True):
        """Add `rgb_delta`."""
        if not training:
            return images
        delta = ops.cast(transformation["rgb_delta"], images.dtype)
        return ops.clip(images + delta, *self.value_range)


@layer
class RandomContrast(BaseImagePreprocessingLayer):
    """Move the values of each image away from their mean, or towards it, while training.

    `y = (x - mean) * c + mean`, with the mean of each channel and `c` drawn from
    `[1 - lower, 1 + upper]`; the result is clipped to the range of values.

    Args:
        factor: float, or two floats `(lower, upper)`, from 0 to 1; one number `f` stands for
            `(0, f)`.

    Raises:
        ValueError: if the factor is out of its range.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomContrast((0, 0.5), seed=1)
        >>> layer(keras.ops.array([[[8.0], [12.0]]])).shape
        (1, 2, 1)
    """

    factor: Annotated[Any, factor_in(0, 1)]
    value_range: AnyRange = (0, 255)
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `contrast_factor` for each image."""
        shape, _, seed = self._drawing(data, seed)
        if not training:
            return {"contrast_factor": ops.zeros(each_image(shape))}
        lower, upper = 1.0 - self.factor[0], 1.0 + self.factor[1]
        factor = random.uniform(
            each_image(shape), lower, upper, dtype=self.compute_dtype, seed=seed
        )
        return {"contrast_factor": factor}

    def transform_images(self, images, transformation, training=True):
        """Multiply the distance from the mean by `contrast_factor`."""
        if not training:
            return images
        height_axis, width_axis = self._size_axes()
        mean = ops.mean(images, axis=height_axis, keepdims=True)
        mean = ops.mean(mean, axis=width_axis, keepdims=True)
        outputs = (images - mean) * transformation["contrast_factor"] + mean
        return ops.clip(outputs, *self.value_range)


@layer
class RandomInvert(BaseImagePreprocessingLayer):
    """Subtract some of the images from the largest value while training.

    Raises:
        ValueError: if the factor is out of its range.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.RandomInvert((1, 1))(keras.ops.ones((1, 1, 3))).tolist()
        [[[254.0, 254.0, 254.0]]]
    """

    factor: Probability = 1.0
    value_range: AnyRange = (0, 255)
    seed: Seed = None
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw which images are inverted, as `apply_inversion`."""
        if not training:
            return None
        _, batch, seed = self._drawing(data, seed)
        return {"apply_inversion": chosen(batch, self.factor, seed)}

    def transform_images(self, images, transformation, training=True):
        """Invert the chosen images."""
        if not training:
            return images
        images = ops.cast(images, self.compute_dtype)
        inverted = self.value_range[1] - images
        return ops.where(by_image(transformation["apply_inversion"]), inverted, images)
