"""Hue, saturation and grayness: what needs the three channels of a color together."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core.constructors import Field
from minikeras.core.settings import epsilon
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import (
    BaseImagePreprocessingLayer,
    change_value_range,
    same_spec,
)
from minikeras.layers.preprocessing.image.draws import by_image, signs
from minikeras.layers.preprocessing.image.fields import (
    AnyRange,
    Seed,
    ValueRange,
    factor_in,
)
from minikeras.ops.random import draws as random


def _with_channel(images, index, function, data_format):
    """Images in which a function was applied to one of the three channels."""
    axis = 1 if data_format == "channels_first" else -1
    channels = ops.unstack(images, 3, axis=axis)
    channels[index] = function(channels[index])
    return ops.stack(channels, axis=axis)


def _by_plane(x):
    """One number for each image, in a shape that broadcasts to one channel of images."""
    return ops.reshape(x, (-1, 1, 1))


@layer
class RandomHue(BaseImagePreprocessingLayer):
    """Turn the hue of each image by a part of the color circle while training.

    Args:
        factor: float, or two floats, from 0 to 1: the part of a half circle is drawn from this
            range, and its direction; one number `f` stands for `(0, f)`.

    Raises:
        ValueError: if the factor is out of its range.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomHue((1, 1), value_range=(0, 1))
        >>> layer(keras.ops.array([[[1.0, 0.0, 0.0]]])).tolist()
        [[[0.0, 1.0, 1.0]]]
    """

    factor: Annotated[Any, factor_in(0, 1)]
    value_range: AnyRange = (0, 255)
    data_format: DataFormat = None
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `factor`, by which the hue of each image is turned, from -0.5 to 0.5."""
        _, batch, seed = self._drawing(data, seed)
        directions = signs((batch,), seed)
        factor = random.uniform((batch,), *self.factor, seed=seed)
        return {"factor": directions * factor * 0.5}

    def transform_images(self, images, transformation: Any = None, training=True):
        """Turn the hue by `factor`."""
        if not training:
            return images
        images = ops.cast(images, self.compute_dtype)
        images = change_value_range(images, self.value_range, (0, 1))
        turn = _by_plane(ops.cast(transformation["factor"], images.dtype))

        def turned(hue):
            hue = hue + turn
            hue = ops.where(hue > 1.0, hue - 1.0, hue)
            return ops.where(hue < 0.0, hue + 1.0, hue)

        images = ops.image.rgb_to_hsv(images, data_format=self.data_format)
        images = _with_channel(images, 0, turned, self.data_format)
        images = ops.image.hsv_to_rgb(images, data_format=self.data_format)
        images = change_value_range(ops.clip(images, 0, 1), (0, 1), self.value_range)
        return ops.cast(images, self.compute_dtype)


@layer
class RandomSaturation(BaseImagePreprocessingLayer):
    """Multiply the saturation of each image by `f / (1 - f)` while training.

    Args:
        factor: float, or two floats, from -1 to 1: `f` is drawn from this range; 0 and below makes
            images gray, 0.5 leaves them as they are. One number `f` stands for `(-f, f)`.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomSaturation((0, 0), value_range=(0, 1))
        >>> layer(keras.ops.array([[[1.0, 0.5, 0.0]]])).tolist()
        [[[1.0, 1.0, 1.0]]]
    """

    factor: Annotated[Any, factor_in(-1, 1)]
    value_range: ValueRange = (0, 255)
    data_format: DataFormat = None
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `factor`, by which the saturation of each image is multiplied."""
        _, batch, seed = self._drawing(data, seed)
        factor = random.uniform((batch,), *self.factor, seed=seed)
        return {"factor": factor / (1 - factor + epsilon())}

    def transform_images(self, images, transformation: Any = None, training=True):
        """Multiply the saturation by `factor`."""
        if not training:
            return images
        factor = _by_plane(ops.cast(transformation["factor"], self.compute_dtype))

        def multiplied(saturation):
            return ops.clip(saturation * factor, *self.value_range)

        images = ops.image.rgb_to_hsv(images, data_format=self.data_format)
        images = _with_channel(images, 1, multiplied, self.data_format)
        return ops.image.hsv_to_rgb(images, data_format=self.data_format)


@layer
class RandomColorDegeneration(BaseImagePreprocessingLayer):
    """Mix each image with its gray version while training.

    Args:
        factor: float, or two floats, from -1 to 1: the share of gray is drawn from this range, a
            negative one makes colors stronger; one number `f` stands for `(-f, f)`.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomColorDegeneration((1, 1))
        >>> layer(keras.ops.array([[[100.0, 0.0, 0.0]]])).tolist()
        [[[29.89, 29.89, 29.89]]]
    """

    factor: Annotated[Any, factor_in(-1, 1)]
    value_range: ValueRange = (0, 255)
    data_format: DataFormat = None
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `factor`, the share of gray in each image."""
        _, batch, seed = self._drawing(data, seed)
        return {"factor": random.uniform((batch, 1, 1, 1), *self.factor, seed=seed)}

    def transform_images(self, images, transformation: Any = None, training=True):
        """Mix in gray by `factor`."""
        if not training:
            return images
        images = ops.cast(images, self.compute_dtype)
        factor = ops.cast(transformation["factor"], self.compute_dtype)
        gray = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        images = ops.clip(images + factor * (gray - images), *self.value_range)
        return ops.cast(images, self.compute_dtype)

    def _image_shape(self, shape):
        if len(shape) not in (3, 4):
            raise ValueError(
                "An image has three axes, and a batch of images four. Received: "
                f"input_shape={shape}"
            )
        channels = shape[-1 if self.data_format == "channels_last" else -3]
        if channels is not None and channels != 3:
            raise ValueError(
                f"Images must have three channels, red, green and blue. Received: {channels} "
                f"channels, in input_shape={shape}"
            )
        return shape


def _probability(value, name):
    if value < 0 or value > 1:
        raise ValueError(f"`{name}` should be between 0 and 1. Received: {name}={value}")
    return value


@layer
class RandomGrayscale(BaseImagePreprocessingLayer):
    """Make some of the images gray while training; they keep their three channels.

    Args:
        factor: float from 0 to 1, the probability.

    Raises:
        ValueError: if the probability is out of its range.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.RandomGrayscale(1.0)(keras.ops.array([[[100.0, 0.0, 0.0]]])).tolist()
        [[[29.89, 29.89, 29.89]]]
    """

    factor: Annotated[float, Field(_probability)] = 0.5
    data_format: DataFormat = None
    seed: Seed = None

    def get_random_transformation(self, images, training=True, seed=None):
        """Draw which images become gray, as booleans that broadcast to the images."""
        _, batch, seed = self._drawing(images, seed)
        return by_image(random.uniform((batch,), seed=seed) < self.factor)

    def transform_images(self, images, transformation, training=True):
        """Make the chosen images gray; the dtype stays what it is."""
        if not training:
            return images
        if transformation is None:
            transformation = self.get_random_transformation(images)
        gray = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        return ops.where(transformation, gray, images)

    def compute_output_spec(self, inputs, **kwargs):
        """Return symbolic images of the shape and the dtype of the inputs."""
        return same_spec(inputs)

    def get_config(self):
        """Return the constructor's arguments; the seed is left out if there is none."""
        config = super().get_config()
        if self.seed is None:
            del config["seed"]
        return config
