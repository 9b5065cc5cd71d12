"""What surrounds the product of a dense layer, in one pass each: bias and ReLU, and their gradient.

Forward `y = max(x + bias, 0)`, backward `dx = g * (y > 0)`.
"""

import numpy as np

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.compiler import compiled, inner, plain
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for


def finish(xp, y, bias, relu):
    """Add a bias and apply ReLU, in place; see `shared.dense.finish`."""
    if bias is None or type(y) is not np.ndarray or not y.size or not plain(y, bias):
        return NotImplemented
    rows = y.reshape(-1, y.shape[-1])
    parallel_for(_finish, len(rows), 2 * y.nbytes / BYTES, rows, bias, relu)
    return y


def where_positive(xp, g, y):
    """The gradient of ReLU, `g * (y > 0)`; see `shared.dense.where_positive`."""
    if type(y) is not np.ndarray or g.shape != y.shape or not plain(g, y):
        return NotImplemented
    out = np.empty_like(g)
    flat = [array.reshape(-1) for array in (g, y, out)]
    parallel_for(_where_positive, g.size, 3 * g.nbytes / BYTES, *flat)
    return out


@compiled()
def _finish(pool, ends, chunk, rows, bias, relu):
    if chunk == ALL:
        return fork_join(pool, ends, (rows, bias, relu))
    for i in range(ends[chunk], ends[chunk + 1]):
        if relu:
            _add_and_relu(rows[i], bias)
        else:
            _add(rows[i], bias)


@inner()
def _add(y, bias):
    for j in range(y.size):
        y[j] += bias[j]


@inner()
def _add_and_relu(y, bias):
    zero = y.dtype.type(0)
    for j in range(y.size):
        value = y[j] + bias[j]
        y[j] = zero if value <= zero else value  # NaN stays


@compiled()
def _where_positive(pool, ends, chunk, g, y, out):
    if chunk == ALL:
        return fork_join(pool, ends, (g, y, out))
    first, end = ends[chunk], ends[chunk + 1]
    g, y, out = g[first:end], y[first:end], out[first:end]
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for j in range(out.size):
        # A product, as NaN and infinity are not to vanish.
        out[j] = g[j] * (one if y[j] > zero else zero)
