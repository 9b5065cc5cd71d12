"""Losses of Keras 2: functions of targets and predictions that return a value for each sample.

Called on symbolic tensors each is one node of the graph.
"""

from minikeras import ops
from minikeras.core import settings
from minikeras.core.registry.custom import find_custom
from minikeras.keras2 import backend as K
from minikeras.keras2.backend.tensors import symbolic_function
from minikeras.keras2.finder import elsewhere


def _mean(values):
    return ops.mean(values, axis=-1)


def _bounded(y, low=None):
    return ops.clip(y, settings.epsilon() if low is None else low, float("inf"))


@symbolic_function
def mean_squared_error(y_true, y_pred):
    """Mean of `(y_pred - y_true) ** 2` over the last axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.mean_squared_error(target, output)).shape
        (1,)
    """
    return _mean(ops.square(y_pred - y_true))


@symbolic_function
def mean_absolute_error(y_true, y_pred):
    """Mean of `|y_pred - y_true|` over the last axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.mean_absolute_error(target, output)).shape
        (1,)
    """
    return _mean(ops.abs(y_pred - y_true))


@symbolic_function
def mean_absolute_percentage_error(y_true, y_pred):
    """`100` times the mean of `|y_true - y_pred| / max(|y_true|, epsilon)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.mean_absolute_percentage_error(target, output)).shape
        (1,)
    """
    return 100.0 * _mean(ops.abs((y_true - y_pred) / _bounded(ops.abs(y_true))))


@symbolic_function
def mean_squared_logarithmic_error(y_true, y_pred):
    """Mean of the squared difference of `log(max(y, epsilon) + 1)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.mean_squared_logarithmic_error(target, output)).shape
        (1,)
    """
    first, second = ops.log(_bounded(y_pred) + 1.0), ops.log(_bounded(y_true) + 1.0)
    return _mean(ops.square(first - second))


@symbolic_function
def squared_hinge(y_true, y_pred):
    """Mean of `max(1 - y_true * y_pred, 0) ** 2`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.squared_hinge(target, output)).shape
        (1,)
    """
    return _mean(ops.square(ops.maximum(1.0 - y_true * y_pred, 0.0)))


@symbolic_function
def hinge(y_true, y_pred):
    """Mean of `max(1 - y_true * y_pred, 0)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.hinge(target, output)).shape
        (1,)
    """
    return _mean(ops.maximum(1.0 - y_true * y_pred, 0.0))


@symbolic_function
def categorical_hinge(y_true, y_pred):
    """`max(0, neg - pos + 1)` of the right class's value and the largest of the others.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.categorical_hinge(target, output)).shape
        (1,)
    """
    pos = ops.sum(y_true * y_pred, axis=-1)
    neg = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(0.0, neg - pos + 1.0)


@symbolic_function
def logcosh(y_true, y_pred):
    """Mean of `log(cosh(y_pred - y_true))`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.logcosh(target, output)).shape
        (1,)
    """
    x = y_pred - y_true
    return _mean(x + ops.softplus(-2.0 * x) - ops.log(2.0))


@symbolic_function
def categorical_crossentropy(y_true, y_pred):
    """Cross-entropy of one-hot targets.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.categorical_crossentropy(target, output)).shape
        (1,)
    """
    return K.categorical_crossentropy(y_true, y_pred)


@symbolic_function
def sparse_categorical_crossentropy(y_true, y_pred):
    """Cross-entropy of integer targets.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[1]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.sparse_categorical_crossentropy(target, output)).shape
        (1,)
    """
    return K.sparse_categorical_crossentropy(y_true, y_pred)


@symbolic_function
def binary_crossentropy(y_true, y_pred):
    """Mean of the binary cross-entropies over the last axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.binary_crossentropy(target, output)).shape
        (1,)
    """
    return _mean(K.binary_crossentropy(y_true, y_pred))


@symbolic_function
def kullback_leibler_divergence(y_true, y_pred):
    """Sum of `y_true * log(y_true / y_pred)`, both clipped to `[epsilon, 1]`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.kullback_leibler_divergence(target, output)).shape
        (1,)
    """
    y_true, y_pred = (ops.clip(y, settings.epsilon(), 1.0) for y in (y_true, y_pred))
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


@symbolic_function
def poisson(y_true, y_pred):
    """Mean of `y_pred - y_true * log(y_pred + epsilon)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.poisson(target, output)).shape
        (1,)
    """
    return _mean(y_pred - y_true * ops.log(y_pred + settings.epsilon()))


@symbolic_function
def cosine_proximity(y_true, y_pred):
    """Minus the cosine of the angle between targets and predictions.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> target, output = K.constant([[0.0, 1.0]]), K.constant([[0.25, 0.75]])
        >>> K.eval(losses.cosine_proximity(target, output)).shape
        (1,)
    """
    return -ops.sum(K.l2_normalize(y_true, axis=-1) * K.l2_normalize(y_pred, axis=-1), axis=-1)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence
cosine = cosine_proximity


def get(identifier):
    """Return the loss that a name or a function stands for; None for None.

    Args:
        identifier: name, function, or None.

    Returns:
        A function of targets and predictions, or None.

    Raises:
        ValueError: if the name is unknown.
    """
    return find_function(identifier, globals(), "loss function")


def find_function(identifier, table, kind):
    """Return a function by its name in a module, or as it is.

    Args:
        identifier: name, function, dict with `class_name`, or None.
        table: dict of names and functions.
        kind: what it is, for the message.

    Returns:
        The function, or None for None.

    Raises:
        ValueError: if there is none of that name.
    """
    if identifier is None or callable(identifier):
        return identifier
    if isinstance(identifier, dict):
        identifier = identifier["class_name"]
    function = find_custom(identifier, None) or table.get(identifier)
    if not callable(function) or identifier in ("get", "find_function", "find_custom"):
        raise ValueError(f"Unknown {kind}: {identifier!r}")
    return function


def serialize(loss):
    """Return the loss's name."""
    return loss.__name__


def deserialize(name, custom_objects=None):
    """Return the loss of a name."""
    return (custom_objects or {}).get(name) or get(name)


__getattr__ = elsewhere(__name__)
