"""Saved forms: objects as JSON types, and objects made of them again.

A saved object is a dict with the keys `module`, `class_name`, `config` and `registered_name`, as in
Keras's model files, so that a config written here can be read there and the other way round. What a
config names is looked up in tables (`index`, `custom`), never imported; code in it runs only if the
caller trusts it (`trust`).
"""

import types
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from minikeras.core.per_thread import PerThread, kept_around
from minikeras.core.registry import shared_objects, trust
from minikeras.core.registry.custom import (
    CustomObjectScope,
    find_by_last_name,
    find_custom,
    get_registered_name,
)
from minikeras.core.registry.index import find_public, public_home
from minikeras.core.types import Config, Dict, List, Tuple
from minikeras.core.work import limited_work, work_of

_MAX_DEPTH = 100
MALFORMED = (
    *(LookupError, AttributeError, ArithmeticError, AssertionError),
    *(RecursionError, NotImplementedError),
)
"""What a class raises whose config is not what it expects, beside `ValueError` and `TypeError`."""

# Writing


def serialize(obj: Any) -> Any:
    """Return the saved form of an object: JSON types only.

    Args:
        obj: a plain value, a nest of them, an array, a function, or an object with
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
    if obj is None or isinstance(obj, (str, int, float, bool)):
        return obj
    if isinstance(obj, Dict):
        if shared_objects.is_saved_form(obj):
            return obj
        return {key: serialize(value) for key, value in obj.items()}
    if isinstance(obj, List):
        return [serialize(item) for item in obj]
    if isinstance(obj, Tuple):
        return tuple(serialize(item) for item in obj)
    if isinstance(obj, type):
        return _serialize_type(obj)
    if hasattr(obj, "get_config"):
        return _serialize_object(obj)
    for applies, convert in _SPECIAL_SERIALIZERS:
        if applies(obj):
            return convert(obj)
    raise ValueError(f"Cannot serialize {obj!r} (of type {type(obj).__name__}).")


def _special(class_name: str, config: Config) -> Config:
    return {"class_name": class_name, "config": config}


def _serialize_type(cls: type) -> Config:
    home = public_home(cls)
    return {
        "module": home[0] if home else cls.__module__,
        "class_name": home[1] if home else cls.__name__,
        "config": None,
        "registered_name": None if home else get_registered_name(cls),
    }


def _serialize_object(thing: Any) -> Config:
    saved: Config = {
        **_serialize_type(thing.__class__),
        "config": serialize_dict(thing.get_config()),
    }
    build_config = thing.get_build_config() if hasattr(thing, "get_build_config") else None
    if build_config is not None:
        saved["build_config"] = serialize_dict(build_config)
    compile_config = thing.get_compile_config() if hasattr(thing, "get_compile_config") else None
    if compile_config is not None:
        saved["compile_config"] = serialize_dict(compile_config)
    shared_objects.note_saved(thing, saved)
    return saved


def serialize_dict(config: Config) -> Config:
    """Return a config with every value in its saved form; tuples at the top become lists."""
    return {
        key: [serialize(v) for v in value] if isinstance(value, Tuple) else serialize(value)
        for key, value in config.items()
    }


def _serialize_function(function: Any) -> Config:
    if not hasattr(function, "__name__"):
        raise ValueError(
            f"Cannot serialize {function!r} (of type {type(function).__name__}): it has no name to "
            "be found by. Write a function with `def`, and decorate it with "
            "`@register_keras_serializable()`."
        )
    home = public_home(function)
    return {
        "module": "builtins",
        "class_name": "function",
        "config": function.__name__ if home else get_registered_name(function),
        "registered_name": "function",
    }


def _serialize_lambda(function: types.FunctionType) -> Config:
    warnings.warn(
        "A lambda expression is saved as bytecode. To load it, `safe_mode=False` is needed, and "
        "this version of Python. A named function with `@register_keras_serializable()` has "
        f"neither limit. Its place: {function.__code__.co_filename}, line "
        f"{function.__code__.co_firstlineno}.",
        stacklevel=4,
    )
    return _special("__lambda__", {"value": list(trust.code_config(function).values())})


def _is_array(thing: Any) -> bool:
    return hasattr(thing, "__array__") and hasattr(thing, "dtype")


def _serialize_array(array: Any) -> Any:
    values = array.__array__()
    if values.dtype.kind not in "biufcU":
        raise ValueError(f"Cannot serialize an array of dtype {values.dtype}, only of numbers.")
    if values.dtype.kind == "c":  # JSON has no complex numbers
        parts = {"real": values.real.tolist(), "imag": values.imag.tolist()}
        return _special("__numpy__", {"value": parts, "dtype": str(values.dtype)})
    if values.ndim == 0:
        return values.item()
    return _special("__numpy__", {"value": values.tolist(), "dtype": str(values.dtype)})


def _serialize_slice(value: slice) -> Config:
    return _special("__slice__", {k: serialize(getattr(value, k)) for k in _SLICE})


_SLICE = ("start", "stop", "step")
_SPECIAL_SERIALIZERS: list[tuple[Callable[[Any], bool], Callable[[Any], Any]]] = [
    (_is_array, _serialize_array),
    (lambda t: t is Ellipsis, lambda t: _special("__ellipsis__", {})),
    (lambda t: isinstance(t, slice), _serialize_slice),
    (lambda t: isinstance(t, bytes), lambda t: _special("__bytes__", {"value": t.decode()})),
    (trust.is_lambda, _serialize_lambda),
    (callable, _serialize_function),
]

# Reading


def _array(config: Config, _: Config | None) -> Any:
    try:
        dtype = np.dtype(str(config["dtype"]))
    except (TypeError, SyntaxError):  # NumPy parses some names as Python
        dtype = None
    if dtype is None or dtype.kind not in "biufc":
        raise ValueError(f"An array of numbers cannot be of dtype {config['dtype']!r:.200}.")
    value = config["value"]
    if isinstance(value, Dict) and dtype.kind == "c":
        return (np.array(value["real"]) + 1j * np.array(value["imag"])).astype(dtype)
    return np.array(value, dtype=dtype)


_SPECIAL_DESERIALIZERS: dict[str, Callable[[Config, Config | None], Any]] = {
    "__numpy__": _array,
    "__tensor__": _array,
    "__tuple__": lambda config, custom: tuple(deserialize(v, custom) for v in config["value"]),
    "__ellipsis__": lambda config, custom: Ellipsis,
    "__slice__": lambda config, custom: slice(*(deserialize(config[k], custom) for k in _SLICE)),
    "__bytes__": lambda config, custom: config["value"].encode(),
    "__lambda__": lambda config, custom: trust.function_from_code(config),
}


def special_form(
    class_name: str,
    applies: Callable[[Any], bool],
    to_config: Callable[[Any], Config],
    from_config: Callable[[Config, Config | None], Any],
) -> None:
    """Add the saved form of one more kind of value, for packages that own such a kind.

    Args:
        class_name: the tag, such as `"__keras_tensor__"`.
        applies: function of a value that says whether it is of this kind.
        to_config: function of the value that returns its config.
        from_config: function of `(config, custom_objects)` that returns the value.
    """
    _SPECIAL_SERIALIZERS.insert(0, (applies, lambda t: _special(class_name, to_config(t))))
    _SPECIAL_DESERIALIZERS[class_name] = from_config


class _Depth(PerThread):
    value: int = 0


_depth = _Depth()


def deserialize(config: Any, custom_objects: Config | None = None, safe_mode: bool = True) -> Any:
    """Return the object that a saved form describes.

    Args:
        config: what `serialize` returned, or what a file holds.
        custom_objects: dict of name to class or function, searched first.
        safe_mode: whether code in the config is refused, which is to be left True unless the
            config comes from somebody whom you trust. Inside another call, that one's holds.

    Returns:
        The object.

    Raises:
        ValueError: if the config names a class or function that is not known, or holds code, or is
            not the saved form of anything.
        TypeError: if a constructor does not take what the config gives it.

    Example:
        >>> import minikeras as keras
        >>> saved = keras.utils.serialize_keras_object(keras.regularizers.L2(0.5))
        >>> float(keras.utils.deserialize_keras_object(saved).l2)
        0.5
    """
    if _depth.value:
        return _deserialize_inner(config, custom_objects)
    return kept_around(_deserialize_outermost, config, custom_objects, safe_mode)


def _deserialize_outermost(config: Any, custom_objects: Config | None, safe_mode: bool) -> Any:
    with trust.safe_mode_scope(safe_mode), reading(config):
        return _deserialize_inner(config, custom_objects)


@contextmanager
def reading(config: Any) -> Generator[None]:
    """Let what a class raises about a config that it does not understand be a `ValueError`.

    Making the object may take work in proportion to the size of the config, unless code in it is
    trusted.

    Args:
        config: the config that is read inside the `with` block.
    """
    limited = nullcontext() if trust.code_is_allowed() else limited_work(config)
    try:
        with limited:
            yield
    except MALFORMED as error:
        raise ValueError(
            f"The config is not the saved form of an object ({type(error).__name__}: {error}). "
            f"Received: {_shortened(config)}"
        ) from error


def _deserialize_inner(config: Any, custom_objects: Config | None) -> Any:
    if _depth.value >= _MAX_DEPTH:
        raise ValueError(f"The config is nested more than {_MAX_DEPTH} levels deep.")
    _depth.value += 1
    try:
        return _deserialize(config, custom_objects)
    finally:
        _depth.value -= 1


def _deserialize(config: Any, custom_objects: Config | None) -> Any:
    if config is None or isinstance(config, (str, int, float, bool)):
        return config
    if isinstance(config, (List, Tuple)):
        return [deserialize(item, custom_objects) for item in config]
    if not isinstance(config, Dict):
        raise TypeError(f"Could not parse config: {_shortened(config)}")
    if "class_name" not in config or "config" not in config:
        return {key: deserialize(value, custom_objects) for key, value in config.items()}
    name = config["class_name"]
    if not isinstance(name, str):
        raise TypeError(f"`class_name` should be a string. Received: {_shortened(config)}")
    if name in _SPECIAL_DESERIALIZERS:
        return _SPECIAL_DESERIALIZERS[name](config["config"], custom_objects)
    if name == "function":
        return _find(config["config"], config["config"], config, custom_objects)
    return _deserialize_object(config, custom_objects)


def _deserialize_object(config: Config, custom_objects: Config | None) -> Any:
    thing = shared_objects.already_read(config)
    if thing is not None:
        return thing
    name = config["class_name"]
    cls = _find(name, config.get("registered_name") or name, config, custom_objects)
    if config["config"] is None or not hasattr(cls, "from_config"):
        return cls
    if not isinstance(config["config"], Dict):
        raise TypeError(f"The config of '{name}' should be a dict. Received: {_shortened(config)}")
    for key in ("build_config", "compile_config"):
        if not isinstance(config.get(key) or {}, Dict):
            raise TypeError(f"`{key}` of '{name}' should be a dict. Received: {_shortened(config)}")
    with CustomObjectScope(custom_objects), work_of(lambda: f"'{name}' ({config['config']})"):
        thing = cls.from_config(dict(config["config"]))  # many take out what they have read
        if config.get("build_config") and not getattr(thing, "built", False):
            _if_possible(thing, "build_from_config", config["build_config"])
        if config.get("compile_config"):
            _if_possible(thing, "compile_from_config", config["compile_config"])
    shared_objects.note_read(thing, config)
    return thing


def _if_possible(thing: Any, method: str, config: Any) -> None:
    if hasattr(thing, method):
        getattr(thing, method)(config)


def _find(name: Any, registered: Any, config: Config, custom_objects: Config | None) -> Any:
    """The class or function that a saved form names.

    Users' own come first, unless the saved form says that it is of none of them: a model may have a
    `Dense` of the user's beside Keras's.
    """
    module = config.get("module") or ""
    if not isinstance(name, str) or not isinstance(module, str):
        raise TypeError(
            f"`module` and names should be strings. Received: module={module!r}, name={name!r}"
        )
    entry = None
    if config.get("registered_name", name) is None and module != "builtins":
        entry = find_public(name, module)
    for own in (registered, name):
        entry = find_custom(own, custom_objects) if entry is None else entry
    if entry is None:
        entry = find_public(name, module)
    if entry is None and module == "builtins":
        entry = find_by_last_name(name, custom_objects)
    if entry is None:
        raise ValueError(
            f"Could not locate '{name}' of module '{module}'. If it is an object of your own, pass "
            f"it in `custom_objects=` or decorate it with `@register_keras_serializable`. "
            f"Full object config: {_shortened(config)}"
        )
    return entry


def _shortened(config: Any) -> str:
    """The beginning of a config: that of a model may be megabytes long, or nested without end."""
    try:
        text = repr(config)
    except RecursionError:
        return f"a {type(config).__name__}, nested deeply"
    return text if len(text) <= 1000 else f"{text[:1000]}..."
