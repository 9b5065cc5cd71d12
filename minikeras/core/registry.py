"""Look-ups by name: the package's own objects, users' registered ones, and their saved form.

A saved object is a dict with the keys `module`, `class_name`, `config` and `registered_name`, as in
Keras's model files, so that a config written here can be read there and the other way round.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras.core.per_thread import PerThread
from minikeras.core.types import Config, Dict, List, Tuple

_REGISTERED_CLASSES: dict[str, Any] = {}
_REGISTERED_NAMES: dict[Any, str] = {}
_tables: dict[str, "Table"] = {}


class _Seams(dict[str, Any]):
    """Functions and classes by name; one that is asked for too early says what to do."""

    def __missing__(self, name: str) -> Any:
        raise RuntimeError(_MISSING.get(name) or f"Import `minikeras` first: no {name!r} is known.")


_MISSING = {
    "save_model": (
        "Models cannot be saved to files yet. Keep the weights with "
        "`numpy.savez('weights.npz', *model.get_weights())`, and bring them back into a model that "
        "the same code has made with `model.set_weights([*numpy.load('weights.npz').values()])`."
    )
}

late_bound: dict[str, Any] = _Seams()
"""What an upper package fills: `"functional"`, `"functional_from_config"` (by models),
`"save_model"` (by saving)."""


class Table:
    """The objects of one kind (say, initializers) by name.

    Args:
        kind: singular name for messages, such as `"initializer"`.
        module: Keras's public module of these objects, such as `"keras.initializers"`.
    """

    def __init__(self, kind: str, module: str):
        self.kind = kind
        self.module = module
        first = _tables.setdefault(module, self)
        self.entries: dict[str, Any] = {} if first is self else first.entries
        self._public_names: dict[Any, str] = {} if first is self else first._public_names

    def add(self, thing: Any, *aliases: str) -> Any:
        """Register a class or function under its own name and under aliases; return it."""
        name = thing.__name__
        self._public_names[thing] = name
        for alias in (name, *aliases):
            self.entries[alias] = thing
        return thing

    def __contains__(self, thing: Any) -> bool:
        """Say whether this very class or function is registered here."""
        try:
            return thing in self._public_names
        except TypeError:
            return False

    def public_name(self, thing: Any) -> str:
        """Return the name under which a registered class or function was first put here."""
        return self._public_names[thing]

    def find(self, name: Any, custom_objects: Config | None = None) -> Any:
        """Return the registered object of that name.

        Raises:
            ValueError: if there is none; the message lists the known names.
        """
        entry = _custom(name, custom_objects) or self.entries.get(name)
        if entry is None:
            raise ValueError(
                f"Could not interpret {self.kind} identifier: {name}. "
                f"Known names: {sorted(self.entries)}. "
                "An object of your own is made known with `custom_objects=` or "
                "`@register_keras_serializable`."
            )
        return entry

    def get(self, identifier: Any) -> Any:
        """Return the object that a name, config, class, instance or `None` stands for.

        Raises:
            ValueError: if the name is unknown or the identifier is of no usable type.
        """
        if identifier is None:
            return None
        if isinstance(identifier, Dict):
            thing = self.deserialize(identifier)
        elif isinstance(identifier, str):
            thing = self.find(identifier)
        else:
            thing = identifier
        if isinstance(thing, type):
            thing = thing()
        if callable(thing):
            return thing
        raise ValueError(
            f"Could not interpret {self.kind} identifier: {identifier} "
            f"(of type {type(identifier).__name__}). Expected a name, a config dict, a class, an "
            "instance or a callable."
        )

    def serialize(self, thing: Any) -> Any:
        """Return the saved form of an object of this kind."""
        return serialize(thing)

    def deserialize(self, config: Any, custom_objects: Config | None = None) -> Any:
        """Return the object that a saved form describes; None for None."""
        if config is None:
            return None
        if isinstance(config, str):
            entry = self.find(config, custom_objects)
            return entry() if isinstance(entry, type) else entry
        if "module" not in config:
            self.find(config.get("class_name"), custom_objects)
            config = {"module": self.module, "registered_name": None, **config}
        return deserialize(config, custom_objects)


class _CustomScope(PerThread):
    objects: Config = {}  # replaced, never changed in place


_custom_scope = _CustomScope()


class CustomObjectScope:
    """Make users' objects known by name inside a `with` block.

    Args:
        custom_objects: a dict of name to class or function.

    Example:
        >>> import minikeras as keras
        >>> def double(x):
        ...     return 2 * x
        >>> with keras.utils.CustomObjectScope({"double": double}):
        ...     keras.activations.get("double") is double
        True
    """

    def __init__(self, custom_objects: Config | None):
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self):
        self._outer = _custom_scope.objects
        _custom_scope.objects = {**self._outer, **self.custom_objects}
        return self

    def __exit__(self, *_: object) -> None:
        _custom_scope.objects = self._outer


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """Return the dict of all objects registered with `register_keras_serializable`.

    Returns:
        A dict of registered name to object; changing it changes the registry.

    Example:
        >>> import minikeras as keras
        >>> isinstance(keras.utils.get_custom_objects(), dict)
        True
    """
    return _REGISTERED_CLASSES


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Register a class or function, so that saved configs that name it can be read.

    Args:
        package: string put in front of the name.
        name: the name to use; the object's own by default.

    Returns:
        A decorator that registers and returns its argument.

    Raises:
        ValueError: if a class has no `get_config` method.

    Example:
        >>> import minikeras as keras
        >>> @keras.utils.register_keras_serializable(package="lab")
        ... def cube(x):
        ...     return x * x * x
        >>> keras.utils.get_registered_name(cube)
        'lab>cube'
    """

    def register(thing: Any) -> Any:
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(
                "Cannot register a class that does not have a get_config() method: "
                f"{thing.__name__}."
            )
        registered = f"{package}>{name or thing.__name__}"
        _REGISTERED_CLASSES[registered] = thing
        _REGISTERED_NAMES[thing] = registered
        return thing

    return register


