"""Linear algebra: products, systems of equations, factorizations, norms; `keras.ops.linalg`."""

from minikeras.ops.linalg.decompositions import (
    eigh,
    lstsq,
    matrix_rank,
    pinv,
    qr,
    svd,
)
from minikeras.ops.linalg.differentials import (
    jvp,
)
from minikeras.ops.linalg.einsum import (
    einsum,
)
from minikeras.ops.linalg.norms import (
    norm,
    trace,
)
from minikeras.ops.linalg.products import (
    cross,
    dot,
    inner,
    kron,
    matmul,
    outer,
    tensordot,
    vdot,
)
from minikeras.ops.linalg.solving import (
    cholesky,
    cholesky_inverse,
    det,
    inv,
    logdet,
    slogdet,
    solve,
    solve_triangular,
)

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "cross",
    "det",
    "dot",
    "eigh",
    "einsum",
    "inner",
    "inv",
    "jvp",
    "kron",
    "logdet",
    "lstsq",
    "matmul",
    "matrix_rank",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "tensordot",
    "trace",
    "vdot",
]
