"""Kinds of fields that recurrent layers declare beside those of `layers.declare`."""

import operator
from functools import wraps
from typing import Annotated

from minikeras.layers.declare import Field


def _units(value, name):
    try:
        units = operator.index(value)
    except TypeError:
        units = 0
    if units <= 0:
        raise ValueError(
            f"Received an invalid value for argument `{name}`, expected a positive integer, got "
            f"{value!r}."
        )
    return units


Units = Annotated[int, Field(_units)]
Rate = Annotated[float, Field(lambda value, name: min(1.0, max(0.0, value)))]
"""A fraction; numbers outside of 0 to 1 become the nearer of the two."""


def taking(**options):
    """Let a layer class take keyword arguments that are no fields; they become attributes."""

    def decorate(cls):
        set_fields = cls.__init__

        @wraps(set_fields)
        def __init__(self, *args, **kwargs):  # noqa: N807 - it becomes the class's own
            for name, default in options.items():
                object.__setattr__(self, name, kwargs.pop(name, default))
            set_fields(self, *args, **kwargs)

        cls.__init__ = __init__
        return cls

    return decorate
