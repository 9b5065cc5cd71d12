"""The Python operators of tensors, variables and symbolic tensors, in terms of ops.

An operator whose other operand is of a foreign type returns NotImplemented, so that Python asks
that type, and then raises TypeError.
"""

import numpy as np

from minikeras.arrays import device
from minikeras.arrays.foreign import is_array
from minikeras.autograd.symbolic import Abstract, KerasTensor
from minikeras.autograd.tensor import Operators, Tensor, array_from, is_foreign
from minikeras.core import dtypes
from minikeras.core.dims import Dim
from minikeras.ops.elementwise import arithmetic as elementwise
from minikeras.ops.elementwise import bitwise, comparison, division, rounding
from minikeras.ops.indexing.lookup import get_item
from minikeras.ops.linalg.products import matmul

_OPERANDS = (Operators, device.Array, bool, int, float, Dim, np.number, np.bool_, list, tuple)

_NUMBERS = (bool, int, float, Dim)


def _forward(function):
    def operator(self, other):
        if type(other) is not Tensor:
            if not _accepted(other):
                return NotImplemented
            other = _settled(other, self)
        return function(self, other)

    return operator


def _reflected(function):
    def operator(self, other):
        return function(_settled(other, self), self) if _accepted(other) else NotImplemented

    return operator


def _accepted(other):
    """Whether an operand is something that ops can take."""
    return isinstance(other, _OPERANDS) or is_array(other)


def _settled(other, tensor):
    """The other operand, in the tensor's dtype if it is a list, array or NumPy number of its kind.

    So `x / np.sqrt(n)` stays in single precision. Python numbers give way by themselves, and
    variables and symbolic tensors promote, as in Keras.
    """
    if type(other) in _NUMBERS or not isinstance(tensor, (Tensor, Abstract)):
        return other
    if device.in_use and type(tensor) is Tensor:
        with device.place_of(tensor.data):
            return _in_dtype_of(tensor, other)
    return _in_dtype_of(tensor, other)


def _in_dtype_of(tensor, other):
    if isinstance(other, (list, tuple)) or is_foreign(other):
        other = array_from(other)
    if isinstance(other, (device.Array, np.number)):
        same_kind = dtypes.is_float(tensor.dtype) == (other.dtype.kind == "f")
        if same_kind and other.dtype.kind in "fiu" and tensor.dtype != "bool":
            return device.asarray(other, dtypes.NUMPY[tensor.dtype])
    return other


def _by_kind(logical, bitwise_op):
    """An op that means logic between bools and work on the bits of integers."""

    def function(x, y):
        return (logical if _is_bool(x) and _is_bool(y) else bitwise_op)(x, y)

    return function


def _is_bool(value):
    if isinstance(value, (list, tuple)):
        return np.asarray(value).dtype == bool
    dtype = getattr(value, "dtype", type(value))
    return dtypes.standardize(dtype) == "bool"


def _equal(self, other):
    return comparison.equal(self, _settled(other, self)) if _accepted(other) else False


def _not_equal(self, other):
    return comparison.not_equal(self, _settled(other, self)) if _accepted(other) else True


def _invert(self):
    return comparison.logical_not(self) if _is_bool(self) else bitwise.bitwise_invert(self)


def _round(self, decimals=None):
    return rounding.round(self, decimals=decimals or 0)


_TWO_SIDED = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": division.floor_divide,
    "mod": division.mod,
    "pow": elementwise.power,
    "matmul": matmul,
    "and": _by_kind(comparison.logical_and, bitwise.bitwise_and),
    "or": _by_kind(comparison.logical_or, bitwise.bitwise_or),
    "xor": _by_kind(comparison.logical_xor, bitwise.bitwise_xor),
}
_COMPARISONS = {
    "lt": comparison.less,
    "le": comparison.less_equal,
    "gt": comparison.greater,
    "ge": comparison.greater_equal,
}
_ONE_SIDED = {
    "eq": _equal,
    "ne": _not_equal,
    "neg": elementwise.negative,
    "abs": elementwise.absolute,
    "invert": _invert,
    "round": _round,
    "getitem": get_item,
    "pos": lambda self: self,
}


def _fill():
    """Put the operators into the base class of all kinds of tensor."""
    for name, function in _TWO_SIDED.items():
        setattr(Operators, f"__{name}__", _forward(function))
        setattr(Operators, f"__r{name}__", _reflected(function))
    for name, function in _COMPARISONS.items():
        setattr(Operators, f"__{name}__", _forward(function))
    for name, function in _ONE_SIDED.items():
        setattr(Operators, f"__{name}__", _method(function))
    # In a graph, whose nodes show their names, Keras calls this operator's op so.
    KerasTensor.__truediv__ = _forward(elementwise.true_divide)
    KerasTensor.__rtruediv__ = _reflected(elementwise.true_divide)


def _method(function):
    """The function as one that binds to its object, which an op alone does not."""

    def operator(self, *args):
        return function(self, *args)

    return operator


_fill()
