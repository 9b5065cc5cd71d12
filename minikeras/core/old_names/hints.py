"""What a script of Keras 3 is told that meets a name or an argument of Keras 1 or 2.

Errors ask here once they are certain: nothing of it runs in a script without a mistake.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeVar

from minikeras.core.old_names.tables import (
    ARGUMENTS,
    ARGUMENTS_OF,
    IDENTIFIERS,
    NAMES,
    OF_CALLS,
    OF_ONE,
)

_Class = TypeVar("_Class", bound=type)

HOW = (
    " Such scripts run unchanged by `minikeras run --keras 2 SCRIPT`, or with "
    "`import minikeras.keras2 as keras`."
)
"""How to run a script of Keras 1 or 2; a sentence to append to a message."""


def argument_hint(names: Iterable[str], class_name: str = "") -> str:
    """Return what to say of arguments that a class or function does not know.

    Args:
        names: the arguments.
        class_name: the class, for arguments whose name of today depends on it.

    Returns:
        Sentences to append to a message, or an empty string if none of them is old.

    Example:
        >>> from minikeras.core.old_names import argument_hint
        >>> argument_hint(["lr"]).split(".")[1]
        ' Of Keras 1 or 2: `lr` (today `learning_rate`)'
    """
    of_class = {**ARGUMENTS_OF.get(class_name, {}), **OF_ONE.get(class_name, {})}
    known = {**OF_CALLS, **ARGUMENTS, **of_class}
    return _told({name: known[name] for name in names if name in known})


def name_hint(package: str, name: str) -> str:
    """Return what to say of a name that a public module does not have.

    Args:
        package: `__name__` of the public module.
        name: the name.

    Returns:
        Sentences to append to a message, or an empty string if the name is not old.

    Example:
        >>> from minikeras.core.old_names import name_hint
        >>> name_hint("minikeras.layers", "Highway").split(".")[1]
        ' Of Keras 1 or 2: `Highway`'
    """
    known = NAMES.get(package, {})
    return _told({name: known[name]} if name in known else {})


def identifier_hint(kind: str, name: Any) -> str:
    """Return what to say of a name that stands for no object of a kind.

    Args:
        kind: the kind, such as `"activation"`.
        name: the name.

    Returns:
        Sentences to append to a message, or an empty string if the name is not old.

    Example:
        >>> from minikeras.core.old_names import identifier_hint
        >>> identifier_hint("constraint", "maxnorm").split(".")[1]
        ' Of Keras 1 or 2: `maxnorm` (today `max_norm`)'
    """
    known = IDENTIFIERS.get(kind, {})
    return _told({name: known[name]} if name in known else {})


def _told(old: dict[str, str | None]) -> str:
    if not old:
        return ""
    names = [f"`{name}`" + (f" (today `{today}`)" if today else "") for name, today in old.items()]
    return f". Of Keras 1 or 2: {', '.join(names)}.{HOW}"


def explains_old_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function say of an argument of Keras 1 or 2 what it is called today.

    Args:
        function: the function or method, whose own errors stay as they are.

    Returns:
        A function with the same signature.
    """

    @wraps(function)
    def explained(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            raised_by_call = error.__traceback__ is None or error.__traceback__.tb_next is None
            class_name = type(args[0]).__name__ if function.__name__ == "__init__" else ""
            hint = argument_hint(kwargs, class_name) if raised_by_call else ""
            if not hint:
                raise
            message = f"{error}{hint}"
        raise TypeError(message)

    return explained


def explains_old_constructor(cls: _Class) -> _Class:
    """Let a class whose `__init__` is made for it say of old arguments what they are today."""
    cls.__init__ = explains_old_arguments(vars(cls)["__init__"])
    return cls


class OldModules(MetaPathFinder):
    """Says of a module of Keras 1 or 2 that is imported from minikeras what it is."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise a ModuleNotFoundError for an old name; find nothing."""
        if name.startswith("minikeras."):
            package, _, last = name.rpartition(".")
            hint = name_hint(package, last)
            if hint:
                # Without a name: Python would take it for one that nobody minds.
                raise ModuleNotFoundError(f"No module named {name!r}{hint}")
        return None


def explain_imports() -> None:
    """Have Python ask `OldModules` where nothing else finds a module."""
    sys.meta_path.append(OldModules())


class OldMethod:
    """A method of Keras 1 or 2: an attribute that is not there, and says so.

    Args:
        today: what is used today, or None.
    """

    def __init__(self, today: str | None) -> None:
        self.today = today

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        hint = _told({self.name: self.today})
        raise AttributeError(f"{owner.__name__!r} object has no attribute {self.name!r}{hint}")


def explains_old_methods(names: Mapping[str, str | None]) -> Callable[[_Class], _Class]:
    """Let a class say of methods and attributes of Keras 1 or 2 what is used today.

    Args:
        names: dict from the old names to what is used today.
    """

    def decorate(cls: _Class) -> _Class:
        for name, today in names.items():
            method = OldMethod(today)
            method.__set_name__(cls, name)
            setattr(cls, name, method)
        return cls

    return decorate
