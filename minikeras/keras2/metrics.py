"""Metrics of Keras 2: functions of targets and predictions; every loss is one as well."""

from minikeras import ops
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
def binary_accuracy(y_true, y_pred, threshold=0.5):
    """How often predictions, rounded at a threshold, are the targets.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import metrics
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(metrics.binary_accuracy(target, output)).shape
        (1,)
    """
    y_pred = ops.cast(y_pred > threshold, y_pred.dtype) if threshold != 0.5 else ops.round(y_pred)
    return ops.mean(ops.cast(ops.equal(y_true, y_pred), "float32"), axis=-1)


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
    "get",
    "hinge",
    "kullback_leibler_divergence",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]
