"""Checks of arguments that many functions share, with one message for each kind."""

from collections.abc import Callable, Iterable
from typing import Any


def one_of(name: str, value: Any, choices: Iterable[Any]) -> Any:
    """Return an argument, or raise a ValueError if it is none of its choices.

    Example:
        >>> one_of("method", "lu", ("qr", "svd"))
        Traceback (most recent call last):
        ValueError: `method` must be one of 'qr', 'svd'. Received: method='lu'
    """
    known = tuple(choices)
    if value not in known:
        shown = ", ".join(map(repr, known))
        raise ValueError(f"`{name}` must be one of {shown}. Received: {name}={value!r}")
    return value


def choice(*choices: Any) -> Callable[[Any, str], Any]:
    """Return the conversion of a field that must be one of these values.

    Example:
        >>> choice("dot", "concat")("dot", "score_mode")
        'dot'
    """
    return lambda value, name: one_of(name, value, choices)
