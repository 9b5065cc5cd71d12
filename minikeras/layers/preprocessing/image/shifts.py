"""Shifts and zooms of images, with their masks: affine maps without rotation."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core.constructors import Field
from minikeras.layers.base.arguments import DataFormat, plain
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.affine import AffineLayer, rows
from minikeras.layers.preprocessing.image.bounding_boxes.formats import columns, of_columns
from minikeras.layers.preprocessing.image.bounding_boxes.geometry import crop, pad
from minikeras.layers.preprocessing.image.fields import (
    FillMode,
    FillValue,
    Interpolation,
    Seed,
    factor_in,
    pair_of,
)
from minikeras.ops.random import draws as random

_SHIFTS: dict[str, Any] = {"low": -1, "high": 1}
_ZOOMS: dict[str, Any] = {"low": -1, "high": 1, "open_end": True}


def _zoom_or_none(value, name):
    if value is not None:
        pair_of(value, name, **_ZOOMS, each=True)
    return value


class _TwoFactors(AffineLayer):
    """A layer with a factor for each direction.

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or None for the default.
    """

    height_factor: Any
    width_factor: Any
    _bounds: dict[str, Any]

    def _draw(self, name, shape, seed, offset=0.0):
        """Draw numbers from the range of one factor."""
        lower, upper = pair_of(getattr(self, name), name, **self._bounds, each=True)
        return random.uniform(shape, offset + lower, offset + upper, seed=seed)


@layer
class RandomTranslation(_TwoFactors):
    """Shift each image by random distances while training.

    Args:
        height_factor: float, or two floats, from -1 to 1: the distance downwards is drawn from this
            range, in parts of the height; one number `f` stands for `(-f, f)`.
        width_factor: the same to the right, in parts of the width.

    Raises:
        ValueError: if a factor is out of its range.
        NotImplementedError: if an argument has an unknown value.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomTranslation(0, (0.5, 0.5), fill_mode="constant")
        >>> layer(keras.ops.array([[[1.0], [2.0]]]))[0, :, 0].tolist()
        [0.0, 1.0]
    """

    _bounds = _SHIFTS

    height_factor: Annotated[Any, factor_in(**_SHIFTS, each=True, keep=True)]
    width_factor: Annotated[Any, factor_in(**_SHIFTS, each=True, keep=True)]
    fill_mode: FillMode = "reflect"
    interpolation: Interpolation = "bilinear"
    seed: Seed = None
    fill_value: FillValue = 0.0
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `translations` of shape `(batch, 2)`: along x and along y, in pixels."""
        if not training:
            return None
        shape, batch, seed = self._drawing(data, seed)
        height, width = self._size_of(shape)
        down = self._draw("height_factor", (batch, 1), seed) * height
        right = self._draw("width_factor", (batch, 1), seed) * width
        translations = ops.cast(ops.concatenate([right, down], axis=1), "float32")
        return {"translations": translations, "input_shape": shape}

    def _matrix(self, transformation, shape):
        x, y = ops.unstack(transformation["translations"], 2, axis=1)
        return rows((1.0, 0.0, -x), (0.0, 1.0, -y))

    def _moved(self, boxes, transformation, height, width):
        shift = ops.cast(transformation["translations"], boxes.dtype)[:, None, :]
        return pad(boxes, left=shift[..., :1], top=shift[..., 1:])


@layer
class RandomZoom(_TwoFactors):
    """Enlarge or shrink each image about its middle while training.

    Args:
        height_factor: float, or two floats, above -1 and up to 1: by how much more (or less, if
            negative) of the height is seen is drawn from this range; one number `f` stands for
            `(-f, f)`.
        width_factor: the same for the width; None to keep the proportions.

    Raises:
        ValueError: if a factor is out of its range.
        NotImplementedError: if an argument has an unknown value.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomZoom((-0.5, -0.5), fill_mode="constant")
        >>> image = keras.ops.reshape(keras.ops.arange(9.0), (3, 3, 1))
        >>> layer(image)[..., 0].tolist()
        [[2.0, 2.5, 3.0], [3.5, 4.0, 4.5], [5.0, 5.5, 6.0]]
    """

    _bounds = _ZOOMS

    height_factor: Annotated[Any, factor_in(**_ZOOMS, each=True, keep=True)]
    width_factor: Annotated[Any, Field(_zoom_or_none, plain)] = None
    fill_mode: FillMode = "reflect"
    interpolation: Interpolation = "bilinear"
    seed: Seed = None
    fill_value: FillValue = 0.0
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw `height_zoom` and `width_zoom`, what part of each side is seen."""
        if not training:
            return None
        shape, batch, seed = self._drawing(data, seed)
        height_zoom = width_zoom = self._draw("height_factor", (batch, 1), seed, offset=1.0)
        if self.width_factor is not None:
            width_zoom = self._draw("width_factor", (batch, 1), seed, offset=1.0)
        return {"height_zoom": height_zoom, "width_zoom": width_zoom, "input_shape": shape}

    def _matrix(self, transformation, shape):
        height, width = self._size_of(shape)
        x, y = (
            ops.cast(ops.squeeze(transformation[name], axis=1), "float32")
            for name in ("width_zoom", "height_zoom")
        )
        offset_x, offset_y = (width - 1.0) / 2.0 * (1.0 - x), (height - 1.0) / 2.0 * (1.0 - y)
        return rows((x, 0.0, offset_x), (0.0, y, offset_y))

    def _moved(self, boxes, transformation, height, width):
        matrix = self._matrix(transformation, transformation["input_shape"])[:, None, :]
        matrix = ops.cast(matrix, boxes.dtype)
        zoom_x, left = matrix[..., 0:1], matrix[..., 2:3]
        zoom_y, top = matrix[..., 4:5], matrix[..., 5:6]
        boxes = crop(boxes, top, left, zoom_y * height, zoom_x * width)
        x1, y1, x2, y2 = columns(boxes)
        return of_columns([x1 / zoom_x, y1 / zoom_y, x2 / zoom_x, y2 / zoom_y])
