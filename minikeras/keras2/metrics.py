"""Metrics of Keras 2: functions of targets and predictions; every loss is one as well."""

from minikeras import ops
from minikeras.core import settings
from minikeras.keras2 import losses
from minikeras.keras2.backend.tensors import symbolic_function
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.losses import (
    MAE,
    MAPE,
    MSE,
    MSLE,
    binary_crossentropy,
    categorical_crossentropy,
    cosine,
    cosine_proximity,
    hinge,
    kullback_leibler_divergence,
    logcosh,
    mae,
    mape,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    mse,
    msle,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)


@symbolic_function
def binary_accuracy(y_true, y_pred):
    """How often rounded predictions are the targets.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(metrics.binary_accuracy(target, output)).shape
        (1,)
    """
    return ops.mean(ops.cast(ops.equal(y_true, ops.round(y_pred)), "float32"), axis=-1)


@symbolic_function
def categorical_accuracy(y_true, y_pred):
    """Whether the largest prediction is at the largest target.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(metrics.categorical_accuracy(target, output)).shape
        (1,)
    """
    hits = ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))
    return ops.cast(hits, "float32")


@symbolic_function
def sparse_categorical_accuracy(y_true, y_pred):
    """Whether the largest prediction is at the place that the target names.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[1]]), K.constant([[0.25, 0.75]])
        >>> K.eval(metrics.sparse_categorical_accuracy(target, output)).shape
        (1,)
    """
    y_true = ops.reshape(y_true, y_pred.shape[:-1])
    hits = ops.equal(ops.cast(y_true, "int32"), ops.cast(ops.argmax(y_pred, axis=-1), "int32"))
    return ops.cast(hits, "float32")


@symbolic_function
def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """How often the largest target is among the `k` largest predictions.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.75, 0.25]])
        >>> float(K.eval(metrics.top_k_categorical_accuracy(target, output, k=2)))
        1.0
    """
    hits = ops.in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)
    return ops.mean(ops.cast(hits, "float32"), axis=-1)


@symbolic_function
def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5):
    """How often the target is among the `k` largest predictions.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[1]]), K.constant([[0.75, 0.25]])
        >>> float(K.eval(metrics.sparse_top_k_categorical_accuracy(target, output, k=2)))
        1.0
    """
    hits = ops.in_top_k(ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred, k)
    return ops.mean(ops.cast(hits, "float32"), axis=-1)


# --- Of Keras 1: scores of a whole batch ----------------------------------------------------------


def _is_one(y):
    return ops.round(ops.clip(y, 0.0, 1.0))


@symbolic_function
def precision(y_true, y_pred):
    """Share of right ones among what is predicted as one, in a batch: `tp / (tp + fp)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.75, 0.75]])
        >>> float(K.eval(metrics.precision(target, output)))
        0.5
    """
    return ops.sum(_is_one(y_true * y_pred)) / (ops.sum(_is_one(y_pred)) + settings.epsilon())


@symbolic_function
def recall(y_true, y_pred):
    """Share of the ones that are predicted as one, in a batch: `tp / (tp + fn)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[1.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> float(K.eval(metrics.recall(target, output)))
        0.5
    """
    return ops.sum(_is_one(y_true * y_pred)) / (ops.sum(_is_one(y_true)) + settings.epsilon())


def fbeta_score(y_true, y_pred, beta=1):
    """Weighted harmonic mean of precision p and recall r, `(1 + b^2) p r / (b^2 p + r)`.

    Args:
        y_true: targets.
        y_pred: predictions.
        beta: float b; the larger it is, the more recall counts.

    Raises:
        ValueError: if `beta` is negative.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.75, 0.75]])
        >>> float(K.eval(metrics.fbeta_score(target, output, beta=0)))
        0.5
    """
    if beta < 0:
        raise ValueError(f"`beta` is 0 (precision alone) or more. Received: {beta}")
    p, r, square = precision(y_true, y_pred), recall(y_true, y_pred), beta**2
    return (1 + square) * (p * r) / (square * p + r + settings.epsilon())


def fmeasure(y_true, y_pred):
    """Harmonic mean of precision and recall, in a batch.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.75, 0.75]])
        >>> float(K.eval(metrics.fmeasure(target, output)))
        0.667
    """
    return fbeta_score(y_true, y_pred, beta=1)


fscore = f1score = fmeasure


@symbolic_function
def matthews_correlation(y_true, y_pred):
    """Correlation of ones and zeros with those predicted, in a batch, from -1 to 1.

    With the numbers of true and false positives and negatives it is
    `(tp tn - fp fn) / sqrt((tp + fp) (tp + fn) (tn + fp) (tn + fn))`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> round(float(K.eval(metrics.matthews_correlation(target, output))), 3)
        1.0
    """
    true, predicted = _is_one(y_true), _is_one(y_pred)
    tp, tn = ops.sum(true * predicted), ops.sum((1 - true) * (1 - predicted))
    fp, fn = ops.sum((1 - true) * predicted), ops.sum(true * (1 - predicted))
    product = ops.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return (tp * tn - fp * fn) / (product + settings.epsilon())


# --- By name --------------------------------------------------------------------------------------


def get(identifier):
    """Return the metric that a name or a function stands for.

    Args:
        identifier: name or function.

    Returns:
        A function of targets and predictions.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> from minikeras.keras2 import metrics
        >>> metrics.get("mse").__name__
        'mean_squared_error'
    """
    return losses.find_function(identifier, globals(), "metric function")


def serialize(metric):
    """Return the metric's name.

    Example:
        >>> from minikeras.keras2 import metrics
        >>> metrics.serialize(metrics.mse)
        'mean_squared_error'
    """
    return metric.__name__


def deserialize(config, custom_objects=None):
    """Return the metric of a name.

    Example:
        >>> from minikeras.keras2 import metrics
        >>> metrics.deserialize("mse").__name__
        'mean_squared_error'
    """
    return (custom_objects or {}).get(config) or get(config)


def accuracy_for(output_shape, loss):
    """Return the function that `"accuracy"` means for an output and its loss.

    Args:
        output_shape: shape of the predictions.
        loss: the loss function.

    Returns:
        A metric.
    """
    if output_shape[-1] == 1 or loss is losses.binary_crossentropy:
        return binary_accuracy
    if loss is losses.sparse_categorical_crossentropy:
        return sparse_categorical_accuracy
    return categorical_accuracy


def crossentropy_for(output_shape, loss):
    """Return the function that `"crossentropy"` means for an output and its loss."""
    if output_shape[-1] == 1 or loss is losses.binary_crossentropy:
        return binary_crossentropy
    if loss is losses.sparse_categorical_crossentropy:
        return sparse_categorical_crossentropy
    return categorical_crossentropy


__getattr__ = elsewhere(__name__)

__all__ = [
    "MAE",
    "MAPE",
    "MSE",
    "MSLE",
    "binary_accuracy",
    "binary_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "cosine",
    "cosine_proximity",
    "deserialize",
    "f1score",
    "fbeta_score",
    "fmeasure",
    "fscore",
    "get",
    "hinge",
    "kullback_leibler_divergence",
    "logcosh",
    "mae",
    "mape",
    "matthews_correlation",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "precision",
    "recall",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]
