"""A batch is `x`, `(x, y)` or `(x, y, sample_weight)`; these put it together and take it apart."""

import numpy as np

from minikeras.core import trees


def unpack_x_y_sample_weight(data):
    """Return `(x, y, sample_weight)` of a batch, None where a part is missing.

    Args:
        data: `x`, or a tuple of one to three parts.

    Returns:
        A tuple of three.

    Raises:
        ValueError: if a tuple has more than three parts.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) > 3:
        raise ValueError(
            "A batch is `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`. Received: a "
            f"{type(data).__name__} of {len(data)}: {data}"
        )
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """Put the parts of a batch into the shortest tuple that holds them.

    Args:
        x: inputs.
        y: targets, or None.
        sample_weight: weights of the samples, or None.

    Returns:
        `x` alone, or a tuple.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.pack_x_y_sample_weight(1, 2)
        (1, 2)
    """
    if y is None:
        return x if not isinstance(x, (tuple, list)) else (x,)
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def check_class_weight(y, sample_weight):
    """Raise a ValueError where classes cannot be weighed: many outputs, or weights of samples."""
    if trees.is_nested(y):
        raise ValueError(
            "`class_weight` says how much the classes of one output count, and there are several: "
            f"give `sample_weight` instead. Received: y of type {type(y).__name__}"
        )
    if sample_weight is not None:
        raise ValueError("Give `sample_weight` or `class_weight`, not both.")


def class_weights_to_sample_weights(y, class_weight):
    """Return one weight per sample, looked up by its class.

    Args:
        y: integer labels `(n,)` or `(n, 1)`, or one-hot rows `(n, classes)`.
        class_weight: dict of class to weight; classes that are missing count 1.

    Returns:
        A float32 array `(n,)`.
    """
    labels = np.asarray(y)
    if labels.ndim > 1:
        labels = labels.argmax(axis=-1) if labels.shape[-1] != 1 else labels[..., 0]
    labels = np.round(labels).astype("int32")
    weights = np.ones(labels.shape, dtype="float32")
    for label, weight in class_weight.items():
        weights[labels == label] = weight
    return weights


def batch_size_of(batch):
    """Return the number of samples in a batch."""
    for leaf in trees.flatten(batch):
        if hasattr(leaf, "shape") and len(leaf.shape):
            return leaf.shape[0]
    return None
