"""Names of a public module that are imported when they are first used.

`import minikeras` is short because it imports only what nearly every script uses. A public module
says which of its other names lie where, and Python asks for them here (PEP 562).
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from minikeras.core.old_names import name_hint


def on_first_use(
    package: str, places: dict[str, list[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a public module.

    Args:
        package: `__name__` of the public module.
        places: dict from the full name of a module to those of its names that the public module
            offers. The last part of the module's own name stands for the module itself; no name at
            all does so as well.

    Returns:
        Two functions, to be assigned to `__getattr__` and `__dir__`.

    Example:
        >>> import minikeras as keras
        >>> "load_model" in dir(keras.models)  # minikeras/saving/api.py is not imported yet
        True
    """
    itself = {module: module.rpartition(".")[2] for module in places}
    modules = {
        name: module for module, names in places.items() for name in names or [itself[module]]
    }

    def find(name: str) -> Any:
        if name not in modules:
            hint = name_hint(package, name)
            raise AttributeError(f"module '{package}' has no attribute '{name}'{hint}")
        module = import_module(modules[name])
        value = module if name == itself[modules[name]] else getattr(module, name)
        setattr(sys.modules[package], name, value)  # from now on Python does not ask again
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return find, list_names
