"""Perspective and elastic distortions of images, with their masks."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core.constructors import Field
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.affine import WarpLayer
from minikeras.layers.preprocessing.image.bounding_boxes.formats import columns, convert_format
from minikeras.layers.preprocessing.image.bounding_boxes.geometry import clip_to_image_size
from minikeras.layers.preprocessing.image.draws import by_image, chosen
from minikeras.layers.preprocessing.image.fields import (
    AnyRange,
    FillValue,
    Interpolation,
    Probability,
    Seed,
    factor_in,
    one_of,
)
from minikeras.ops.image.warping import homography
from minikeras.ops.random import draws as random

"""x and y of the corners of an image, in parts of its sides."""


_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _from_zero_to_one(value, name):
    if value < 0.0 or value > 1.0:
        raise ValueError(
            f"The `{name}` argument should be a number in the range [0, 1]. Received: "
            f"{name}={value}"
        )
    return value


@layer
class RandomPerspective(WarpLayer):
    """Move the corners of some of the images to other places while training.

    A corner at `p`, counted from the upper left one, goes to `p + p d` with `d` drawn from
    `[-scale / 2, scale / 2]` along each axis; the map of the image is the projective one that does
    so (`keras.ops.image.perspective_transform`).

    Args:
        scale: float from 0 to 1, how far corners move.

    Raises:
        ValueError: if an argument is out of its range.
        NotImplementedError: if the interpolation is unknown.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomPerspective((1, 1), scale=0.5, seed=1)
        >>> layer(keras.ops.ones((2, 4, 4, 1))).shape
        (2, 4, 4, 1)
    """

    factor: Probability = 1.0
    scale: Annotated[float, Field(_from_zero_to_one)] = 1.0
    interpolation: Interpolation = "bilinear"
    fill_value: FillValue = 0.0
    seed: Seed = None
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw which images are distorted, and where their corners go (`end_points`)."""
        if not training:
            return None
        shape, batch, seed = self._drawing(data, seed)
        height, width = self._size_of(shape)
        apply_perspective = chosen(batch, self.factor, seed)
        reach = 0.5 * self.scale
        shifts = random.uniform((batch, 4, 2), -reach, reach, seed=seed, dtype=self.compute_dtype)
        corners = ops.cast(_corners(height, width), self.compute_dtype)
        start = corners + ops.zeros_like(shifts)
        return {
            "apply_perspective": apply_perspective,
            "start_points": start,
            "end_points": start + start * shifts,
            "input_shape": shape,
        }

    def _transform_images(self, images, transformation, interpolation):
        distorted = ops.image.perspective_transform(
            images,
            transformation["start_points"],
            transformation["end_points"],
            interpolation=interpolation,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )
        return ops.where(by_image(transformation["apply_perspective"]), distorted, images)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Move the boxes with their images: to the boxes that enclose their corners."""
        if not training or transformation is None:
            return bounding_boxes
        height, width = self._size_of(transformation["input_shape"])
        size = {"height": height, "width": width}
        boxes = convert_format(bounding_boxes["boxes"], self.bounding_box_format, "xyxy", **size)
        maps = homography(transformation["end_points"], transformation["start_points"])
        moved = _enclosing(boxes, ops.cast(maps, boxes.dtype)[:, None, :])
        chosen_images = ops.reshape(transformation["apply_perspective"], (-1, 1, 1))
        boxes = ops.where(chosen_images, moved, boxes)
        bounding_boxes = clip_to_image_size({**bounding_boxes, "boxes": boxes}, **size)
        return convert_format(bounding_boxes, "xyxy", self.bounding_box_format, **size)


def _corners(height, width):
    """The corners `(x, y)` of an image, computed where they are used, row after row."""
    number = ops.arange(4)
    return ops.stack([number % 2 * (width - 1), number // 2 * (height - 1)], axis=-1)


def _enclosing(boxes, maps):
    """The boxes around the mapped corners of boxes.

    `x' = (a0 x + a1 y + a2) / k`, `y' = (b0 x + b1 y + b2) / k`, `k = c0 x + c1 y + 1`.
    """
    a0, a1, a2, b0, b1, b2, c0, c1 = ops.split(maps, 8, axis=-1)
    x1, y1, x2, y2 = columns(boxes)
    x = ops.concatenate([x1, x2, x1, x2], axis=-1)
    y = ops.concatenate([y1, y2, y2, y1], axis=-1)
    k = c0 * x + c1 * y + 1
    x, y = (a0 * x + a1 * y + a2) / k, (b0 * x + b1 * y + b2) / k
    ends = [end(axis, axis=-1) for end in (ops.min, ops.max) for axis in (x, y)]
    return ops.stack(ends, axis=-1)


@layer
class RandomElasticTransform(WarpLayer):
    """Move the pixels of some of the images by smooth random displacements while training.

    With `s` drawn from `scale` for the whole batch, `alpha = 0.1 s max(height, width)` and
    `sigma = 0.05 s min(height, width)` of `keras.ops.image.elastic_transform`. Simard, Steinkraus
    and Platt, "Best Practices for Convolutional Neural Networks" (2003).

    Args:
        scale: float, or two floats, from 0 to 1, likewise.
        fill_mode: what is outside of the image: `"reflect"`, `"wrap"`, `"nearest"`, `"mirror"` or
            `"constant"` (`fill_value`).

    Raises:
        ValueError: if an argument is out of its range.
        NotImplementedError: if an argument has an unknown value.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomElasticTransform((1, 1), seed=1)
        >>> layer(keras.ops.ones((2, 8, 8, 1))).shape
        (2, 8, 8, 1)
    """

    factor: Probability = 1.0
    scale: Annotated[Any, factor_in(0, 1)] = 1.0
    interpolation: Interpolation = "bilinear"
    fill_mode: Annotated[str, one_of(*_FILL_MODES)] = "reflect"
    fill_value: FillValue = 0.0
    value_range: AnyRange = (0, 255)
    seed: Seed = None
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw which images are distorted, and how much (`distortion_factor`)."""
        if not training or self.scale[1] == 0 or self.factor[1] == 0:
            return None
        _, batch, seed = self._drawing(data, seed)
        apply_transform = chosen(batch, self.factor, seed)
        strength = random.uniform((), *self.scale, seed=seed, dtype=self.compute_dtype)
        return {"apply_transform": apply_transform, "distortion_factor": strength, "seed": seed}

    def get_elastic_transform_params(self, height, width, factor):
        """Return `alpha` and `sigma`, both in pixels, for images of a size."""
        return max(height, width) * (0.1 * factor), min(height, width) * (0.05 * factor)

    def _transform_images(self, images, transformation, interpolation):
        height, width = self._size_of(images.shape)
        alpha, sigma = self.get_elastic_transform_params(
            height, width, transformation["distortion_factor"]
        )
        distorted = ops.image.elastic_transform(
            images,
            alpha=alpha,
            sigma=sigma,
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            seed=transformation["seed"],
            data_format=self.data_format,
        )
        images = ops.where(by_image(transformation["apply_transform"]), distorted, images)
        return ops.cast(ops.clip(images, *self.value_range), self.compute_dtype)
