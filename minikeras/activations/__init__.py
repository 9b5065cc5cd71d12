"""Activations: the functions between layers. Most are the ops of the same name."""

from minikeras.activations.activations import exponential, gelu, linear, mish, relu, table
from minikeras.core import registry
from minikeras.ops.elementwise.exponential import tanh
from minikeras.ops.nn.activation import (
    celu,
    elu,
    hard_tanh,
    leaky_relu,
    relu6,
    selu,
)
from minikeras.ops.nn.gates import glu, hard_sigmoid, hard_silu, silu
from minikeras.ops.nn.shrinkage import (
    hard_shrink,
    log_sigmoid,
    soft_shrink,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    tanh_shrink,
    threshold,
)
from minikeras.ops.nn.softmax import log_softmax, sigmoid, softmax, sparsemax

hard_swish = table.add(hard_silu, "hard_swish")
swish = table.add(silu, "swish")
for _function in (
    *(celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_tanh, leaky_relu, linear),
    *(log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, soft_shrink, softmax, softplus),
    *(softsign, sparse_plus, sparse_sigmoid, sparsemax, squareplus, tanh, tanh_shrink, threshold),
):
    table.add(_function)


def get(identifier):
    """Return the activation that an identifier stands for.

    Args:
        identifier: name, config, callable, or None for `linear`.

    Returns:
        A callable that takes a tensor.

    Raises:
        ValueError: if the identifier stands for none.

    Example:
        >>> import minikeras as keras
        >>> keras.activations.get("relu")([-1.0, 1.0]).tolist()
        [0.0, 1.0]
    """
    if identifier is None:
        return linear
    return identifier if isinstance(identifier, type) else table.get(identifier)


def serialize(activation):
    """Return the saved form of an activation: its name, or a dict for objects of one's own.

    Args:
        activation: a function, or a layer that is used as one.

    Returns:
        A string or a dict of JSON types.

    Raises:
        ValueError: if the object has no saved form.

    Example:
        >>> import minikeras as keras
        >>> keras.activations.serialize(keras.activations.swish)
        'silu'
    """
    if not callable(activation):
        raise ValueError(
            f"Unknown activation function '{activation}' cannot be serialized: expected a "
            "function or a layer."
        )
    name = getattr(activation, "__name__", None)
    if name in table.entries and activation.__module__.startswith("minikeras."):
        return name
    return registry.serialize(activation)


def deserialize(config, custom_objects=None):
    """Return the activation that a saved form describes.

    Args:
        config: what `serialize` returned, a name or a dict.
        custom_objects: dict of name to function or class, searched first.

    Returns:
        A callable, or None for None.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> import minikeras as keras
        >>> keras.activations.deserialize("tanh")([0.0]).tolist()
        [0.0]
    """
    return table.deserialize(config, custom_objects)
