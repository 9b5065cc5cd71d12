"""Products of tensors: `dot` and `batch_dot`."""

from minikeras import ops
from minikeras.core import dims
from minikeras.keras2.backend.tensors import symbolic_function


@symbolic_function
def dot(x, y):
    """Product of the last axis of `x` with the last but one of `y`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.dot(K.constant([[1.0, 2.0], [3.0, 4.0]]), K.constant([[1.0], [1.0]]))).tolist()
        [[3.0], [7.0]]
    """
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    return ops.tensordot(x, y, axes=[[len(x.shape) - 1], [max(len(y.shape) - 2, 0)]])


@symbolic_function
def batch_dot(x, y, axes=None):
    """Products of each sample of `x` with that of `y`, over one axis of each.

    The result has the axes of `x` without the first of `axes`, then those of `y` without the batch
    and the second; `(batch, 1)` instead of `(batch,)`. Of two tensors of rank 4 or more the axes
    before the last two belong to the batch: attention over heads `(batch, heads, steps, dim)` is
    `batch_dot(q, k, axes=[3, 3])`.

    Args:
        x: tensor `(batch, ...)`.
        y: tensor `(batch, ...)`.
        axes: an axis of both, or a pair of axes; the last of `x` and the last but one of `y` if
            None (of a matrix, the last).

    Returns:
        A tensor.

    Raises:
        ValueError: if several axes are given for one tensor, or one of them is the batch.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x = K.variable([[1.0, 2.0], [3.0, 4.0]])
        >>> K.eval(K.batch_dot(x, x, axes=1)).tolist()
        [[5.0], [25.0]]
    """
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    first, second = _axes(axes, len(x.shape), len(y.shape))
    batch = _batch_axes(len(x.shape), len(y.shape), first, second)
    shared = tuple(range(batch))
    of_x = [n for n in range(batch, len(x.shape)) if n != first]
    of_y = [n for n in range(batch, len(y.shape)) if n != second]
    left = _merged(ops.transpose(x, (*shared, *of_x, first)), batch, -1)
    right = _merged(ops.transpose(y, (*shared, second, *of_y)), batch + 1, len(y.shape))
    product = ops.matmul(left, right)
    shape = [x.shape[n] for n in of_x] + [y.shape[n] for n in of_y]
    return ops.reshape(product, (*product.shape[:batch], *(shape or [1])))


def _axes(axes, x_rank, y_rank):
    """The axis of each tensor, counted from the front."""
    if axes is None:
        axes = (x_rank - 1, max(y_rank - 2, 1))
    axes = (axes, axes) if isinstance(axes, int) else tuple(axes)
    if len(axes) != 2 or not all(isinstance(axis, int) for axis in axes):
        raise ValueError(
            f"`axes` must be None, an integer, or one axis of each tensor; received axes={axes!r}."
        )
    first, second = (
        dims.normalize_axis(axis, rank) for axis, rank in zip(axes, (x_rank, y_rank), strict=True)
    )
    if 0 in (first, second):
        raise ValueError(
            "Cannot sum over the batch: axis 0 of a tensor is that of its samples. Received: "
            f"axes={axes} for tensors of rank {x_rank} and {y_rank}"
        )
    return first, second


def _batch_axes(x_rank, y_rank, first, second):
    """How many axes belong to the batch."""
    matrices = x_rank == y_rank >= 4 and min(first, second) >= x_rank - 2
    return x_rank - 2 if matrices else 1


def _merged(x, start, stop):
    """Bring the axes from `start` to `stop` together in one."""
    axes = x.shape[start:stop]
    rest = x.shape[stop:] if stop < 0 else ()
    return ops.reshape(x, (*x.shape[:start], dims.product(axes), *rest))
