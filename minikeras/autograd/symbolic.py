"""Carriers without values, and the graph that a model is declared as.

`Abstract` is a shape and a dtype: ops answer it from their rules and record nothing.
`KerasTensor` is a placeholder in a model's graph: an op or layer called on it adds exactly one
`SymbolicNode` under the op's or layer's public name.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from minikeras.autograd.history import (
    History,
    as_references,
    as_tensors,
    nodes_before,
    tensor_after,
)
from minikeras.autograd.tensor import Operators
from minikeras.core import dims, dtypes, names, trees
from minikeras.core.copying import CopiedWhole
from minikeras.core.per_thread import PerThread
from minikeras.core.types import DTypeLike, Nest


class _Scope(PerThread):
    abstract = False
    trial = False


scope = _Scope()


class abstract_scope:  # reads as a word in `with abstract_scope():`
    """Inside the `with` block variables count as shapes alone, and no state changes."""

    def __enter__(self):
        self._outer = scope.abstract
        scope.abstract = True

    def __exit__(self, *_: object) -> None:
        scope.abstract = self._outer


class trial_scope(abstract_scope):
    """An `abstract_scope` that refuses variables made from values: the run is given up there."""

    def __enter__(self):
        super().__enter__()
        self._outer_trial = scope.trial
        scope.trial = True

    def __exit__(self, *_: object) -> None:
        scope.trial = self._outer_trial
        super().__exit__()


class building_scope:
    """Inside the `with` block values are computed, since weights are made from them.

    A layer is built for good even while a model's shapes are being found out; not so in a trial.
    """

    def __enter__(self):
        self._outer = scope.abstract
        scope.abstract = scope.trial

    def __exit__(self, *_: object) -> None:
        scope.abstract = self._outer


def in_abstract_scope() -> bool:
    """Say whether a body is being run for its shapes alone."""
    return scope.abstract


class Abstract(Operators):
    """A shape and a dtype without values.

    Args:
        shape: sizes; unknown ones are `Dim` objects (or None, which becomes a new one).
        dtype: dtype name.
    """

    __slots__ = ("shape", "dtype", "_keras_mask")

    _keras_mask: Any

    def __init__(self, shape: Iterable[Any], dtype: str = "float32"):
        self.shape = dims.from_public(shape)
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> dims.Size:
        """The number of elements, a Dim if it is unknown."""
        return dims.product(self.shape)

    def __repr__(self) -> str:
        return f"Abstract(shape={dims.to_public(self.shape)}, dtype={self.dtype})"

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise TypeError(_NO_VALUES)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError(_NO_VALUES)

    def __iter__(self) -> Iterator[Any]:
        if not self.shape or isinstance(self.shape[0], dims.Dim):
            raise TypeError("Cannot iterate over a tensor whose first size is not known.")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self) -> int:
        return int(self.shape[0])


_NO_VALUES = (
    "There are no values here: this code runs only to find out a shape. Use ops in place of "
    "Python control flow and NumPy functions, or give the layer a `compute_output_shape` method."
)


class KerasTensor(Operators):
    """A placeholder for data in the graph of a model.

    Args:
        shape: sizes, `None` where unknown.
        dtype: dtype name.
        sparse: must be False.
        ragged: must be False.
        record_history: whether ops called on it record a node.
        name: a name, or None for an automatic one.

    Example:
        >>> import minikeras as keras
        >>> x = keras.KerasTensor((None, 3))
        >>> (x * 2.0).shape
        (None, 3)
    """

    _keras_mask: Any
    _keras_history: History

    def __init__(
        self,
        shape: Iterable[Any],
        dtype: DTypeLike = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ):
        if sparse or ragged:
            raise ValueError("Sparse and ragged tensors are not supported: use dense ones.")
        self.dims = dims.from_public(shape)
        self.dtype = dtypes.standardize(dtype)
        self.sparse = False
        self.ragged = False
        self.name = name or names.of_class(type(self))
        self.record_history = record_history

    @property
    def shape(self) -> dims.PublicShape:
        """The sizes, `None` where unknown."""
        return dims.to_public(self.dims)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.dims)

    @property
    def size(self) -> int | None:
        """The number of elements, None if it is unknown."""
        total = dims.product(self.dims)
        return None if isinstance(total, dims.Dim) else total

    def abstract(self) -> Abstract:
        """Return the shape and dtype alone."""
        value: Any = Abstract(self.dims, self.dtype)
        mask = getattr(self, "_keras_mask", None)
        if mask is not None:
            value._keras_mask = to_abstract(mask)
        return value

    def __repr__(self) -> str:
        return (
            f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse=False, ragged=False, "
            f"name={self.name}>"
        )

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> int:
        raise TypeError("A KerasTensor has no len(): its first size is usually unknown.")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("Iterating over a symbolic KerasTensor is not supported.")

    def __bool__(self) -> bool:
        raise TypeError("A symbolic KerasTensor cannot be used as a boolean.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise ValueError(
            "A KerasTensor is symbolic: it's a placeholder for a shape and a dtype and has no "
            "values, so a NumPy function cannot take it. Use the functions of `ops`, or wrap the "
            "code in a Layer."
        )

    __int__ = __float__ = __index__ = __bool__

    def __copy__(self) -> KerasTensor:
        return _tensor_with(type(self), vars(self))

    def __reduce__(self) -> tuple[Any, ...]:
        if hasattr(self, "_keras_history"):
            return tensor_after, (nodes_before([self]), as_references(self))
        return _tensor_with, (type(self), vars(self))


def _state_of(tensor: KerasTensor) -> tuple[type[KerasTensor], dict[str, Any]]:
    """The class and the attributes, without what says where the tensor came from."""
    state = {key: value for key, value in vars(tensor).items() if key != "_keras_history"}
    if "_keras_mask" in state:  # it counts by its shape alone
        state["_keras_mask"] = trees.map_structure(_without_history, state["_keras_mask"])
    return type(tensor), state


def _without_history(mask: Any) -> Any:
    return _tensor_with(*_state_of(mask)) if isinstance(mask, KerasTensor) else mask


def _tensor_with(cls: type[KerasTensor], state: Mapping[str, Any]) -> KerasTensor:
    tensor = object.__new__(cls)
    vars(tensor).update(state)
    return tensor


def is_keras_tensor(x: object) -> bool:
    """Say whether `x` is a symbolic tensor of a model's graph.

    Args:
        x: anything.

    Returns:
        A bool.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.is_keras_tensor(keras.Input((2,)))
        True
    """
    return isinstance(x, KerasTensor)


def any_symbolic(args: Iterable[Any], kwargs: Mapping[str, Any] | None) -> bool:
    """Say whether a KerasTensor is among the arguments, however deep in a nest."""
    for value in args:
        if isinstance(value, KerasTensor) or (
            isinstance(value, (list, tuple, dict))
            and any(isinstance(leaf, KerasTensor) for leaf in trees.flatten(value))
        ):
            return True
    return bool(kwargs) and any_symbolic(tuple(kwargs.values()), None)


def to_abstract(tree: Nest) -> Nest:
    """Replace every KerasTensor in a nest by its shape and dtype."""

    def convert(leaf: Any) -> Any:
        return leaf.abstract() if isinstance(leaf, KerasTensor) else leaf

    return trees.map_structure(convert, tree)


def to_symbolic(tree: Nest) -> Nest:
    """Replace every Abstract or Tensor in a nest by a new KerasTensor of its shape and dtype."""

    def convert(leaf: Any) -> Any:
        if leaf is None or isinstance(leaf, KerasTensor):
            return leaf
        symbol: Any = KerasTensor(leaf.shape, leaf.dtype)
        mask = getattr(leaf, "_keras_mask", None)
        if mask is not None:
            symbol._keras_mask = to_symbolic(mask)
        return symbol

    return trees.map_structure(convert, tree)


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
        return _restored_node, (self.operation, *arguments, [_state_of(t) for t in self.outputs])


_serials = itertools.count()


def _restored_node(operation: Any, args: Any, kwargs: Any, outputs: list[Any]) -> SymbolicNode:
    """Make a copied node, of an operation that may itself be halfway through being copied."""
    _give_node_lists(operation)
    args, kwargs = as_tensors((args, kwargs))
    return SymbolicNode(operation, args, kwargs, [_tensor_with(*state) for state in outputs])


class Operation(CopiedWhole):
    """What a node of a model's graph calls: the common base of ops in graphs and layers.

    Args:
        name: a name without `/`, or None for an automatic one.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.Dense(2)
        >>> isinstance(layer, keras.Operation)
        True
    """

    def __init__(self, name: Any = None):
        if name is None:
            name = names.of_class(type(self))
        if not isinstance(name, str) or "/" in name:
            raise ValueError(
                "Argument `name` must be a string and cannot contain character `/`. "
                f"Received: name={name} (of type {type(name)})"
            )
        self.name = name
        self._inbound_nodes: list[SymbolicNode] = []
        self._outbound_nodes: list[SymbolicNode] = []

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
        own = getattr(self.op, "class_name", "")
        return own or "".join(part.capitalize() for part in self.op.name.split("_"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the op; on symbolic tensors that adds a node to this very operation."""
        if any_symbolic(args, kwargs):
            return _record(self, args, kwargs)
        return self.op(*args, **kwargs)


def record_op(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call an op on symbolic tensors: find the result's shape and add one node to the graph."""
    return _record(OpCall(op), args, kwargs)


def _record(call: OpCall, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    run = getattr(call.op, "run", call.op)
    with abstract_scope():
        result = run(*to_abstract(args), **to_abstract(kwargs))
    outputs = to_symbolic(result)
    SymbolicNode(call, args, kwargs, outputs)
    return outputs
