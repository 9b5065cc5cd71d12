"""Sums, products and the like of large arrays, shared by threads that need not be woken."""

import numpy as np

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.compiler import compiled, inner, plain
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

_ADD, _SUBTRACT, _MULTIPLY, _MAXIMUM = range(4)
_CODES = {np.add: _ADD, np.subtract: _SUBTRACT, np.multiply: _MULTIPLY, np.maximum: _MAXIMUM}


def wide(xp, function, *operands):
    """Apply a NumPy function to two arrays, or to an array and a number; see `shared.wide.wide`."""
    code = _CODES.get(function) if isinstance(function, np.ufunc) else None
    if code is None or len(operands) != 2 or type(operands[0]) is not np.ndarray:
        return NotImplemented
    x1, x2 = operands
    if np.ndim(x2) == 0 and plain(x1) and np.result_type(x1, x2) == x1.dtype:
        x2 = np.array([x2], x1.dtype)
    elif not plain(x1, x2) or x1.shape != x2.shape:
        return NotImplemented
    out = np.empty_like(x1)
    flat = [array.reshape(-1) for array in (x1, x2, out)]
    parallel_for(_apply, x1.size, 3 * x1.nbytes / BYTES, code, *flat)
    return out


@compiled()
def _apply(pool, ends, chunk, code, x1, x2, out):
    if chunk == ALL:
        return fork_join(pool, ends, (code, x1, x2, out))
    first, end = ends[chunk], ends[chunk + 1]
    if x2.size == 1:
        _with_number(code, x1[first:end], x2[0], out[first:end])
    else:
        _with_array(code, x1[first:end], x2[first:end], out[first:end])


@inner()
def _with_array(code, x1, x2, out):
    if code == _ADD:
        for i in range(out.size):
            out[i] = x1[i] + x2[i]
    elif code == _SUBTRACT:
        for i in range(out.size):
            out[i] = x1[i] - x2[i]
    elif code == _MULTIPLY:
        for i in range(out.size):
            out[i] = x1[i] * x2[i]
    else:
        for i in range(out.size):
            out[i] = x1[i] if x1[i] > x2[i] or x1[i] != x1[i] else x2[i]  # NaN stays


@inner()
def _with_number(code, x1, x2, out):
    if code == _ADD:
        for i in range(out.size):
            out[i] = x1[i] + x2
    elif code == _SUBTRACT:
        for i in range(out.size):
            out[i] = x1[i] - x2
    elif code == _MULTIPLY:
        for i in range(out.size):
            out[i] = x1[i] * x2
    else:
        for i in range(out.size):
            out[i] = x1[i] if x1[i] > x2 or x1[i] != x1[i] else x2
