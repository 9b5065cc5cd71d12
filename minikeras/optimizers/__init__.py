"""Optimizers: how weights change, given their gradients."""

from minikeras.optimizers import legacy, schedules
from minikeras.optimizers.base import Optimizer, optimizer_table
from minikeras.optimizers.further_rules import Adadelta, Adamax, Ftrl, Lion, Nadam
from minikeras.optimizers.loss_scale import LossScaleOptimizer, with_loss_scaling
from minikeras.optimizers.rules import SGD, Adagrad, Adam, AdamW, RMSprop

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "LossScaleOptimizer",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
    "with_loss_scaling",
]

# Names of optimizers are understood in any case.
optimizer_table.entries.update(
    {name.lower(): cls for name, cls in list(optimizer_table.entries.items())}
)


def serialize(optimizer):
    """Return the saved form of an optimizer.

    Args:
        optimizer: an `Optimizer`.

    Returns:
        A dict for `deserialize`.

    Example:
        >>> import minikeras as keras
        >>> keras.optimizers.serialize(keras.optimizers.SGD(0.5))["class_name"]
        'SGD'
    """
    return optimizer_table.serialize(optimizer)


def deserialize(config, custom_objects=None):
    """Return the optimizer that a saved form describes.

    Args:
        config: what `serialize` returned.
        custom_objects: dict of name to class of your own.

    Returns:
        An `Optimizer`.

    Example:
        >>> import minikeras as keras
        >>> config = keras.optimizers.serialize(keras.optimizers.SGD(0.5))
        >>> float(keras.optimizers.deserialize(config).learning_rate)
        0.5
    """
    return optimizer_table.deserialize(config, custom_objects)


def get(identifier):
    """Return the optimizer that a name, config or optimizer stands for.

    Args:
        identifier: a name such as `"adam"`, a config dict, an `Optimizer` or None.

    Returns:
        An `Optimizer`, or None.

    Raises:
        ValueError: if the name is unknown or the value is no optimizer.

    Example:
        >>> import minikeras as keras
        >>> keras.optimizers.get("sgd").momentum
        0.0
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        return optimizer_table.find(
            identifier if identifier in optimizer_table.entries else identifier.lower()
        )()
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, type) and Optimizer in identifier.__mro__:
        return identifier()
    raise ValueError(
        "An optimizer is given as one, as its class, its name or its saved form. Received: "
        f"{identifier!r} (of type {type(identifier).__name__})"
    )
