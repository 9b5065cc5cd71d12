"""What each thread is in the middle of: open scopes and recordings, and how to put it back.

Such values are set for a while and then put back. An exception of a signal handler (Ctrl-C, a time
limit) may come in the middle of that, between any two calls: on the way into an `__exit__`, say,
which then never runs. So a function that a user calls, and that has many such scopes inside, is
called through `kept_around`: whatever was left set inside is gone with it.
"""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

_all: list["PerThread"] = []


class PerThread(threading.local):
    """Values that each thread has of its own; a subclass names them, with those of a new thread."""

    def __new__(cls) -> "PerThread":
        """Make one, for all threads."""
        made = super().__new__(cls)
        _all.append(made)
        return made

    def put_back(self, former: dict[str, Any]) -> None:
        """Let the values of this thread be what `vars` said before."""
        now = vars(self)
        for name in [name for name in now if name not in former]:
            delattr(self, name)
        now.update(former)


def kept_around(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function; if it fails, all values of this thread are then what they were before.

    Args:
        function: what to call.
        *args: its arguments.
        **kwargs: its arguments by name.

    Returns:
        What the function returns.

    Example:
        >>> from minikeras.core.per_thread import kept_around
        >>> kept_around(max, 3, 5)
        5
    """
    former = [(values, vars(values).copy()) for values in _all]
    numpy_errors = np.geterr(), np.getbufsize()
    try:
        try:
            return function(*args, **kwargs)
        except BaseException:
            _put_back(former, *numpy_errors)
            raise
    except BaseException:
        _put_back(former, *numpy_errors)  # once more: a signal may have come on the way into it
        raise


def _put_back(former: list[tuple[PerThread, dict[str, Any]]], errors: Any, size: int) -> None:
    for values, before in former:
        values.put_back(before)
    np.seterr(**errors)
    np.setbufsize(size)
