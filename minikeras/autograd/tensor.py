"""Tensor: an array, and the place on the tape that it came from.

The operators (`x + y`, `x[1:]`, `x @ y`) are put into `Operators` by `minikeras.ops`; all carriers
of values share them.
"""

import numpy as np

from minikeras import config
from minikeras.arrays import device
from minikeras.core import dtypes


class Operators:
    """The Python operators of tensors, variables and symbolic tensors; filled by the ops."""

    __slots__ = ()
    __array_priority__ = 100


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

    __slots__ = ("data", "node", "index", "_keras_mask", "_keras_logits")

    def __init__(self, data, node=None, index=0):
        self.data = data
        self.node = node
        self.index = index

    @property
    def shape(self):
        """The sizes, as a tuple of ints."""
        return self.data.shape

    @property
    def dtype(self):
        """The dtype's name, such as `"float32"`."""
        return dtypes.name_of(self.data.dtype)

    @property
    def ndim(self):
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self):
        """The number of elements."""
        return self.data.size

    @property
    def device(self):
        """Where the values lie: `"cpu:0"`."""
        return "cpu:0"

    def numpy(self):
        """Return a copy of the values as a NumPy array (a NumPy scalar for rank 0)."""
        values = device.to_numpy(self.data)
        return values.copy() if values.ndim else values[()]

    def tolist(self):
        """Return the values as nested Python lists."""
        return device.to_numpy(self.data).tolist()

    def item(self):
        """Return the only value as a Python number."""
        return self.data.item()

    def __array__(self, dtype=None, copy=None):
        return np.array(device.to_numpy(self.data), dtype=dtype, copy=copy)

    def __repr__(self):
        return (
            f"<Tensor: shape={self.shape}, dtype={self.dtype}, "
            f"numpy={device.to_numpy(self.data)!r}>"
        )

    def __str__(self):
        return f"Tensor({device.to_numpy(self.data)}, shape={self.shape}, dtype={self.dtype})"

    def __format__(self, spec):
        return format(self.item() if self.size == 1 and spec else str(self), spec)

    def __len__(self):
        if not self.data.ndim:
            raise TypeError("A tensor of rank 0 has no len().")
        return len(self.data)

    def __iter__(self):
        if not self.data.ndim:
            raise TypeError("Cannot iterate over a tensor of rank 0.")
        return (self[i] for i in range(len(self.data)))

    def __bool__(self):
        return bool(self.data)

    def __int__(self):
        return int(self.data.item())

    def __float__(self):
        return float(self.data.item())

    def __index__(self):
        return self.data.__index__()

    def __hash__(self):
        return id(self)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return Tensor(self.data.copy())

    def __reduce__(self):
        return Tensor, (self.data,)


def array_from(value, dtype=None):
    """Turn any value into an array, Python floats taking the default float type.

    Args:
        value: a number, a nest of numbers, an array, or an object with `__array__`.
        dtype: a dtype name, or None to derive it from the value.

    Returns:
        An array of the current device, sharing memory with `value` where it can.

    Raises:
        ValueError: if the value has no numeric array form.
    """
    if dtype is not None:
        return device.asarray(value, dtypes.NUMPY[dtypes.standardize(dtype)])
    if isinstance(value, device.Array):
        return value
    array = _checked(value)
    if array.dtype == np.float64 and _is_python(value, (float, int, bool)):
        return array.astype(dtypes.NUMPY[config.floatx()])
    if array.dtype == np.int64 and _is_python(value, (int, bool)):
        narrow = array.astype(np.int32)
        return narrow if (narrow == array).all() else array
    return array


def _checked(value):
    try:
        array = device.asarray(value)
    except ValueError as error:
        raise ValueError(f"Cannot convert this value to a tensor: {value!r} ({error})") from None
    if array.dtype.kind not in "biuf":
        if array.size == 0 and array.dtype.kind != "O":
            return array
        raise ValueError(
            f"Cannot convert a value of type {type(value).__name__} and dtype {array.dtype} to a "
            f"tensor: {value!r}. Expected numbers."
        )
    return array


def _is_python(value, types):
    """Whether the numbers in a nest are Python's own rather than NumPy's."""
    while isinstance(value, (list, tuple)):
        if not value:
            return True
        value = value[0]
    return type(value) in types
