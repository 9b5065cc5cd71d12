"""The finder and loader of the old module paths: modules made from `modules.MODULES`."""

import importlib
import importlib.abc
import importlib.util
import inspect
import sys
import types

from minikeras.keras2 import imported
from minikeras.keras2.modules import MODULES

PACKAGE = "minikeras.keras2"


class OldModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `minikeras.keras2.<old path>` where no file is, and fills the module from its row."""

    def find_spec(self, fullname, path=None, target=None):
        """Return the spec of a path of the table, None for others."""
        prefix, _, name = fullname.partition(f"{PACKAGE}.")
        if prefix or not (name in MODULES or _has_below(name)):
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=_has_below(name))

    def create_module(self, spec):
        """Let Python make the module."""
        return None

    def exec_module(self, module):
        """Put the row's names into the module."""
        name = module.__name__.removeprefix(f"{PACKAGE}.")
        module.__doc__ = f"What Keras 2 had in `keras.{name}`."
        for place, row in MODULES.get(name, {}).items():
            module.__dict__.update(_taken(importlib.import_module(place), row))
        module.__dict__["__all__"] = [n for n in vars(module) if not n.startswith("_")]
        module.__getattr__ = elsewhere(module.__name__)
        if "__call__" in vars(module):
            module.__class__ = _Callable
            vars(module)["__signature__"] = inspect.signature(vars(module)["__call__"])


class _Callable(types.ModuleType):
    """A module under the name that a function had in Keras 1."""

    def __call__(self, *args, **kwargs):
        """Call the function."""
        return vars(self)["__call__"](*args, **kwargs)


def elsewhere(module):
    """Return the `__getattr__` of a module: what is below it, and what Keras's imported.

    Args:
        module: the module's `__name__`.
    """
    path = module.removeprefix(f"{PACKAGE}.")

    def find(name):
        if _is_module(module, name):
            return importlib.import_module(f"{module}.{name}")
        names = imported.names_of(path)
        if name in names or ("*" in names and name in _layers()):
            place, own = imported.place_of(names.get(name, name))
            defining = importlib.import_module(f"{PACKAGE}.{place}")
            return defining if own is None else getattr(defining, own)
        raise AttributeError(f"module '{module}' has no attribute '{name}'")

    return find


def _is_module(module, name):
    """Whether a public name is that of a module below a package: of a file, or of the table."""
    if name.startswith("_") or not hasattr(sys.modules[module], "__path__"):
        return False
    return importlib.util.find_spec(f"{module}.{name}") is not None


def _layers():
    return importlib.import_module(f"{PACKAGE}.layers").__all__


def _has_below(name):
    return any(path.startswith(f"{name}.") for path in MODULES)


def _taken(module, names):
    """The names of a row as a dict; `old=new` gives one another name here."""
    if names == "*":
        listed = getattr(module, "__all__", None)
        return {
            name: getattr(module, name)
            for name in listed or [n for n in vars(module) if not n.startswith("_")]
        }
    pairs = [name.partition("=") for name in names.split()]
    return {renamed or name: getattr(module, name) for name, _, renamed in pairs}


def install():
    """Let Python find the old paths, once."""
    if not any(isinstance(finder, OldModules) for finder in sys.meta_path):
        sys.meta_path.append(OldModules())
