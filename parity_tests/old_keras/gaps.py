"""What `minikeras.keras2` lacks of old Keras: modules, names, parameters and methods."""

import importlib
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity_tests.old_keras.release import Definition, Release, Source
from parity_tests.surface import NOWHERE, REQUIRED, accepts, parameters

PACKAGE = "minikeras.keras2"

LISTED = Path(__file__).with_name("missing.txt")
"""What is not built yet, a line each; `python -m parity_tests.old_keras --write` makes it."""

_OF_EVERY_LAYER = ("input_dim", "input_dtype", "input_length", "weights")
"""Arguments that layers of Keras 1 listed, and that every layer takes by name since."""


@dataclass(frozen=True)
class Gap:
    """One thing that is missing or different.

    Args:
        kind: `"module"`, `"name"`, `"parameters"`, `"method"` or `"argument"` (of Keras 1).
        module: Keras's module.
        path: the dotted path that a table of exceptions names: of a name `keras.layers.Dense`, of a
            method `Dense.build`, which is one however many modules offer the class.
        expected: Keras's signature as text, or nothing.
        received: ours.
    """

    kind: str
    module: str
    path: str
    expected: str = ""
    received: str = ""


def lines(gaps: Iterable[Gap]) -> list[str]:
    """Return a line for each gap, sorted."""
    return sorted({f"{gap.kind} {gap.path}" for gap in gaps})


def module_of_ours(path: str) -> Any:
    """Return the module that stands for one of Keras, or `NOWHERE`."""
    try:
        return importlib.import_module(path.replace("keras", PACKAGE, 1))
    except ImportError:  # also where it is there and cannot be imported: it is as good as missing
        return NOWHERE


def of_keras_2(release: Release) -> Iterator[Gap]:
    """Yield what is missing of a release, or has other parameters."""
    seen = set()
    for module in release.public_modules:
        own_module = module_of_ours(module)
        if own_module is NOWHERE:
            yield Gap("module", module, module)
        for name, definition in sorted(release.names(module).items()):
            path = f"{module}.{name}"
            own = getattr(own_module, name, NOWHERE)
            if own is NOWHERE:
                yield Gap("name", module, path, _text(release, definition))
            elif definition.kind in ("function", "class") and _is_new(definition, own, seen):
                yield from _compared(release, module, path, definition, own)
                if definition.kind == "class":
                    yield from _methods(release, module, definition, own)


def _is_new(definition, own, seen):
    """Whether a pair of objects has not been compared where another module offers it, too."""
    pair = (id(definition.node), id(own))
    is_new = pair not in seen
    seen.add(pair)
    return is_new


def _compared(release, module, path, definition, own):
    expected = release.parameters(definition)
    received = _parameters(own)
    if not _alike(received, expected):
        yield Gap("parameters", module, path, shown(expected), shown(received))


def _methods(release, module, cls, own):
    for name, method in sorted(release.methods(cls).items()):
        if name.startswith("_"):
            continue
        path = f"{cls.node.name}.{name}"
        expected = _without_self(method, release.parameters(method))
        received = getattr(own, name, NOWHERE)
        if received is NOWHERE:
            if not _is_kept(own, name):
                yield Gap("method", module, path, shown(expected))
        elif callable(received) and not _is_property(method):
            ours = _own_parameters(own, name)
            if not accepts(ours, _comparable(expected, ours)):
                yield Gap("method", module, path, shown(expected), shown(ours))


def _is_kept(own, name):
    """Whether the instances of a class have an attribute, which annotations tell or a field."""
    row = getattr(own, "_row", None)
    of_row = row.arguments() if row is not None else ()
    return name in of_row or any(name in vars(b).get("__annotations__", ()) for b in own.__mro__)


def of_keras_1(release: Release, later: Release) -> Iterator[Gap]:
    """Yield what Keras 1 had under a name or by an argument that we do not take.

    Args:
        release: Keras 1.
        later: Keras 2, whose own names are left to `of_keras_2`.
    """
    seen = set()
    for module in release.public_modules:
        own_module = module_of_ours(module)
        if own_module is NOWHERE and module not in later.modules:
            yield Gap("module", module, module)
        for name, definition in sorted(release.names(module).items()):
            path = f"{module}.{name}"
            own = getattr(own_module, name, NOWHERE)
            if own is NOWHERE and later.find(module, name) is None:
                yield Gap("name", module, path, _text(release, definition))
            elif definition.kind not in ("function", "class"):
                continue
            elif own is not NOWHERE and _is_new(definition, own, seen):
                yield from _spellings(release, module, path, definition, own)
                if definition.kind == "class" and isinstance(own, type):
                    yield from _methods_of_keras_1(release, later, module, definition, own)


def _methods_of_keras_1(release, later, module, cls, own):
    """Yield the methods by name alone: those that Keras 2 kept are `of_keras_2`'s."""
    kept = later.find(module, cls.node.name)
    kept = later.methods(kept) if kept and kept.kind == "class" else ()
    for name in sorted(release.methods(cls)):
        is_there = name.startswith("_") or hasattr(own, name) or _is_kept(own, name)
        if name not in kept and not is_there:
            yield Gap("method", module, f"{cls.node.name}.{name}")


def _spellings(release, module, path, definition, own):
    known = {name for name, _ in _parameters(own)} | old_spellings(own)
    for name, _ in release.parameters(definition):
        if not name.startswith("*") and name not in known:
            yield Gap("argument", module, f"{path}({name}=)")


def old_spellings(function: Any) -> set[str]:
    """Return the arguments of Keras 1 that a class or function takes beside those it shows."""
    row = getattr(function, "_row", None)
    of_row = {*row.old_names(), *_OF_EVERY_LAYER} if row is not None else ()
    return {*getattr(function, "_old_arguments", ()), *of_row}


# --- Signatures -----------------------------------------------------------------------------------


def _parameters(own):
    try:
        return parameters(own)
    except (TypeError, ValueError):
        return [("*args", REQUIRED), ("**kwargs", REQUIRED)]


def _alike(received, expected):
    return received == _comparable(expected, received)


def _comparable(expected, received):
    """Keras's parameters; where a default of theirs is computed, ours stands for it."""
    ours = dict(received)
    return [
        (name, ours.get(name, default) if isinstance(default, Source) else default)
        for name, default in expected
    ]


def _without_self(method, listed):
    """Keras's parameters of a method, as those who call it see them."""
    return listed if _is_decorated(method, "staticmethod") else listed[1:]


def _own_parameters(own, name):
    """Our parameters of a method, as those who call it see them."""
    received = _parameters(getattr(own, name))
    is_plain = inspect.isfunction(inspect.getattr_static(own, name))
    return received[1:] if is_plain else received


def _is_property(method):
    return _is_decorated(method, "property")


def _is_decorated(method, name):
    return any(getattr(d, "id", "") == name for d in method.node.decorator_list)


def shown(listed: list[tuple[str, Any]]) -> str:
    """Return parameters as they stand in a call."""
    return "(" + ", ".join(_shown(*one) for one in listed) + ")"


def _shown(name, default):
    if default is REQUIRED:
        return name
    return f"{name}={default.text if isinstance(default, Source) else repr(default)}"


def _text(release: Release, definition: Definition) -> str:
    if definition.kind in ("function", "class"):
        return shown(release.parameters(definition))
    return f" = {definition.module}" if definition.kind == "module" else ""
