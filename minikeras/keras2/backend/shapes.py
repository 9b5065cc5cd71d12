"""Functions that make tensors, and change the shape and the order of their elements."""

import numpy as np

from minikeras import ops
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core import settings as engine
from minikeras.keras2.backend.spelling import keras_1
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
    """The sizes as an int32 tensor of rank 1.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.shape(K.constant([[1.0, 2.0], [3.0, 4.0]]))).tolist()
        [2, 2]
    """
    if isinstance(x, Abstract):
        return Abstract((len(x.shape),), "int32")
    return ops.convert_to_tensor(np.array(x.shape, "int32"))


@symbolic_function
def reshape(x, shape):
    """Reshape.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.reshape(K.constant([[1.0, 2.0], [3.0, 4.0]]), (4,))).tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    if isinstance(x, Abstract) and not dims.is_known(sizes(shape)):
        return Abstract(tuple(dims.Dim() if s == -1 else s for s in sizes(shape)), x.dtype)
    return ops.reshape(x, sizes(shape))


@symbolic_function
def permute_dimensions(x, pattern):
    """Permute the axes.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.permute_dimensions(K.constant([[1.0, 2.0], [3.0, 4.0]]), (1, 0))).tolist()
        [[1.0, 3.0], [2.0, 4.0]]
    """
    return ops.transpose(x, axes=tuple(pattern))


@keras_1(dim="axis")
@symbolic_function
def expand_dims(x, axis=-1):
    """Insert an axis of size 1.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.expand_dims(K.constant([-1.0, 0.5]), 0)).tolist()
        [[-1.0, 0.5]]
    """
    return ops.expand_dims(x, axis)


@symbolic_function
def squeeze(x, axis):
    """Remove an axis of size 1.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.squeeze(K.constant([[1.0, 2.0]]), 0)).tolist()
        [1.0, 2.0]
    """
    return ops.squeeze(x, axis)


@symbolic_function
def concatenate(tensors, axis=-1):
    """Join tensors along an axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.concatenate([K.constant([-1.0, 0.5]), K.constant([-1.0, 0.5])])).tolist()
        [-1.0, 0.5, -1.0, 0.5]
    """
    return ops.concatenate([ops.convert_to_tensor(t) for t in tensors], axis=axis)


@symbolic_function
def stack(x, axis=0):
    """Join tensors along a new axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.stack([K.constant([-1.0, 0.5]), K.constant([-1.0, 0.5])])).tolist()
        [[-1.0, 0.5], [-1.0, 0.5]]
    """
    return ops.stack(list(x), axis=axis)


@symbolic_function
def flatten(x):
    """All elements in one axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.flatten(K.constant([[1.0, 2.0], [3.0, 4.0]]))).tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    return ops.reshape(x, (-1,))


@symbolic_function
def batch_flatten(x):
    """All axes but the first in one.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.batch_flatten(K.placeholder((None, 3, 4))))
        (None, 12)
    """
    return ops.reshape(x, (-1, _product(x.shape[1:])))


def _product(shape):
    return dims.product(shape)


@symbolic_function
def tile(x, n):
    """Repeat along each axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.tile(K.constant([-1.0, 0.5]), 2)).tolist()
        [-1.0, 0.5, -1.0, 0.5]
    """
    return ops.tile(x, sizes(n) if isinstance(n, (list, tuple)) else n)


@symbolic_function
def repeat(x, n):
    """`(batch, dim)` to `(batch, n, dim)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.repeat(K.constant([[1.0, 2.0]]), 2)).tolist()
        [[[1.0, 2.0], [1.0, 2.0]]]
    """
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


@symbolic_function
def repeat_elements(x, rep, axis):
    """Repeat each element along an axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.repeat_elements(K.constant([-1.0, 0.5]), 2, 0)).tolist()
        [-1.0, -1.0, 0.5, 0.5]
    """
    return ops.repeat(x, rep, axis=axis)


@symbolic_function
def gather(reference, indices):
    """Look up along the first axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.gather(K.constant([[1.0, 2.0], [3.0, 4.0]]), [1])).tolist()
        [[3.0, 4.0]]
    """
    return ops.take(reference, ops.cast(indices, "int32"), axis=0)


@symbolic_function
def slice(x, start, size):
    """Take a block out of a tensor.

    Args:
        x: tensor.
        start: first index along each axis, a list of ints or an integer tensor.
        size: how many elements along each axis, -1 for all that are left.

    Returns:
        A tensor.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.slice(K.constant([1.0, 2.0, 3.0]), [1], [2])).tolist()
        [2.0, 3.0]
    """
    x, start, size = ops.convert_to_tensor(x), sizes(start), sizes(size)
    if not dims.is_known(start):
        return Abstract(tuple(dims.Dim() if n == -1 else n for n in size), x.dtype)
    counts = [
        whole - first if count == -1 else count
        for whole, first, count in zip(x.shape, start, size, strict=True)
    ]
    if not dims.is_known(counts):
        return Abstract(tuple(counts), x.dtype)
    return ops.slice(x, start, counts)


@symbolic_function
def reverse(x, axes):
    """Reverse the order along axes.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.reverse(K.constant([-1.0, 0.5]), 0)).tolist()
        [0.5, -1.0]
    """
    return ops.flip(x, axis=tuple(axes) if isinstance(axes, (list, tuple)) else axes)


@symbolic_function
def arange(start, stop=None, step=1, dtype="int32"):
    """Numbers from `start` up to `stop`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.arange(3)).tolist()
        [0, 1, 2]
    """
    if any(isinstance(v, Abstract) for v in (start, stop, step)):
        return Abstract((dims.Dim(),), dtype)
    first, last = (0, start) if stop is None else (start, stop)
    first, last, step = (np.asarray(v).item() for v in (first, last, step))
    return ops.cast(ops.arange(first, max(last, first) if step > 0 else last, step), dtype)


@keras_1(nb_classes="num_classes")
@symbolic_function
def one_hot(indices, num_classes):
    """One-hot rows of integers.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.one_hot(K.constant([1]), 3)).tolist()
        [[0.0, 1.0, 0.0]]
    """
    return ops.one_hot(ops.cast(indices, "int32"), num_classes)


@symbolic_function
def zeros_like(x, dtype=None, name=None):
    """Zeros of a tensor's shape.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.zeros_like(K.constant([-1.0, 0.5]))).tolist()
        [0.0, 0.0]
    """
    return ops.zeros_like(x, dtype=dtype)


@symbolic_function
def ones_like(x, dtype=None, name=None):
    """Ones of a tensor's shape.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.ones_like(K.constant([-1.0, 0.5]))).tolist()
        [1.0, 1.0]
    """
    return ops.ones_like(x, dtype=dtype)


def _filled(value, shape, dtype, name):
    array = np.full(tuple(shape), value, dtype or engine.floatx())
    return variable(array, dtype=dtype, name=name)


def zeros(shape, dtype=None, name=None):
    """Return a variable of zeros.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.zeros((2,))).tolist()
        [0.0, 0.0]
    """
    return _filled(0, shape, dtype, name)


def ones(shape, dtype=None, name=None):
    """Return a variable of ones.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.ones((2,))).tolist()
        [1.0, 1.0]
    """
    return _filled(1, shape, dtype, name)


def eye(size, dtype=None, name=None):
    """Return a variable that is the identity matrix.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.eye(2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return variable(np.eye(size), dtype=dtype, name=name)
