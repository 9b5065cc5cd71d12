"""Vector-Jacobian products: what the vjp of an op asks for, and giving it that from a node.

The vjp of `y = f(x)` takes `g = dL/dy` to `dL/dx`, the vector `g` times the Jacobian of `f`.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from minikeras.arrays import device
from minikeras.autograd.node import Node
from minikeras.autograd.tensor import Tensor


class Signature(Protocol):
    """What a vjp must know of its primitive: the names of what may be asked for."""

    name: str
    inputs: tuple[str, ...]
    statics: tuple[str, ...]


class VJP:
    """The vjp of an op, with what its parameters ask for already looked up.

    Args:
        function: function of `g` and of what its parameters' names ask for. Its name in tracebacks
            becomes that of the op: `tanh_vjp`.
        primitive: the op.
    """

    def __init__(self, function: Callable[..., Any], primitive: Signature):
        self.function = _named(function, f"{primitive.name}_vjp")
        self.asks: dict[str, tuple[str, Any]] = {}
        code = inspect.unwrap(function).__code__  # a tenth of the time that `signature` takes
        for name in code.co_varnames[1 : code.co_argcount]:
            self.asks[name] = _source_of(name, primitive)
        self.inputs: list[int] = [i for kind, i in self.asks.values() if kind == "input"]
        self.output = ("output", None) in self.asks.values()

    def __call__(self, node: Node, g: Any) -> Any:
        """Call it with what the node saved."""
        answers = {name: _FROM_NODE[kind](node, key) for name, (kind, key) in self.asks.items()}
        return self.function(g, **answers)


def _named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Give a function that has no name, but `_`, one that tracebacks show."""
    if getattr(function, "__name__", "") == "_":
        function.__name__ = function.__qualname__ = name
        function.__code__ = function.__code__.replace(co_name=name, co_qualname=name)
    return function


def _source_of(name: str, primitive: Signature) -> tuple[str, Any]:
    """Say where a parameter comes from: `(kind, key)`."""
    if name in primitive.inputs:
        return "input", primitive.inputs.index(name)
    for kind in ("shape", "dtype"):
        stem = name.removesuffix("_" + kind)
        if stem != name and stem in primitive.inputs:
            return kind, primitive.inputs.index(stem)
    if name in primitive.statics:
        return "static", name
    if name in ("y", "needs"):
        return {"y": "output", "needs": "needs"}[name], None
    raise TypeError(f"A vjp of {primitive.name} asks for unknown '{name}'.")


def _output_of(node: Node, _: None) -> Tensor | tuple[Tensor, ...]:
    ys = tuple([Tensor(array, node, i) for i, array in enumerate(node.saved["y"])])
    return ys[0] if len(ys) == 1 else ys


def _spec_of(part: int) -> Callable[[Node, Any], Any]:
    def answer(node: Node, i: int) -> Any:
        specs: Sequence[Any] = node.specs
        if node.primitive.variadic:
            return [spec[part] for spec in specs]
        return specs[i][part]

    return answer


_FROM_NODE: dict[str, Callable[[Node, Any], Any]] = {
    "input": lambda node, i: node.primitive.saved_input(node, i),
    "shape": _spec_of(0),
    "dtype": _spec_of(1),
    "static": lambda node, name: node.statics[name],
    "output": _output_of,
    "needs": lambda node, _: tuple([parent is not None for parent in node.parents]),
}


def rebuilt(node: Node, i: int) -> Tensor:
    """Return input `i` of a node, as a tensor with its edge of the graph."""
    parent = node.parents[i]
    return Tensor(node.saved[i], *parent) if parent is not None else Tensor(node.saved[i])


def filled(
    gradients: Sequence[Tensor | None], outputs: Sequence[tuple[tuple[int, ...], Any]]
) -> list[Tensor]:
    """Put zeros in place of the gradients with respect to outputs that nothing used."""
    known = next(g.data for g in gradients if g is not None)
    return [
        g if g is not None else Tensor(device.made_beside(known, "zeros", shape, dtype))
        for g, (shape, dtype) in zip(gradients, outputs, strict=True)
    ]
