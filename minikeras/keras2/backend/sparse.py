"""Tensors of which only some elements are given: labels of `ctc_label_dense_to_sparse`."""

from typing import Any, NamedTuple

from minikeras import ops
from minikeras.keras2.backend import running
from minikeras.keras2.backend.shapes import sizes
from minikeras.keras2.backend.tensors import symbolic_function


class SparseTensor(NamedTuple):
    """A tensor by those of its elements that are given.

    Attributes:
        indices: int64 tensor `(n, rank)`.
        values: tensor `(n,)`.
        dense_shape: int64 tensor `(rank,)`.
    """

    indices: Any
    values: Any
    dense_shape: Any


def is_sparse(tensor):
    """Say whether a tensor is a `SparseTensor`; all others are dense.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.is_sparse(K.variable(1.0))
        False
    """
    return isinstance(tensor, SparseTensor)


@symbolic_function
def _scattered(indices, values, dense_shape):
    return ops.scatter(ops.cast(indices, "int32"), values, sizes(dense_shape))


def to_dense(tensor):
    """Return a tensor with all its elements, zero where a sparse one gives none.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.ndim(K.to_dense(K.variable(1.0)))
        0
    """
    return _scattered(*tensor) if is_sparse(tensor) else tensor


def evaluate(x):
    """Return the value of a tensor or variable as an array.

    Args:
        x: tensor of the graph that needs no input, variable, tensor, or sparse tensor.

    Returns:
        A NumPy array.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.constant([1.0, 2.0]) * 2).tolist()
        [2.0, 4.0]
    """
    return running.evaluate(to_dense(x))
