"""Flips of images, left to right and upside down."""

from minikeras import ops
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from minikeras.layers.preprocessing.image.bounding_boxes.formats import (
    columns,
    convert_format,
    of_columns,
)
from minikeras.layers.preprocessing.image.bounding_boxes.geometry import clip_to_image_size
from minikeras.layers.preprocessing.image.draws import each_image
from minikeras.layers.preprocessing.image.fields import Seed
from minikeras.ops.random import draws as random


@layer
class RandomFlip(BaseImagePreprocessingLayer):
    """Flip each image with a probability of one half while training.

    Args:
        mode: `"horizontal"` (left to right), `"vertical"` (upside down) or
            `"horizontal_and_vertical"`, both at once; any other leaves images as they are.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomFlip("horizontal", seed=1)
        >>> [layer(keras.ops.array([[[1.0], [2.0]]]))[0, :, 0].tolist() for _ in range(2)]
        [[1.0, 2.0], [2.0, 1.0]]
    """

    mode: str = "horizontal_and_vertical"
    seed: Seed = None
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw which images are flipped, as `flips`."""
        if not training:
            return None
        shape, _, seed = self._drawing(data, seed)
        flips = random.uniform(each_image(shape), seed=seed) <= 0.5
        return {"flips": flips, "input_shape": shape}

    def transform_images(self, images, transformation, training=True):
        """Flip the chosen images."""
        images = ops.cast(images, self.compute_dtype)
        axes = self._axes()
        if not training or transformation is None or not axes:
            return images
        return ops.where(transformation["flips"], ops.flip(images, axis=axes), images)

    def _axes(self):
        """The axes along which this mode flips."""
        vertical, horizontal = self._size_axes()
        return {
            "horizontal": (horizontal,),
            "vertical": (vertical,),
            "horizontal_and_vertical": (vertical, horizontal),
        }.get(self.mode, ())

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Flip the masks with their images."""
        return self.transform_images(segmentation_masks, transformation, training=training)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Flip the boxes with their images."""
        if not training:
            return bounding_boxes
        flips = ops.squeeze(transformation["flips"], axis=-1)
        height, width = self._size_of(transformation["input_shape"])
        size = {"height": height, "width": width}
        bounding_boxes = convert_format(
            bounding_boxes, source=self.bounding_box_format, target="rel_xyxy", **size
        )
        x1, y1, x2, y2 = columns(bounding_boxes["boxes"])
        vertical_axis, horizontal_axis = self._size_axes()
        if horizontal_axis in self._axes():
            x1, x2 = ops.where(flips, 1 - x2, x1), ops.where(flips, 1 - x1, x2)
        if vertical_axis in self._axes():
            y1, y2 = ops.where(flips, 1 - y2, y1), ops.where(flips, 1 - y1, y2)
        bounding_boxes = {**bounding_boxes, "boxes": of_columns([x1, y1, x2, y2])}
        bounding_boxes = clip_to_image_size(bounding_boxes, **size)
        return convert_format(
            bounding_boxes, source="rel_xyxy", target=self.bounding_box_format, **size
        )
