"""Images for networks that were trained on ImageNet, and the names of its classes."""

import json
from functools import cache

import numpy as np

from minikeras import ops
from minikeras.core import dtypes, settings
from minikeras.utils.files import get_file

__all__ = ["decode_predictions", "preprocess_input"]

_INDEX = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_INDEX_HASH = "c2c37ea517e94d9795004a39431a14cb"

CLASS_INDEX = None
"""The number and the name of each class, by its place as a string; None for those of Keras."""

# Means and standard deviations of ImageNet's red, green and blue; those of "caffe" begin with blue.
_MODES = {
    "caffe": {"mean": (103.939, 116.779, 123.68)},
    "tf": {"scale": 127.5, "mean": 1.0},
    "torch": {"scale": 255.0, "mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225)},
}
_BACKWARDS = (2, 1, 0)

_SENTENCES = {
    "caffe": "turn red, green, blue around and subtract the mean of ImageNet from each channel.",
    "tf": "scale pixels to the range from -1 to 1.",
    "torch": "scale pixels to the range from 0 to 1, subtract the mean of ImageNet from each "
    "channel and divide by its standard deviation.",
    None: "return images as they are: the models begin with layers that scale them.",
}


def preprocess_input(x, data_format=None, mode="caffe"):
    """Scale images as a network had them when it was trained.

    With the mean m and the standard deviation s of each channel in ImageNet:

        caffe    y = x - m, channels in the order blue, green, red
        tf       y = x / 127.5 - 1
        torch    y = (x / 255 - m) / s

    Args:
        x: array or tensor of shape (height, width, 3) or (batch, height, width, 3), values from 0
            to 255. A NumPy array of floating dtype is changed in place.
        data_format: `"channels_last"`, `"channels_first"`, or None for that of the settings.
        mode: `"caffe"`, `"tf"` or `"torch"`.

    Returns:
        What was given, scaled: an array for an array, a tensor for a tensor.

    Raises:
        ValueError: if `mode` or `data_format` is none of these.

    Example:
        >>> import numpy as np
        >>> import minikeras as keras
        >>> images = np.full((1, 2, 2, 3), 255)
        >>> keras.applications.imagenet_utils.preprocess_input(images, mode="tf").max()
        np.float32(1.0)
    """
    if mode not in _MODES:
        raise ValueError(f"`mode` must be one of {list(_MODES)}. Received: mode={mode}")
    data_format = settings.standardize_data_format(data_format)
    axis = -1 if data_format == "channels_last" else len(x.shape) - 3
    scale = _scale_array if isinstance(x, np.ndarray) else _scale_tensor
    return scale(x, axis, turned=mode == "caffe", **_MODES[mode])


def _scale_array(x, axis, turned, mean, scale=None, deviation=None):
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(settings.floatx())
    if scale is not None:
        x /= scale
    if turned:
        x = np.flip(x, axis)
    x -= _along(mean, x, axis).astype(x.dtype)
    if deviation is not None:
        x /= _along(deviation, x, axis).astype(x.dtype)
    return x


def _scale_tensor(x, axis, turned, mean, scale=None, deviation=None):
    if not dtypes.is_float(x.dtype):
        x = ops.cast(x, settings.floatx())
    if scale is not None:
        x /= scale
    if turned:
        before = (slice(None),) * (axis % len(x.shape))
        x = ops.stack([x[(*before, i)] for i in _BACKWARDS], axis=axis)
    if isinstance(mean, float):
        return x - mean
    x += ops.convert_to_tensor(-_along(mean, x, axis), x.dtype)
    if deviation is not None:
        x /= ops.convert_to_tensor(_along(deviation, x, axis), x.dtype)
    return x


def _along(values, x, axis):
    """One value for each channel, in a shape that broadcasts; or one for all."""
    if isinstance(values, float):
        return np.asarray(values)
    last = len(x.shape) - 1
    return np.reshape(values, (-1, *(1,) * (last - axis % (last + 1))))


def preprocessing(module, mode):
    """Make the `preprocess_input` of a family.

    Args:
        module: name of the family's module.
        mode: how its images are scaled, or None if the models do so themselves.

    Example:
        >>> from minikeras.applications.imagenet_utils import preprocessing
        >>> preprocessing("minikeras.applications.xception", "tf")(255.0 * np.ones((1, 1, 3)))
        array([[[1., 1., 1.]]])
    """

    def preprocess(x, data_format=None):
        return x if mode is None else preprocess_input(x, data_format, mode)

    preprocess.__name__ = preprocess.__qualname__ = "preprocess_input"
    preprocess.__module__ = module
    preprocess.__doc__ = f"""Prepare images: {_SENTENCES[mode]}

Args:
    x: array or tensor of shape (height, width, 3) or (batch, height, width, 3), values from 0 to
        255. A NumPy array of floating dtype is changed in place.
    data_format: `"channels_last"`, `"channels_first"`, or None for that of the settings.

Returns:
    What was given, scaled: an array for an array, a tensor for a tensor.

Raises:
    ValueError: if `data_format` is none of these.

Example:
    >>> import numpy as np
    >>> from {module} import preprocess_input
    >>> preprocess_input(np.zeros((1, 224, 224, 3))).shape
    (1, 224, 224, 3)
"""
    return preprocess


def decode_predictions(preds, top=5):
    """Name the most probable classes of ImageNet.

    The names are downloaded when they are first needed.

    Args:
        preds: array or tensor of shape (batch, 1000), the probability of each class.
        top: int, how many classes are named.

    Returns:
        A list with one list for each image: tuples `(WordNet's number, name, probability)`, the
        most probable first.

    Raises:
        ValueError: if `preds` has another shape.

    Example:
        >>> import numpy as np
        >>> import minikeras as keras
        >>> keras.applications.imagenet_utils.decode_predictions(np.zeros((1, 10)))
        Traceback (most recent call last):
        ValueError: ... must be of shape (batch, 1000). Received: preds.shape=(1, 10)
    """
    if len(preds.shape) != 2 or preds.shape[1] != 1000:
        raise ValueError(
            f"Predictions must be of shape (batch, 1000). Received: preds.shape={preds.shape}"
        )
    names = _class_index()
    return [
        [(*names[str(i)], row[i]) for i in _most(row, top)] for row in ops.convert_to_numpy(preds)
    ]


def _most(row, top):
    return np.argsort(row)[-top:][::-1]


def _class_index():
    return _downloaded_index() if CLASS_INDEX is None else CLASS_INDEX


@cache
def _downloaded_index():
    path = get_file(
        "imagenet_class_index.json", _INDEX, cache_subdir="models", file_hash=_INDEX_HASH
    )
    with open(path) as file:
        return json.load(file)
