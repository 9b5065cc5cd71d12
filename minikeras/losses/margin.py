"""Losses that ask for a margin: the hinges, and the circle loss of embeddings."""

from minikeras import ops
from minikeras.core.docstrings import described
from minikeras.losses.base import PAIR, as_pair, losses
from minikeras.losses.declare import FunctionLoss


@described(PAIR)
def hinge(y_true, y_pred):
    """Mean of `max(1 - y_true · y_pred, 0)` over the last axis.

    Args:
        y_true: -1 or 1, or else 0 or 1, which become -1 and 1; of shape `(batch, ..., n)`.

    Returns:
        A tensor of shape `(batch, ...)`.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.hinge([[-1.0, 1.0]], [[0.5, 0.5]]).tolist()
        [1.0]
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    return ops.mean(_shortfall(y_true, y_pred), axis=-1)


@described(hinge)
def squared_hinge(y_true, y_pred):
    """Mean of `max(1 - y_true · y_pred, 0)²` over the last axis.

    Returns:
        A tensor of shape `(batch, ...)`.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.squared_hinge([[-1.0, 1.0]], [[0.5, 0.5]]).tolist()
        [1.25]
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    return ops.mean(ops.square(_shortfall(y_true, y_pred)), axis=-1)


def _shortfall(y_true, y_pred):
    """How much is missing to the margin."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    signs = ops.where(binary, 2.0 * y_true - 1.0, y_true)
    return ops.maximum(1.0 - signs * y_pred, 0.0)


@described(PAIR)
def categorical_hinge(y_true, y_pred):
    """How much the true class's score falls short of the best other one plus 1, over the last axis.

    Args:
        y_true: one-hot targets, of shape `(batch, ..., classes)`.
        y_pred: scores, of the same shape.

    Returns:
        A tensor of shape `(batch, ...)`.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.categorical_hinge([[0.0, 1.0]], [[0.25, 0.5]]).tolist()
        [0.75]
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    truth = ops.sum(y_true * y_pred, axis=-1)
    other = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(other - truth + 1.0, 0.0)


def circle(
    y_true,
    y_pred,
    ref_labels=None,
    ref_embeddings=None,
    remove_diagonal=True,
    gamma=80,
    margin=0.4,
):
    """Circle loss: pulls embeddings of one class together and pushes those of others apart.

    Source: Y. Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization, 2020.

    Args:
        y_true: class indices, of shape `(batch,)`.
        y_pred: embeddings of length 1, of shape `(batch, n)`.
        ref_labels: class indices to compare with, of shape `(references,)`; `y_true` if None.
        ref_embeddings: embeddings to compare with, of shape `(references, n)`; `y_pred` if None.
        remove_diagonal: whether to leave out the pairs of a sample with itself.
        gamma: scale of the similarities.
        margin: how far apart pairs should be, from 0 to 1.

    Returns:
        A tensor of shape `(batch,)`; where it is 0, the sample does not count in a mean.

    Example:
        >>> import minikeras as keras
        >>> y_pred = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        >>> keras.losses.circle([0, 0, 1], y_pred, margin=0.0).tolist()
        [0.693147, 0.693147, 0.0]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, "int32")
    references = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    labels = y_true if ref_labels is None else ops.cast(ref_labels, "int32")
    distances = ops.maximum(1 - ops.matmul(y_pred, ops.transpose(references)), 0.0)
    alike, unlike = _pairs(y_true, labels, remove_diagonal)
    pull = ops.maximum((margin + distances) * ops.cast(alike, distances.dtype), 0.0)
    push = ops.maximum((1 + margin - distances) * ops.cast(unlike, distances.dtype), 0.0)
    pull = -1 * gamma * pull * (margin - distances)
    push = gamma * push * (1 - margin - distances)
    near = ops.logsumexp(ops.where(alike, pull, float("-inf")), axis=1)
    far = ops.logsumexp(ops.where(unlike, push, float("-inf")), axis=1)
    values = ops.softplus(near + far)
    values._keras_mask = values > 0
    return values


def _pairs(labels, others, remove_diagonal):
    """Which pairs are of one class, and which of two."""
    alike = ops.equal(ops.reshape(labels, (-1, 1)), ops.reshape(others, (1, -1)))
    unlike = ops.logical_not(alike)
    if remove_diagonal:
        same = ops.eye(alike.shape[0], alike.shape[1], dtype="bool")
        alike = ops.logical_and(alike, ops.logical_not(same))
    return alike, unlike


class Hinge(FunctionLoss, fn=hinge):
    """The mean of what is missing to the margin 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.Hinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.0
    """


class SquaredHinge(FunctionLoss, fn=squared_hinge):
    """The mean of the square of what is missing to the margin 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.25
    """


class CategoricalHinge(FunctionLoss, fn=categorical_hinge):
    """How much the true class's score falls short of the best other one plus 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.CategoricalHinge()([[0.0, 1.0]], [[0.25, 0.5]]))
        0.75
    """


class Circle(FunctionLoss, fn=circle, gamma=80.0, margin=0.4, remove_diagonal=True):
    """Circle loss of embeddings: pulls one class together and pushes others apart.

    Example:
        >>> import minikeras as keras
        >>> loss = keras.losses.Circle(gamma=1.0, reduction=None)
        >>> loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).shape
        (3,)
    """


for _loss in (
    hinge,
    squared_hinge,
    categorical_hinge,
    circle,
    Hinge,
    SquaredHinge,
    CategoricalHinge,
    Circle,
):
    losses.add(_loss)
