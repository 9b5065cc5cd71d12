"""Where values belong in a sorted sequence, and how often integers occur."""

from minikeras.arrays import device
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, elementwise, to_common
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, values_of
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described

_positions = Family(to_common, lambda _d, _s: "int32", lambda shapes, _s: shapes[1])


@op
def searchsorted(sorted_sequence, values, side="left"):
    """Find the places at which values would have to be inserted to keep a sequence sorted.

    Args:
        sorted_sequence: tensor `(n,)` of any dtype that rises.
        values: tensor of any shape and dtype.
        side: `"left"` of equal elements or `"right"` of them.

    Returns:
        An int32 tensor of the shape of `values`.

    Raises:
        ValueError: if the sequence is no vector, or the side is unknown.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.searchsorted([1, 3, 5], [3, 6]).tolist()
        [1, 3]
    """
    if side not in ("left", "right"):
        raise ValueError(
            f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'."
        )
    sequence = convert_to_tensor(sorted_sequence)
    if sequence.ndim != 1:
        raise ValueError(
            "`sorted_sequence` must have one axis. Received: "
            f"sorted_sequence.shape={dims.to_public(sequence.shape)}"
        )
    return _insertion(sequence, values, side=side)


searchsorted.class_name = "SearchSorted"


@primitive(_positions)
def _insertion(xp, sequence, values, *, side):
    return xp.searchsorted(sequence, values, side=side).astype("int32")


@op
@described(elementwise.texts)
def digitize(x, bins):
    """Find the number of the bin that every element falls into.

    Args:
        bins: tensor `(n,)` of any dtype, of edges that rise.

    Returns:
        An int32 tensor of the shape of `x`: how many edges are not above the element.

    Raises:
        ValueError: if the edges do not rise.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.digitize([0.5, 1.0, 9.0], [1, 3]).tolist()
        [0, 1, 2]
    """
    edges = convert_to_tensor(bins)
    if isinstance(edges, Tensor) and _falls(values_of(edges)):
        raise ValueError(f"The bins of `digitize` must rise. Received: bins={edges.tolist()}")
    return searchsorted(edges, x, side="right")


@op
def bincount(x, weights=None, minlength=0, sparse=False):
    """Count how often every integer occurs, line by line.

    Args:
        x: integer tensor `(n,)` or `(batch, n)` without negative elements.
        weights: tensor of any dtype and of the same shape, what every element counts; 1 by default.
        minlength: int, the least number of bins.
        sparse: bool, which must be False.

    Returns:
        A tensor `(bins,)` or `(batch, bins)` of the dtype of the weights, or int32; the last bin is
        that of the largest element.

    Raises:
        ValueError: if an element is negative, or `sparse` is True.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.bincount([0, 1, 1, 3]).tolist()
        [1, 2, 0, 1]
    """
    if sparse:
        raise ValueError("Sparse tensors are not supported: use `sparse=False`.")
    x = convert_to_tensor(x)
    weights = None if weights is None else convert_to_tensor(weights)
    dtype = "int32" if weights is None else weights.dtype
    if isinstance(x, Abstract) or isinstance(weights, Abstract):
        return Abstract((*x.shape[:-1], Dim()), dtype)
    values = values_of(x)
    if x.size and values.min() < 0:
        raise ValueError(f"bincount takes no negative elements, but received {values.min()}.")
    bins = max(minlength, int(values.max()) + 1 if x.size else 0)
    xp = device.namespace(values)
    lines = values.reshape(-1, x.shape[-1]).astype("int64")
    lines += bins * xp.arange(len(lines))[:, None]
    counted = None if weights is None else weights.data.reshape(-1)
    counts = xp.bincount(lines.reshape(-1), counted, bins * len(lines))
    return Tensor(counts.astype(dtype).reshape(*x.shape[:-1], bins))


def _falls(edges):
    return (edges[1:] < edges[:-1]).any()
