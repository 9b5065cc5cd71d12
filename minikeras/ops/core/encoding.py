"""Small array helpers of `minikeras.utils`."""

import numpy as np

from minikeras.autograd.tensor import Tensor, values_of
from minikeras.core.old_names import explains_old_arguments
from minikeras.ops.nn.norm import normalize as normalized
from minikeras.ops.nn.softmax import one_hot


@explains_old_arguments
def to_categorical(x, num_classes=None):
    """Turn integer labels into one-hot rows.

    Args:
        x: array-like of integers of shape `(...)` or `(..., 1)`.
        num_classes: number of classes; one more than the largest label by default.

    Returns:
        A float64 array `(..., num_classes)`; if `x` is a tensor, a tensor of the default float
        type.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if isinstance(x, Tensor):
        labels = x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x
        classes = num_classes or int(values_of(labels).max()) + 1
        return one_hot(labels, classes)
    labels = np.array(x, dtype="int64")
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    labels = labels.reshape(-1)
    classes = num_classes or int(labels.max()) + 1
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(
            f"Labels must be from 0 to {classes - 1}; received values from {labels.min()} to "
            f"{labels.max()}."
        )
    rows = np.zeros((labels.size, classes))
    rows[np.arange(labels.size), labels] = 1
    return rows.reshape((*shape, classes))


def normalize(x, axis=-1, order=2):
    """Divide an array by its norm along an axis.

    Args:
        x: NumPy array; or a tensor, or what can be made one.
        axis: int, the axis.
        order: int, the order of the norm.

    Returns:
        A NumPy array for a NumPy array, else a tensor.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> keras.utils.normalize(np.array([[3.0, 4.0]])).tolist()
        [[0.6, 0.8]]
    """
    if not isinstance(x, np.ndarray):
        return normalized(x, axis=axis, order=order)
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis)
