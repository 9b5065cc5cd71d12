"""How a layer's `call` takes its arguments, read from its signature once per class."""

import inspect
from functools import cache
from typing import Any

from minikeras.core import trees
from minikeras.core.per_thread import PerThread


class CallSignature:
    """The parameters of a `call` or `build` method, apart from `self`.

    Args:
        function: the method's function.
    """

    def __init__(self, function):
        parameters = list(inspect.signature(function).parameters.values())[1:]
        kinds = {p.kind for p in parameters}
        self.names = [
            p.name
            for p in parameters
            if p.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        ]
        self.takes_any = inspect.Parameter.VAR_KEYWORD in kinds
        self.takes_more = inspect.Parameter.VAR_POSITIONAL in kinds
        self.defaults = {
            p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty
        }

    def has(self, name):
        """Say whether the method has a parameter of that name."""
        return name in self.names

    def named(self, args, kwargs):
        """Return all arguments by name, positional ones first."""
        return {**dict(zip(self.names, args, strict=False)), **kwargs}


@cache
def signature_of(function):
    """Return the `CallSignature` of a method's function."""
    return CallSignature(function)


class CallContext(PerThread):
    """What the outermost layer call in progress has decided for the calls inside it."""

    entry: Any = None
    training: Any = None


context = CallContext()


def is_tensor_like(x):
    """Say whether `x` counts as data rather than as an option."""
    return hasattr(x, "shape") and hasattr(x, "dtype")


def tensor_arguments(named):
    """Return those arguments that hold tensors and nothing else."""
    tensors = {}
    for name, value in named.items():
        leaves = [leaf for leaf in trees.flatten(value) if leaf is not None]
        if leaves and all(is_tensor_like(leaf) for leaf in leaves):
            tensors[name] = value
    return tensors


def shapes_of(tree):
    """Replace every tensor in a nest by its shape, with None for unknown sizes."""
    return trees.map_structure(
        lambda x: (
            None
            if x is None
            else tuple(size if isinstance(size, int) else None for size in x.shape)
        ),
        tree,
    )
