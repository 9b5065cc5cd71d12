"""Names that users see: automatic ones, snake_case, and the path of scopes a variable lives in."""

import re
from collections import defaultdict
from typing import Any

from minikeras.core.per_thread import PerThread

_counts: defaultdict[str, int] = defaultdict(int)


class _Scopes(PerThread):
    names: tuple[str, ...] = ()


scopes = _Scopes()


def to_snake_case(name: str) -> str:
    """Turn a class name into the form of automatic names.

    Example:
        >>> to_snake_case("Conv2D"), to_snake_case("LayerNormalization")
        ('conv2d', 'layer_normalization')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def unique(prefix: str) -> str:
    """Return `prefix` the first time, then `prefix_1`, `prefix_2`, ... until names are cleared."""
    count = _counts[prefix]
    _counts[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def get_uid(prefix: str = "") -> int:
    """Return how often a prefix has been asked for, counting this time.

    Args:
        prefix: a string.

    Returns:
        An int, 1 the first time.

    Example:
        >>> import minikeras as keras
        >>> keras.backend.get_uid("example"), keras.backend.get_uid("example")
        (1, 2)
    """
    _counts[prefix] += 1
    return _counts[prefix]


def of_class(cls: type) -> str:
    """Return a fresh automatic name for an instance of `cls`."""
    return unique(to_snake_case(cls.__name__))


def counts() -> dict[str, int]:
    """Return how many automatic names there are of each prefix."""
    return dict(_counts)


def made_since(before: dict[str, int]) -> set[str]:
    """Return the automatic names that were made since `counts` returned `before`."""
    return {
        f"{prefix}_{i}" if i else prefix
        for prefix, count in _counts.items()
        for i in range(before.get(prefix, 0), count)
    }


def clear() -> None:
    """Start all automatic names again."""
    _counts.clear()


def check(name: Any) -> None:
    """Raise a ValueError unless a name can be a part of a path, whose parts `/` separates.

    Example:
        >>> check("block/conv")
        Traceback (most recent call last):
        ValueError: A name is a str without '/', which separates ... Received: name='block/conv' ...
    """
    if not isinstance(name, str) or "/" in name:
        raise ValueError(
            "A name is a str without '/', which separates the names of a path. Received: "
            f"name={name!r} (of type {type(name).__name__})"
        )


class scope:
    """Put a name in front of the paths of variables, as `name_scope`, without checking it.

    Args:
        name: a string.
    """

    def __init__(self, name: str):
        self.name = name

    def __enter__(self):
        self._outer = scopes.names
        scopes.names = (*self._outer, self.name)
        return self

    def __exit__(self, *_: object) -> None:
        scopes.names = self._outer


class name_scope(scope):  # the public name is Keras's
    """Put `name` in front of the paths of variables that are made inside the `with` block.

    Args:
        name: a string without `/`.

    Example:
        >>> import minikeras as keras
        >>> with keras.name_scope("block"):
        ...     keras.Variable(1.0, name="gain").path
        'block/gain'
    """

    def __init__(self, name: Any, **kwargs: Any):
        check(name)
        super().__init__(name)


def scope_path() -> str:
    """Return the names of the open scopes joined by `/`, or an empty string."""
    return "/".join(scopes.names)
