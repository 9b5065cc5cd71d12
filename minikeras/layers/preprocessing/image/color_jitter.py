"""RandomColorJitter: brightness, contrast, saturation and hue, one after the other."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core.constructors import Field
from minikeras.layers.base.arguments import DataFormat, plain
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import WITH_FACTOR, BaseImagePreprocessingLayer
from minikeras.layers.preprocessing.image.channels import RandomHue, RandomSaturation
from minikeras.layers.preprocessing.image.color import RandomBrightness, RandomContrast
from minikeras.layers.preprocessing.image.fields import AnyRange, Seed

OptionalFactor = Annotated[Any, Field(serialize=plain)]
_STEPS = {
    "brightness": RandomBrightness,
    "contrast": RandomContrast,
    "saturation": RandomSaturation,
    "hue": RandomHue,
}


@layer
class RandomColorJitter(BaseImagePreprocessingLayer):
    """Change brightness, contrast, saturation and hue of each image while training.

    What has no factor stays as it is.

    Args:
        brightness_factor: the factor of a `RandomBrightness`, or None.
        contrast_factor: the factor of a `RandomContrast`, or None.
        saturation_factor: the factor of a `RandomSaturation`, or None.
        hue_factor: the factor of a `RandomHue`, or None.

    Raises:
        ValueError: if a factor is out of its range.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomColorJitter(brightness_factor=(0.1, 0.1))
        >>> layer(keras.ops.zeros((1, 1, 3))).tolist()
        [[[25.5, 25.5, 25.5]]]
    """

    _taken_by_name = WITH_FACTOR

    value_range: AnyRange = (0, 255)
    brightness_factor: OptionalFactor = None
    contrast_factor: OptionalFactor = None
    saturation_factor: OptionalFactor = None
    hue_factor: OptionalFactor = None
    seed: Seed = None
    data_format: DataFormat = None

    def setup(self):
        """Make the layers of the factors that there are."""
        super().setup()
        for name, cls in _STEPS.items():
            factor = getattr(self, f"{name}_factor")
            step = None
            if factor is not None:
                step = cls(
                    factor=factor,
                    value_range=self.value_range,
                    seed=self.seed,
                    data_format=self.data_format,
                )
            setattr(self, f"random_{name}", step)

    def build(self, input_shape):
        """Build the layers inside."""
        for step in self._steps():
            step.build(input_shape)

    def _steps(self):
        steps = (getattr(self, f"random_{name}") for name in _STEPS)
        return [step for step in steps if step is not None]

    def transform_images(self, images, transformation, training=True):
        """Draw and apply one change after the other."""
        if not training:
            return images
        images = ops.cast(images, self.compute_dtype)
        for step in self._steps():
            transformation = step.get_random_transformation(images, seed=self.generator)
            images = step.transform_images(images, transformation)
        return ops.cast(images, self.compute_dtype)
