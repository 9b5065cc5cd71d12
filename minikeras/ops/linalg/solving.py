"""Systems of linear equations, inverses and determinants.

Source of the gradients: Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008).
"""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, floating, to_float
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.shared.products import in_lapack_dtype
from minikeras.ops.elementwise.exponential import log
from minikeras.ops.linalg.products import matmul
from minikeras.ops.reductions.sums import sum as sum_
from minikeras.ops.shapes.diagonals import diagonal, tril, triu
from minikeras.ops.shapes.shaping import expand_dims, squeeze, swapaxes

_square = floating.described(
    x="float tensor `(..., n, n)`; integers become the default float type."
)
_system = Family(to_float, lambda dtype, _s: dtype, lambda shapes, _s: shapes[1], broadcasts=True)


def transposed(x):
    """Exchange rows and columns of matrices."""
    return swapaxes(x, -1, -2)


@primitive(_square)
def inv(xp, x):
    """Invert square matrices.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if a matrix is not square.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    return in_lapack_dtype(xp, xp.linalg.inv, x)[0]


@inv.vjp()
def _(g, y):
    return -matmul(matmul(transposed(y), g), transposed(y))


@primitive(_square)
def det(xp, x):
    """Compute the determinants of square matrices.

    Returns:
        A tensor `(...)`.

    Raises:
        ValueError: if a matrix is not square.

    Example:
        >>> import minikeras as keras
        >>> float(keras.ops.det([[2.0, 0.0], [0.0, 4.0]]))
        8.0
    """
    return in_lapack_dtype(xp, xp.linalg.det, x)[0]


@det.vjp()
def _(g, x, y):
    return (g * y)[..., None, None] * transposed(inv(x))


@primitive(_square)
def slogdet(xp, x):
    """Compute the signs of determinants and the logarithms of their absolute values.

    Returns:
        `(sign, logarithm)`, tensors `(...)`.

    Raises:
        ValueError: if a matrix is not square.

    Example:
        >>> import minikeras as keras
        >>> sign, logarithm = keras.ops.slogdet([[1.0, 0.0], [0.0, -1.0]])
        >>> float(sign), float(logarithm)
        (-1.0, 0.0)
    """
    return in_lapack_dtype(xp, xp.linalg.slogdet, x)


@slogdet.vjp()
def _(g, x):
    return g[1][..., None, None] * transposed(inv(x))


@inv.shape_rule
def _(x):
    check_square(x.shape)
    return Abstract(x.shape, x.dtype)


@det.shape_rule
def _(x):
    check_square(x.shape)
    return Abstract(x.shape[:-2], x.dtype)


@slogdet.shape_rule
def _(x):
    check_square(x.shape)
    return Abstract(x.shape[:-2], x.dtype), Abstract(x.shape[:-2], x.dtype)


@primitive(floating)
def cholesky(xp, x, *, upper=False):
    """Factor symmetric, positive definite matrices into a triangle times its transpose.

    Args:
        x: float tensor `(..., n, n)`; of each matrix only the lower triangle is read.
        upper: bool, whether to return the transposed, upper triangle.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if a matrix is not square.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cholesky([[4.0, 0.0], [0.0, 9.0]]).tolist()
        [[2.0, 0.0], [0.0, 3.0]]
    """
    y = in_lapack_dtype(xp, xp.linalg.cholesky, x)[0]
    return y.swapaxes(-1, -2) if upper else y


@cholesky.vjp()
def _(g, y, upper):
    lower, g = (transposed(y), transposed(g)) if upper else (y, g)
    middle = matmul(transposed(lower), g)
    middle = (tril(middle) + tril(middle, k=-1)) / 2
    above = solve_triangular(transposed(lower), middle, lower=False)
    half = transposed(solve_triangular(transposed(lower), transposed(above), lower=False))
    return (half + transposed(half)) / 2


@cholesky.shape_rule
def _(x, *, upper):
    check_square(x.shape)
    return Abstract(x.shape, x.dtype)


@op
def cholesky_inverse(x, upper=False):
    """Invert symmetric, positive definite matrices given by their Cholesky factors.

    Args:
        x: float tensor `(..., n, n)`, the triangles that `cholesky` gives.
        upper: bool, whether they are upper triangles.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).tolist()
        [[0.25, 0.0], [0.0, 1.0]]
    """
    x = convert_to_tensor(x)
    inverse = inv(transposed(triu(x)) if upper else tril(x))
    return matmul(transposed(inverse), inverse)


@op
@described(det)
def logdet(x):
    """Compute the logarithms of the determinants of symmetric, positive definite matrices.

    Returns:
        A tensor `(...)`.

    Example:
        >>> import minikeras as keras
        >>> float(keras.ops.logdet([[1.0, 0.0], [0.0, 1.0]]))
        0.0
    """
    return 2 * sum_(log(diagonal(cholesky(x), axis1=-2, axis2=-1)), axis=-1)


@op
def solve(a, b):
    """Solve systems of linear equations `a x = b`.

    Args:
        a: float tensor `(..., n, n)`.
        b: float tensor `(..., n, m)`, or `(..., n)` for one right-hand side.

    Returns:
        A tensor of the shape of `b`.

    Raises:
        ValueError: if a matrix is not square or the sizes differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0]).tolist()
        [0.5, 0.25]
    """
    return _with_columns(_solve, a, b)


@op
@described(solve)
def solve_triangular(a, b, lower=False):
    """Solve systems of linear equations whose matrix is a triangle.

    Args:
        a: float tensor `(..., n, n)`; the other triangle is not read.
        lower: bool, whether the lower triangle counts, or the upper.

    Returns:
        A tensor of the shape of `b`.

    Raises:
        ValueError: if a matrix is not square or the sizes differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.solve_triangular([[1.0, 9.0], [1.0, 1.0]], [1.0, 2.0], lower=True).tolist()
        [1.0, 1.0]
    """
    return _with_columns(_solve, tril(a) if lower else triu(a), b)


def _with_columns(function, a, b):
    a, b = convert_to_tensor(a), convert_to_tensor(b)
    if b.ndim == a.ndim - 1:
        return squeeze(function(a, expand_dims(b, axis=-1)), axis=-1)
    return function(a, b)


@primitive(_system)
def _solve(xp, a, b):
    return in_lapack_dtype(xp, xp.linalg.solve, a, b)[0]


@_solve.vjp("b")
def _(g, a):
    return _solve(transposed(a), g)


@_solve.vjp("a")
def _(g, a, y):
    return -matmul(_solve(transposed(a), g), transposed(y))


@_solve.shape_rule
def _(a, b):
    check_square(a.shape)
    if b.ndim < 2 or not _equal(a.shape[-1], b.shape[-2]):
        raise ValueError(
            "Incompatible shapes for a system of equations: "
            f"a.shape={dims.to_public(a.shape)}, b.shape={dims.to_public(b.shape)}"
        )
    return Abstract((*dims.broadcast(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), b.dtype)


def check_square(shape):
    """Raise a ValueError unless a shape is one of square matrices."""
    if len(shape) < 2 or not _equal(shape[-1], shape[-2]):
        raise ValueError(
            "Expected a batch of square matrices, a tensor (..., n, n). Received: "
            f"x.shape={dims.to_public(shape)}"
        )


def _equal(a, b):
    return a == b or isinstance(a, Dim) or isinstance(b, Dim)
