"""Losses between probability distributions: cross-entropies, divergence, Poisson."""

import warnings

from minikeras import ops
from minikeras.autograd.tensor import Tensor
from minikeras.core import dims, settings
from minikeras.core.docstrings import described
from minikeras.losses.base import as_pair, losses
from minikeras.losses.declare import FunctionLoss


def kl_divergence(y_true, y_pred):
    """Kullback-Leibler divergence: the sum of `y_true · log(y_true / y_pred)` over the last axis.

    Both are clipped to between the fuzz factor and 1.

    Args:
        y_true: probabilities, of shape `(batch, ..., classes)`.
        y_pred: probabilities, of the same shape.

    Returns:
        A tensor of shape `(batch, ...)`.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).tolist()
        [0.0]
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    y_true = ops.clip(y_true, settings.epsilon(), 1)
    y_pred = ops.clip(y_pred, settings.epsilon(), 1)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true, y_pred):
    """Mean of `y_pred - y_true · log(y_pred)` over the last axis.

    It is the negative log-likelihood of counts, up to a constant. The logarithm is that of
    `y_pred` plus the fuzz factor.

    Args:
        y_true: counts, of shape `(batch, ..., n)`.
        y_pred: expected counts, of the same shape.

    Returns:
        A tensor of shape `(batch, ...)`.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.poisson([[0.0, 0.0]], [[1.0, 2.0]]).tolist()
        [1.5]
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + settings.epsilon()), axis=-1)


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """Mean over an axis of `-y_true · log(y_pred) - (1 - y_true) · log(1 - y_pred)`.

    Args:
        y_true: 0 or 1, or probabilities, of shape `(batch, ..., n)`.
        y_pred: probabilities, or logits, of the same shape.
        from_logits: whether `y_pred` are logits.
        label_smoothing: how far to move the targets towards 0.5, from 0 to 1.
        axis: int, the axis of the mean.

    Returns:
        A tensor that lacks that axis.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import minikeras as keras
        >>> loss = keras.losses.binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        >>> round(float(loss[0]), 4)
        0.6931
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    y_true = smoothed_bits(y_true, label_smoothing)
    values = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    return ops.mean(values, axis=axis)


@described(binary_crossentropy)
def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """Sum over the classes of `-y_true · log(y_pred)`.

    Args:
        y_true: one-hot targets, or probabilities, of shape `(batch, ..., classes)`.
        label_smoothing: the share of every target that is spread over all classes, from 0 to 1.
        axis: int, the axis of the classes.

    Returns:
        A tensor that lacks that axis.

    Raises:
        ValueError: if the shapes differ, or `axis` is a bool.

    Example:
        >>> import minikeras as keras
        >>> loss = keras.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        >>> round(float(loss[0]), 4)
        0.6931
    """
    y_true, y_pred = class_pair(y_true, y_pred, label_smoothing, axis, "categorical_crossentropy")
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@described(categorical_crossentropy)
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """The negative logarithm of the probability of the true class.

    Args:
        y_true: class indices from 0, of shape `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: probabilities, or logits, of shape `(batch, ..., classes)`.
        ignore_class: a class number whose positions get the loss 0 and do not count in means.
        axis: the axis of the classes, which must be the last one.

    Returns:
        A tensor of shape `(batch, ...)`.

    Raises:
        ValueError: if the shapes do not fit, or a label is not from 0 to `classes - 1`.

    Example:
        >>> import minikeras as keras
        >>> loss = keras.losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]])
        >>> round(float(loss[0]), 4)
        0.6931
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    if ignore_class is None:
        return _sparse(y_true, y_pred, from_logits, axis)
    counts = ops.not_equal(y_true, ops.cast(ignore_class, y_pred.dtype))
    y_true = ops.where(counts, y_true, 0)
    y_pred = ops.where(ops.expand_dims(counts, axis), y_pred, 0)
    values = _sparse(y_true, y_pred, from_logits, axis)
    values = ops.where(counts, values, 0.0)
    values._keras_mask = counts
    return values


def smoothed_bits(y_true, label_smoothing):
    """Return binary targets moved towards 0.5."""
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing


def class_pair(y_true, y_pred, label_smoothing, axis, name):
    """Return one-hot targets, smoothed, and predictions, for the loss of that name.

    Raises:
        ValueError: if `axis` is a bool.
    """
    if isinstance(axis, bool):
        raise ValueError(f"`axis` must be of type `int`. Received: axis={axis} of type bool")
    y_true, y_pred = as_pair(y_true, y_pred)
    if y_pred.shape[-1] == 1:
        warnings.warn(
            f"The loss {name} got predictions of shape {dims.to_public(y_pred.shape)}: there is "
            "only one class. Expected (batch_size, num_classes) with num_classes > 1. For two "
            "classes in one number use 'binary_crossentropy'.",
            SyntaxWarning,
            stacklevel=3,
        )
    if label_smoothing:
        classes = ops.cast(y_true.shape[-1], y_pred.dtype)
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    return y_true, y_pred


def _sparse(y_true, y_pred, from_logits, axis):
    try:
        return ops.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=from_logits, axis=axis
        )
    except ValueError:
        _check_labels(y_true, y_pred)
        raise


def _check_labels(y_true, y_pred):
    """Say so if a class number has no class."""
    if not (isinstance(y_true, Tensor) and isinstance(y_pred, Tensor) and y_true.size):
        return
    classes = y_pred.shape[-1]
    least, largest = y_true.data.min(), y_true.data.max()
    if least >= 0 and largest < classes:
        return
    raise ValueError(
        f"The labels run from {least:g} to {largest:g}, but the predictions of shape "
        f"{y_pred.shape} have {classes} classes, so labels must be from 0 to {classes - 1}. Check "
        "how the classes are numbered, and the last layer's number of units."
    )


class KLDivergence(FunctionLoss, fn=kl_divergence):
    """The Kullback-Leibler divergence of predicted from true probabilities.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
        0.0
    """


class Poisson(FunctionLoss, fn=poisson):
    """The negative log-likelihood of counts, up to a constant.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.Poisson()([[0.0, 0.0]], [[1.0, 2.0]]))
        1.5
    """


class BinaryCrossentropy(
    FunctionLoss, fn=binary_crossentropy, from_logits=False, label_smoothing=0.0, axis=-1
):
    """The cross-entropy of yes-or-no targets.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.losses.BinaryCrossentropy()([[0.0], [1.0]], [[0.5], [0.5]])), 4)
        0.6931
    """


class CategoricalCrossentropy(
    FunctionLoss, fn=categorical_crossentropy, from_logits=False, label_smoothing=0.0, axis=-1
):
    """The cross-entropy of one-hot targets.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.losses.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """


class SparseCategoricalCrossentropy(
    FunctionLoss,
    fn=sparse_categorical_crossentropy,
    unsaved=("axis",),
    from_logits=False,
    ignore_class=None,
    reduction="sum_over_batch_size",
    axis=-1,
):
    """The cross-entropy of class indices.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.losses.SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
        0.6931
    """


losses.add(kl_divergence, "kld", "KLD", "kullback_leibler_divergence")
losses.add(poisson)
losses.add(binary_crossentropy, "bce", "BCE")
losses.add(categorical_crossentropy)
losses.add(sparse_categorical_crossentropy)
for _loss in (
    KLDivergence,
    Poisson,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
):
    losses.add(_loss)
