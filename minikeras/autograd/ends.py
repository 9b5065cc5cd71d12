"""The two ends of a backward pass: edges of the graph, and the gradients it begins with."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from minikeras.arrays import device
from minikeras.autograd.base_ops import broadcast_to, cast
from minikeras.autograd.node import Edge, Leaf, making_leaf, recording
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, array_from
from minikeras.core import dtypes, trees
from minikeras.core.types import Nest

Seed: TypeAlias = tuple[Any, Tensor]
"""A target, and the gradient with respect to it."""


def is_tensor(value: Any) -> bool:
    """Return whether a value is a tensor, a variable or the shape of one."""
    return isinstance(value, (Tensor, Abstract)) or hasattr(value, "as_leaf")


def edges_of(tensor: Any) -> list[Edge]:
    """Return the edges that lead to a tensor: now, and before another tape began to watch it."""
    if hasattr(tensor, "as_leaf"):
        return [] if tensor._leaf is None else [(tensor._leaf, 0)]
    if tensor.node is None:
        return []
    edges = [(tensor.node, tensor.index)]
    return [*edges, tensor.earlier] if hasattr(tensor, "earlier") else edges


def watched_edge(tensor: Any) -> Edge:
    """Return the edge to a tensor for a tape that watches it: a leaf, if it is on no open tape."""
    if hasattr(tensor, "as_leaf"):
        return (tensor.watch(), 0)
    with making_leaf:
        node = tensor.node
        if node is None or node.last_tape < recording.since:
            if node is not None:
                tensor.earlier = (node, tensor.index)
            tensor.node, tensor.index = Leaf(), 0
    return (tensor.node, tensor.index)


def seeds_for(targets: list[Any], output_gradients: Nest) -> list[Seed]:
    """Return the float targets, each with the gradient at which its backward pass begins."""
    gradients: list[Any] = [None] * len(targets)
    if output_gradients is not None:
        gradients = trees.flatten(output_gradients)
    if len(gradients) != len(targets):
        raise ValueError(
            f"`output_gradients` is expected to hold a tensor for each of the {len(targets)} "
            f"targets, but received {len(gradients)}. (A list counts as a nest of scalars: turn "
            "it into an array.)"
        )
    pairs = zip(targets, gradients, strict=True)
    return [(y, _seed(y, g)) for y, g in pairs if device.array_of(y).dtype.kind == "f"]


def _seed(y: Any, g: Any) -> Tensor:
    """A gradient of the shape and dtype of `y`: ones, or `g`."""
    data = device.array_of(y)
    dtype = dtypes.name_of(data.dtype)
    if g is None:
        return Tensor(device.made_beside(data, "ones", data.shape, data.dtype))
    if hasattr(g, "as_operand"):
        g = g.as_operand()
    if not isinstance(g, Tensor):
        with device.place_of(data):
            g = Tensor(array_from(g, dtype))
    if g.dtype != dtype:
        g = cast(g, dtype=dtype)
    if g.shape == data.shape:
        return g
    pairs = zip(reversed(g.shape), reversed(data.shape), strict=False)
    if g.ndim > data.ndim or not all(size in (1, target) for size, target in pairs):
        raise ValueError(
            f"Received `output_gradients` of shape {g.shape} for a target of shape {data.shape}: "
            "expected that shape, or one that broadcasts to it."
        )
    return broadcast_to(g, shape=data.shape)


def zeros_beside(source: Any, shape: Iterable[int]) -> Tensor:
    """Return zeros of the dtype of a source, where it lies."""
    data = device.array_of(source)
    return Tensor(device.made_beside(data, "zeros", tuple(shape), data.dtype))
