"""Multiplication of matrices, and the bias and `relu` that follow it in a dense layer."""

import numpy as np

from minikeras.arrays.threads import OPERATIONS, chunks, each
from minikeras.kernels import providers
from minikeras.kernels.providers import dispatched

_BLAS = (np.float32, np.float64)
# Multiplications and additions from which a product is large.
_LARGE = 1 << 22


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


def affine(xp, x, matrix, bias=None, relu=False):
    """Multiply two matrices, add a bias to each row, and apply ReLU if asked to.

    Args:
        xp: array module.
        x: array `(rows, terms)`.
        matrix: array `(terms, columns)` of the same dtype.
        bias: array `(columns,)`, or None.
        relu: whether to replace negative results by zero.

    Returns:
        An array `(rows, columns)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.products import affine
        >>> affine(np, np.ones((1, 3)), np.ones((3, 2)), np.array([1.0, -5.0]), relu=True)
        array([[4., 0.]])
    """
    if xp is np and x.dtype == matrix.dtype and x.dtype in _BLAS:
        return _at_once([(x, matrix, bias, relu)])[0]
    return finish(xp, matrix_product(xp, x, matrix, x.dtype), bias, relu)


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
    if xp is np and dtype in _BLAS:
        products = iter(_at_once([(a, b, None, False) for a, b in known]))
    else:
        products = iter([matrix_product(xp, a, b, dtype) for a, b in known])
    return [None if pair is None else next(products) for pair in pairs]


def _product(xp, a, b):
    """One product where all of a batch is multiplied by one matrix."""
    if a.ndim > 2 and b.ndim == 2 and a.flags.c_contiguous:
        return _product(xp, a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[-1])
    if a.ndim != 2 or b.ndim != 2 or xp is not np or a.dtype not in _BLAS:
        return xp.matmul(a, b)
    return _at_once([(a, b, None, False)])[0]


def _at_once(products):
    """Compute products of matrices `(a, b, bias, relu)`, together if they are large."""
    operations = sum(2 * a.size * b.shape[1] for a, b, _, _ in products)
    is_small = operations < _LARGE and not providers.always_compiled
    if is_small or not products:
        return [_in_one(*product) for product in products]
    return grouped_products(np, products)


def _in_one(a, b, bias, relu):
    y = np.matmul(a, b)
    return y if bias is None and not relu else finish(np, y, bias, relu)


def _always(least, args):
    return True


@dispatched("products.products", is_large=_always)
def grouped_products(xp, products):
    """Compute several products of matrices, and what follows them, in chunks for the threads.

    Args:
        xp: array module.
        products: list of `(a, b, bias, relu)`: arrays `(rows, terms)`, `(terms, columns)` and
            `(columns,)` or None to be added, and whether to replace negative results by zero.

    Returns:
        A list of arrays `(rows, columns)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.products import grouped_products
        >>> grouped_products(np, [(np.ones((2, 3)), np.ones((3, 1)), None, False)])[0].tolist()
        [[3.0], [3.0]]
    """
    outs = [xp.empty((a.shape[0], b.shape[1]), a.dtype) for a, b, _, _ in products]
    operations = sum(2 * a.size * b.shape[1] for a, b, _, _ in products)
    longest = min((max(out.shape) for out in outs), default=0)
    # BLAS copies one side for every chunk.
    count = len(chunks(longest, operations / OPERATIONS, each_thread=1))

    def compute(i):
        for (a, b, bias, relu), out in zip(products, outs, strict=True):
            _compute_part(xp, a, b, bias, relu, out, i, count)

    each(compute, range(count))
    return outs


def _compute_part(xp, a, b, bias, relu, out, i, count):
    """Compute one of several chunks of a product."""
    m, n = out.shape
    first, end = max(m, n) * i // count, max(m, n) * (i + 1) // count
    if m >= n:
        finish(xp, xp.matmul(a[first:end], b, out=out[first:end]), bias, relu)
    else:
        bias = None if bias is None else bias[first:end]
        finish(xp, xp.matmul(a, b[:, first:end], out=out[:, first:end]), bias, relu)


@dispatched("products.dense", cuda="dense")
def finish(xp, y, bias, relu):
    """Add a bias along the last axis and apply ReLU, in place, if asked to.

    Args:
        xp: The array module.
        y: Array `(..., units)`, which is changed.
        bias: Array `(units,)`, or None.
        relu: Whether to replace negative results by zero.

    Returns:
        The array.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.products import finish
        >>> finish(np, np.zeros((1, 2)), np.array([1.0, -1.0]), True)
        array([[1., 0.]])
    """
    if bias is not None:
        y += bias
    return xp.maximum(y, 0, out=y) if relu else y


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
    results = function(*wide)
    results = results if isinstance(results, tuple) else (results,)
    return tuple(xp.asarray(part).astype(dtype, copy=False) for part in results)
