"""Orthogonal factors: QR, eigenvalues of symmetric matrices, singular values, and their uses.

Source of the gradients: Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008); Townsend, "Differentiating the singular value decomposition"
(2016). Gradients through vectors of equal eigenvalues or singular values are not defined; there the
reciprocal of their distance counts as 0, as in TensorFlow, so that gradients of 0 give 0.
"""

import numpy as np

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import floating
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.checks import one_of
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.shared.products import in_lapack_dtype
from minikeras.ops.creation.filled import eye
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.elementwise.division import divide_no_nan
from minikeras.ops.linalg.products import matmul
from minikeras.ops.linalg.solving import check_square, solve_triangular, transposed
from minikeras.ops.reductions.selection import max as max_
from minikeras.ops.reductions.sums import sum as sum_
from minikeras.ops.shapes.diagonals import tril
from minikeras.ops.shapes.sizes import may_agree


@primitive(floating)
def qr(xp, x, *, mode="reduced"):
    """Factor matrices into orthonormal columns and an upper triangle.

    Args:
        x: float tensor `(..., n, m)`.
        mode: `"reduced"`, or `"complete"` for a square first factor.

    Returns:
        `(q, r)`, tensors `(..., n, k)` and `(..., k, m)` with `k = min(n, m)`, or `n` if complete.

    Raises:
        ValueError: if the mode is unknown.

    Example:
        >>> import minikeras as keras
        >>> q, r = keras.ops.qr([[3.0], [4.0]])
        >>> abs(float(r[0, 0]))
        5.0
    """
    one_of("mode", mode, ("reduced", "complete"))
    return in_lapack_dtype(xp, lambda a: tuple(xp.linalg.qr(a, mode)), x)


@qr.vjp()
def _(g, y):
    (q, r), (gq, gr) = y, g
    if q.shape[-1] != r.shape[-1]:
        raise ValueError(
            "The gradient of `qr` exists for matrices with at least as many rows as columns, in "
            f"the mode 'reduced'. The factors have shapes {q.shape} and {r.shape}."
        )
    middle = matmul(r, transposed(gr)) - matmul(transposed(gq), q)
    symmetric = tril(middle) + transposed(tril(middle, k=-1))
    return transposed(solve_triangular(r, transposed(gq + matmul(q, symmetric)), lower=False))


@qr.shape_rule
def _(x, *, mode):
    *batch, n, m = x.shape
    k = n if mode == "complete" else _least(n, m)
    return Abstract((*batch, n, k), x.dtype), Abstract((*batch, k, m), x.dtype)


def _least(n, m):
    if isinstance(n, Dim) or isinstance(m, Dim):
        return n if n == m else Dim()
    return min(n, m)


@primitive(floating)
def eigh(xp, x):
    """Compute eigenvalues and eigenvectors of symmetric matrices.

    Args:
        x: float tensor `(..., n, n)`; of each matrix only the lower triangle is read.

    Returns:
        `(w, v)`: eigenvalues `(..., n)` that rise, and eigenvectors `(..., n, n)`, one per column.

    Raises:
        ValueError: if a matrix is not square.

    Example:
        >>> import minikeras as keras
        >>> w, v = keras.ops.eigh([[2.0, 0.0], [0.0, 1.0]])
        >>> w.tolist()
        [1.0, 2.0]
    """
    return in_lapack_dtype(xp, lambda a: tuple(xp.linalg.eigh(a)), x)


@eigh.vjp()
def _(g, y):
    (w, v), (gw, gv) = y, g
    inner = _on_diagonal(gw) + _reciprocal_gaps(w) * matmul(transposed(v), gv)
    product = matmul(matmul(v, inner), transposed(v))
    return tril(product) + tril(transposed(product), k=-1)


@eigh.shape_rule
def _(x):
    check_square(x.shape)
    return Abstract(x.shape[:-1], x.dtype), Abstract(x.shape, x.dtype)


def _on_diagonal(values):
    return values[..., None] * eye(values.shape[-1], dtype=values.dtype)


def _reciprocal_gaps(w):
    """`1 / (w_j - w_i)`, and 0 where the two are equal, as on the diagonal."""
    return divide_no_nan(1.0, w[..., None, :] - w[..., :, None])


@op
def svd(x, full_matrices=True, compute_uv=True):
    """Factor matrices into orthonormal vectors and singular values.

    Args:
        x: float tensor `(..., n, m)`.
        full_matrices: bool, whether `u` and `v` are square.
        compute_uv: bool, whether to return the vectors, too.

    Returns:
        `(u, s, vh)`, tensors `(..., n, k)`, `(..., k)` and `(..., k, m)` with `k = min(n, m)`; or
        `s` alone, which falls.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False).tolist()
        [4.0, 3.0]
    """
    if compute_uv:
        return _svd(x, full_matrices=full_matrices)
    return _svd(x, full_matrices=False)[1]


