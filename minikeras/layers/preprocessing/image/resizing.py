"""Resizing: images of one size, stretched, cropped or padded."""

from typing import Any

from minikeras import ops
from minikeras.core import dtypes
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from minikeras.layers.preprocessing.image.bounding_boxes.formats import (
    columns,
    convert_format,
    of_columns,
)
from minikeras.layers.preprocessing.image.bounding_boxes.geometry import clip_to_image_size


@layer
class Resizing(BaseImagePreprocessingLayer):
    """Resize images, in training and in inference; the dtype stays what it is.

    Args:
        height: int, height of the outputs in pixels.
        width: int, width of the outputs in pixels.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        crop_to_aspect_ratio: whether images keep their proportions, and what is too much is cut
            off around the middle.
        pad_to_aspect_ratio: whether images keep their proportions, and what is too little is filled
            at both ends.
        fill_mode: what padding fills with; only `"constant"`.
        fill_value: number that padding fills with.
        antialias: whether images that are made smaller are smoothed.

    Input shape: `(height, width, channels)` or a batch of it, or with the channels first.

    Example:
        >>> import minikeras as keras
        >>> image = keras.ops.reshape([1.0, 2.0, 3.0, 4.0], (2, 2, 1))
        >>> keras.layers.Resizing(1, 1)(image).tolist()
        [[[2.5]]]
    """

    height: int
    width: int
    interpolation: str = "bilinear"
    crop_to_aspect_ratio: bool = False
    pad_to_aspect_ratio: bool = False
    fill_mode: str = "constant"
    fill_value: float = 0.0
    antialias: bool = False
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Return the size of the images."""
        images = data["images"] if isinstance(data, dict) else data
        return self._size_of(images.shape)

    def transform_images(self, images, transformation=None, training=True):
        """Resize images."""
        return self._resized(images, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        """Resize masks, without values between those that are there."""
        return self._resized(segmentation_masks, "nearest")

    def _resized(self, images, interpolation):
        resized = ops.image.resize(
            images,
            size=(self.height, self.width),
            interpolation=interpolation,
            antialias=self.antialias,
            data_format=self.data_format,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
        )
        if resized.dtype == images.dtype:
            return resized
        if not dtypes.is_float(images.dtype):
            resized = ops.round(resized)
        return ops.saturate_cast(resized, images.dtype)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Resize boxes with their images; boxes of zeros or of -1 throughout become zeros."""
        height, width = transformation
        boxes = bounding_boxes["boxes"]
        absent = [ops.all(boxes == value, axis=-1, keepdims=True) for value in (-1, 0)]
        boxes = convert_format(
            boxes, source=self.bounding_box_format, target="xyxy", height=height, width=width
        )
        x1, y1, x2, y2 = columns(boxes)
        (scale_x, left), (scale_y, top) = self._scales(height, width)
        boxes = of_columns(
            [x1 * scale_x + left, y1 * scale_y + top, x2 * scale_x + left, y2 * scale_y + top]
        )
        size: dict[str, Any] = {"height": self.height, "width": self.width}
        bounding_boxes = clip_to_image_size({**bounding_boxes, "boxes": boxes}, **size)
        boxes = ops.where(ops.logical_or(*absent), 0.0, bounding_boxes["boxes"])
        return convert_format(
            {**bounding_boxes, "boxes": boxes},
            source="xyxy",
            target=self.bounding_box_format,
            **size,
        )

    def _scales(self, height, width):
        """What positions are multiplied by, and what is added: `(scale, offset)` for x and y."""
        scale_x, scale_y = self.width / width, self.height / height
        if self.pad_to_aspect_ratio:
            scale = min(scale_x, scale_y)
            left, top = (self.width - width * scale) // 2, (self.height - height * scale) // 2
            return (scale, left), (scale, top)
        if self.crop_to_aspect_ratio:
            scale = max(scale_x, scale_y)
            left, top = (width * scale - self.width) // 2, (height * scale - self.height) // 2
            return (scale, -left), (scale, -top)
        return (scale_x, 0.0), (scale_y, 0.0)

    def _image_shape(self, shape):
        shape = list(shape)
        height_axis, width_axis = self._size_axes()
        shape[height_axis], shape[width_axis] = self.height, self.width
        return tuple(shape)
