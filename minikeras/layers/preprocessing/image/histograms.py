"""Equalization: values are replaced by their ranks, in the whole image or tile by tile."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core.constructors import Field
from minikeras.layers.base.arguments import DataFormat, plain
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import (
    WITH_FACTOR,
    BaseImagePreprocessingLayer,
    change_value_range,
    same_spec,
)
from minikeras.layers.preprocessing.image.fields import AnyRange, ValueRange

_BYTES = (0, 255)
_LEVELS = 256


@layer
class Equalization(BaseImagePreprocessingLayer):
    """Spread the values of each channel evenly over the range of values while training.

    A value `x` becomes `255 (cdf(x) - cdf_min) / (n - cdf_min)` in bytes, rounded, where `cdf(x)`
    is how many of the channel's `n` values fall into the bin of `x` or one below, and `cdf_min` the
    smallest such number that is not 0. A channel is counted over all images of a batch together. A
    channel with values in one bin alone stays what it is.

    Args:
        bins: int, how many bins the values are counted in.

    Raises:
        ValueError: if the range of values is not two numbers.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Equalization()(keras.ops.array([[[7.0], [8.0], [9.0]]])).tolist()
        [[[0.0], [128.0], [255.0]]]
    """

    _taken_by_name = WITH_FACTOR

    value_range: ValueRange = (0, 255)
    bins: int = 256
    data_format: DataFormat = None

    def transform_images(self, images, transformation, training=True):
        """Equalize each channel."""
        if not training:
            return images
        images = ops.cast(images, self.compute_dtype)
        axis = -3 if self.data_format == "channels_first" else -1
        channels = ops.unstack(images, images.shape[axis], axis=axis)
        equalized = ops.stack([self._equalized(channel) for channel in channels], axis=axis)
        return ops.cast(equalized, self.compute_dtype)

    def _equalized(self, channel):
        low, high = self.value_range
        scale = 255 / (high - low)
        in_bytes = channel * scale + (0 - low * scale)
        bin_of = ops.cast(in_bytes, "float32") * (self.bins - 1) / 255.0
        bin_of = ops.clip(ops.cast(bin_of, "int32"), 0, self.bins - 1)
        flat = ops.reshape(bin_of, (-1,))
        counts = ops.segment_sum(ops.ones_like(flat), flat, num_segments=self.bins)
        position = ops.clip(in_bytes / 255.0 * (self.bins - 1), 0, self.bins - 1)
        ranked = ops.take(self._table(counts), ops.cast(position, "int32"))
        back = (high - low) / 255
        return ops.where(ops.count_nonzero(counts) <= 1, in_bytes * back + low, ranked)

    def _table(self, counts):
        """What a value of each bin becomes. In float64, as ties of the rounding decide."""
        cdf = ops.cast(ops.cumsum(counts), "float64")
        smallest = ops.take(cdf, ops.argmax(cdf > 0))
        rest = ops.maximum(cdf[-1] - smallest, 1.0)
        table = ops.clip(ops.round((cdf - smallest) * 255 / rest), *_BYTES)
        low, high = self.value_range
        return ops.cast(table * ((high - low) / 255) + low, self.compute_dtype)


@layer
class ContrastLimitedAdaptiveHistogramEqualization(BaseImagePreprocessingLayer):
    """Equalize tiles of each image, without making noise of small differences.

    Zuiderveld, "Contrast Limited Adaptive Histogram Equalization" (1994). The values of each tile
    and channel are counted; what a count exceeds the limit by is spread over all 256 levels. A
    value `x` becomes `255 (cdf(x) - cdf(0)) / (n - cdf(0))` with the counts of a tile of `n`
    pixels; between the centers of tiles the results of the four around are interpolated.

    Args:
        clip_limit: float, the limit of a count as a multiple of `n / 256`; 0 for none.
        tile_grid_size: two ints, how many tiles along height and width.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.ContrastLimitedAdaptiveHistogramEqualization(
        ...     tile_grid_size=(2, 2))
        >>> layer(keras.ops.ones((4, 4, 1)))[0, 0].tolist()
        [4.98407]
    """

    _taken_by_name = WITH_FACTOR

    value_range: AnyRange = (0, 255)
    clip_limit: float = 4.0
    tile_grid_size: Annotated[Any, Field(serialize=plain)] = (8, 8)
    data_format: DataFormat = None

    def transform_images(self, images, transformation=None, training=True):
        """Equalize the tiles of images, in training and in inference; the dtype stays."""
        dtype = images.dtype
        is_first = self.data_format == "channels_first"
        images = ops.moveaxis(images, -3, -1) if is_first else images
        images = change_value_range(images, self.value_range, _BYTES)
        images = images if len(images.shape) == 4 else ops.expand_dims(images, axis=0)
        images = self._equalized(images)
        images = change_value_range(images, _BYTES, self.value_range)
        images = ops.cast(images, dtype)
        return ops.moveaxis(images, -1, -3) if is_first else images

    def compute_output_spec(self, inputs, **kwargs):
        """Return symbolic images of the shape and the dtype of the inputs."""
        return same_spec(inputs)

    def _equalized(self, images):
        batch, height, width, channels = images.shape
        rows, columns = self.tile_grid_size
        tile_h, tile_w = -(-height // rows), -(-width // columns)
        margins = ((0, 0), (0, tile_h * rows - height), (0, tile_w * columns - width), (0, 0))
        levels = ops.clip(ops.cast(images, "int32"), *_BYTES)
        padded = ops.pad(levels, margins, mode="symmetric")
        tiles = ops.reshape(padded, (batch, rows, tile_h, columns, tile_w, channels))
        counts = self._counts(tiles)
        tables = self._tables(counts, tile_h * tile_w)
        return _interpolated(tables, levels, (tile_h, tile_w))

    def _counts(self, tiles):
        """How often each level occurs: `(batch, rows, columns, channels, 256)`."""
        batch, rows, _, columns, _, channels = tiles.shape
        kinds = batch * rows * columns * channels
        first = ops.arange(0, kinds * _LEVELS, _LEVELS, dtype="int32")
        first = ops.reshape(first, (batch, rows, 1, columns, 1, channels))
        flat = ops.reshape(tiles + first, (-1,))
        ones = ops.ones(flat.shape, dtype="float32")
        counts = ops.segment_sum(ones, flat, num_segments=kinds * _LEVELS)
        return ops.reshape(counts, (batch, rows, columns, channels, _LEVELS))

    def _tables(self, counts, pixels):
        """What each level becomes by the counts of each tile."""
        if self.clip_limit > 0:
            clipped = ops.minimum(counts, self.clip_limit * pixels / _LEVELS)
            excess = ops.sum(counts - clipped, axis=-1, keepdims=True)
            counts = clipped + excess / _LEVELS
        cdf = ops.cumsum(counts, axis=-1)
        least = ops.min(cdf, axis=-1, keepdims=True)
        rest = pixels - least
        rest = ops.where(rest == 0, ops.ones_like(rest), rest)
        return ops.clip((cdf - least) * 255.0 / rest, *_BYTES)


def _interpolated(tables, levels, tile):
    """Look levels up in the tables of the four tiles around, and interpolate between these."""
    batch, height, width, channels = levels.shape
    rows, columns = tables.shape[1:3]
    (above, below, share_y), (left, right, share_x) = (
        _neighbors(size, count, length)
        for size, count, length in zip((height, width), (rows, columns), tile, strict=True)
    )
    image = ops.reshape(ops.arange(batch, dtype="int32") * rows, (-1, 1, 1, 1))
    channel = ops.arange(channels, dtype="int32")
    flat = ops.reshape(tables, (-1,))

    def looked_up(row, column):
        place = (image + row[:, None, None]) * columns + column[:, None]
        return ops.take(flat, (place * channels + channel) * _LEVELS + levels)

    share_y, share_x = share_y[:, None, None], share_x[:, None]
    top = looked_up(above, left) * (1.0 - share_x) + looked_up(above, right) * share_x
    bottom = looked_up(below, left) * (1.0 - share_x) + looked_up(below, right) * share_x
    return top * (1.0 - share_y) + bottom * share_y


def _neighbors(size, count, length):
    """For each of `size` pixels: the tiles with centers around it, and the share of the second."""
    place = (ops.arange(size, dtype="float32") - length / 2.0) / length
    first = ops.floor(place)
    indices = (ops.cast(ops.clip(first + step, 0, count - 1), "int32") for step in (0, 1))
    return (*indices, place - first)
