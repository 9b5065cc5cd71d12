"""Which nodes made the symbolic tensors of a graph, and how they are copied and pickled.

`copy.deepcopy` and `pickle` follow references, one call within the other: along the edges of a
graph that would go as deep as the graph is long. What is copied of a graph is flat instead: a list
of its nodes in the order in which they were made, each naming the tensors that it takes as outputs
of nodes before it. Operations do not lead to their nodes, so that one layer is copied without the
graphs that it is part of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from minikeras.core import trees
from minikeras.core.types import Nest


class History:
    """The node whose output a symbolic tensor is: `(operation, node index, tensor index)`."""

    __slots__ = ("operation", "node_index", "tensor_index")

    def __init__(self, operation: Any, node_index: int, tensor_index: int):
        self.operation = operation
        self.node_index = node_index
        self.tensor_index = tensor_index

    @property
    def node(self) -> Any:
        """The node whose output the tensor is."""
        return self.operation._inbound_nodes[self.node_index]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.operation, self.node_index, self.tensor_index))

    def __getitem__(self, i: Any) -> Any:
        return (self.operation, self.node_index, self.tensor_index)[i]


class NodeOutput:
    """A symbolic tensor in the description of a graph: one output of a node.

    Args:
        node: the `SymbolicNode`.
        index: which of its outputs.
    """

    def __init__(self, node: Any, index: int):
        self.node = node
        self.index = index

    @property
    def tensor(self) -> Any:
        """The tensor itself."""
        return self.node.outputs[self.index]

    def __reduce__(self) -> tuple[Any, ...]:
        return NodeOutput, (self.node, self.index)


def nodes_before(tensors: Iterable[Any]) -> list[Any]:
    """Return all nodes that lead to some tensors, in the order in which they were made."""
    nodes: dict[int, Any] = {}
    stack = list(tensors)
    while stack:
        history = getattr(stack.pop(), "_keras_history", None)
        if history is not None and id(history.node) not in nodes:
            nodes[id(history.node)] = history.node
            stack.extend(history.node.input_tensors)
    return sorted(nodes.values(), key=lambda node: node.serial)


def get_source_inputs(tensor: Any) -> Any:
    """Return the inputs that a symbolic tensor is computed from.

    Args:
        tensor: KerasTensor.

    Returns:
        A list of KerasTensors, in the order in which a depth-first search from the tensor reaches
        them. What no operation made is returned as it is.

    Example:
        >>> import minikeras as keras
        >>> a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
        >>> [x.name for x in keras.utils.get_source_inputs(a * 2 + b)]
        ['a', 'b']
    """
    if not hasattr(tensor, "_keras_history"):
        return tensor
    sources: list[Any] = []
    visited: set[int] = set()
    stack = [tensor]
    while stack:
        node = stack.pop()._keras_history.node
        if id(node) in visited:
            continue
        visited.add(id(node))
        if node.is_input:
            sources.extend(node.outputs)
        else:
            stack.extend(reversed(node.input_tensors))
    return sources


def as_references(tree: Nest) -> Nest:
    """Replace the symbolic tensors in a nest that a node made by `NodeOutput`s."""

    def referred(leaf: Any) -> Any:
        history = getattr(leaf, "_keras_history", None)
        return leaf if history is None else NodeOutput(history.node, history.tensor_index)

    return trees.map_structure(referred, tree)


def as_tensors(tree: Nest) -> Nest:
    """Replace the `NodeOutput`s in a nest by the tensors."""

    def tensor_of(leaf: Any) -> Any:
        return leaf.tensor if isinstance(leaf, NodeOutput) else leaf

    return trees.map_structure(tensor_of, tree)


def tensor_after(nodes: list[Any], reference: NodeOutput) -> Any:
    """Return a copied tensor; the nodes that lead to it come first, so that they are copied first.

    Args:
        nodes: what `nodes_before` says of the tensor.
        reference: which of their outputs it is.
    """
    return reference.tensor
