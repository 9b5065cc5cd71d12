"""Layer normalization with one pass through memory each way.

The kernel of `shared/normalization/norm.py`, where the equations are, goes over a block once for
each operation. Here a row is in cache while its mean, its variance and its result are computed.
Sums over rows are kept in float64 from block to block. Group normalization is that of the rows that
`shared/normalization/group_norm.py` cuts.
"""

import math

import numpy as np

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.compiler import compiled, inner
from minikeras.kernels.compiled.normalization.inputs import PASSES, factors_of, is_supported
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

# Rows whose gradients are added up before they are added to the sum in float64.
_ROWS = 64


def layer_norm(xp, x, gamma=None, beta=None, *, axes=1, epsilon=1e-3, save=False):
    """Normalize over the last axes; see `shared.normalization.norm.layer_norm`."""
    shape = x.shape[x.ndim - axes :]
    if not is_supported(x, gamma, beta) or any(
        v is not None and v.shape != shape for v in (gamma, beta)
    ):
        return NotImplemented
    rows = x.reshape(-1, math.prod(shape))
    y, (mean, inverse) = np.empty_like(x), np.empty((2, len(rows), 1), x.dtype)
    inputs = rows, *factors_of(rows.shape[1], x.dtype, gamma, beta), float(epsilon)
    outputs = y.reshape(rows.shape), mean, inverse
    parallel_for(_layer_norm, len(rows), PASSES * x.nbytes / BYTES, *inputs, *outputs)
    return y, (mean, inverse) if save else None


def layer_norm_backward(xp, g, arrays, saved, needs, *, axes=1, epsilon=1e-3):
    """Gradients of `layer_norm`; see `shared.normalization.norm.layer_norm_backward`."""
    (x, gamma, _), (mean, inverse), g = arrays, saved, np.ascontiguousarray(g)
    if not is_supported(x, g, gamma):
        return NotImplemented
    own = x.shape[x.ndim - axes :]
    rows = x.reshape(-1, math.prod(own))
    gain, _ = factors_of(rows.shape[1], x.dtype, gamma, None)
    dx, dfactors = np.empty_like(x), np.empty((2, *own), x.dtype)
    inputs = g.reshape(rows.shape), rows, gain, mean, inverse
    outputs = dx.reshape(rows.shape), dfactors.reshape(2, -1)
    parallel_for(_layer_norm_backward, len(rows), PASSES * x.nbytes / BYTES, *inputs, *outputs)
    gradients = dx, dfactors[0], dfactors[1]
    return [d if needed else None for d, needed in zip(gradients, needs, strict=True)]


@compiled("contract")
def _layer_norm(pool, ends, chunk, rows, gamma, beta, epsilon, results, mean, inverse):
    if chunk == ALL:
        return fork_join(pool, ends, (rows, gamma, beta, epsilon, results, mean, inverse))
    kind, width = rows.dtype.type, rows.shape[1]
    for i in range(ends[chunk], ends[chunk + 1]):
        centre = kind(_sum(rows[i]) / width)
        variance = _sum_of_squares(rows[i], centre) / width
        scale = kind(1 / math.sqrt(variance + epsilon))
        mean[i, 0], inverse[i, 0] = centre, scale
        _scaled_row(rows[i], centre, scale, gamma, beta, results[i])


@inner("contract", "reassoc")
def _sum(x):
    total = x.dtype.type(0)
    for j in range(x.size):
        total += x[j]
    return total


@inner("contract", "reassoc")
def _sum_of_squares(x, centre):
    total = x.dtype.type(0)
    for j in range(x.size):
        total += (x[j] - centre) * (x[j] - centre)
    return total


@inner("contract")
def _scaled_row(x, centre, scale, gamma, beta, y):
    for j in range(y.size):
        y[j] = (x[j] - centre) * scale * gamma[j] + beta[j]


@compiled()
def _layer_norm_backward(pool, ends, chunk, g, rows, gain, mean, inverse, dx, dfactors):
    sums = np.zeros((len(ends) - 1, 2, rows.shape[1]))
    _rows_backward(pool, ends, chunk, g, rows, gain, mean, inverse, dx, sums)
    for part in range(1, len(sums)):
        sums[0] += sums[part]
    dfactors[:] = sums[0]


@inner("contract")
def _rows_backward(pool, ends, chunk, g, rows, gain, mean, inverse, dx, sums):
    if chunk == ALL:
        return fork_join(pool, ends, (g, rows, gain, mean, inverse, dx, sums))
    first, end = ends[chunk], ends[chunk + 1]
    kind, width = rows.dtype.type, rows.shape[1]
    scratch = np.zeros((2, width), rows.dtype)
    for i in range(first, end):
        centre, scale = mean[i, 0], inverse[i, 0]
        total, moment = _weighed(g[i], rows[i], gain, centre, scale)
        total, moment = kind(total / width), kind(moment / width)
        _row_dx(g[i], rows[i], gain, centre, scale, total, moment, dx[i])
        _add_factor_gradients(g[i], rows[i], centre, scale, scratch[0], scratch[1])
        if (i - first) % _ROWS == _ROWS - 1 or i == end - 1:
            sums[chunk] += scratch
            scratch[:] = 0


@inner("reassoc")
def _weighed(g, x, gain, centre, scale):
    """The sums over a row of `h = g * gain`, and of `h * z` with `z` the normalized input."""
    total, moment = x.dtype.type(0), x.dtype.type(0)
    for j in range(x.size):
        h = g[j] * gain[j]
        total += h
        moment += h * ((x[j] - centre) * scale)
    return total, moment


@inner()
def _row_dx(g, x, gain, centre, scale, total, moment, dx):
    """`dx = (h - mean(h) - z * mean(h * z)) * scale`, the means being `total` and `moment`."""
    for j in range(dx.size):
        dx[j] = (g[j] * gain[j] - total - (x[j] - centre) * scale * moment) * scale


@inner("contract")
def _add_factor_gradients(g, x, centre, scale, dgamma, dbeta):
    """Add `g * z` and `g` of a row."""
    for j in range(x.size):
        dgamma[j] += g[j] * ((x[j] - centre) * scale)
        dbeta[j] += g[j]
