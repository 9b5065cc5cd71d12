"""InceptionV3, with the block that Keras 1 built it of."""

from typing import Any

from minikeras.keras2 import backend as K
from minikeras.keras2 import layers as _layers
from minikeras.keras2.applications.networks import InceptionV3
from minikeras.keras2.applications.preprocessing import decode_predictions, for_inception_v3
from minikeras.keras2.finder import elsewhere

__getattr__ = elsewhere(__name__)

__all__ = ["InceptionV3", "conv2d_bn", "decode_predictions", "preprocess_input"]

preprocess_input = for_inception_v3
layers: Any = _layers


def conv2d_bn(x, nb_filter, nb_row, nb_col, border_mode="same", subsample=(1, 1), name=None):
    """Return what a convolution with `relu` and a normalization make of a tensor.

    Args:
        x: tensor.
        nb_filter: int, the number of filters.
        nb_row: int, the rows of the kernel.
        nb_col: int, its columns.
        border_mode: `"same"` or `"valid"`.
        subsample: two ints, the strides.
        name: str that the layers' names begin with, or None.

    Example:
        >>> from minikeras.keras2.applications.inception_v3 import conv2d_bn
        >>> from minikeras.keras2.layers import Input
        >>> conv2d_bn(Input((8, 8, 3)), 4, 3, 3, subsample=(2, 2)).shape
        (None, 4, 4, 4)
    """
    names = [None, None] if name is None else [f"{name}_conv", f"{name}_bn"]
    x = layers.Conv2D(
        nb_filter,
        (nb_row, nb_col),
        strides=subsample,
        padding=border_mode,
        activation="relu",
        name=names[0],
    )(x)
    axis = 1 if K.image_data_format() == "channels_first" else 3
    return layers.BatchNormalization(axis=axis, name=names[1])(x)
