"""Summaries: numbers, weights and models as the plugins of TensorBoard expect them.

Each is a `Summary.Value`: a tag, a tensor, and the name of the plugin that shows it.
"""

import struct
import zlib

import numpy as np

from minikeras.core import settings
from minikeras.training.callbacks.event_file import tensorboard

# The plugins of TensorBoard by which values are shown, under the names that files have.
_SCALARS, _HISTOGRAMS, _IMAGES, _MODELS = "scalars", "histograms", "images", "graph_keras_model"

_BUCKETS = 30
_MOST_IMAGES = 3


def scalar(tag, number):
    """Return the summary of a number, as float32.

    Args:
        tag: name that it is shown under.
        number: Python number, or array of shape ().

    Returns:
        A `Summary.Value`.

    Raises:
        ValueError: if it is something else than one number.
    """
    array = np.asarray(number)
    if array.shape != () or array.dtype.kind not in "biuf":
        raise ValueError(
            f"Expected one number to show as {tag!r} in TensorBoard, but received {number!r}. A "
            "metric of several numbers can be shown by one metric for each of them."
        )
    return _value(tag, array.astype("float32"), _SCALARS)


def histogram(tag, array):
    """Return the summary of how often values occur: rows of left edge, right edge, count.

    Between least and greatest value lie 30 buckets of one width. What is NaN is in none of them.

    Args:
        tag: name that it is shown under.
        array: NumPy array of any shape.

    Returns:
        A `Summary.Value`.
    """
    return _value(tag, _histogram(array.ravel().astype("float64")), _HISTOGRAMS)


def _histogram(values):
    if not values.size:
        return np.zeros((_BUCKETS, 3))
    low, high = values.min(), values.max()
    counts = np.zeros(_BUCKETS)
    if low == high:
        counts[-1] = values.size
        return np.stack([np.full(_BUCKETS, low), np.full(_BUCKETS, high), counts], axis=1)
    with np.errstate(invalid="ignore"):  # edges between infinities, and places there, are NaN
        places = np.floor((values - low) / ((high - low) / _BUCKETS))
        edges = np.linspace(low, high, _BUCKETS + 1)
    edges[0], edges[-1] = low, high
    places = np.minimum(places[np.isfinite(places)], _BUCKETS - 1).astype(int)
    counts += np.bincount(places, minlength=_BUCKETS)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def image(tag, array):
    """Return the summary of a weight as images, or None if its shape allows none.

    A vector is a column, a matrix lies on its longer side, of a kernel with three axes each matrix
    over its last axis is an image (the first, in the layout `"channels_first"`). A kernel with four
    axes is images in grey or colour if it has 1, 3 or 4 filters. No more than 3 images are written.

    Args:
        tag: name that it is shown under.
        array: NumPy array; numbers from 0 to 1 are shown from black to white.

    Returns:
        A `Summary.Value`, or None.
    """
    images = _as_images(np.squeeze(array))
    if images is None or not images.size:
        return None
    _, height, width, _ = images.shape
    pngs = [_png(pixels) for pixels in _pixels(images[:_MOST_IMAGES])]
    sizes = [str(width).encode(), str(height).encode()]
    return _value(tag, [*sizes, *pngs], _IMAGES)


def _as_images(array):
    """Lay an array out as (images, height, width, channels)."""
    if array.ndim == 1:
        return array[np.newaxis, :, np.newaxis, np.newaxis]
    if array.ndim == 2:
        array = array.T if array.shape[0] > array.shape[1] else array
        return array[np.newaxis, :, :, np.newaxis]
    if array.ndim == 3:
        channels_last = settings.image_data_format() == "channels_last"
        array = array.transpose(2, 0, 1) if channels_last else array
        return array[..., np.newaxis]
    return array if array.ndim == 4 and array.shape[-1] in (1, 3, 4) else None


def _pixels(images):
    """Scale images to uint8; what lies outside of the range is cut off."""
    if images.dtype.kind in "iu":
        levels = np.iinfo(images.dtype).max + 1
        if levels > 256:
            return np.clip(images // (levels // 256), 0, 255).astype("uint8")
        return np.clip(images, 0, 255).astype("uint8") * np.uint8(256 // levels)
    # Each of the 256 levels has an equal share of the range, rounding included.
    return np.clip(np.nan_to_num(images * 255.5, nan=0), 0, 255).astype("uint8")


_PNG_COLOURS = {1: 0, 3: 2, 4: 6}  # grey, red-green-blue, the same with opacity


def _png(pixels):
    """Encode an image of shape (height, width, channels), uint8, as PNG (RFC 2083)."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _PNG_COLOURS[channels], 0, 0, 0)
    no_filter = np.zeros((height, 1), "uint8")
    rows = np.concatenate([no_filter, pixels.reshape(height, width * channels)], axis=1)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind, data):
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def keras_model(tag, json):
    """Return the summary of a model, of which TensorBoard draws the graph.

    Args:
        tag: name that it is shown under.
        json: the model as JSON.

    Returns:
        A `Summary.Value`.
    """
    return _value(tag, json.encode(), _MODELS, content=b"1")


def _value(tag, tensor, plugin, content=b""):
    board = tensorboard()
    shown_by = board.summary.SummaryMetadata.PluginData(plugin_name=plugin, content=content)
    return board.summary.Summary.Value(
        tag=tag,
        tensor=board.make_tensor_proto(tensor),
        metadata=board.summary.SummaryMetadata(plugin_data=shown_by),
    )
