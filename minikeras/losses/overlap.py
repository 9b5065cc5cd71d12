"""Losses of segmentation: how little predicted and true regions overlap."""

from minikeras import ops
from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.losses.base import as_pair, losses
from minikeras.losses.declare import FunctionLoss


def dice(y_true, y_pred, axis=None):
    """One minus twice the overlap over the sum of both regions.

    Args:
        y_true: the true region, ones inside and zeros outside.
        y_pred: the predicted region, of the same shape.
        axis: axis or axes to sum over; all if None.

    Returns:
        A tensor that lacks these axes, from 0 (equal) to 1 (disjoint).

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.losses.dice([[1.0, 0.0]], [[1.0, 1.0]])), 4)
        0.3333
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    overlap = ops.sum(y_true * y_pred, axis=axis)
    both = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1 - 2.0 * overlap / (both + settings.epsilon())


@described(dice)
def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """One minus the overlap over itself plus both kinds of error, each with its weight.

    Source: S. Salehi et al., Tversky loss function for image segmentation using 3D fully
    convolutional deep networks, 2017.

    Args:
        alpha: weight of what is true and not predicted.
        beta: weight of what is predicted and not true.

    Returns:
        A tensor that lacks these axes, from 0 (equal) to 1 (disjoint).

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.losses.tversky([[1.0, 0.0]], [[1.0, 1.0]])), 4)
        0.3333
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    overlap = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum((1 - y_pred) * y_true, axis=axis)
    invented = ops.sum(y_pred * (1 - y_true), axis=axis)
    return 1 - overlap / (overlap + missed * alpha + invented * beta + settings.epsilon())


class Dice(FunctionLoss, fn=dice, reduction="sum_over_batch_size", name="dice", axis=None):
    """One minus twice the overlap of two regions over their sum.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.losses.Dice()([[1.0, 0.0]], [[1.0, 1.0]])), 4)
        0.3333
    """


class Tversky(
    FunctionLoss,
    fn=tversky,
    alpha=0.5,
    beta=0.5,
    reduction="sum_over_batch_size",
    name="tversky",
    axis=None,
):
    """One minus the overlap of two regions over itself plus weighted errors.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.losses.Tversky()([[1.0, 0.0]], [[1.0, 1.0]])), 4)
        0.3333
    """


for _loss in (dice, tversky, Dice, Tversky):
    losses.add(_loss)
