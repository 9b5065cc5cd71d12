"""Update rules of optimizers in one pass over the weights.

The rules of `shared/optimizers.py` are a dozen operations, each a pass of its own over a block.
Here every element of the weight, its gradient and its states is fetched once, all of the rule is
computed in registers, and what changed is stored: less than half of the traffic, and no scratch.

The equations stand there. The operations are the same, in the same order, and none is contracted:
results equal those of the NumPy kernels bit for bit. A compiler can only work on several numbers at
once if it has checked that no array overlaps another; it gives up from five arrays on, hence the
steps of a rule that have loops of their own, over stretches that stay in the first-level cache.
"""

import math

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.compiler import compiled, inner, plain
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

_STRETCH = 2048
"""Elements between two loops of a rule: five arrays of them fit the first-level cache."""


def sgd(w, g, lr):
    """Gradient descent; see `shared.optimizers.sgd`."""
    if not plain(w, g):
        return NotImplemented
    return _divided(_sgd, 3, (w, g), lr)


def sgd_momentum(w, g, v, lr, momentum, nesterov):
    """Gradient descent with momentum; see `shared.optimizers.sgd_momentum`."""
    if not plain(w, g, v):
        return NotImplemented
    return _divided(_sgd_momentum, 5, (w, g, v), lr, w.dtype.type(momentum), nesterov)


def adam(w, g, m, v, alpha, one_minus_beta_1, one_minus_beta_2, epsilon, v_max=None, square=None):
    """Adam, and AMSGrad if it is given `v_max`; see `shared.optimizers.adam`."""
    optional = [array for array in (v_max, square) if array is not None]
    if not plain(w, g, m, v, *optional):
        return NotImplemented
    scalars = alpha, one_minus_beta_1, one_minus_beta_2, epsilon
    if not optional:
        return _divided(_adam, 7, (w, g, m, v), *scalars)
    has_max, has_square = v_max is not None, square is not None
    arrays = w, g, m, v, v_max if has_max else v, square if has_square else g
    passes = 7 + 2 * has_max + has_square
    return _divided(_adam_apart, passes, arrays, has_max, has_square, *scalars)


def rmsprop(w, g, v, lr, rho, one_minus_rho, epsilon, m=None, b=None, momentum=None, square=None):
    """RMSprop, neither centered nor with momentum; see `shared.optimizers.rmsprop`."""
    if m is not None or b is not None or square is not None or not plain(w, g, v):
        return NotImplemented
    return _divided(_rmsprop, 5, (w, g, v), lr, rho, one_minus_rho, epsilon)


def adagrad(w, g, v, lr, epsilon, square=None):
    """Adagrad; see `shared.optimizers.adagrad`."""
    if square is not None or not plain(w, g, v):
        return NotImplemented
    return _divided(_adagrad, 5, (w, g, v), lr, epsilon)


def _divided(run, passes, arrays, *scalars):
    """Run a rule on flat views, given how often it reads or writes as much as the weight has."""
    flat = [array if array.ndim == 1 else array.reshape(-1) for array in arrays]
    parallel_for(run, flat[0].size, passes * flat[0].nbytes / BYTES, *flat, *scalars)


@compiled()
def _sgd(pool, ends, chunk, w, g, lr):
    if chunk == ALL:
        return fork_join(pool, ends, (w, g, lr))
    start, end = ends[chunk], ends[chunk + 1]
    w, g = w[start:end], g[start:end]
    for i in range(w.size):
        w[i] -= g[i] * lr


@compiled()
def _sgd_momentum(pool, ends, chunk, w, g, v, lr, momentum, nesterov):
    if chunk == ALL:
        return fork_join(pool, ends, (w, g, v, lr, momentum, nesterov))
    start, end = ends[chunk], ends[chunk + 1]
    w, g, v = w[start:end], g[start:end], v[start:end]
    for i in range(w.size):
        step = g[i] * lr
        v_i = v[i] * momentum - step
        v[i] = v_i
        w[i] += v_i * momentum - step if nesterov else v_i


