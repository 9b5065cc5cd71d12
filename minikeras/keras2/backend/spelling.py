"""The names that Keras 1 gave to arguments of the backend's functions."""

import functools
from typing import Any

_LAYOUTS = {"th": "channels_first", "tf": "channels_last", "default": None}


def keras_1(ignored=(), **names):
    """Return a decorator: a function takes arguments by their names of Keras 1, too.

    Args:
        ignored: names of arguments that said a shape which is known without them.
        **names: the names of Keras 1 with those of Keras 2.

    Returns:
        The decorator.
    """

    def decorate(function) -> Any:
        def take_old_names(*args, **kwargs):
            for old in ignored:
                kwargs.pop(old, None)
            for old in names.keys() & kwargs.keys():
                new, value = names[old], kwargs.pop(old)
                if new in kwargs:
                    raise TypeError(
                        f"{function.__name__}() received {new!r} twice: also by its old name "
                        f"{old!r}. Use {new!r} alone."
                    )
                kwargs[new] = layout_of(value) if old == "dim_ordering" else value
            return function(*args, **kwargs)

        spelled: Any = functools.wraps(function)(take_old_names)
        spelled._old_arguments = {*names, *ignored}
        return spelled

    return decorate


def layout_of(dim_ordering):
    """Return the layout of images that a word of Keras 1 stands for.

    Args:
        dim_ordering: `"th"`, `"tf"`, or `"default"`.

    Returns:
        `"channels_first"`, `"channels_last"`, or None for the default layout.

    Raises:
        ValueError: if it is another word.
    """
    if dim_ordering not in _LAYOUTS:
        raise ValueError(
            f"Unknown dim_ordering: {dim_ordering!r}; expected one of {sorted(_LAYOUTS)}."
        )
    return _LAYOUTS[dim_ordering]