def get_registered_name(thing: Any) -> str:
    """Return the name under which `thing` is registered, or its own name.

    Args:
        thing: a class or function.

    Returns:
        A string such as `"package>Name"`.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.get_registered_name(keras.layers.Dense)
        'Dense'
    """
    own: str = thing.__name__
    return _REGISTERED_NAMES.get(thing, own)


def get_registered_object(
    name: str, custom_objects: Config | None = None, module_objects: Config | None = None
) -> Any:
    """Return the class or function registered under `name`, or None.

    Args:
        name: a registered name.
        custom_objects: dict searched first.
        module_objects: dict searched last.

    Returns:
        The object, or None.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.get_registered_object("lab>tanh", {"lab>tanh": keras.ops.tanh})
        <op tanh>
    """
    return _custom(name, custom_objects) or (module_objects or {}).get(name)


def _custom(name: Any, custom_objects: Config | None = None) -> Any:
    for objects in (custom_objects or {}, _custom_scope.objects, _REGISTERED_CLASSES):
        if name in objects:
            return objects[name]
    return None


def public_home(thing: Any) -> tuple[str, str] | None:
    """Return `(module, name)` under which the package offers a class or function, or None."""
    for module, table in _tables.items():
        if thing in table:
            return module, table.public_name(thing)
    return None


def serialize(thing: Any) -> Any:
    """Return the saved form of an object: JSON types only.

    Args:
        thing: a plain value, a nest of them, an array, a function, or an object with
            `get_config()`.

    Returns:
        JSON-compatible data from which `deserialize` makes an equal object.

    Raises:
        ValueError: if the object has no saved form.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.serialize_keras_object(keras.regularizers.L2(0.5))["class_name"]
        'L2'
    """
    if thing is None or isinstance(thing, (str, int, float, bool)):
        return thing
    if isinstance(thing, Dict):
        return {key: serialize(value) for key, value in thing.items()}
    if isinstance(thing, List):
        return [serialize(item) for item in thing]
    if isinstance(thing, Tuple):
        return tuple(serialize(item) for item in thing)
    if isinstance(thing, type):
        return _serialize_type(thing)
    if hasattr(thing, "get_config"):
        return _serialize_object(thing)
    for applies, convert in _SPECIAL_SERIALIZERS:
        if applies(thing):
            return convert(thing)
    raise ValueError(f"Cannot serialize {thing!r} (of type {type(thing).__name__}).")


def _special(class_name: str, config: Config) -> Config:
    return {"class_name": class_name, "config": config}


def _serialize_type(cls: type) -> Config:
    home = public_home(cls)
    if home is not None:
        return {"module": home[0], "class_name": home[1], "config": None, "registered_name": None}
    return {
        "module": cls.__module__,
        "class_name": cls.__name__,
        "config": None,
        "registered_name": get_registered_name(cls),
    }


def _serialize_object(thing: Any) -> Config:
    cls: Any = thing.__class__
    home = public_home(cls)
    saved: Config = {
        "module": home[0] if home else cls.__module__,
        "class_name": home[1] if home else cls.__name__,
        "config": serialize_dict(thing.get_config()),
        "registered_name": None if home else get_registered_name(cls),
    }
    build_config = thing.get_build_config() if hasattr(thing, "get_build_config") else None
    if build_config is not None:
        saved["build_config"] = serialize_dict(build_config)
    compile_config = thing.get_compile_config() if hasattr(thing, "get_compile_config") else None
    if compile_config is not None:
        saved["compile_config"] = serialize_dict(compile_config)
    return saved


def serialize_dict(config: Config) -> Config:
    """Return a config with every value in its saved form; tuples at the top become lists."""
    return {
        key: [serialize(v) for v in value] if isinstance(value, Tuple) else serialize(value)
        for key, value in config.items()
    }


