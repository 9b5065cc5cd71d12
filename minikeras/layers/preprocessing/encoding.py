"""How layers that give integers write them: as they are, or as vectors as long as there are values.

For indices below `depth`, with `e(i)` the vector that is 1 at `i` and else 0:

- `"int"`: `i`
- `"one_hot"`: `e(i)`
- `"multi_hot"`: `max` of the `e(i)` of a sample
- `"count"`: the sum of the `e(i)` of a sample, weighted if there are weights

Indices outside `[0, depth)` count nowhere.
"""

import math
from typing import Annotated

from minikeras import ops
from minikeras.core import dtypes
from minikeras.layers.base.declare import Field

Sparse = Annotated[bool, Field(text="must be False: the outputs are dense tensors.")]

_FORMER = {"binary": "multi_hot", "tf-idf": "tf_idf"}
"""Old names of output modes."""


def output_mode(mode, allowed, layer):
    """Return the name of an output mode, a new one for an old one.

    Args:
        mode: what a user asked for.
        allowed: tuple of the names that there are.
        layer: the name of the layer's class, for the message.

    Raises:
        ValueError: if there is no such mode.
    """
    mode = _FORMER.get(mode, mode) if isinstance(mode, str) else mode
    if mode not in allowed:
        raise ValueError(
            f"Unknown value for `output_mode` argument of {layer}. Allowed values are: {allowed}. "
            f"Received: output_mode={mode!r}"
        )
    return mode


def refuse_sparse(sparse, layer):
    """Raise an error if somebody wants a sparse tensor.

    Raises:
        ValueError: if `sparse` is true.
    """
    if sparse:
        raise ValueError(
            f"{layer} gives dense tensors: sparse ones are not supported. Received: "
            f"sparse={sparse}. Pass `sparse=False`."
        )


def encode(indices, mode, depth, dtype, weights=None):
    """Write indices in an output mode.

    Args:
        indices: tensor of any shape. Of up to two axes the last one is a sample; of more, axis 1.
        mode: `"int"`, `"one_hot"`, `"multi_hot"` or `"count"`.
        depth: int, how many values there are.
        dtype: dtype name of the indices or vectors.
        weights: for `"count"`, a tensor of the shape of `indices`: what each index counts.

    Returns:
        A tensor of the shape that `encoded_shape` says.
    """
    if mode == "int":
        return ops.cast(indices, dtype)
    if not dtypes.is_integer(indices.dtype):
        indices = ops.cast(indices, "int64")
    if indices.ndim == 0:
        indices = ops.expand_dims(indices, 0)
    if mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = ops.squeeze(indices, -1)
        return ops.one_hot(indices, depth, dtype=dtype)
    counts = _counted(indices, depth, weights, dtype)
    return ops.cast(counts > 0, dtype) if mode == "multi_hot" else ops.cast(counts, dtype)


def _counted(indices, depth, weights, dtype):
    """How often each value occurs in each sample, as sums over one list of segments."""
    if weights is None:
        weights = ops.ones(indices.shape, dtype=dtype if dtypes.is_float(dtype) else "int64")
    if indices.ndim > 2:
        indices, weights = (ops.moveaxis(x, 1, -1) for x in (indices, weights))
    samples, length = indices.shape[:-1], indices.shape[-1]
    count = math.prod(samples)
    first = ops.reshape(ops.arange(count, dtype="int64") * depth, (count, 1))
    indices = ops.reshape(ops.cast(indices, "int64"), (count, length))
    inside = ops.logical_and(indices >= 0, indices < depth)
    places = ops.where(inside, indices + first, -1)  # rows of negative segments are left out
    sums = ops.segment_sum(ops.reshape(weights, (-1,)), ops.reshape(places, (-1,)), count * depth)
    return ops.reshape(sums, (*samples, depth))


def encoded_shape(shape, mode, depth):
    """Return the shape of what `encode` returns for indices of a shape, None for unknown sizes."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        shape = shape or (1,)
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)
