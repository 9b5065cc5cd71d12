"""Functions that make tensors, and change the shape and the order of their elements."""

import numpy as np

from minikeras import ops
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core import settings as engine
from minikeras.keras2.backend.tensors import symbolic_function
from minikeras.keras2.backend.variables import variable


def sizes(shape):
    """Return a shape whose parts may be tensors as numbers, or unknown sizes where none are known.

    Args:
        shape: tuple or list of ints and tensors, or an integer tensor of rank 1.

    Returns:
        A tuple.
    """
    if isinstance(shape, Abstract):
        return tuple(dims.Dim() for _ in range(int(shape.shape[0])))
    if not isinstance(shape, (list, tuple)):
        return tuple(int(s) for s in np.asarray(shape))
    return tuple(_size(s) for s in shape)


def _size(value):
    if isinstance(value, Abstract) or value is None:
        return dims.Dim()
    return value if isinstance(value, dims.Dim) else int(value)


@symbolic_function
def shape(x):
    """The sizes as an int32 tensor of rank 1."""
    if isinstance(x, Abstract):
        return Abstract((len(x.shape),), "int32")
    return ops.convert_to_tensor(np.array(x.shape, "int32"))


@symbolic_function
def reshape(x, shape):
    """Reshape."""
    if isinstance(x, Abstract) and not dims.is_known(sizes(shape)):
        return Abstract(tuple(dims.Dim() if s == -1 else s for s in sizes(shape)), x.dtype)
    return ops.reshape(x, sizes(shape))


@symbolic_function
def permute_dimensions(x, pattern):
    """Permute the axes."""
    return ops.transpose(x, axes=tuple(pattern))


@symbolic_function
def expand_dims(x, axis=-1):
    """Insert an axis of size 1."""
    return ops.expand_dims(x, axis)


@symbolic_function
def squeeze(x, axis):
    """Remove an axis of size 1."""
    return ops.squeeze(x, axis)


@symbolic_function
def concatenate(tensors, axis=-1):
    """Join tensors along an axis."""
    return ops.concatenate([ops.convert_to_tensor(t) for t in tensors], axis=axis)


@symbolic_function
def stack(x, axis=0):
    """Join tensors along a new axis."""
    return ops.stack(list(x), axis=axis)


@symbolic_function
def flatten(x):
    """All elements in one axis."""
    return ops.reshape(x, (-1,))


@symbolic_function
def batch_flatten(x):
    """All axes but the first in one."""
    return ops.reshape(x, (-1, _product(x.shape[1:])))


def _product(shape):
    return dims.product(shape)


@symbolic_function
def tile(x, n):
    """Repeat along each axis."""
    return ops.tile(x, sizes(n) if isinstance(n, (list, tuple)) else n)


@symbolic_function
def repeat(x, n):
    """`(batch, dim)` to `(batch, n, dim)`."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


@symbolic_function
def repeat_elements(x, rep, axis):
    """Repeat each element along an axis."""
    return ops.repeat(x, rep, axis=axis)


@symbolic_function
def gather(reference, indices):
    """Look up along the first axis."""
    return ops.take(reference, ops.cast(indices, "int32"), axis=0)


@symbolic_function
def reverse(x, axes):
    """Reverse the order along axes."""
    return ops.flip(x, axis=tuple(axes) if isinstance(axes, (list, tuple)) else axes)


@symbolic_function
def arange(start, stop=None, step=1, dtype="int32"):
    """Numbers from `start` up to `stop`."""
    if any(isinstance(v, Abstract) for v in (start, stop, step)):
        return Abstract((dims.Dim(),), dtype)
    first, last = (0, start) if stop is None else (start, stop)
    first, last, step = (np.asarray(v).item() for v in (first, last, step))
    return ops.cast(ops.arange(first, max(last, first) if step > 0 else last, step), dtype)


@symbolic_function
def one_hot(indices, num_classes):
    """One-hot rows of integers."""
    return ops.one_hot(ops.cast(indices, "int32"), num_classes)


@symbolic_function
def zeros_like(x, dtype=None, name=None):
    """Zeros of a tensor's shape."""
    return ops.zeros_like(x, dtype=dtype)


@symbolic_function
def ones_like(x, dtype=None, name=None):
    """Ones of a tensor's shape."""
    return ops.ones_like(x, dtype=dtype)


def _filled(value, shape, dtype, name):
    array = np.full(tuple(shape), value, dtype or engine.floatx())
    return variable(array, dtype=dtype, name=name)


def zeros(shape, dtype=None, name=None):
    """Return a variable of zeros."""
    return _filled(0, shape, dtype, name)


def ones(shape, dtype=None, name=None):
    """Return a variable of ones."""
    return _filled(1, shape, dtype, name)


def eye(size, dtype=None, name=None):
    """Return a variable that is the identity matrix."""
    return variable(np.eye(size), dtype=dtype, name=name)
