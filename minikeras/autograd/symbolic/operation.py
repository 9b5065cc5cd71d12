"""The graph that a model is declared as: operations, and the nodes that their calls add to it.

An op or layer called on a `KerasTensor` adds exactly one `SymbolicNode`, under the public name of
the op or layer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from minikeras.autograd.symbolic.abstract import abstract_scope
from minikeras.autograd.symbolic.history import History, as_references, as_tensors
from minikeras.autograd.symbolic.keras_tensor import (
    KerasTensor,
    any_symbolic,
    state_of,
    tensor_with,
    to_abstract,
    to_symbolic,
)
from minikeras.core import names, trees
from minikeras.core.copying import CopiedWhole
from minikeras.core.types import Nest


class SymbolicNode:
    """One call of an operation in a model's graph.

    Args:
        operation: the layer or op that was called.
        args: its positional arguments, KerasTensors among them.
        kwargs: its keyword arguments.
        outputs: nest of the KerasTensors that it gave.
    """

    def __init__(
        self,
        operation: Any,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        outputs: Nest = None,
    ):
        self.operation = operation
        self.args = tuple(args)
        self.kwargs = dict(kwargs or {})
        self.serial = next(_serials)
        leaves = trees.flatten((self.args, self.kwargs))
        self.input_tensors = [leaf for leaf in leaves if isinstance(leaf, KerasTensor)]
        self.outputs: list[Any] = [
            leaf for leaf in trees.flatten(outputs) if isinstance(leaf, KerasTensor)
        ]
        index = len(operation._inbound_nodes)
        for i, tensor in enumerate(self.outputs):
            tensor._keras_history = History(operation, index, i)
        operation._inbound_nodes.append(self)
        for parent in self.parent_nodes:
            parent.operation._outbound_nodes.append(self)

    @property
    def is_input(self) -> bool:
        """Whether nothing flows into this node."""
        return not self.input_tensors

    @property
    def parent_nodes(self) -> list[Any]:
        """The nodes whose outputs the input tensors are, each once."""
        nodes: dict[int, Any] = {}
        for tensor in self.input_tensors:
            history = getattr(tensor, "_keras_history", None)
            if history is not None:
                nodes[id(history.node)] = history.node
        return list(nodes.values())

    def fill(self, values: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return `(args, kwargs)` with every KerasTensor replaced by `values[id(tensor)]`."""

        def replace(leaf: Any) -> Any:
            return values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        return trees.map_structure(replace, self.args), trees.map_structure(replace, self.kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = as_references((self.args, self.kwargs))
        outputs = [state_of(t) for t in self.outputs]
        return _restored_node, (type(self), self.operation, *arguments, outputs)


_serials = itertools.count()


def _restored_node(
    cls: type[SymbolicNode], operation: Any, args: Any, kwargs: Any, outputs: list[Any]
) -> SymbolicNode:
    """Make a copied node, of an operation that may itself be halfway through being copied."""
    _give_node_lists(operation)
    args, kwargs = as_tensors((args, kwargs))
    node = cls.__new__(cls)  # a subclass may be constructed from something else
    SymbolicNode.__init__(node, operation, args, kwargs, [tensor_with(*s) for s in outputs])
    return node


class Operation(CopiedWhole):
    """What a node of a model's graph calls: the common base of ops in graphs and layers.

    A subclass defines `call`; where that cannot run on shapes alone, `compute_output_spec` as well.

    Args:
        name: a name without `/`, or None for an automatic one.

    Example:
        >>> import minikeras as keras
        >>> class Double(keras.Operation):
        ...     def call(self, x):
        ...         return x * 2
        >>> Double()(keras.ops.ones((2,))).tolist()
        [2.0, 2.0]
        >>> Double()(keras.Input((3,))).shape
        (None, 3)
    """

    _check_name = staticmethod(names.check)

    def __init__(self, name: Any = None):
        if name is None:
            name = names.of_class(type(self))
        self._check_name(name)
        self.name = name
        self._inbound_nodes: list[SymbolicNode] = []
        self._outbound_nodes: list[SymbolicNode] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute; with a KerasTensor among the arguments, add a node to a graph instead."""
        if any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from tensors; every subclass says how.

        Raises:
            TypeError: if the subclass does not.
        """
        raise TypeError(f"{type(self).__name__} must define `call(self, ...)`.")

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Add one node to the graph that the symbolic arguments belong to.

        Returns:
            A nest of KerasTensors, the outputs of the node.
        """
        outputs = self.compute_output_spec(*args, **kwargs)
        SymbolicNode(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outputs for symbolic arguments, without adding a node.

        Returns:
            A nest of KerasTensors, found by running `call` on shapes and dtypes.
        """
        return _spec(self.call, args, kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key not in _NODE_LISTS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        _give_node_lists(self)
        vars(self).update(state)

    def _tensors_of(self, which: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(
                f"The layer {self.name} has no {which} yet: call it on a symbolic input first."
            )
        node = self._inbound_nodes[0]
        tensors = node.input_tensors if which == "input" else node.outputs
        return tensors[0] if len(tensors) == 1 else list(tensors)

    @property
    def input(self) -> Any:
        """The symbolic input of the first call, or a list of them."""
        return self._tensors_of("input")

    @property
    def output(self) -> Any:
        """The symbolic output of the first call, or a list of them."""
        return self._tensors_of("output")


# A copied operation has the nodes of those graphs that are copied with it.
_NODE_LISTS = ("_inbound_nodes", "_outbound_nodes")


def _give_node_lists(operation: Operation) -> None:
    for name in _NODE_LISTS:
        vars(operation).setdefault(name, [])


class OpCall(Operation):
    """One op in a model's graph.

    Args:
        op: the function of `minikeras.ops`.
        name: a name, or None for an automatic one from the op's.
    """

    def __init__(self, op: Any, name: str | None = None):
        self.op = op
        super().__init__(name or names.unique(names.to_snake_case(self.class_name)))

    @property
    def class_name(self) -> str:
        """The op's name in the form of a class, as summaries and automatic names show it."""
        return class_name_of(self.op)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the op."""
        return self.op(*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return the op's outputs for symbolic arguments."""
        return _spec(getattr(self.op, "run", self.op), args, kwargs)


def class_name_of(op: Any) -> str:
    """Return an op's name in the form of a class: its own, or made of the words of its name."""
    own: str = getattr(op, "class_name", "")
    return own or "".join(part.capitalize() for part in op.name.split("_"))


def record_op(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call an op on symbolic tensors: find the result's shape and add one node to the graph."""
    return OpCall(op).symbolic_call(*args, **kwargs)


def _spec(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The KerasTensors that a function gives for those in the arguments; it runs on shapes."""
    with abstract_scope():
        return to_symbolic(function(*to_abstract(args), **to_abstract(kwargs)))