@compiled()
def _adam(pool, ends, chunk, w, g, m, v, alpha, one_minus_beta_1, one_minus_beta_2, epsilon):
    if chunk == ALL:
        scalars = alpha, one_minus_beta_1, one_minus_beta_2, epsilon
        return fork_join(pool, ends, (w, g, m, v, *scalars))
    start, end = ends[chunk], ends[chunk + 1]
    w, g, m, v = w[start:end], g[start:end], m[start:end], v[start:end]
    for i in range(w.size):
        g_i = g[i]
        m_i = m[i] + (g_i - m[i]) * one_minus_beta_1
        v_i = v[i] + (g_i * g_i - v[i]) * one_minus_beta_2
        m[i] = m_i
        v[i] = v_i
        w[i] -= m_i * alpha / (math.sqrt(v_i) + epsilon)


@compiled()
def _adam_apart(
    pool, ends, chunk, w, g, m, v, v_max, square, has_max, has_square,
    alpha, one_minus_beta_1, one_minus_beta_2, epsilon,
):  # fmt: skip
    if chunk == ALL:
        arrays, scalars = (w, g, m, v, v_max, square), (one_minus_beta_1, one_minus_beta_2, epsilon)
        return fork_join(pool, ends, (*arrays, has_max, has_square, alpha, *scalars))
    for start in range(ends[chunk], ends[chunk + 1], _STRETCH):
        part = slice(start, min(start + _STRETCH, ends[chunk + 1]))
        _update_v(v[part], square[part], has_square, one_minus_beta_2)
        if has_max:
            _update_v_max(v_max[part], v[part])
        _update_w(w[part], g[part], m[part], v_max[part], alpha, one_minus_beta_1, epsilon)


@inner()
def _update_v(v, square, is_square, one_minus_beta_2):
    """`v`, of squared gradients, or of gradients to be squared."""
    if is_square:
        for i in range(v.size):
            v[i] += (square[i] - v[i]) * one_minus_beta_2
    else:
        for i in range(v.size):
            v[i] += (square[i] * square[i] - v[i]) * one_minus_beta_2


@inner()
def _update_v_max(v_max, v):
    for i in range(v_max.size):
        # As `np.maximum` has it: NaN stays and spreads.
        v_max[i] = v_max[i] if v_max[i] >= v[i] or v_max[i] != v_max[i] else v[i]


@inner()
def _update_w(w, g, m, v, alpha, one_minus_beta_1, epsilon):
    for i in range(w.size):
        m_i = m[i] + (g[i] - m[i]) * one_minus_beta_1
        m[i] = m_i
        w[i] -= m_i * alpha / (math.sqrt(v[i]) + epsilon)


@compiled()
def _rmsprop(pool, ends, chunk, w, g, v, lr, rho, one_minus_rho, epsilon):
    if chunk == ALL:
        return fork_join(pool, ends, (w, g, v, lr, rho, one_minus_rho, epsilon))
    start, end = ends[chunk], ends[chunk + 1]
    w, g, v = w[start:end], g[start:end], v[start:end]
    for i in range(w.size):
        g_i = g[i]
        v[i] = v[i] * rho + g_i * g_i * one_minus_rho
        w[i] -= g_i * lr / math.sqrt(v[i] + epsilon)


@compiled()
def _adagrad(pool, ends, chunk, w, g, v, lr, epsilon):
    if chunk == ALL:
        return fork_join(pool, ends, (w, g, v, lr, epsilon))
    start, end = ends[chunk], ends[chunk + 1]
    w, g, v = w[start:end], g[start:end], v[start:end]
    for i in range(w.size):
        g_i = g[i]
        v[i] += g_i * g_i
        w[i] -= g_i * lr / math.sqrt(v[i] + epsilon)
