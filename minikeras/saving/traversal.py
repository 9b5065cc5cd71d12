"""Where a model's state lies: which objects hold some, and the path at which a file has each.

Keras finds them by their attributes, in alphabetical order, private ones last; what stands in a
list, tuple or dict is numbered by class (`layers/dense_1`). The first path that leads to an object
is its path. Names of layers do not count: they differ between two runs of the same script.
"""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

from minikeras.core import names
from minikeras.layers import Layer
from minikeras.losses import Loss
from minikeras.metrics import Metric
from minikeras.models import Functional, Sequential
from minikeras.optimizers import Optimizer

_KINDS = (Layer, Metric, Optimizer, Loss)
_CONTAINERS = (list, tuple, dict)
# What a model keeps beside its `layers`, which come first.
_SEEN_AS_LAYERS = {"_functional", "_stack", "operations", "_operations"}


def traverse(root: Any, visit: Any, skip: tuple[Any, ...] = ()) -> None:
    """Visit an object and all that it holds, outer ones first.

    Args:
        root: a model, layer or optimizer.
        visit: function `(path, object)`. It returns whether the object is done; one that is not
            is visited once more if another path leads to it.
        skip: objects that are not visited, nor what only they hold.
    """
    _Traversal(visit, skip).into(root, "")


class _Traversal:
    def __init__(self, visit: Any, skip: tuple[Any, ...]):
        self.visit = visit
        self.done = {id(thing) for thing in skip}
        self.open: set[int] = set()

    def into(self, thing: Any, path: str) -> bool:
        """Visit an object and what it holds; return whether all of it is done."""
        if id(thing) in self.done or id(thing) in self.open:
            return True
        self.open.add(id(thing))
        done = self.visit(path, thing)
        for name, child in _attributes(thing):
            done &= self._child(child, _joined(path, name))
        self.open.discard(id(thing))
        if done:
            self.done.add(id(thing))
        return done

    def _child(self, child: Any, path: str) -> bool:
        if isinstance(child, _KINDS):
            return self.into(child, path)
        if isinstance(child, _CONTAINERS):
            return self._container(child, path, set())
        return True

    def _container(self, container: Any, path: str, outer: set[int]) -> bool:
        """Visit what a list, tuple or dict holds, numbered by class."""
        if id(container) in outer:
            return True
        outer.add(id(container))
        used: dict[str, int] = {}
        done = True
        for item in container.values() if isinstance(container, dict) else container:
            if isinstance(item, _KINDS):
                name = _numbered(names.to_snake_case(type(item).__name__), used)
                done &= self.into(item, _joined(path, name))
            elif isinstance(item, _CONTAINERS):
                done &= self._container(item, _joined(path, _numbered("container", used)), outer)
        return done


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that may hold state, with their names, in the order of the file."""
    if isinstance(thing, (Functional, Sequential)):
        yield "layers", thing.layers
    skipped, computed = _of_class(type(thing))
    own = [name for name in vars(thing) if name not in skipped and not name.startswith("__")]
    for name in sorted({*own, *computed}, key=_private_last):
        try:
            yield name, getattr(thing, name)
        except Exception:
            continue


@cache
def _of_class(cls: type) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names that are skipped in a class, and those of properties and class attributes."""
    skipped = frozenset(_names_of_base(next(kind for kind in _KINDS if issubclass(cls, kind))))
    computed = [
        name
        for name in dir(cls)
        if name not in skipped and not name.startswith("__") and _may_hold_state(cls, name)
    ]
    return skipped, tuple(computed)


def _may_hold_state(cls: type, name: str) -> bool:
    attribute = inspect.getattr_static(cls, name)
    return isinstance(attribute, (property, *_KINDS, *_CONTAINERS)) or (
        hasattr(attribute, "__get__") and not callable(attribute)
    )


@cache
def _names_of_base(base: type) -> set[str]:
    """What every layer, optimizer, ... has: it is saved in ways of its own, or not at all."""
    example = base(1.0) if base is Optimizer else base()
    return {*dir(base), *vars(example)} | _SEEN_AS_LAYERS


def _private_last(name: str) -> str:
    return f"~{name}" if name.startswith("_") else name


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _numbered(name: str, used: dict[str, int]) -> str:
    """A name that is new in a container: `dense`, `dense_1`, ..."""
    count = used.get(name)
    used[name] = 0 if count is None else count + 1
    return name if count is None else f"{name}_{used[name]}"
