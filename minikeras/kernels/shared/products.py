"""Multiplication of matrices in the dtypes that BLAS knows."""

import numpy as np

from minikeras.arrays.threads import OPERATIONS, each, pieces


def matrix_product(xp, a, b, dtype):
    """Multiply `a` and `b` as `matmul` does, summing in a float type.

    Integers are multiplied as float32 numbers and float16 is summed in float32, as the reference
    implementation does; a result wider than the inputs is summed in float64, which is exact.

    Args:
        xp: array module.
        a: array `(..., n, k)` or `(k,)`.
        b: array `(..., k, m)` or `(k,)`, of the same dtype.
        dtype: dtype of the result.

    Returns:
        An array.
    """
    dtype = xp.dtype(dtype)
    if a.dtype == dtype and dtype.kind == "f" and dtype.itemsize > 2:
        return _product(xp, a, b)
    working = "float32" if a.dtype == dtype else "float64"
    return _product(xp, a.astype(working), b.astype(working)).astype(dtype)


def _product(xp, a, b):
    """One call of BLAS where all of a batch meets one matrix."""
    if a.ndim == 2 and b.ndim == 2:
        return _of_matrices(xp, a, b)
    if a.ndim > 2 and b.ndim == 2 and a.flags.c_contiguous:
        rows = _of_matrices(xp, a.reshape(-1, a.shape[-1]), b)
        return rows.reshape(*a.shape[:-1], b.shape[-1])
    return xp.matmul(a, b)


def _of_matrices(xp, a, b):
    """Divide the longer side of a large product among threads."""
    (m, inner), n = a.shape, b.shape[1]
    work = 2 * m * inner * n / OPERATIONS
    parts = pieces(max(m, n), work) if xp is np else ()
    if len(parts) < 2:
        return xp.matmul(a, b)
    out = np.empty((m, n), a.dtype)
    if m >= n:
        each(lambda part: np.matmul(a[part], b, out=out[part]), parts)
    else:
        each(lambda part: np.matmul(a, b[:, part], out=out[:, part]), parts)
    return out


def in_lapack_dtype(xp, function, *arrays):
    """Call a function of LAPACK, which knows no float16: such arrays are computed in float32.

    Args:
        xp: array module.
        function: function of the arrays that returns an array or a tuple of them.
        *arrays: arrays of one float dtype.

    Returns:
        A tuple of arrays of that dtype.
    """
    dtype = arrays[0].dtype
    wide = [a.astype(xp.float32) if dtype == xp.float16 else a for a in arrays]
    found = function(*wide)
    found = found if isinstance(found, tuple) else (found,)
    return tuple(xp.asarray(part).astype(dtype, copy=False) for part in found)
