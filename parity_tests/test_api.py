"""The public surface: every public name of the installed Keras is there, and is called alike.

From the modules of `keras` come all names, and from these one test each: the name is there; a
function or class has the same parameters in the same order with the same defaults; a class has the
same public base classes, and the same public methods, which take whatever Keras's take. What is
left out or different on purpose stands in `parity_tests/api_tables.py`, with the reason; a row that
is not needed there fails, too.
"""

import importlib
import inspect

import keras
import pytest

import minikeras
from parity_tests.api_tables import LEFT_OUT, OTHER_BASES, OTHER_METHODS, OTHER_PARAMETERS
from parity_tests.surface import NOWHERE, accepts, attribute, idle_rows, parameters, reason

pytestmark = pytest.mark.parity



def public_modules(module, path="keras"):
    """Yield `(path, module)` for a public module of Keras and those below it."""
    yield path, module
    for name, value in sorted(vars(module).items()):
        is_public = inspect.ismodule(value) and value.__name__ == f"{module.__name__}.{name}"
        if is_public and not name.startswith("_") and name != "src":
            yield from public_modules(value, f"{path}.{name}")


MODULES = dict(public_modules(keras))
NAMES = {
    f"{path}.{name}": value
    for path, module in MODULES.items()
    for name, value in sorted(vars(module).items())
    if not name.startswith("_") and not inspect.ismodule(value)
}
CLASSES = {path: value for path, value in NAMES.items() if inspect.isclass(value)}


def ours(path):
    """Our object of a path, or `NOWHERE`."""
    return attribute(minikeras, path.partition(".")[2])


@pytest.mark.parametrize("path", MODULES)
def test_public_modules_can_be_imported(path):
    if reason(LEFT_OUT, path):
        pytest.skip(reason(LEFT_OUT, path))
    name = path.replace("keras", "minikeras", 1)
    assert importlib.import_module(name) is ours(path)


def test_every_public_name_is_there():
    missing = [path for path in NAMES if ours(path) is NOWHERE and not reason(LEFT_OUT, path)]
    assert not missing


def other_parameters():
    """Return the names with other parameters, with Keras's and ours."""
    pairs = {path: (value, ours(path)) for path, value in NAMES.items() if callable(value)}
    return {
        path: {"expected": parameters(value), "received": parameters(own)}
        for path, (value, own) in pairs.items()
        if own is not NOWHERE and parameters(own) != parameters(value)
    }


def test_names_are_called_alike():
    different = other_parameters()
    assert not {at: different[at] for at in different if not reason(OTHER_PARAMETERS, at)}


def other_bases():
    """Yield `"A is no B"` for each class of ours that should be derived from another."""
    for path, value in CLASSES.items():
        own = ours(path)
        for other, base in CLASSES.items():
            counterpart = ours(other)
            if NOWHERE in (own, counterpart) or not issubclass(value, base):
                continue
            if not (inspect.isclass(own) and issubclass(own, counterpart)):
                yield f"{path} is no {other}"


def test_classes_have_the_same_bases():
    assert not [line for line in other_bases() if not reason(OTHER_BASES, line)]


def is_alike(own, method, name):
    """Whether a class of ours has a method of Keras's, and takes what that takes."""
    own = getattr(own, name, NOWHERE)
    return callable(own) and accepts(parameters(own), parameters(method))


def public_methods(cls):
    """Yield `(name, path of its definition, method)` of what Keras itself defines."""
    for name in dir(cls):
        owner = next((base for base in cls.__mro__ if name in vars(base)), object)
        value = inspect.getattr_static(cls, name)
        is_method = inspect.isfunction(value) or isinstance(value, (classmethod, staticmethod))
        if not name.startswith("_") and is_method and owner.__module__.startswith("keras."):
            yield name, f"{owner.__name__}.{name}", getattr(cls, name)


def other_methods():
    """Return what differs as a dict from the path of a definition to Keras's signature."""
    return {
        definition: f"{path}: {inspect.signature(method)}"
        for path, value in CLASSES.items()
        if ours(path) is not NOWHERE
        for name, definition, method in public_methods(value)
        if not is_alike(ours(path), method, name)
    }


def test_methods_are_there_and_called_alike():
    different = other_methods()
    assert not {at: different[at] for at in different if not reason(OTHER_METHODS, at)}


def test_every_exception_is_needed():
    """A row of the tables that says of nothing that it is left out or different is taken out."""
    needed = {
        "left out": (LEFT_OUT, [path for path in [*MODULES, *NAMES] if ours(path) is NOWHERE]),
        "parameters": (OTHER_PARAMETERS, other_parameters()),
        "bases": (OTHER_BASES, list(other_bases())),
        "methods": (OTHER_METHODS, list(other_methods())),
    }
    idle = {kind: idle_rows(table, paths) for kind, (table, paths) in needed.items()}
    assert not any(idle.values()), idle
