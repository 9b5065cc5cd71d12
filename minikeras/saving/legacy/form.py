"""The form in which today's configs name an object, and what is known about the file being read."""

from dataclasses import dataclass, field
from typing import Any

HARD_SIGMOID = {
    "module": "builtins",
    "class_name": "function",
    "config": "keras2>hard_sigmoid",
    "registered_name": "function",
}


@dataclass(frozen=True)
class Source:
    """What is known about where a config comes from.

    Attributes:
        generation: 1, 2 (tf-keras included) or 3, the generation of Keras that wrote it.
        safe_mode: whether Python code in the config is refused.
        custom: names of the objects that the user has passed; these are read as they are.
    """

    generation: int = 2
    safe_mode: bool = True
    custom: frozenset[str] = field(default=frozenset())


def object_form(module: str, class_name: str, config: Any, registered_name: Any = None):
    """Return the saved form of an object, as `registry.deserialize` reads it."""
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered_name,
    }


def is_object(value: Any) -> bool:
    """Say whether a value is a class name with a config."""
    return isinstance(value, dict) and isinstance(value.get("class_name"), str)


def expect(value: Any, kind: type | tuple[type, ...], what: str) -> Any:
    """Return a value of a config if it is of the type that belongs there.

    Raises:
        ValueError: if it is of another type.
    """
    if not isinstance(value, kind):
        raise ValueError(f"Expected {what}. Received: {value!r:.200} (of type {type(value)})")
    return value
