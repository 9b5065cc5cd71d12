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


def products_at_once(xp, pairs, dtype):
    """Multiply several pairs of matrices, waking the threads once for all of them.

    Args:
        xp: array module.
        pairs: list of `(a, b)`, matrices as for `matrix_product`; None gives None.
        dtype: dtype of the results.

    Returns:
        A list of matrices.
    """
    known = [pair for pair in pairs if pair is not None]
    parts = _shares(known, dtype) if xp is np else ()
    if len(parts) < 2:
        found = iter([matrix_product(xp, a, b, dtype) for a, b in known])
    else:
        outs = [np.empty((a.shape[0], b.shape[1]), dtype) for a, b in known]

        def compute(i):
            for (a, b), out in zip(known, outs, strict=True):
                _part(a, b, out, i, len(parts))

        each(compute, range(len(parts)))
        found = iter(outs)
    return [None if pair is None else next(found) for pair in pairs]


_BLAS = (np.float32, np.float64)
# Nanoseconds of which a second piece for each thread is worth its call.
_LONG = 10_000_000


def _shares(known, dtype):
    """The pieces into which several products are cut; none if it is not worth it."""
    if len(known) < 2 or dtype not in _BLAS:
        return ()
    work = sum(2 * a.size * b.shape[1] for a, b in known) / OPERATIONS
    count = min(max(a.shape[0], b.shape[1]) for a, b in known)
    return pieces(count, work, each_thread=_each_thread(work))


def _each_thread(work):
    """Pieces for each thread: BLAS slows down if they last less than some milliseconds."""
    return max(int(work // _LONG), 1)


def _part(a, b, out, i, count):
    """Compute one of `count` pieces of a product, cut along its longer side."""
    m, n = out.shape
    first, end = max(m, n) * i // count, max(m, n) * (i + 1) // count
    if m >= n:
        np.matmul(a[first:end], b, out=out[first:end])
    else:
        np.matmul(a, b[:, first:end], out=out[:, first:end])


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
    parts = pieces(max(m, n), work, each_thread=_each_thread(work)) if xp is np else ()
    if len(parts) < 2:
        return xp.matmul(a, b)
    out = np.empty((m, n), a.dtype)
    each(lambda i: _part(a, b, out, i, len(parts)), range(len(parts)))
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
