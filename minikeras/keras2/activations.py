"""Activations of Keras 2, by name; they take symbolic tensors as well as others."""

from typing import Any

from minikeras import activations as engine
from minikeras.core.registry.custom import find_custom
from minikeras.keras2.backend.tensors import symbolic_function
from minikeras.keras2.finder import elsewhere
from minikeras.saving.legacy.activations import hard_sigmoid_of_keras_2

_SAME = ["elu", "selu", "softplus", "softsign", "tanh", "sigmoid", "exponential", "linear"]


def _recorded(function) -> Any:
    recorded: Any = symbolic_function(function)
    recorded.of_engine = function
    return recorded


elu, selu, softplus, softsign, tanh, sigmoid, exponential, linear = (
    _recorded(getattr(engine, name)) for name in _SAME
)
hard_sigmoid = _recorded(hard_sigmoid_of_keras_2)
hard_sigmoid.__name__ = "hard_sigmoid"


def _softmax(x, axis=-1):
    """Softmax along an axis."""
    return engine.softmax(x, axis=axis)


def _relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """ReLU, with a slope below a threshold and a largest value."""
    return engine.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


softmax, relu = _recorded(_softmax), _recorded(_relu)
softmax.__name__, relu.__name__ = "softmax", "relu"
softmax.of_engine, relu.of_engine = engine.softmax, engine.relu

_table: dict[str, Any] = {
    f.__name__: f
    for f in (
        *(softmax, elu, selu, softplus, softsign, relu, tanh, sigmoid, hard_sigmoid),
        *(exponential, linear),
    )
}


def names():
    """Return the names of all activations."""
    return list(_table)


def get(identifier):
    """Return the activation that a name or a function stands for.

    Args:
        identifier: name, function, or None for `linear`.

    Returns:
        A function of a tensor.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> from minikeras.keras2 import activations
        >>> activations.get("relu").__name__
        'relu'
    """
    if identifier is None:
        return linear
    if callable(identifier):
        return identifier
    function = find_custom(identifier, None) or _table.get(identifier)
    if function is None:
        raise ValueError(f"Unknown activation function: {identifier!r}; known: {sorted(_table)}")
    return function


def for_engine(identifier):
    """Return an activation as the engine's layers take it: their own function, where it is one."""
    if identifier is None:
        return None
    function = get(identifier)
    return getattr(function, "of_engine", function)


def serialize(activation):
    """Return the activation's name."""
    for name, function in _table.items():
        if activation is function or activation is function.of_engine:
            return name
    return activation.__name__


def deserialize(name, custom_objects=None):
    """Return the activation of a name."""
    return (custom_objects or {}).get(name) or get(name)


__getattr__ = elsewhere(__name__)
