"""New tensors: zeros, ones, ranges, and matrices with ones in known places.

Sizes may be unknown while a model is being declared; what is made with such a size, or inside a
declaration, is a shape and a dtype without values.
"""

import math

from minikeras.arrays import device
from minikeras.autograd import symbolic
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor
from minikeras.core import dims, dtypes
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.ops.shapes.shaping import broadcast_to


def zeros(shape, dtype=None):
    """Make a tensor of zeros.

    Args:
        shape: int or tuple of ints.
        dtype: dtype name; the default float type if None.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.zeros((2, 1)).tolist()
        [[0.0], [0.0]]
    """
    return _made("zeros", shape, dtype)


@described(zeros)
def empty(shape, dtype=None):
    """Make a tensor whose values are of no concern; they are zeros.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.empty((2, 3)).shape
        (2, 3)
    """
    return _made("zeros", shape, dtype)


@described(zeros)
def ones(shape, dtype=None):
    """Make a tensor of ones.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.ones(3, "int32").tolist()
        [1, 1, 1]
    """
    return _made("ones", shape, dtype)


@op
@described(zeros)
def full(shape, fill_value, dtype=None):
    """Make a tensor of one value.

    Args:
        fill_value: number, or a tensor that broadcasts to `shape`.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.full((2,), 7).tolist()
        [7.0, 7.0]
    """
    value = convert_to_tensor(fill_value, dtype=dtypes.standardize(dtype))
    sizes = dims.as_sizes(shape)
    if _is_declared(sizes):
        return Abstract(sizes, value.dtype)
    return broadcast_to(value, shape=sizes)


@op
@described(elementwise.texts)
def zeros_like(x, dtype=None):
    """Make a tensor of zeros in the shape of another.

    Args:
        dtype: dtype name; that of `x` if None.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.zeros_like([1.0, 2.0]).tolist()
        [0.0, 0.0]
    """
    x = convert_to_tensor(x)
    return _made("zeros", x.shape, dtype or x.dtype)


@op
@described(zeros_like)
def empty_like(x, dtype=None):
    """Make a tensor in the shape of another, whose values are of no concern; they are zeros.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.empty_like([1.0, 2.0]).shape
        (2,)
    """
    return zeros_like(x, dtype)


@op
@described(zeros_like)
def ones_like(x, dtype=None):
    """Make a tensor of ones in the shape of another.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.ones_like([1.0, 2.0]).tolist()
        [1.0, 1.0]
    """
    x = convert_to_tensor(x)
    return _made("ones", x.shape, dtype or x.dtype)


@op
@described(zeros_like)
def full_like(x, fill_value, dtype=None):
    """Make a tensor of one value in the shape of another.

    Args:
        fill_value: number, or a tensor that broadcasts to the shape of `x`.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.full_like([1, 2], 7).tolist()
        [7, 7]
    """
    x = convert_to_tensor(x)
    return full(x.shape, fill_value, dtype or x.dtype)


def arange(start, stop=None, step=None, dtype=None):
    """Count from `start` up to, not including, `stop`.

    Args:
        start: number; the stop, if it comes alone, and the count then starts at 0.
        stop: number.
        step: number that is not 0; 1 by default.
        dtype: dtype name; the promoted dtype of the arguments if None.

    Returns:
        A tensor of rank 1.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.arange(2, 8, 3).tolist()
        [2, 5]
    """
    arguments = [value for value in (start, stop, step) if value is not None]
    name = dtypes.standardize(dtype) if dtype else dtypes.result_type(*map(_name_of, arguments))
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    if any(isinstance(value, Dim | Abstract) for value in (start, stop, step)):
        counts = start == 0 and step == 1 and isinstance(stop, Dim)
        return Abstract((stop if counts else Dim(),), name)
    start, stop, step = (_number(value) for value in (start, stop, step))
    if symbolic.in_abstract_scope():
        return Abstract((max(math.ceil((stop - start) / step), 0),), name)
    values = device.namespace(None).arange(start, stop, step)
    return Tensor(values.astype(dtypes.NUMPY[name], copy=False))


@described(zeros)
def eye(N, M=None, k=0, dtype=None):
    """Make a matrix with ones on one diagonal and zeros elsewhere.

    Args:
        N: number of rows.
        M: number of columns; `N` by default.
        k: int, which diagonal: above the main one if positive, below if negative.

    Returns:
        A tensor `(N, M)`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.eye(2, 3, k=1).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return _made("eye", (N, N if M is None else M), dtype, k=k)


@described(zeros)
def identity(n, dtype=None):
    """Make the identity matrix.

    Args:
        n: number of rows and columns.

    Returns:
        A tensor `(n, n)`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.identity(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


@described(eye)
def tri(N, M=None, k=0, dtype=None):
    """Make a matrix with ones on a diagonal and below it, zeros above.

    Returns:
        A tensor `(N, M)`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.tri(2, 3).tolist()
        [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    return _made("tri", (N, N if M is None else M), dtype, k=k)


def _made(function, shape, dtype, **options):
    """Call one of the array module's functions, or answer with a shape alone."""
    name, sizes = dtypes.standardize(dtype), dims.as_sizes(shape)
    if _is_declared(sizes):
        return Abstract(sizes, name)
    make = getattr(device.namespace(None), function)
    shape_or_sizes = sizes if options else (sizes,)
    return Tensor(make(*shape_or_sizes, **options, dtype=dtypes.NUMPY[name]))


def _is_declared(sizes):
    return symbolic.in_abstract_scope() or not dims.is_known(sizes)


def _name_of(value):
    if isinstance(value, Dim):
        return "int"
    return dtypes.weak_name(value) or convert_to_tensor(value).dtype


def _number(value):
    return value if dtypes.weak_name(value) else convert_to_tensor(value).item()
