"""Optimizers with the formulas of Keras 2.2.4, as updates of variables in the graph."""

from minikeras.core.registry.custom import find_custom
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.optimizers.base import Optimizer, clip_norm
from minikeras.keras2.optimizers.rules import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    Nadam,
    RMSprop,
)
from minikeras.keras2.spelling import shown_as

sgd, rmsprop, adagrad, adadelta = SGD, RMSprop, Adagrad, Adadelta
adam, adamax, nadam = Adam, Adamax, Nadam

_CLASSES = {
    cls.__name__.lower(): cls for cls in (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam)
}


def serialize(optimizer):
    """Return the class name and the config of an optimizer.

    Example:
        >>> from minikeras.keras2 import optimizers
        >>> optimizers.serialize(optimizers.SGD(0.5))["class_name"]
        'SGD'
    """
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def deserialize(config, custom_objects=None):
    """Return the optimizer that a saved form describes.

    Args:
        config: what `serialize` returned.
        custom_objects: dict of name to class.

    Returns:
        An optimizer.

    Raises:
        ValueError: if the class is unknown.

    Example:
        >>> from minikeras.keras2 import optimizers
        >>> saved = optimizers.serialize(optimizers.SGD(0.5))
        >>> optimizers.deserialize(saved).get_config()["lr"]
        0.5
    """
    name = config["class_name"]
    cls = find_custom(name, custom_objects) or _CLASSES.get(name.lower())
    if cls is None:
        raise ValueError(f"Unknown optimizer: {name!r}; known: {sorted(_CLASSES)}")
    return cls.from_config(config.get("config") or {})


def optimizer_from_config(config, custom_objects=None):
    """Return the optimizer that a saved form describes; `deserialize`, by its name in Keras 1.

    Args:
        config: dict with `class_name` and `config`.
        custom_objects: dict of name to class.

    Example:
        >>> from minikeras.keras2 import optimizers
        >>> saved = {"class_name": "SGD", "config": {"lr": 0.5}}
        >>> optimizers.optimizer_from_config(saved).get_config()["lr"]
        0.5
    """
    return deserialize(config, custom_objects)


@shown_as("identifier", "kwargs")
def get(identifier, **arguments):
    """Return the optimizer that a name, config or instance stands for.

    Args:
        identifier: name, dict, or an optimizer.
        **arguments: `kwargs`, which in Keras 1 was a dict of arguments of a named optimizer.

    Returns:
        An optimizer.

    Raises:
        ValueError: if it stands for none.

    Example:
        >>> from minikeras.keras2 import optimizers
        >>> type(optimizers.get("adam")).__name__
        'Adam'
    """
    config = arguments.pop("kwargs", None) or {}
    if arguments:
        raise TypeError(f"get() takes an identifier. Received, besides: {sorted(arguments)}")
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier, "config": config})
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if hasattr(identifier, "get_updates"):
        return identifier
    raise ValueError(
        f"An optimizer is given as one, as its name or its saved form. Received: {identifier!r}"
    )


__getattr__ = elsewhere(__name__)

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "SGD",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "clip_norm",
    "deserialize",
    "get",
    "nadam",
    "optimizer_from_config",
    "rmsprop",
    "serialize",
    "sgd",
]
