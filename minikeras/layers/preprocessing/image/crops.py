"""Crops: the middle of images, or a window anywhere in them."""

from typing import Any

from minikeras import ops
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from minikeras.layers.preprocessing.image.bounding_boxes.formats import (
    columns,
    convert_format,
    of_columns,
)
from minikeras.layers.preprocessing.image.bounding_boxes.geometry import (
    clip_to_image_size,
    crop,
)
from minikeras.layers.preprocessing.image.fields import Seed
from minikeras.ops.random import draws as random
from minikeras.ops.random.seeds import SeedGenerator, make_default_seed


def largest_window(size, target):
    """Return `(top, left, height, width)` of the largest window with the shape of another.

    Args:
        size: `(height, width)` of the image.
        target: `(height, width)` that give the ratio.

    Example:
        >>> from minikeras.layers.preprocessing.image.crops import largest_window
        >>> largest_window((100, 100), (20, 40))
        (25, 0, 50, 100)
    """
    (height, width), (target_height, target_width) = size, target
    window_height = max(min(height, int(float(width * target_height) / target_width)), 1)
    window_width = max(min(width, int(float(height * target_width) / target_height)), 1)
    top, left = int(float(height - window_height) / 2), int(float(width - window_width) / 2)
    return top, left, window_height, window_width


class _Crop(BaseImagePreprocessingLayer):
    """A layer that cuts a window out of images.

    Args:
        height: int, height of the outputs in pixels.
        width: int, width of the outputs in pixels.
    """

    height: int
    width: int

    def _cut(self, images, top, left, height, width):
        """The window of images; its place may be a tensor."""
        height_axis, width_axis = self._size_axes()
        if isinstance(top, int) and isinstance(left, int):
            key = [slice(None)] * len(images.shape)
            key[height_axis], key[width_axis] = slice(top, top + height), slice(left, left + width)
            return images[tuple(key)]
        rows = ops.take(images, top + ops.arange(height), axis=height_axis)
        return ops.take(rows, left + ops.arange(width), axis=width_axis)

    def _boxes_in_window(self, bounding_boxes, size, window):
        """The boxes in a window of images of a size, after the window became an output."""
        top, left, window_height, window_width = window
        boxes = convert_format(
            bounding_boxes["boxes"],
            source=self.bounding_box_format,
            target="xyxy",
            height=size[0],
            width=size[1],
        )
        top, left = ops.cast(top, boxes.dtype), ops.cast(left, boxes.dtype)
        boxes = crop(boxes, top, left, window_height, window_width)
        by_x, by_y = self.width / window_width, self.height / window_height
        if (by_x, by_y) != (1, 1):
            x1, y1, x2, y2 = columns(boxes)
            boxes = of_columns([x1 * by_x, y1 * by_y, x2 * by_x, y2 * by_y])
        own_size: dict[str, Any] = {"height": self.height, "width": self.width}
        bounding_boxes = clip_to_image_size({**bounding_boxes, "boxes": boxes}, **own_size)
        return convert_format(
            bounding_boxes, source="xyxy", target=self.bounding_box_format, **own_size
        )

    def _image_shape(self, shape):
        if len(shape) not in (3, 4) or any(isinstance(size, (list, tuple)) for size in shape):
            raise ValueError(
                "An image has three axes, and a batch of images four. Received: "
                f"input_shape={shape}"
            )
        shape = list(shape)
        height_axis, width_axis = self._size_axes()
        shape[height_axis], shape[width_axis] = self.height, self.width
        return tuple(shape)


