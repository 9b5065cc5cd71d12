"""Variable: state that changes in place, such as weights, counters and moving averages.

Whoever computes with a variable gets its array, not a copy. Writing therefore first asks whether
anybody else still holds that array (the tape, a tensor, a view); if so the new values go into a
fresh array, and what others hold stays as it was.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minikeras.arrays import device
from minikeras.autograd import symbolic
from minikeras.autograd.base_ops import cast
from minikeras.autograd.first_values import first_values, plain_array
from minikeras.autograd.node import Leaf, graph_break, making_leaf, note_new_variable, recording
from minikeras.autograd.program import replayed
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Operators, Tensor, host_array
from minikeras.core import dtypes, names
from minikeras.core.checks import one_of
from minikeras.core.per_thread import PerThread
from minikeras.core.types import Array, DTypeLike


class _Autocast(PerThread):
    """The dtype in which float variables are read in this thread, or None for their own."""

    dtype: str | None = None


autocasting = _Autocast()


_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")
_SYNCHRONIZATIONS = (None, "none", "on_read", "on_write", "auto")


class Variable(Operators):
    """A tensor that can be assigned to, with a name, and a gradient if it is trainable.

    Args:
        initializer: array-like with the first values, a callable `(shape, dtype)`, or the name of
            an initializer such as `"zeros"`.
        shape: sizes; needed if `initializer` is a callable or a name, else not looked at.
        dtype: dtype name; by default the array's, or the default float type.
        trainable: whether gradients are recorded and optimizers update it.
        autocast: whether layers with a narrower compute dtype read it in that dtype.
        aggregation: how copies on several devices are joined: `"none"`, `"mean"`, `"sum"` or
            `"only_first_replica"`.
        synchronization: when copies are joined: `"none"`, `"on_read"`, `"on_write"` or `"auto"`;
            there is one copy here, so all are the same.
        name: a name without `/`, or None for an automatic one.

    Raises:
        ValueError: if a callable comes without a shape, or the name, aggregation or synchronization
            is invalid.

    Example:
        >>> import minikeras as keras
        >>> v = keras.Variable([1.0, 2.0], name="v")
        >>> v.assign_add([1.0, 1.0]).numpy()
        array([2., 3.], dtype=float32)
    """

    __slots__ = (
        "array",
        "name",
        "path",
        "_trainable",
        "autocast",
        "aggregation",
        "regularizer",
        "constraint",
        "overwrite_with_gradient",
        "_leaf",
        "__weakref__",
        "__dict__",
    )

    _check_name = staticmethod(names.check)

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: DTypeLike = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: Any = None,
    ):
        name = name or names.of_class(Variable)
        self._check_name(name)
        one_of("aggregation", aggregation, _AGGREGATIONS)
        one_of("synchronization", synchronization, _SYNCHRONIZATIONS)
        note_new_variable()
        self.name: str = name
        scope = names.scope_path()
        self.path = f"{scope}/{name}" if scope else name
        self._trainable = bool(trainable)
        self.autocast = bool(autocast)
        self.aggregation = aggregation or "none"
        self.regularizer: Any = None
        self.constraint: Any = None
        self.overwrite_with_gradient = False
        self._leaf: Leaf | None = None
        self.array: Array = self._first_array(initializer, shape, dtype)

    def _first_array(self, initializer: Any, shape: Any, dtype: DTypeLike) -> Array:
        return first_values(initializer, shape, dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes, as a tuple of ints."""
        return self.array.shape

    @property
    def dtype(self) -> str:
        """The dtype's name; inside a layer that computes in another float type, that one."""
        return self._read_as(dtypes.name_of(self.array.dtype))

    def _read_as(self, name: str) -> str:
        """The dtype in which values of the dtype `name` are read here."""
        if self.autocast and autocasting.dtype is not None and dtypes.is_float(name):
            return autocasting.dtype
        return name

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.array.size

    @property
    def device(self) -> str:
        """Where the values lie: `"cpu:0"`, `"gpu:0"`."""
        return device.name_of(self.array)

    @property
    def trainable(self) -> bool:
        """Whether gradients are recorded."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    def place(self) -> Any:
        """Return a context in which new arrays lie where this variable's does."""
        return device.place_of(self.array)

    @property
    def value(self) -> Any:
        """The present values as a tensor."""
        return self.as_operand()

    def as_operand(self) -> Any:
        """Return what ops compute with: a tensor on the tape, or a shape in an abstract scope."""
        if symbolic.scope.abstract:
            return Abstract(self.shape, self.dtype)  # values may not have been drawn yet
        if recording.recorder is not None:
            recording.recorder.read(self)
        tensor = Tensor(self.array, self.as_leaf())
        target = autocasting.dtype
        if target is not None and self.autocast and self.array.dtype.kind == "f":
            return cast.run(tensor, dtype=target) if tensor.dtype != target else tensor
        return tensor

    def as_leaf(self) -> Leaf | None:
        """Return the leaf of the graph, or None if no gradient is wanted.

        A frozen variable has one while a tape is open that was told to watch it.
        """
        leaf = self._leaf
        if not self._trainable:
            return leaf if leaf is not None and recording.watches(leaf) else None
        if leaf is None or not leaf.automatic:
            return self._automatic_leaf()
        return leaf

    def _automatic_leaf(self) -> Leaf | None:
        """The leaf of a trainable variable, None where the dtype has no gradient."""
        if self.array.dtype.kind != "f":
            return None
        leaf = self.watch()
        leaf.automatic = True
        return leaf

    def watch(self) -> Leaf:
        """Return the leaf that a tape is to watch, whether or not the variable is trainable."""
        with making_leaf:
            leaf = self._leaf = self._leaf or Leaf(automatic=self._trainable)
        return leaf

    def numpy(self) -> Any:
        """Return a copy of the values as a NumPy array (a NumPy scalar for rank 0)."""
        return Tensor(self.array).numpy()

    def writable(self) -> Array:
        """Return the array to write into, moved to a fresh one if anybody else holds it."""
        if recording.recorder is not None:
            graph_break("by writing to a variable")
        if sys.getrefcount(self.array) > _UNSHARED:
            self.array = device.copied(self.array)
        return self.array

    @replayed
    def assign(self, value: Any) -> Variable:
        """Replace the values.

        Args:
            value: array-like of the variable's shape.

        Returns:
            The variable.

        Raises:
            ValueError: if the shapes differ; the variable is then as before.
        """
        if symbolic.scope.abstract:
            return self
        value = self._brought(value)
        if value.shape != self.array.shape:
            raise ValueError(
                f"`assign` needs a value of the variable's shape {self.shape}, and got one of "
                f"shape {value.shape}. Variable: {self.path}"
            )
        if sys.getrefcount(self.array) > _UNSHARED:
            self.array = value.astype(self.array.dtype, order="C")
        else:
            self.array[...] = value
        return self

    def adopt(self, array: Array) -> None:
        """Take over an array as the values, without a copy; nobody else may hold it.

        Args:
            array: array of the variable's shape and dtype, its elements in C order, in the host's
                memory; it is moved to the device on which the variable lies.
        """
        self.array = device.beside(array, self.array)

    @replayed
    def assign_add(self, value: Any) -> Variable:
        """Add `value` to the values and return the variable."""
        return self._update(_add_to, value)

    @replayed
    def assign_sub(self, value: Any) -> Variable:
        """Subtract `value` from the values and return the variable."""
        return self._update(_subtract_from, value)

    def _brought(self, value: Any) -> Array:
        """The values to write, beside the variable; what is a tensor already must lie there."""
        if not device.in_use or isinstance(value, Operators):
            array = plain_array(value)
        elif isinstance(value, device.Array) or device.on_gpu(value):
            array = device.beside(value, self.array)
        else:
            array = device.beside(host_array(value), self.array)
        if type(array) is not type(self.array) or device.several:
            device.refuse_mixed([self.array, array], f"an assignment to '{self.path}'")
        return array

    def _update(self, function: Callable[[Array, Array], None], value: Any) -> Variable:
        if symbolic.scope.abstract:
            return self
        value = self._brought(value).astype(self.array.dtype, copy=False)
        if value.shape != self.shape and np.broadcast_shapes(value.shape, self.shape) != self.shape:
            raise ValueError(
                f"Cannot add a value of shape {value.shape} to the variable '{self.path}' of "
                f"shape {self.shape}."
            )
        function(self.writable(), value)
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        graph_break("as an array")
        return np.array(device.to_numpy(self.array), dtype=dtype, copy=True)

    def __repr__(self) -> str:
        graph_break("repr()")
        return (
            f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, "
            f"value={device.to_numpy(self.array)}>"
        )

    __hash__ = object.__hash__

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __bool__(self) -> bool:
        graph_break("bool()")
        return bool(self.array)

    def __int__(self) -> int:
        graph_break("int()")
        return int(self.array.item())

    def __float__(self) -> float:
        graph_break("float()")
        return float(self.array.item())

    def __index__(self) -> int:
        graph_break("as an index")
        return device.to_numpy(self.array).__index__()

    def __copy__(self) -> Variable:
        copied = object.__new__(type(self))
        copied.__setstate__({**self.__getstate__(), "array": device.copied(self.array)})
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        copied = memo[id(self)] = object.__new__(type(self))
        state = self.__getstate__()
        array = device.copied(state.pop("array"))
        copied.__setstate__({**copy.deepcopy(state, memo), "array": array})
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the leaf of the graph, which a copy does not share."""
        return {name: getattr(self, name) for name in _COPIED_SLOTS} | vars(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        note_new_variable()
        self._leaf = None
        for name, value in state.items():
            setattr(self, name, value)


_COPIED_SLOTS = tuple(
    name for name in Variable.__slots__ if name not in ("_leaf", "__weakref__", "__dict__")
)


def _add_to(array: Array, value: Array) -> None:
    array += value


def _subtract_from(array: Array, value: Array) -> None:
    array -= value


class _Probe:
    """An object that holds one array, to learn what `getrefcount` says of it."""

    __slots__ = ("array",)

    def __init__(self):
        self.array = np.zeros(1)

    def count(self) -> int:
        return sys.getrefcount(self.array)


_UNSHARED = _Probe().count()
"""The reference count of an array that only its variable holds, as this interpreter counts."""
