"""Diagonals and triangles of matrices."""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.ops.shapes.shaping import ravel

_matrices = elementwise.described(
    x="tensor `(..., n, m)` of any dtype.",
    k="int, which diagonal: above the main one if positive, below if negative.",
)


@primitive(_matrices)
def tril(xp, x, *, k=0):
    """Set the elements above a diagonal to zero.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.tril([[1, 2], [3, 4]]).tolist()
        [[1, 0], [3, 4]]
    """
    return xp.tril(_matrix(x), k)


@tril.vjp()
def _(g, k):
    return tril(g, k=k)


@primitive(_matrices)
def triu(xp, x, *, k=0):
    """Set the elements below a diagonal to zero.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.triu([[1, 2], [3, 4]]).tolist()
        [[1, 2], [0, 4]]
    """
    return xp.triu(_matrix(x), k)


@triu.vjp()
def _(g, k):
    return triu(g, k=k)


@tril.shape_rule
@triu.shape_rule
def _(x, *, k):
    _matrix(x)
    return Abstract(x.shape, x.dtype)


def _matrix(x):
    if x.ndim < 2:
        raise ValueError(f"`x` must be at least 2-dimensional. Received: x.shape={x.shape}")
    return x


@primitive(elementwise)
def diagonal(xp, x, *, offset=0, axis1=0, axis2=1):
    """Return a diagonal of the matrices that two axes span.

    Args:
        x: tensor of rank 2 or more, of any dtype.
        offset: int, which diagonal: above the main one if positive, below if negative.
        axis1: int, the axis of the rows.
        axis2: int, the axis of the columns.

    Returns:
        A tensor without the two axes, with the diagonal as its last one.

    Raises:
        ValueError: if the rank is below 2.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.diagonal([[1, 2], [3, 4]]).tolist()
        [1, 4]
    """
    return xp.diagonal(x, offset, axis1, axis2)


@diagonal.vjp()
def _(g, x_shape, offset, axis1, axis2):
    return _on_diagonal(g, shape=x_shape, offset=offset, axis1=axis1, axis2=axis2)


@diagonal.shape_rule
def _(x, *, offset, axis1, axis2):
    rows, columns = dims.normalize_axes((axis1, axis2), x.ndim)
    rest = [size for i, size in enumerate(x.shape) if i not in (rows, columns)]
    return Abstract([*rest, _length(x.shape[rows], x.shape[columns], offset)], x.dtype)


def _length(rows, columns, offset):
    """The number of elements on a diagonal."""
    if isinstance(rows, Dim) or isinstance(columns, Dim):
        return rows if rows == columns and not offset else Dim()
    return max(0, min(rows + min(offset, 0), columns - max(offset, 0)))


@primitive(elementwise)
def _on_diagonal(xp, x, *, shape, offset, axis1, axis2):
    """Zeros of a shape in which `x` lies on a diagonal."""
    whole = xp.zeros(shape, x.dtype)
    matrices = xp.moveaxis(whole, (axis1, axis2), (-2, -1))
    places = xp.arange(x.shape[-1])
    matrices[..., places - min(offset, 0), places + max(offset, 0)] = x
    return whole


@_on_diagonal.vjp()
def _(g, offset, axis1, axis2):
    return diagonal(g, offset=offset, axis1=axis1, axis2=axis2)


@_on_diagonal.shape_rule
def _(x, *, shape, offset, axis1, axis2):
    return Abstract(shape, x.dtype)


@op
@described(tril)
def diag(x, k=0):
    """Return a diagonal of a matrix, or the matrix that has a vector on a diagonal.

    Args:
        x: tensor `(n, m)` or `(n,)` of any dtype.

    Returns:
        A tensor of rank 1, or of rank 2 if `x` is a vector.

    Raises:
        ValueError: if the rank is neither 1 nor 2.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.diag([1, 2]).tolist()
        [[1, 0], [0, 2]]
    """
    x = convert_to_tensor(x)
    if x.ndim not in (1, 2):
        raise ValueError(f"`x` must be 1d or 2d. Received: x.shape={dims.to_public(x.shape)}")
    if x.ndim == 2:
        return diagonal(x, offset=k)
    size = x.shape[0] + abs(k)
    return _on_diagonal(x, shape=(size, size), offset=k, axis1=0, axis2=1)


@op
@described(tril, elementwise.texts)
def diagflat(x, k=0):
    """Return the matrix that has all elements of a tensor on a diagonal.

    Returns:
        A tensor of rank 2.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.diagflat([[1], [2]]).tolist()
        [[1, 0], [0, 2]]
    """
    return diag(ravel(x), k)
