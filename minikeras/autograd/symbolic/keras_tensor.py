"""KerasTensor: a placeholder for data in a model's graph, and nests of placeholders.

An op or layer called on one adds exactly one node to the graph (`operation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from minikeras.autograd.symbolic.abstract import Abstract
from minikeras.autograd.symbolic.history import History, as_references, nodes_before, tensor_after
from minikeras.autograd.tensor import Operators
from minikeras.core import dims, dtypes, names, trees
from minikeras.core.types import DTypeLike, Nest


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
        raise TypeError(
            "A KerasTensor has no values, so a loop cannot go over it: take parts by index, `x[:, "
            f"0]`, or use `keras.ops.unstack`. Received: {self}"
        )

    def __bool__(self) -> bool:
        raise TypeError(
            "A KerasTensor has no values, so `if`, `and` and `bool()` cannot decide by it: use "
            f"`keras.ops.cond` or `keras.ops.where`. Received: {self}"
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise ValueError(
            "A KerasTensor is symbolic: it's a placeholder for a shape and a dtype and has no "
            "values, so a NumPy function cannot take it. Use the functions of `ops`, or wrap the "
            "code in a Layer."
        )

    __int__ = __float__ = __index__ = __bool__

    def __copy__(self) -> KerasTensor:
        return tensor_with(type(self), vars(self))

    def __reduce__(self) -> tuple[Any, ...]:
        if hasattr(self, "_keras_history"):
            return tensor_after, (nodes_before([self]), as_references(self))
        return tensor_with, (type(self), vars(self))


def state_of(tensor: KerasTensor) -> tuple[type[KerasTensor], dict[str, Any]]:
    """Return the class and the attributes of a tensor, but for its place in the graph."""
    state = {key: value for key, value in vars(tensor).items() if key != "_keras_history"}
    if "_keras_mask" in state:  # it counts by its shape alone
        state["_keras_mask"] = trees.map_structure(_without_history, state["_keras_mask"])
    return type(tensor), state


def _without_history(mask: Any) -> Any:
    return tensor_with(*state_of(mask)) if isinstance(mask, KerasTensor) else mask


def tensor_with(cls: type[KerasTensor], state: Mapping[str, Any]) -> KerasTensor:
    """Return a tensor of a class with these attributes; what `state_of` returned."""
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