@layer
class CenterCrop(_Crop):
    """Cut the middle out of images.

    Of images that are smaller than the output, the largest window of its proportions is enlarged.
    Where what is cut off cannot be halved, one pixel more goes at the end.

    Input shape: `(height, width, channels)` or a batch of it, or with the channels first.

    Example:
        >>> import minikeras as keras
        >>> image = keras.ops.reshape(keras.ops.arange(16.0), (4, 4, 1))
        >>> keras.layers.CenterCrop(2, 2)(image)[..., 0].tolist()
        [[5.0, 6.0], [9.0, 10.0]]
    """

    height: int
    width: int
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Return the shape of the images, as `input_shape`."""
        images = data["images"] if isinstance(data, dict) else data
        return {"input_shape": images.shape}

    def transform_images(self, images, transformation=None, training=True):
        """Cut the middle out."""
        images = ops.cast(images, self.compute_dtype)
        height, width = self._size_of(images.shape)
        if self._fits(height, width):
            top, left = (height - self.height) // 2, (width - self.width) // 2
            return self._cut(images, top, left, self.height, self.width)
        window = self._cut(images, *largest_window((height, width), (self.height, self.width)))
        size = (self.height, self.width)
        return ops.image.resize(window, size, data_format=self.data_format)

    def _fits(self, height, width):
        return height >= self.height and width >= self.width

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Cut the boxes with their images."""
        height, width = size = self._size_of(transformation["input_shape"])
        if self._fits(height, width):
            top, left = (height - self.height) // 2, (width - self.width) // 2
            window = (top, left, self.height, self.width)
        else:
            window = largest_window(size, (self.height, self.width))
        return self._boxes_in_window(bounding_boxes, size, window)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Cut the middle out of masks."""
        return self.transform_images(segmentation_masks, transformation, training=training)


class _Place(tuple):
    """`(top, left)` of a window, which knows `(height, width)` of the images that it is cut from.

    Args:
        place: the two numbers.
        size: the two sizes.
    """

    size: tuple[int, int]

    def __new__(cls, place, size):
        self = super().__new__(cls, place)
        self.size = size
        return self


@layer
class RandomCrop(_Crop):
    """Cut a window out of images while training, in the same place of all images of a batch.

    Images that are not larger than the output in both directions are enlarged. In inference images
    stay what they are.

    Input shape: `(height, width, channels)` or a batch of it, or with the channels first.

    Raises:
        ValueError: if height or width of the images is unknown.

    Example:
        >>> import minikeras as keras
        >>> image = keras.ops.reshape(keras.ops.arange(16.0), (4, 4, 1))
        >>> keras.layers.RandomCrop(2, 2, seed=1)(image)[..., 0].tolist()
        [[8.0, 9.0], [12.0, 13.0]]
    """

    height: int
    width: int
    seed: Seed = None
    data_format: DataFormat = None
    name: str | None = None

    def setup(self):
        """Make a source of seeds; the seed of the config is there, if none is given, too."""
        seed = self.seed
        self.seed = make_default_seed() if seed is None else seed
        self.generator = SeedGenerator(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw where the window begins: `(top, left)`."""
        shape, _, seed = self._drawing(data, seed)
        height, width = size = self._size_of(shape)
        if not (training and height > self.height and width > self.width):
            return _Place(largest_window(size, (self.height, self.width))[:2], size)
        free = (height - self.height, width - self.width)
        draws = [random.uniform((), 0.0, float(count + 1), seed=seed) for count in free]
        return _Place([ops.cast(draw, "int32") for draw in draws], size)

    def _window(self, size, transformation):
        """`(top, left, height, width)` of what is cut out of images of a size."""
        top, left = transformation
        height, width = size
        if isinstance(top, int):  # images that are too small: up to their ends
            return top, left, min(self.height, height - top), min(self.width, width - left)
        return top, left, self.height, self.width

    def transform_images(self, images, transformation, training=True):
        """Cut the window out."""
        if not training:
            return images
        images = ops.cast(images, self.compute_dtype)
        window = self._window(self._size_of(images.shape), transformation)
        images = self._cut(images, *window)
        if window[2:] == (self.height, self.width):
            return images
        size = (self.height, self.width)
        images = ops.image.resize(images, size, data_format=self.data_format)
        return ops.cast(images, self.compute_dtype)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Cut the boxes with their images."""
        if not training:
            return bounding_boxes
        size = getattr(transformation, "size", (self.height, self.width))
        return self._boxes_in_window(bounding_boxes, size, self._window(size, transformation))

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Cut the window out of masks."""
        return self.transform_images(segmentation_masks, transformation)
