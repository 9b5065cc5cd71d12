"""Users' own classes and functions: registered for good, or known inside a `with` block."""

from collections.abc import Callable
from typing import Any

from minikeras.core.per_thread import PerThread
from minikeras.core.types import Config

_REGISTERED_CLASSES: dict[str, Any] = {}
_REGISTERED_NAMES: dict[Any, str] = {}


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


def get_registered_name(obj: Any) -> str:
    """Return the name under which `obj` is registered, or its own name.

    Args:
        obj: a class or function.

    Returns:
        A string such as `"package>Name"`.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.get_registered_name(keras.layers.Dense)
        'Dense'
    """
    own: str = obj.__name__
    return _REGISTERED_NAMES.get(obj, own)


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
    return find_custom(name, custom_objects) or (module_objects or {}).get(name)


def find_custom(name: Any, custom_objects: Config | None = None) -> Any:
    """Return the user's object of that name, or None."""
    if not isinstance(name, str):
        return None
    for objects in (custom_objects or {}, _custom_scope.objects, _REGISTERED_CLASSES):
        if name in objects:
            return objects[name]
    return None


def find_by_last_name(name: str, custom_objects: Config | None = None) -> Any:
    """Return the user's object registered as `package>name`, or None.

    Keras 3.6 and earlier wrote functions down without their package.

    Raises:
        ValueError: if different objects of several packages have that name.
    """
    for objects in (custom_objects or {}, _custom_scope.objects, _REGISTERED_CLASSES):
        homonyms = {key: entry for key, entry in objects.items() if key.endswith(f">{name}")}
        if len({id(entry) for entry in homonyms.values()}) > 1:
            raise ValueError(
                f"The config names '{name}' without its package, and several are registered: "
                f"{sorted(homonyms)}. Pass the one to take: `custom_objects={{{name!r}: ...}}`."
            )
        if homonyms:
            return next(iter(homonyms.values()))
    return None
