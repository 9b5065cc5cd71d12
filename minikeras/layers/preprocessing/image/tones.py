"""What maps each value of an image to another: solarization, fewer bits, contrast."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import (
    BaseImagePreprocessingLayer,
    change_value_range,
)
from minikeras.layers.preprocessing.image.draws import by_image, each_image
from minikeras.layers.preprocessing.image.fields import Seed, ValueRange, factor_in
from minikeras.ops.random import draws as random

_BYTES = (0, 255)
_BITS = 8


@layer
class Solarization(BaseImagePreprocessingLayer):
    """Invert the values of each image that are not below a threshold while training.

    In bytes: `x` plus an addition, clipped, is inverted (`255 - x`) where it is not below the
    threshold. Without arguments all values are inverted.

    Args:
        addition_factor: float, or two floats, from 0 to 1: the addition is drawn from this range,
            its end times 255; one number `f` stands for `(0, f)`.
        threshold_factor: the same for the threshold.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Solarization()(keras.ops.array([[[59.0, 62.0, 63.0]]])).tolist()
        [[[196.0, 193.0, 192.0]]]
    """

    addition_factor: Annotated[Any, factor_in(0, 1, symmetric=False, each=True)] = 0.0
    threshold_factor: Annotated[Any, factor_in(0, 1, symmetric=False, each=True)] = 0.0
    value_range: ValueRange = (0, 255)
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `additions` and `thresholds` for each image, in bytes."""
        if not training:
            return None
        shape, _, seed = self._drawing(data, seed)

        def drawn(lower, upper):
            return random.uniform(
                each_image(shape), lower, upper * 255, dtype=self.compute_dtype, seed=seed
            )

        additions = drawn(*self.addition_factor)
        return {"additions": additions, "thresholds": drawn(*self.threshold_factor)}

    def transform_images(self, images, transformation, training=True):
        """Add `additions` and invert what is not below `thresholds`."""
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        images = change_value_range(images, self.value_range, _BYTES, self.compute_dtype)
        images = ops.clip(images + transformation["additions"], *_BYTES)
        images = ops.where(images < transformation["thresholds"], images, 255 - images)
        return change_value_range(images, _BYTES, self.value_range, self.compute_dtype)


@layer
class RandomPosterization(BaseImagePreprocessingLayer):
    """Keep only the highest bits of each value while training.

    Args:
        factor: int, or two ints, from 1 to 8: the number of bits is drawn from this range, its end
            excluded; one number `n` stands for `(1, n)`. Two equal numbers are not drawn.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomPosterization((2, 2))
        >>> layer(keras.ops.array([[[63.0, 64.0, 200.0]]])).tolist()
        [[[0.0, 64.0, 192.0]]]
    """

    factor: Annotated[Any, factor_in(1, _BITS)]
    value_range: ValueRange = (0, 255)
    data_format: DataFormat = None
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `shift_factor`, how many bits are cleared in each image."""
        _, batch, seed = self._drawing(data, seed)
        fewest, most = self.factor
        if fewest != most:
            kept = random.randint((batch,), fewest, most, dtype="uint8", seed=seed)
        else:
            kept = ops.ones((batch,), dtype="uint8") * fewest
        return {"shift_factor": _BITS - kept}

    def transform_images(self, images, transformation: Any = None, training=True):
        """Clear the lowest `shift_factor` bits."""
        if not training:
            return images
        shift = by_image(transformation["shift_factor"])
        images = change_value_range(images, self.value_range, _BYTES, self.compute_dtype)
        images = ops.right_shift(ops.cast(images, "uint8"), shift)
        images = ops.cast(ops.left_shift(images, shift), self.compute_dtype)
        return change_value_range(images, _BYTES, self.value_range, self.compute_dtype)


@layer
class AutoContrast(BaseImagePreprocessingLayer):
    """Stretch each channel of each image to the whole range of values.

    `y = (x - min) * 255 / (max - min)` in bytes, in training and in inference. A channel of one
    value stays what it is.

    Raises:
        ValueError: if the range of values is not two numbers.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.AutoContrast()(keras.ops.array([[[10.0], [12.0], [14.0]]])).tolist()
        [[[0.0], [127.5], [255.0]]]
    """

    value_range: ValueRange = (0, 255)

    def transform_images(self, images, transformation: Any = None, training=True):
        """Stretch the values."""
        original, dtype = images, self.compute_dtype
        images = ops.cast(change_value_range(images, self.value_range, _BYTES, dtype), dtype)
        low, high = images, images
        for axis in self._size_axes():  # one after the other: the rows first, which lie together
            low = ops.min(low, axis=axis, keepdims=True)
            high = ops.max(high, axis=axis, keepdims=True)
        scale = 255.0 / (high - low)
        images = ops.clip(images * scale + -low * scale, 0.0, 255.0)
        images = change_value_range(images, _BYTES, self.value_range, dtype)
        return ops.where(high == low, original, images)