svd.class_name = "SVD"


@primitive(floating)
def _svd(xp, x, *, full_matrices):
    return in_lapack_dtype(xp, lambda a: tuple(xp.linalg.svd(a, full_matrices)), x)


@_svd.vjp()
def _(g, y, x_shape):
    (u, s, vh), (gu, gs, gvh) = y, g
    if u.shape[-1] != vh.shape[-2]:
        raise ValueError(
            "The gradient of `svd` by matrices that are not square exists for "
            f"full_matrices=False only. Received: x.shape={x_shape}"
        )
    v, gv = transposed(vh), transposed(gvh)
    ut, squares = transposed(u), s * s
    gaps = _reciprocal_gaps(squares)
    left, right = gaps * matmul(ut, gu), gaps * matmul(vh, gv)
    columns = s[..., None, :]
    rows = s[..., :, None]
    middle = (
        _on_diagonal(gs) + (left + transposed(left)) * columns + rows * (right + transposed(right))
    )
    gradient = matmul(matmul(u, middle), vh)
    if u.shape[-2] > u.shape[-1]:
        outside = divide_no_nan(gu - matmul(u, matmul(ut, gu)), columns)
        gradient = gradient + matmul(outside, vh)
    if v.shape[-2] > v.shape[-1]:
        outside = divide_no_nan(gv - matmul(v, matmul(vh, gv)), columns)
        gradient = gradient + matmul(u, transposed(outside))
    return gradient


@_svd.shape_rule
def _(x, *, full_matrices):
    *batch, n, m = x.shape
    k = _least(n, m)
    left, right = (n, m) if full_matrices else (k, k)
    shapes = (*batch, n, left), (*batch, k), (*batch, right, m)
    return tuple(Abstract(shape, x.dtype) for shape in shapes)


@op
@described(svd)
def pinv(x, rcond=None):
    """Compute the pseudo-inverses of matrices.

    Args:
        rcond: number; singular values below this share of the largest count as 0. By default 10
            times the larger size times the dtype's precision.

    Returns:
        A tensor `(..., m, n)`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.pinv([[2.0, 0.0], [0.0, 0.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.0]]
    """
    u, s, vh = svd(x, full_matrices=False)
    if rcond is None:
        rcond = 10 * _larger((u.shape[-2], vh.shape[-1])) * float(np.finfo(s.dtype).eps)
    large = s > rcond * max_(s, axis=-1, keepdims=True)
    inverse = where(large, 1 / where(large, s, 1), 0)
    return matmul(transposed(vh) * inverse[..., None, :], transposed(u))


def _larger(sizes):
    """The larger size, as far as they are known."""
    return max((size for size in sizes if not isinstance(size, Dim)), default=1)


@op
@described(svd)
def matrix_rank(x, tol=None):
    """Count the singular values of matrices that are not 0.

    Args:
        tol: number; singular values up to it count as 0. By default the largest of them times the
            larger size times the dtype's precision.

    Returns:
        An int32 tensor `(...)`.

    Example:
        >>> import minikeras as keras
        >>> int(keras.ops.matrix_rank([[1.0, 1.0], [1.0, 1.0]]))
        1
    """
    x = convert_to_tensor(x)
    s = svd(x, compute_uv=False)
    if tol is None:
        share = _larger(x.shape[-2:]) * float(np.finfo(s.dtype).eps)
        tol = share * max_(s, axis=-1, keepdims=True)
    return sum_(cast(s > tol, dtype="int32"), axis=-1)


@op
def lstsq(a, b, rcond=None):
    """Find the shortest vectors that come nearest to solving `a x = b`.

    Args:
        a: float tensor `(n, m)`.
        b: float tensor `(n, k)`, or `(n,)` for one right-hand side.
        rcond: number; singular values below this share of the largest count as 0.

    Returns:
        A tensor `(m, k)` or `(m,)`.

    Raises:
        ValueError: if the numbers of rows differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.lstsq([[1.0], [1.0]], [1.0, 3.0]).numpy().round(5).tolist()
        [2.0]
    """
    a, b = convert_to_tensor(a), convert_to_tensor(b)
    if not may_agree(a.shape[:1], b.shape[:1]):
        raise ValueError(
            "`a` and `b` must have as many rows. Received: "
            f"a.shape={dims.to_public(a.shape)}, b.shape={dims.to_public(b.shape)}"
        )
    return matmul(pinv(a, rcond=rcond), b)
