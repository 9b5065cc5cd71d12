"""The package's own classes and functions, by kind and by name.

What a config names is looked up here, and among the objects that users registered. Nothing is ever
imported by a name that a config holds: classes whose modules are imported when they are first used
stand in a table of the package's own (`Index.add_later`).
"""

from importlib import import_module
from typing import Any

_indexes: dict[str, "Index"] = {}


class Index:
    """The classes and functions of one kind by name.

    Args:
        kind: singular name for messages, such as `"initializer"`.
        module: Keras's public module of these objects, such as `"keras.initializers"`.
    """

    def __init__(self, kind: str, module: str):
        self.kind = kind
        self.module = module
        first = _indexes.setdefault(module, self)
        self.entries: dict[str, Any] = {} if first is self else first.entries
        self._public_names: dict[Any, str] = {} if first is self else first._public_names
        self._places: dict[str, str] = {} if first is self else first._places

    def add(self, thing: Any, *aliases: str, public_name: str | None = None) -> Any:
        """Register a class or function under its public name and under aliases; return it."""
        name = public_name or thing.__name__
        self._public_names[thing] = name
        for alias in (name, *aliases):
            self.entries[alias] = thing
        return thing

    def add_later(self, places: dict[str, list[str]]) -> None:
        """Note which names are registered by modules that are not imported yet.

        Args:
            places: dict from the full name of a module to the names.
        """
        self._places.update({name: module for module, names in places.items() for name in names})

    def entry(self, name: Any) -> Any:
        """Return the class or function that is registered under a name, or None."""
        if name not in self.entries and name in self._places:
            import_module(self._places[name])
        return self.entries.get(name)

    def __contains__(self, thing: Any) -> bool:
        """Say whether this very class or function is registered here."""
        try:
            return thing in self._public_names
        except TypeError:
            return False

    def public_name(self, thing: Any) -> str:
        """Return the name under which a registered class or function was first put here."""
        return self._public_names[thing]


def public_home(thing: Any) -> tuple[str, str] | None:
    """Return `(module, name)` under which the package offers a class or function, or None."""
    for module, index in _indexes.items():
        if thing in index:
            return module, index.public_name(thing)
    return None


def find_public(name: str, module: str) -> Any:
    """Return the package's class or function of that name, or None.

    Args:
        name: its name in Keras.
        module: the module that a config gives: where Keras offers or defines it, `"builtins"` for
            functions that are saved by name alone.
    """
    index = _indexes.get(module)
    if index is not None and index.entry(name) is not None:
        return index.entry(name)
    parts = module.split(".")
    if module != "builtins" and parts[0] != "keras":
        return None
    having = [index for index in _indexes.values() if index.entry(name) is not None]
    # A loss and a metric, say, may have one name: `keras.src.metrics...` defines the metric.
    having.sort(key=lambda index: index.module.rsplit(".", 1)[-1] not in parts[1:])
    return having[0].entry(name) if having else None
