"""Tensor: an array, and the node of the graph that computed it.

The operators (`x + y`, `x[1:]`, `x @ y`) are put into `Operators` by `minikeras.ops`; all kinds of
tensor share them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minikeras.arrays import device, foreign, strings
from minikeras.autograd.node import Leaf, Node, graph_break
from minikeras.core import dtypes, settings
from minikeras.core.dims import Dim
from minikeras.core.types import Array, DTypeLike, List, Tuple


class Operators:
    """The Python operators of tensors, variables and symbolic tensors; filled by the ops."""

    __slots__ = ()
    __array_priority__ = 100

    if TYPE_CHECKING:  # the checker's view of what `minikeras.ops.core.operators` puts here

        def _unary(self) -> Any: ...
        def _binary(self, other: Any) -> Any: ...
        def __eq__(self, other: object) -> Any: ...
        def __ne__(self, other: object) -> Any: ...
        def __hash__(self) -> int: ...
        def __round__(self, decimals: int | None = None) -> Any: ...

        __neg__ = __pos__ = __abs__ = __invert__ = _unary
        __getitem__ = __lt__ = __le__ = __gt__ = __ge__ = _binary
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _binary
        __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _binary
        __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _binary
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _binary


class Tensor(Operators):
    """Values in an array, with the node that computed them where a gradient may be needed.

    Args:
        data: an array of the current device.
        node: the tape's node, or None.
        index: which output of the node this is.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.convert_to_tensor([[1.0, 2.0]]) * 2
        <Tensor: shape=(1, 2), dtype=float32, numpy=array([[2., 4.]], dtype=float32)>
    """

    __slots__ = ("data", "node", "index", "earlier", "rows", "_keras_mask", "_keras_logits")

    earlier: tuple[Node | Leaf, int]
    """What computed a tensor before another tape began to watch it: the older tape's place."""

    rows: tuple[tuple[Array, Array], ...]
    """For the gradient of look-ups: of each the rows that were added up, and their places."""
    _keras_mask: Any
    _keras_logits: Any

    def __init__(self, data: Array, node: Node | Leaf | None = None, index: int = 0):
        self.data = data
        self.node = node
        self.index = index

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes, as a tuple of ints."""
        return self.data.shape

    @property
    def dtype(self) -> str:
        """The dtype's name, such as `"float32"`."""
        return dtypes.name_of(self.data.dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def device(self) -> str:
        """Where the values lie: `"cpu:0"`, `"gpu:0"`."""
        return device.name_of(self.data)

    def numpy(self) -> Any:
        """Return a copy of the values as a NumPy array (a NumPy scalar for rank 0)."""
        graph_break("numpy()", self.data)
        values = device.to_numpy(self.data)
        if not values.ndim:
            return values[()]
        return values.copy() if values is self.data else values

    def tolist(self) -> Any:
        """Return the values as nested Python lists."""
        graph_break("tolist()", self.data)
        return device.to_numpy(self.data).tolist()

    def item(self) -> Any:
        """Return the only value as a Python number."""
        graph_break("item()", self.data)
        return self.data.item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return the values as an array of the caller's own: these may be a weight's or an input's.

        With `copy=False`, which asks for shared memory, the array cannot be written to.
        """
        graph_break("as an array", self.data)
        values = device.to_numpy(self.data)
        if copy is False:
            values = np.array(values, dtype=dtype, copy=False).view()
            values.flags.writeable = False
            return values
        return np.array(values, dtype=dtype, copy=True if values is self.data else None)

    def __repr__(self) -> str:
        graph_break("repr()", self.data)
        return (
            f"<Tensor: shape={self.shape}, dtype={self.dtype}, "
            f"numpy={device.to_numpy(self.data)!r}>"
        )

    def __str__(self) -> str:
        graph_break("str()", self.data)
        return f"Tensor({device.to_numpy(self.data)}, shape={self.shape}, dtype={self.dtype})"

    def __format__(self, spec: str) -> str:
        return format(self.item() if self.size == 1 and spec else str(self), spec)

    def __len__(self) -> int:
        if not self.data.ndim:
            raise TypeError("A tensor of rank 0 has no len().")
        return len(self.data)

    def __iter__(self) -> Iterator[Any]:
        if not self.data.ndim:
            raise TypeError("Cannot iterate over a tensor of rank 0.")
        return (self[i] for i in range(len(self.data)))

    def __bool__(self) -> bool:
        graph_break("bool()", self.data)
        return bool(self.data)

    def __int__(self) -> int:
        graph_break("int()", self.data)
        return int(self.data.item())

    def __float__(self) -> float:
        graph_break("float()", self.data)
        return float(self.data.item())

    def __index__(self) -> int:
        graph_break("as an index", self.data)
        return device.to_numpy(self.data).__index__()

    def __hash__(self) -> int:
        return id(self)

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        graph_break("by a copy", self.data)
        copied = Tensor(device.copied(self.data))
        for name, mark in self._marks().items():
            setattr(copied, name, copy.deepcopy(mark, memo))
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        graph_break("by a copy", self.data)
        return Tensor, (self.data,), (None, self._marks())

    def _marks(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _MARKS if hasattr(self, name)}


# What goes with a tensor's values into a copy, where it is set; the tape does not.
_MARKS = ("rows", "_keras_mask", "_keras_logits")


def boxed(result: Any) -> Any:
    """Return what a kernel gave as an array, or as a list of them: NumPy's sums are scalars."""
    if type(result) is device.Array:
        return result
    if type(result) in (tuple, list):
        return [device.boxed(part) for part in result]
    return device.boxed(result)


def wrap(result: Any, node: Node | None) -> Tensor | tuple[Tensor, ...]:
    """Make tensors of the arrays that a kernel gave, outputs of `node`."""
    if isinstance(result, List):
        return tuple([Tensor(array, node, i) for i, array in enumerate(result)])
    return Tensor(result, node)


def values_of(tensor: Tensor) -> Array:
    """Return a tensor's array to somebody who decides by its values what to compute."""
    graph_break("by an op whose result depends on it", tensor.data)
    return tensor.data


def array_from(value: Any, dtype: DTypeLike = None) -> Array:
    """Turn any value into an array, Python floats taking the default float type.

    Args:
        value: a number, a nest of numbers, an array, or one of another library.
        dtype: a dtype name, or None to derive it from the value.

    Returns:
        An array of the current device, sharing memory with `value` where it can; strings lie in
        main memory.

    Raises:
        ValueError: if the value has no array form, or one of a dtype that tensors lack.
    """
    if device.in_use and isinstance(value, (List, Tuple)) and holds_tensors(value):
        value = _gathered(value)
    if dtype is not None:
        return _array_of_dtype(value, dtypes.standardize(dtype))
    if isinstance(value, device.Array):
        value = native(np.asarray(value))  # a masked array's or a matrix's operators are not ours
        return device.asarray(value) if device.in_use else value
    if device.on_gpu(value):
        return device.asarray(value)
    array = host_array(value)
    return device.asarray(array) if device.in_use else array


def _array_of_dtype(value: Any, dtype: str) -> Array:
    if is_foreign(value):
        value = foreign.to_numpy(value)
    if dtype != dtypes.STRING:
        return device.asarray(value, dtypes.NUMPY[dtype])
    array = native(_as_array(value))
    if not strings.is_strings(array):
        raise ValueError(
            f"Cannot convert numbers to strings: received an array of dtype {array.dtype} and "
            f"shape {array.shape}. Turn them into text first, as with `x.astype(str)`."
        )
    return array


def holds_tensors(nest: Any) -> bool:
    """Return whether there are tensors, variables, shapes of them or unknown sizes in a nest."""
    kinds = set(map(type, nest))
    if any(issubclass(kind, (Operators, Dim)) for kind in kinds):
        return True
    deeper = any(issubclass(kind, (List, Tuple)) for kind in kinds)
    return deeper and any(holds_tensors(p) for p in nest if isinstance(p, (List, Tuple)))


def _gathered(nest: Any) -> Array:
    """A list with tensors in it as an array where the first of them lies."""
    graph_break("from a list of tensors")
    with device.place_of_first(nest):
        parts = [array_from(device.array_of(part)) for part in nest]
        return device.namespace(None).stack(parts)


def host_array(value: Any) -> Array:
    """Turn any value but a tensor into a NumPy array, Python's numbers taking the default types."""
    array = native(_as_array(value))
    if array.dtype == np.float64 and _is_python(value, (float, int, bool)):
        return array.astype(dtypes.NUMPY[settings.floatx()])
    if array.dtype == np.int64 and _is_python(value, (int, bool)):
        narrow = array.astype(np.int32)
        return narrow if (narrow == array).all() else array
    return array


def _as_array(value: Any) -> Array:
    if is_foreign(value):
        return foreign.to_numpy(value)
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"Cannot convert this value to a tensor: {value!r} ({error})") from None