def _serialize_function(function: Any) -> Config:
    home = public_home(function)
    return {
        "module": "builtins",
        "class_name": "function",
        "config": function.__name__ if home else get_registered_name(function),
        "registered_name": "function",
    }


def _is_array(thing: Any) -> bool:
    return hasattr(thing, "__array__") and hasattr(thing, "dtype")


def _serialize_array(array: Any) -> Any:
    values = array.__array__()
    if values.ndim == 0:
        return values.item()
    return _special("__numpy__", {"value": values.tolist(), "dtype": str(values.dtype)})


_SPECIAL_SERIALIZERS: list[tuple[Callable[[Any], bool], Callable[[Any], Any]]] = [
    (_is_array, _serialize_array),
    (lambda t: t is Ellipsis, lambda t: _special("__ellipsis__", {})),
    (
        lambda t: isinstance(t, slice),
        lambda t: _special(
            "__slice__", {k: serialize(getattr(t, k)) for k in ("start", "stop", "step")}
        ),
    ),
    (lambda t: isinstance(t, bytes), lambda t: _special("__bytes__", {"value": t.decode()})),
    (callable, _serialize_function),
]
_SPECIAL_DESERIALIZERS: dict[str, Callable[[Config, Config | None], Any]] = {
    "__numpy__": lambda config, custom: np.array(config["value"], dtype=config["dtype"]),
    "__tuple__": lambda config, custom: tuple(deserialize(v, custom) for v in config["value"]),
    "__ellipsis__": lambda config, custom: Ellipsis,
    "__slice__": lambda config, custom: slice(
        *(deserialize(config[k], custom) for k in ("start", "stop", "step"))
    ),
    "__bytes__": lambda config, custom: config["value"].encode(),
}


def special_form(
    class_name: str,
    applies: Callable[[Any], bool],
    to_config: Callable[[Any], Config],
    from_config: Callable[[Config, Config | None], Any],
) -> None:
    """Add the saved form of one more kind of value, for rooms that own such a kind.

    Args:
        class_name: the tag, such as `"__keras_tensor__"`.
        applies: function of a value that says whether it is of this kind.
        to_config: function of the value that returns its config.
        from_config: function of `(config, custom_objects)` that returns the value.
    """
    _SPECIAL_SERIALIZERS.insert(0, (applies, lambda t: _special(class_name, to_config(t))))
    _SPECIAL_DESERIALIZERS[class_name] = from_config


def deserialize(config: Any, custom_objects: Config | None = None) -> Any:
    """Return the object that a saved form describes.

    Args:
        config: what `serialize` returned.
        custom_objects: dict of name to class or function, searched first.

    Returns:
        The object.

    Raises:
        ValueError: if the config names a class or function that is not known.

    Example:
        >>> import minikeras as keras
        >>> saved = keras.utils.serialize_keras_object(keras.regularizers.L2(0.5))
        >>> float(keras.utils.deserialize_keras_object(saved).l2)
        0.5
    """
    if config is None or isinstance(config, (str, int, float, bool)):
        return config
    if isinstance(config, (List, Tuple)):
        return [deserialize(item, custom_objects) for item in config]
    if not isinstance(config, Dict):
        raise TypeError(f"Could not parse config: {config}")
    if "class_name" not in config or "config" not in config:
        return {key: deserialize(value, custom_objects) for key, value in config.items()}
    if config["class_name"] in _SPECIAL_DESERIALIZERS:
        return _SPECIAL_DESERIALIZERS[config["class_name"]](config["config"], custom_objects)
    if config["class_name"] == "function":
        return _find(config["config"], config, custom_objects)
    return _deserialize_object(config, custom_objects)


def _deserialize_object(config: Config, custom_objects: Config | None) -> Any:
    cls = _find(config["class_name"], config, custom_objects)
    if config["config"] is None or not hasattr(cls, "from_config"):
        return cls
    with CustomObjectScope(custom_objects):
        thing = cls.from_config(config["config"])
    if config.get("build_config") and hasattr(thing, "build_from_config"):
        thing.build_from_config(config["build_config"])
    if config.get("compile_config") and hasattr(thing, "compile_from_config"):
        thing.compile_from_config(config["compile_config"])
    return thing


def _find(name: Any, config: Config, custom_objects: Config | None) -> Any:
    registered = config.get("registered_name") or name
    entry = _custom(registered, custom_objects) or _custom(name, custom_objects)
    module = config.get("module") or ""
    if entry is None and module in _tables:
        entry = _tables[module].entries.get(name)
    if entry is None and (module == "builtins" or module.startswith("keras")):
        entry = next((t.entries[name] for t in _tables.values() if name in t.entries), None)
    if entry is None:
        raise ValueError(
            f"Could not locate '{name}' of module '{module}'. If it is an object of your own, pass "
            f"it in `custom_objects=` or decorate it with `@register_keras_serializable`. "
            f"Full object config: {config}"
        )
    return entry
