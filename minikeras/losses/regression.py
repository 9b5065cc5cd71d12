"""Losses of regression: how far predictions lie from targets.

All functions take targets and predictions of shape `(batch, ..., n)` and reduce the last axis.
"""

from minikeras import ops
from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.losses.base import PAIR, as_matching_pair, losses
from minikeras.losses.declare import FunctionLoss


@described(PAIR)
def mean_squared_error(y_true, y_pred):
    """Mean of `(y_true - y_pred)²` over the last axis.

    Returns:
        A tensor of shape `(batch, ...)`.

    Raises:
        ValueError: if the shapes do not broadcast.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.mean_squared_error([[0.0, 2.0]], [[1.0, 4.0]]).tolist()
        [2.5]
    """
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@described(PAIR)
def mean_absolute_error(y_true, y_pred):
    """Mean of `|y_true - y_pred|` over the last axis.

    Returns:
        A tensor of shape `(batch, ...)`.

    Raises:
        ValueError: if the shapes do not broadcast.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.mean_absolute_error([[0.0, 2.0]], [[1.0, 4.0]]).tolist()
        [1.5]
    """
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


@described(PAIR)
def mean_absolute_percentage_error(y_true, y_pred):
    """Mean of `100 · |y_true - y_pred| / |y_true|` over the last axis.

    Targets smaller than the fuzz factor count as the fuzz factor in the denominator.

    Returns:
        A tensor of shape `(batch, ...)`, in percent.

    Raises:
        ValueError: if the shapes do not broadcast.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.mean_absolute_percentage_error([[1.0, 2.0]], [[1.0, 1.0]]).tolist()
        [25.0]
    """
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    size = ops.maximum(ops.abs(y_true), settings.epsilon())
    return 100.0 * ops.mean(ops.abs((y_true - y_pred) / size), axis=-1)


@described(PAIR)
def mean_squared_logarithmic_error(y_true, y_pred):
    """Mean of `(log(1 + y_true) - log(1 + y_pred))²` over the last axis.

    Values below the fuzz factor count as the fuzz factor.

    Returns:
        A tensor of shape `(batch, ...)`.

    Raises:
        ValueError: if the shapes do not broadcast.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.mean_squared_logarithmic_error([[3.0, 1.0]], [[3.0, 1.0]]).tolist()
        [0.0]
    """
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    least = ops.convert_to_tensor(settings.epsilon())
    first = ops.log(ops.maximum(y_pred, least) + 1.0)
    second = ops.log(ops.maximum(y_true, least) + 1.0)
    return ops.mean(ops.square(first - second), axis=-1)


@described(PAIR)
def huber(y_true, y_pred, delta=1.0):
    """Squares of small errors and absolute values of large ones, over the last axis.

    With `e = y_pred - y_true` it is the mean of `e²/2` where `|e| <= delta` and of
    `delta · |e| - delta²/2` elsewhere.
    Source: P. J. Huber, Robust Estimation of a Location Parameter, 1964.

    Args:
        delta: where squares turn into lines, a positive number.

    Returns:
        A tensor of shape `(batch, ...)`.

    Raises:
        ValueError: if the shapes do not broadcast.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
        [1.5]
    """
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    delta = ops.convert_to_tensor(delta, dtype=y_pred.dtype)
    error = y_pred - y_true
    size = ops.abs(error)
    lines = delta * size - 0.5 * ops.square(delta)
    return ops.mean(ops.where(size <= delta, 0.5 * ops.square(error), lines), axis=-1)


@described(PAIR)
def log_cosh(y_true, y_pred):
    """Mean of `log(cosh(y_pred - y_true))` over the last axis.

    Close to `e²/2` for small errors and to `|e| - log 2` for large ones.

    Returns:
        A tensor of shape `(batch, ...)`.

    Raises:
        ValueError: if the shapes do not broadcast.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.log_cosh([[0.0, 1.0]], [[0.0, 1.0]]).tolist()
        [0.0]
    """
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    error = y_pred - y_true
    log2 = ops.cast(ops.log(2.0), error.dtype)
    return ops.mean(error + ops.softplus(error * -2.0) - log2, axis=-1)


@described(PAIR)
def cosine_similarity(y_true, y_pred, axis=-1):
    """The negative cosine of the angle between targets and predictions.

    Args:
        axis: the axis along which they are vectors.

    Returns:
        A tensor that lacks that axis, from -1 (same direction) to 1; 0 if a vector is zero.

    Raises:
        ValueError: if the shapes do not broadcast.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.cosine_similarity([[1.0, 0.0]], [[2.0, 0.0]]).tolist()
        [-1.0]
    """
    return -cosine(y_true, y_pred, axis)


def cosine(y_true, y_pred, axis=-1):
    """Return the cosine of the angle between targets and predictions along an axis."""
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    y_pred, y_true = ops.normalize(y_pred, axis=axis), ops.normalize(y_true, axis=axis)
    return ops.sum(y_true * y_pred, axis=axis)


class MeanSquaredError(FunctionLoss, fn=mean_squared_error):
    """The mean of squared errors.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.MeanSquaredError()([[0.0, 1.0]], [[1.0, 1.0]]))
        0.5
    """


class MeanAbsoluteError(FunctionLoss, fn=mean_absolute_error):
    """The mean of absolute errors.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 1.0]]))
        0.5
    """


class MeanAbsolutePercentageError(FunctionLoss, fn=mean_absolute_percentage_error):
    """The mean of absolute errors in percent of the targets.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.MeanAbsolutePercentageError()([[1.0, 2.0]], [[1.0, 1.0]]))
        25.0
    """


class MeanSquaredLogarithmicError(FunctionLoss, fn=mean_squared_logarithmic_error):
    """The mean of squared errors of the logarithms.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.MeanSquaredLogarithmicError()([[3.0, 1.0]], [[3.0, 1.0]]))
        0.0
    """


class Huber(FunctionLoss, fn=huber, unsaved=("delta",), delta=1.0, name="huber_loss"):
    """Squares of small errors and absolute values of large ones.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.Huber(delta=2.0)([[0.0]], [[3.0]]))
        4.0
    """


class LogCosh(FunctionLoss, fn=log_cosh):
    """The mean of the logarithms of the hyperbolic cosines of the errors.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.LogCosh()([[2.0]], [[2.0]]))
        0.0
    """


class CosineSimilarity(FunctionLoss, fn=cosine_similarity, unsaved=("axis",), axis=-1):
    """The negative cosine of the angle between targets and predictions.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.CosineSimilarity()([[1.0, 0.0]], [[3.0, 4.0]]))
        -0.6
    """


losses.add(mean_squared_error, "mse", "MSE")
losses.add(mean_absolute_error, "mae", "MAE")
losses.add(mean_absolute_percentage_error, "mape", "MAPE")
losses.add(mean_squared_logarithmic_error, "msle", "MSLE")
losses.add(huber)
losses.add(log_cosh, "logcosh")
losses.add(cosine_similarity)
for _loss in (
    MeanSquaredError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Huber,
    LogCosh,
    CosineSimilarity,
):
    losses.add(_loss)
