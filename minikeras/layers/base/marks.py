"""Telling a method that a subclass wrote from the one that it inherited from Layer."""

from typing import Any


def default(method: Any) -> Any:
    """Mark a method of Layer as the one that subclasses may override."""
    method.is_default = True
    return method


def overrides(layer, name):
    """Say whether a layer's class has a method of its own in place of Layer's."""
    return not getattr(getattr(type(layer), name), "is_default", False)