def is_foreign(value: Any) -> bool:
    """Return whether a value is another library's array; numbers and nests of them are NumPy's."""
    ours = isinstance(value, _NUMPY_TAKES) or device.on_gpu(value)
    return not ours and foreign.is_array(value)


_NUMPY_TAKES = (device.Array, np.generic, int, float, list, tuple, Operators)


def native(array: Array) -> Array:
    """Return an array in this machine's byte order, and refuse dtypes that tensors do not have.

    Files in other byte orders (`">f4"`, `">i8"`) are common; kernels know the machine's own alone.
    bfloat16 and other dtypes that NumPy lacks become the nearest one that it has, and text of any
    kind an array of `bytes`.
    """
    if dtypes.is_native(array.dtype):
        return array
    if strings.may_be_strings(array):
        return strings.as_strings(array)
    array = foreign.with_stand_in(array)
    if dtypes.is_native(array.dtype):
        return array
    dtype = array.dtype.newbyteorder("=")
    if dtypes.is_native(dtype):
        return array.astype(dtype)
    shown = repr(array) if array.size < _FEW else f"an array of shape {array.shape}"
    raise ValueError(
        f"Cannot convert values of dtype {array.dtype} to a tensor: {shown}. Expected numbers of a "
        f"dtype among {dtypes.ALL}: convert them first, as with `x.astype('float32')`."
    )


_FEW = 10
"""Elements that an error message may show."""


def _is_python(value: Any, types: tuple[type, ...]) -> bool:
    """Whether the numbers in a nest are Python's own rather than NumPy's."""
    while isinstance(value, (List, Tuple, range)):
        if not value:
            return True
        value = value[0]
    return type(value) in types
