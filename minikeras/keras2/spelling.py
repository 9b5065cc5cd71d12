"""Functions and classes of today under the arguments of Keras 2.2.4, and of Keras 1.

A row names the parameters as a signature has them; everything else follows from it.
"""

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from minikeras.saving.legacy import tables

_NONE: Mapping[str, str] = {}
_NO_VALUES: Mapping[str, Mapping[Any, Any]] = {}

DATA_FORMATS = {"data_format": tables.DATA_FORMATS | {"default": None}}
"""The values of Keras 1 for an argument of that name."""


def spelled(
    function: Callable[..., Any],
    parameters: str,
    keras1: Mapping[str, str] = _NONE,
    renamed: Mapping[str, str] = _NONE,
    ignored: Iterable[str] = (),
    values: Mapping[str, Mapping[Any, Any]] = _NO_VALUES,
) -> Callable[..., Any]:
    """Return a function with the parameters of Keras 2.

    Args:
        function: what does the work.
        parameters: those of Keras 2, such as `"y, num_classes=None"`; after `**` any others that
            `function` takes by name.
        keras1: dict from names of Keras 1 to those of Keras 2.
        renamed: dict from names of Keras 2 to those of `function`.
        ignored: names that have no effect here.
        values: dict from names of Keras 2 to dicts from values of Keras 1 to those of today.

    Returns:
        A function of the same name.

    Example:
        >>> from minikeras.keras2.spelling import spelled
        >>> def power(base, exponent):
        ...     return base**exponent
        >>> names = {"x": "base", "a": "exponent"}
        >>> old = spelled(power, "x, a=2", keras1={"exp": "a"}, renamed=names)
        >>> old(3), old(3, exp=3)
        (9, 27)
    """
    signature = parsed(parameters)
    name = function.__name__

    def old(*args, **kwargs):
        arguments = _bound(name, signature, args, kwargs, keras1)
        return function(**_own(arguments, renamed, ignored, values))

    old.__name__ = old.__qualname__ = name
    old.__doc__ = function.__doc__
    return _signed(old, signature, keras1)


def spelled_class(
    cls: type,
    parameters: str,
    keras1: Mapping[str, str] = _NONE,
    renamed: Mapping[str, str] = _NONE,
    ignored: Iterable[str] = (),
    values: Mapping[str, Mapping[Any, Any]] = _NO_VALUES,
    **attributes: Any,
) -> Any:
    """Return a subclass whose constructor has the parameters of Keras 2.

    Args:
        cls: the class that does the work.
        parameters: those of Keras 2 without `self`.
        keras1: dict from names of Keras 1 to those of Keras 2.
        renamed: dict from names of Keras 2 to those of the constructor of `cls`.
        ignored: names that have no effect here.
        values: dict from names of Keras 2 to dicts from values of Keras 1 to those of today.
        **attributes: what else the subclass has of its own.

    Returns:
        A class of the same name.
    """
    signature = parsed("self, " + parameters if parameters else "self")

    def __init__(self, *args, **kwargs):
        arguments = _bound(cls.__name__, signature, (self, *args), kwargs, keras1)
        del arguments["self"]
        cls.__init__(self, **_own(arguments, renamed, ignored, values))

    namespace = {
        "__init__": _signed(__init__, signature, keras1),
        "__doc__": cls.__doc__,
        "__module__": cls.__module__,
        "_old_arguments": tuple(keras1),
        **attributes,
    }
    return type(cls.__name__, (cls,), namespace)


def parsed(parameters: str) -> inspect.Signature:
    """Return the signature that a text such as `"x, axis=-1"` describes."""
    function = ast.parse(f"lambda {parameters}: None", mode="eval").body
    assert isinstance(function, ast.Lambda)
    arguments = function.args
    required = len(arguments.args) - len(arguments.defaults)
    defaults = [inspect.Parameter.empty] * required
    defaults += [ast.literal_eval(node) for node in arguments.defaults]
    listed = [
        inspect.Parameter(one.arg, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)
        for one, default in zip(arguments.args, defaults, strict=True)
    ]
    if arguments.kwarg:
        listed.append(inspect.Parameter(arguments.kwarg.arg, inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(listed)


def shown_as(parameters: str, *old: str) -> Callable[[Any], Any]:
    """Decorate a function that takes more than its signature shall show.

    Args:
        parameters: what it shows, such as `"x, axis=-1"`.
        *old: names of Keras 1 that it takes as well.
    """
    return lambda function: _signed(function, parsed(parameters), old)


def _signed(function, signature, keras1):
    function.__signature__ = signature
    function._old_arguments = tuple(keras1)
    return function


def _bound(name, signature, args, kwargs, keras1):
    """The value of every parameter; a TypeError that names the function if they do not fit."""
    new = {keras1.get(key, key): value for key, value in kwargs.items()}
    if len(new) < len(kwargs):
        raise TypeError(f"{name}() got an argument twice, once by its old name: {sorted(kwargs)}")
    try:
        bound = signature.bind(*args, **new)
    except TypeError as error:
        raise TypeError(f"{name}() {error}") from None
    bound.apply_defaults()
    return dict(bound.arguments)


def _own(arguments, renamed, ignored, values):
    """Arguments as the function takes them."""
    more = arguments.pop("kwargs", {})
    kept = {name: value for name, value in arguments.items() if name not in ignored}
    for name, new in values.items():
        if isinstance(kept[name], str):
            kept[name] = new.get(kept[name], kept[name])
    return {**{renamed.get(name, name): value for name, value in kept.items()}, **more}
