"""Constructors that are declared: a class lists its arguments once, with their defaults.

Layers (`@layer`) and initializers (`@initializer`) declare them as annotated fields, losses and
metrics as class keywords (`fn=`), optimizers as a dict (`_arguments`); the constructor itself is
made here.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, get_args, get_origin

from minikeras.core.old_names import argument_hint

REQUIRED: Any = inspect.Parameter.empty
"""The default of an argument that has none."""

_BY_PLACE_OR_NAME = inspect.Parameter.POSITIONAL_OR_KEYWORD


@dataclass(frozen=True)
class Field:
    """An argument of a constructor: how its value comes in, and how a config saves it.

    Args:
        convert: function of `(value, name)` that returns what the instance keeps.
        serialize: function of the kept value that returns what the config holds.
        attribute: the attribute that keeps the value, where it is not the field's name.
        text: what the class's docstring says of the argument, if neither it nor that of a base
            does; `{weight}` in it stands for what is before the last `_` of the field's name.
    """

    convert: Callable[[Any, str], Any] = lambda value, name: value
    serialize: Callable[[Any], Any] = lambda value: value
    attribute: str | None = None
    text: str = ""

    def set(self, instance: Any, name: str, value: Any) -> None:
        """Let an instance keep the value of the argument `name`."""
        setattr(instance, self.attribute or name, self.convert(value, name))

    def saved(self, instance: Any, name: str) -> Any:
        """Return what the config of an instance holds for the argument `name`."""
        return self.serialize(getattr(instance, self.attribute or name))


Fields: TypeAlias = dict[str, tuple[Field, Any]]
"""The field and the default of each argument by its name, in their order."""


def declared_fields(cls: type) -> Fields:
    """Take the annotated fields of a class out of it, with their defaults.

    An annotation may carry a `Field`, as in `Annotated[int, Field(check)]`. A `ClassVar` is no
    field. A default is removed from the class: an instance that lacks the attribute shall not seem
    to have it.

    Args:
        cls: a class; fields of its bases do not count.

    Returns:
        A dict, empty if the class annotates nothing.

    Example:
        >>> from minikeras.core.constructors import declared_fields
        >>> class Point:
        ...     x: int
        ...     y: int = 0
        >>> [(name, default) for name, (_, default) in declared_fields(Point).items()][1]
        ('y', 0)
    """
    fields: Fields = {}
    for name, annotation in cls.__dict__.get("__annotations__", {}).items():
        if get_origin(annotation) is ClassVar:
            continue
        field = next((part for part in get_args(annotation) if isinstance(part, Field)), Field())
        fields[name] = (field, cls.__dict__.get(name, REQUIRED))
        if name in cls.__dict__:
            delattr(cls, name)
    return fields


def defaults_of(fields: Fields) -> dict[str, Any]:
    """Return the default of each argument by its name."""
    return {name: default for name, (_, default) in fields.items()}


def signature_of(
    arguments: dict[str, Any], further: Iterable[inspect.Parameter] = (), is_open: bool = False
) -> inspect.Signature:
    """Return the signature of a method with declared arguments.

    Args:
        arguments: the default of each argument by its name, in their order.
        further: parameters that stand after them.
        is_open: whether more arguments may be given by name.

    Returns:
        A signature that begins with `self`.
    """
    parameters = [inspect.Parameter("self", _BY_PLACE_OR_NAME)]
    parameters += [
        inspect.Parameter(name, _BY_PLACE_OR_NAME, default=default)
        for name, default in arguments.items()
    ]
    parameters += further
    if is_open:
        parameters.append(inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(parameters)


def bound(
    signature: inspect.Signature, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Return by name the arguments that a constructor got.

    Args:
        signature: of the constructor, `self` included.
        instance: what is constructed.
        args: arguments by place.
        kwargs: arguments by name.

    Raises:
        TypeError: if they do not fit; it names the class.
    """
    try:
        arguments = dict(signature.bind(instance, *args, **kwargs).arguments)
    except TypeError as error:
        name = type(instance).__name__
        raise TypeError(f"{name}() {error}{argument_hint(kwargs, name)}") from None
    del arguments["self"]
    return arguments


def constructor(
    arguments: dict[str, Any], initialize: Callable[..., None], is_open: bool = False
) -> Any:
    """Make the `__init__` of a class from its declared arguments.

    Args:
        arguments: the default of each argument by its name, in their order.
        initialize: function `(self, values, **more)` that does the work: `values` holds a value for
            each argument, given or default, and `more` what else was given by name.
        is_open: whether more arguments may be given by name.

    Returns:
        A method whose signature shows the arguments. It raises a TypeError, before anything is
        done, for an argument that is missing, given twice or unknown.

    Example:
        >>> from minikeras.core.constructors import constructor
        >>> class Point:
        ...     __init__ = constructor({"x": 0, "y": 0}, lambda self, xy: vars(self).update(xy))
        >>> vars(Point(1))
        {'x': 1, 'y': 0}
    """
    signature = signature_of(arguments, is_open=is_open)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        values = {**arguments, **bound(signature, self, args, kwargs)}
        more = values.pop("kwargs", {})
        initialize(self, values, **more)

    constructor: Any = __init__
    constructor.__signature__ = signature
    return constructor
