"""Tensors themselves: their shape and dtype, converting them, and (from `creation`) new ones."""

import numpy as np

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.custom import custom_gradient
from minikeras.autograd.families import elementwise
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor
from minikeras.core import dtypes
from minikeras.core.docstrings import described
from minikeras.ops.creation.filled import (
    arange,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    identity,
    ones,
    ones_like,
    tri,
    zeros,
    zeros_like,
)
from minikeras.ops.elementwise.extremes import clip

__all__ = [
    "arange",
    "array",
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "copy",
    "custom_gradient",
    "dtype",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "identity",
    "is_tensor",
    "ndim",
    "ones",
    "ones_like",
    "saturate_cast",
    "shape",
    "size",
    "stop_gradient",
    "tri",
    "zeros",
    "zeros_like",
]


_ARRAY_LIKE = {"x": "tensor or array-like of any shape and dtype."}


@described(_ARRAY_LIKE)
def shape(x):
    """Return the sizes of a tensor.

    Returns:
        A tuple of ints, with `None` for a size that a symbolic tensor does not know.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.shape([[1, 2, 3]])
        (1, 3)
    """
    return tuple(convert_to_tensor(x).shape)


@described(_ARRAY_LIKE)
def ndim(x):
    """Return the number of axes.

    Returns:
        An int.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.ndim([[1, 2, 3]])
        2
    """
    return convert_to_tensor(x).ndim


@op
@described(_ARRAY_LIKE)
def size(x):
    """Return the number of elements.

    Returns:
        An int32 scalar tensor.

    Example:
        >>> import minikeras as keras
        >>> int(keras.ops.size([[1, 2, 3]]))
        3
    """
    return _count(x)


@primitive(elementwise.giving("int32"))
def _count(xp, x):
    return xp.full((), x.size, "int32")


@_count.shape_rule
def _(x):
    return Abstract((), "int32")


@described(_ARRAY_LIKE)
def dtype(x):
    """Return the name of a tensor's dtype.

    Returns:
        A string such as `"float32"`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.dtype([1.0])
        'float32'
    """
    return convert_to_tensor(x).dtype


def is_tensor(x):
    """Say whether `x` is a tensor or variable; arrays and symbolic tensors are not.

    Args:
        x: anything.

    Returns:
        A bool.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.is_tensor(keras.ops.ones(2)), keras.ops.is_tensor([1.0])
        (True, False)
    """
    return isinstance(x, Tensor | Abstract) or hasattr(x, "as_operand")


def convert_to_numpy(x):
    """Copy the values of a tensor, variable or nest of numbers into a NumPy array.

    Args:
        x: tensor, variable or array-like of any shape and dtype.

    Returns:
        A NumPy array.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.convert_to_numpy(keras.ops.ones(2))
        array([1., 1.], dtype=float32)
    """
    return np.array(convert_to_tensor(x))


@described(_ARRAY_LIKE)
def array(x, dtype=None):
    """Make a tensor of values.

    Args:
        dtype: dtype name; that of the values by default.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.array([1, 2]).dtype
        'int32'
    """
    return convert_to_tensor(x, dtype=dtype)


@op
@described(_ARRAY_LIKE)
def copy(x):
    """Return a tensor with the same values.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.copy([1, 2]).tolist()
        [1, 2]
    """
    return _same_values(x)


@primitive(elementwise)
def _same_values(xp, x):
    return x.copy()


@_same_values.vjp()
def _(g):
    return g


@op
@described(elementwise.texts)
def saturate_cast(x, dtype):
    """Cast a tensor, values outside the range of the new dtype going to its ends.

    Args:
        dtype: dtype name.

    Returns:
        A tensor of that dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.saturate_cast([300, -5, 7], "uint8").tolist()
        [255, 0, 7]
    """
    x, name = convert_to_tensor(x), dtypes.standardize(dtype)
    lowest, highest = _common_range(x.dtype, name)
    return cast(x if lowest is None else clip(x, lowest, highest), dtype=name)


@primitive(elementwise)
def stop_gradient(xp, variable):
    """Return the same values, through which no gradient flows.

    Args:
        variable: tensor or variable of any shape and dtype.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> x = keras.Variable(2.0)
        >>> with keras.GradientTape() as tape:
        ...     y = x * keras.ops.stop_gradient(x)
        >>> float(tape.gradient(y, x))
        2.0
    """
    return variable


def _common_range(source, target):
    """The ends of the target's range as far as the source can say them; None if it holds all."""
    if target == "bool":
        return 0, 1
    if source == "bool":
        return None, None
    (low, high), (least, most) = _range(source), _range(target)
    if least <= low and most >= high:
        return None, None
    lowest, highest = max(low, least), min(high, most)
    if dtypes.is_float(source) and not dtypes.is_float(target):
        kind = dtypes.NUMPY[source].type
        rounded = kind(highest)
        highest = float(np.nextafter(rounded, kind(0)) if int(rounded) > highest else rounded)
        lowest = float(lowest)
    return lowest, highest


def _range(name):
    info = np.finfo(name) if dtypes.is_float(name) else np.iinfo(name)
    exact = float if dtypes.is_float(name) else int
    return exact(info.min), exact(info.max)
