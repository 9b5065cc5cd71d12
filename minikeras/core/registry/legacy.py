"""The saved form of Keras 2: a class's name and its config, found in a table that a caller has.

Libraries use it that have tables of their own classes. For all else there are `serialize` and
`deserialize` of `core.registry`, which know the classes of the package.
"""

import inspect
from typing import Any

from minikeras.core.registry.custom import (
    CustomObjectScope,
    find_custom,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
)
from minikeras.core.types import Config, Dict

_PASSIVE = "__passive_serialization__"
"""Marks the saved form of an object in a config, which is read with the config."""


def serialize_keras_object(instance: Any) -> Any:
    """Return the saved form of Keras 2 for an object or a function.

    Args:
        instance: an object with `get_config`, a function, or None.

    Returns:
        A dict of `class_name` and `config`, a function's name, or None.

    Raises:
        ValueError: if it has neither a config nor a name.

    Example:
        >>> import minikeras as keras
        >>> keras.legacy.saving.serialize_keras_object(keras.regularizers.L1(0.5))
        {'class_name': 'L1', 'config': {'l1': 0.5}}
    """
    if instance is None:
        return None
    instance = inspect.unwrap(instance)
    if hasattr(instance, "get_config"):
        config = {key: _saved_item(item) for key, item in instance.get_config().items()}
        return {"class_name": get_registered_name(type(instance)), "config": config}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ValueError(
        f"{instance} has no `get_config()`, which tells how to make it again; define it, or give "
        "the function's or class's registered name. Received: an object of type "
        f"{type(instance).__name__}"
    )


def _saved_item(item: Any) -> Any:
    if isinstance(item, str):
        return item
    try:
        saved = serialize_keras_object(item)
    except ValueError:  # a number or a nest
        return item
    return {**saved, _PASSIVE: True} if isinstance(saved, Dict) else saved


def deserialize_keras_object(
    identifier: Any,
    module_objects: Config | None = None,
    custom_objects: Config | None = None,
    printable_module_name: str = "object",
) -> Any:
    """Return the object that a saved form of Keras 2 stands for.

    Args:
        identifier: what `serialize_keras_object` returned, a name, a function or None.
        module_objects: dict of the names of a library's classes and functions.
        custom_objects: dict of those of a user, which go before.
        printable_module_name: what they are called in messages.

    Returns:
        An object, a function or None.

    Raises:
        ValueError: if the name is unknown, or it is no saved form.

    Example:
        >>> import minikeras as keras
        >>> keras.legacy.saving.deserialize_keras_object(
        ...     {"class_name": "L1", "config": {"l1": 0.5}}, vars(keras.regularizers)).get_config()
        {'l1': 0.5}
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    if isinstance(identifier, Dict):
        cls = _find_class(identifier, module_objects, custom_objects, printable_module_name)
        config = _read_config(identifier["config"], module_objects, custom_objects)
        return _made_of(cls, config, custom_objects)
    if not isinstance(identifier, str):
        raise ValueError(
            f"The saved form of a {printable_module_name} is a dict or a name. Received: "
            f"{identifier!r} (of type {type(identifier).__name__})"
        )
    thing = find_custom(identifier, custom_objects) or (module_objects or {}).get(identifier)
    if thing is None:
        raise _unknown(printable_module_name, identifier)
    return thing() if inspect.isclass(thing) else thing


def _find_class(
    saved: Config, module_objects: Config | None, custom_objects: Config | None, kind: str
) -> Any:
    if "class_name" not in saved or "config" not in saved:
        raise ValueError(f"Expected a dict with `class_name` and `config`, but received {saved}.")
    cls = get_registered_object(saved["class_name"], custom_objects, module_objects)
    if cls is None:
        raise _unknown(kind, saved["class_name"])
    return cls


def _unknown(kind: str, name: Any) -> ValueError:
    return ValueError(
        f"Unknown {kind}: '{name}'. Pass it in `custom_objects`, or open a "
        "`custom_object_scope` that has it."
    )


def _read_config(config: Any, module_objects: Config | None, custom_objects: Config | None) -> Any:
    """A config with the objects and functions that its items stand for; a list of layers stays."""
    if not isinstance(config, Dict):
        return config

    def read(key: str, item: Any) -> Any:
        if isinstance(item, Dict) and _PASSIVE in item:
            return deserialize_keras_object(item, module_objects, custom_objects, "config_item")
        if isinstance(item, str) and key != "name":
            thing = get_registered_object(item, custom_objects, module_objects)
            return thing if inspect.isfunction(thing) else item
        return item

    return {key: read(key, item) for key, item in config.items()}


def _made_of(cls: Any, config: Any, custom_objects: Config | None) -> Any:
    custom_objects = custom_objects or {}
    make = getattr(cls, "from_config", None)
    if make is not None and "custom_objects" in inspect.signature(make).parameters:
        return make(config, custom_objects={**get_custom_objects(), **custom_objects})
    with CustomObjectScope(custom_objects):
        return cls(**config) if make is None else make(config)
