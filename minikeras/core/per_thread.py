"""What each thread is in the middle of: open scopes and recordings, and how to put it back.

Such values are set for a while and then put back. An exception of a signal handler (Ctrl-C, a time
limit) may come in the middle of that, between any two calls: on the way into an `__exit__`, say,
which then never runs. So a function that a user calls, and that has many such scopes inside, is
called through `kept_around`: whatever was left set inside is gone with it.
"""

import contextvars
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

_all: list["PerThread"] = []


class PerThread(threading.local):
    """Values that each thread has of its own; a subclass names them, with those of a new thread."""

    def __new__(cls) -> "PerThread":
        """Make one, for all threads."""
        instance = super().__new__(cls)
        _all.append(instance)
        return instance

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
    former = [values.copy() for values in _of_this_thread()]
    context = contextvars.copy_context()
    try:
        try:
            return function(*args, **kwargs)
        except BaseException:
            _put_back(former, context)
            raise
    except BaseException:
        _put_back(former, context)  # once more: a signal may have come on the way into it
        raise


class _Dicts(threading.local):
    """The dict of each of `_all` in this thread: asking for them takes longer than copying."""

    known: tuple[dict[str, Any], ...] = ()


_dicts = _Dicts()


def _of_this_thread() -> tuple[dict[str, Any], ...]:
    if len(_dicts.known) < len(_all):
        _dicts.known = tuple([vars(values) for values in _all])
    return _dicts.known


def _put_back(former: list[dict[str, Any]], context: contextvars.Context) -> None:
    for values, before in zip(_all, former, strict=False):  # a module may have brought more
        values.put_back(before)
    # `np.errstate`, which kernels are called in, is a scope as well.
    np.seterr(**context.run(np.geterr))
    np.setbufsize(context.run(np.getbufsize))
