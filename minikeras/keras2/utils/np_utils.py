"""Targets and arrays: one-hot rows, unit vectors, and the scores of Keras 1."""

import numpy as np

from minikeras import utils
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import spelled
from minikeras.keras2.utils.conv_utils import conv_input_length as _input_length
from minikeras.keras2.utils.conv_utils import conv_output_length as _output_length
from minikeras.keras2.utils.conv_utils import convert_kernel as _convert_kernel

__getattr__ = elsewhere(__name__)

__all__ = [
    "accuracy",
    "binary_logloss",
    "categorical_probas_to_classes",
    "conv_input_length",
    "conv_output_length",
    "convert_kernel",
    "multiclass_logloss",
    "normalize",
    "probas_to_classes",
    "to_categorical",
]


def _to_categorical(y, num_classes, dtype):
    return np.asarray(utils.to_categorical(y, num_classes)).astype(dtype)


_to_categorical.__name__, _to_categorical.__doc__ = "to_categorical", utils.to_categorical.__doc__

to_categorical = spelled(
    _to_categorical,
    "y, num_classes=None, dtype='float32'",
    keras1={"nb_classes": "num_classes"},
)
normalize = spelled(utils.normalize, "x, axis=-1, order=2", keras1={"a": "x"})
convert_kernel = spelled(
    _convert_kernel,
    "kernel, data_format=None",
    {"dim_ordering": "data_format"},
    {},
    ["data_format"],
)
_OF_BORDERS = {"border_mode": "padding"}
conv_output_length = spelled(
    _output_length, "input_length, filter_size, padding, stride, dilation=1", _OF_BORDERS
)
conv_input_length = spelled(
    _input_length, "output_length, filter_size, padding, stride", _OF_BORDERS
)


def probas_to_classes(y_pred):
    """Return the class of each sample.

    Args:
        y_pred: array of shape (samples, classes) of probabilities, or (samples, 1) of those of the
            second of two classes.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.utils.np_utils import probas_to_classes
        >>> probas_to_classes(np.array([[0.1, 0.9], [0.8, 0.2]])).tolist()
        [1, 0]
    """
    if y_pred.ndim > 1 and y_pred.shape[1] > 1:
        return categorical_probas_to_classes(y_pred)
    return np.array([1 if p > 0.5 else 0 for p in y_pred])


def categorical_probas_to_classes(p):
    """Return the most probable class of each sample, for an array of shape (samples, classes).

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.utils.np_utils import categorical_probas_to_classes
        >>> categorical_probas_to_classes(np.array([[0.1, 0.9]])).tolist()
        [1]
    """
    return np.argmax(p, axis=1)


def accuracy(p, y):
    """Return the share of elements that are equal in two arrays of classes.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.utils.np_utils import accuracy
        >>> float(accuracy(np.array([0, 1]), np.array([0, 0])))
        0.5
    """
    return np.mean(p == y)


def binary_logloss(p, y):
    """Return the mean of `-(y log(p) + (1 - y) log(1 - p))`, probabilities kept from 0 and 1.

    Args:
        p: array of shape (samples,) of probabilities.
        y: array of shape (samples,) of zeros and ones.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.utils.np_utils import binary_logloss
        >>> float(binary_logloss(np.array([0.5]), np.array([1])))
        0.693
    """
    epsilon = 1e-15
    p = np.clip(p, epsilon, 1 - epsilon)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def multiclass_logloss(p, y):
    """Return the mean of `-log(p[y])`.

    Args:
        p: array of shape (samples, classes) of probabilities.
        y: array of shape (samples,) of classes.

    Example:
        >>> from minikeras.keras2.utils.np_utils import multiclass_logloss
        >>> float(multiclass_logloss([[0.5, 0.5]], [1]))
        0.693
    """
    return -np.mean(np.log(np.asarray(p)[np.arange(len(y)), y]))
