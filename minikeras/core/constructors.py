"""Constructors that are declared: a class lists its arguments once, with their defaults.

Layers (`@layer`), losses and metrics (`fn=`) and optimizers (`_arguments`) declare in different
words what their arguments are and what becomes of them; the constructor itself is made here.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

REQUIRED: Any = inspect.Parameter.empty
"""The default of an argument that has none."""

_BY_PLACE_OR_NAME = inspect.Parameter.POSITIONAL_OR_KEYWORD


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
        raise TypeError(f"{type(instance).__name__}() {error}") from None
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
