"""Affine maps of images, with their masks; rotations and shears among them.

Each is a row of eight numbers `(a0, a1, a2, b0, b1, b2, 0, 0)`: the pixel at `(x, y)` of an output
is the one at `(a0 x + a1 y + a2, b0 x + b1 y + b2)` of the input.
"""

import math
from typing import Annotated, Any

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
    affine_transform,
    clip_to_image_size,
)
from minikeras.layers.preprocessing.image.draws import signs
from minikeras.layers.preprocessing.image.fields import (
    BASE_FACTOR,
    FillMode,
    FillValue,
    Interpolation,
    Seed,
    factor_in,
)
from minikeras.ops.random import draws as random


class WarpLayer(BaseImagePreprocessingLayer):
    """A layer that takes pixels from other places.

    Args:
        interpolation: `"nearest"` or `"bilinear"`.
    """

    interpolation: str

    def transform_images(self, images, transformation, training=True):
        """Take pixels from other places."""
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        return self._transform_images(images, transformation, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Take pixels of masks from the same places, without values between those there are."""
        if not training or transformation is None:
            return segmentation_masks
        return self._transform_images(segmentation_masks, transformation, "nearest")

    def _transform_images(self, images, transformation, interpolation):
        raise NotImplementedError(f"{type(self).__name__} must define `_transform_images()`.")


class AffineLayer(WarpLayer):
    """A layer whose maps are affine."""

    fill_mode: str
    fill_value: float
    _box_format = "xyxy"

    def _transform_images(self, images, transformation, interpolation):
        return ops.image.affine_transform(
            images,
            self._matrix(transformation, images.shape),
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def _matrix(self, transformation, shape):
        """The maps, of shape `(batch, 8)`."""
        raise NotImplementedError(f"{type(self).__name__} must define `_matrix()`.")

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Move the boxes with their images."""
        if not training or transformation is None:
            return bounding_boxes
        height, width = self._size_of(transformation["input_shape"])
        size = {"height": height, "width": width}
        own, inner = self.bounding_box_format, self._box_format
        boxes = convert_format(bounding_boxes["boxes"], own, inner, **size)
        boxes = self._moved(boxes, transformation, height, width)
        bounding_boxes = clip_to_image_size(
            {**bounding_boxes, "boxes": boxes}, **size, bounding_box_format=inner
        )
        return convert_format(bounding_boxes, inner, own, **size)

    def _moved(self, boxes, transformation, height, width):
        """The boxes after the map, before and after in the format `_box_format`."""
        raise NotImplementedError(f"{type(self).__name__} must define `_moved()`.")


def rows(a, b):
    """Maps of their first six numbers, each a tensor of shape `(batch,)` or a number."""
    numbers = [*a, *b, 0.0, 0.0]
    batch = next(x for x in numbers if not isinstance(x, float))
    return ops.stack([x + ops.zeros_like(batch) for x in numbers], axis=1)


@layer
class RandomRotation(AffineLayer):
    """Turn each image about its middle by a random angle while training.

    Args:
        factor: float, or two floats, from -1 to 1: the angle is drawn from this range, in parts of
            a whole turn, counterclockwise if positive; one number `f` stands for `(-f, f)`.

    Raises:
        ValueError: if the factor is out of its range.
        NotImplementedError: if an argument has an unknown value.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomRotation((0.5, 0.5))
        >>> keras.ops.round(layer(keras.ops.array([[[1.0], [2.0]]])))[0, :, 0].tolist()
        [2.0, 1.0]
    """

    factor: Annotated[Any, BASE_FACTOR]
    fill_mode: FillMode = "reflect"
    interpolation: Interpolation = "bilinear"
    seed: Seed = None
    fill_value: FillValue = 0.0
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `angle` for each image, in degrees, and the maps (`rotation_matrix`)."""
        if not training:
            return None
        shape, batch, seed = self._drawing(data, seed)
        height, width = self._size_of(shape)
        lower, upper = (end * 360.0 for end in self.factor)
        angle = random.uniform((batch,), lower, upper, seed=seed)
        matrix = _rotation(angle, height, width)
        return {
            "angle": angle,
            "rotation_matrix": matrix if len(shape) == 4 else ops.squeeze(matrix, axis=0),
            "image_height": height,
            "image_width": width,
            "batch_size": batch,
            "input_shape": shape,
        }

    def _matrix(self, transformation, shape):
        return transformation["rotation_matrix"]

    def _moved(self, boxes, transformation, height, width):
        angle = transformation["angle"]
        zero, one = ops.zeros_like(angle), ops.ones_like(angle)
        return affine_transform(boxes, angle, zero, zero, one, zero, zero, height, width)


def _rotation(angle, height, width):
    """The maps that turn images about their middle, `(cx, cy)`, by angles in degrees.

    `x' = cos x - sin y + cx - cos cx + sin cy`, `y' = sin x + cos y + cy - sin cx - cos cy`.
    """
    angle = angle * (math.pi / 180.0)
    cos, sin = ops.cos(angle), ops.sin(angle)
    cx, cy = 0.5 * (width - 1), 0.5 * (height - 1)
    return rows((cos, -sin, cx - cx * cos + cy * sin), (sin, cos, cy - cx * sin - cy * cos))


@layer
class RandomShear(AffineLayer):
    """Shift the rows and columns of each image in proportion to their place, while training.

    Args:
        x_factor: float, or two floats, from 0 to 1: how far a row moves along x for each row below
            the first is drawn from this range; one number `f` stands for `(-f, f)`.
        y_factor: the same for columns along y. Both directions of an image have one sign, drawn
            besides.

    Raises:
        ValueError: if a factor is out of its range.
        NotImplementedError: if an argument has an unknown value.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomShear((1, 1), fill_mode="constant", seed=1)
        >>> image = keras.ops.reshape(keras.ops.arange(1.0, 10.0), (3, 3, 1))
        >>> layer(image)[..., 0].tolist()
        [[1.0, 2.0, 3.0], [0.0, 4.0, 5.0], [0.0, 0.0, 7.0]]
    """

    _box_format = "rel_xyxy"

    x_factor: Annotated[Any, factor_in(0, 1, each=True)] = 0.0
    y_factor: Annotated[Any, factor_in(0, 1, each=True)] = 0.0
    interpolation: Interpolation = "bilinear"
    fill_mode: FillMode = "reflect"
    fill_value: FillValue = 0.0
    data_format: DataFormat = None
    seed: Seed = None

    @classmethod
    def from_config(cls, config):
        """Make a layer from what `get_config` returned, in which `f` is written as `(-f, f)`."""
        pairs = {name: config[name] for name in ("x_factor", "y_factor") if name in config}
        numbers = {
            name: pair[1]
            for name, pair in pairs.items()
            if isinstance(pair, (list, tuple)) and len(pair) == 2 and pair[0] == -pair[1]
        }
        return super().from_config({**config, **numbers})

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `shear_factor` of shape `(batch, 2)`: along x and along y."""
        if not training:
            return None
        shape, batch, seed = self._drawing(data, seed)
        dtype = self.compute_dtype
        directions = signs((batch, 1), seed, dtype)
        shear_y = random.uniform((batch, 1), *self.y_factor, seed=seed, dtype=dtype)
        shear_x = random.uniform((batch, 1), *self.x_factor, seed=seed, dtype=dtype)
        shear = ops.concatenate([shear_x, shear_y], axis=1) * directions
        return {"shear_factor": shear, "input_shape": shape}

    def _matrix(self, transformation, shape):
        x, y = ops.unstack(transformation["shear_factor"], 2, axis=1)
        return rows((1.0, x, 0.0), (y, 1.0, 0.0))

    def _moved(self, boxes, transformation, height, width):
        shear = ops.cast(transformation["shear_factor"], boxes.dtype)
        shear_x, shear_y = ops.split(shear[:, None, :], 2, axis=-1)
        x1, y1, x2, y2 = columns(boxes)
        goes_left = shear_x < 0
        x1, x2 = (
            ops.where(goes_left, x1 - shear_x * y1, x1 - shear_x * y2),
            ops.where(goes_left, x2 - shear_x * y2, x2 - shear_x * y1),
        )
        goes_up = shear_y > 0
        y1, y2 = (
            ops.where(goes_up, y1 - shear_y * x2, y1 - shear_y * x1),
            ops.where(goes_up, y2 - shear_y * x1, y2 - shear_y * x2),
        )
        return of_columns([x1, y1, x2, y2])
