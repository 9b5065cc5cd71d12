"""Update rules of optimizers in one walk over the weights.

The rules of `shared/optimizers.py` are a dozen operations, each a walk of its own over a block.
Here every number of the weight, its gradient and its states is fetched once, all of the rule is
computed in registers, and what changed is stored: less than half of the traffic, and no scratch.

The operations are the same, in the same order, and none is contracted: results equal those of the
NumPy kernels bit for bit. A compiler can only work on several numbers at once if it has checked
that no array overlaps another; it gives up from five arrays on, hence the steps of a rule that have
loops of their own, over stretches that stay in the first-level cache.
"""

import math

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.loops import compiled, inner, plain
from minikeras.kernels.compiled.team import ALL, divided, together

_STRETCH = 2048
"""Numbers between two loops of a rule: five arrays of them fit the first-level cache."""


def sgd(p, g, lr):
    """`p -= lr * g`; see `shared.optimizers.sgd`."""
    if not plain(p, g):
        return NotImplemented
    return _divided(_sgd, 3, (p, g), lr)


def sgd_momentum(p, g, m, lr, momentum, nesterov):
    """Gradient descent with momentum; see `shared.optimizers.sgd_momentum`."""
    if not plain(p, g, m):
        return NotImplemented
    return _divided(_sgd_momentum, 5, (p, g, m), lr, p.dtype.type(momentum), nesterov)


def adam(p, g, m, v, alpha, share_1, share_2, epsilon, largest=None, square=None):
    """Adam, with AMSGrad's `largest` if given; see `shared.optimizers.adam`."""
    given = [array for array in (largest, square) if array is not None]
    if not plain(p, g, m, v, *given):
        return NotImplemented
    numbers = alpha, share_1, share_2, epsilon
    if not given:
        return _divided(_adam, 7, (p, g, m, v), *numbers)
    squared, ams = square is not None, largest is not None
    arrays = p, g, m, v, largest if ams else v, square if squared else g
    return _divided(_adam_apart, 7 + 2 * ams + squared, arrays, ams, squared, *numbers)


def rmsprop(p, g, v, lr, rho, share, epsilon, mean=None, velocity=None, momentum=None, square=None):
    """RMSprop without mean gradient or velocity; see `shared.optimizers.rmsprop`."""
    if mean is not None or velocity is not None or square is not None or not plain(p, g, v):
        return NotImplemented
    return _divided(_rmsprop, 5, (p, g, v), lr, rho, share, epsilon)


def adagrad(p, g, total, lr, epsilon, square=None):
    """Adagrad; see `shared.optimizers.adagrad`."""
    if square is not None or not plain(p, g, total):
        return NotImplemented
    return _divided(_adagrad, 5, (p, g, total), lr, epsilon)


def _divided(run, passes, arrays, *numbers):
    """Run a rule on flat views, given how often it reads or writes as much as the weight has."""
    flat = [array if array.ndim == 1 else array.reshape(-1) for array in arrays]
    divided(run, flat[0].size, passes * flat[0].nbytes / BYTES, *flat, *numbers)


@compiled()
def _sgd(team, ends, number, p, g, lr):
    if number == ALL:
        return together(team, ends, (p, g, lr))
    start, end = ends[number], ends[number + 1]
    p, g = p[start:end], g[start:end]
    for i in range(p.size):
        p[i] -= g[i] * lr


@compiled()
def _sgd_momentum(team, ends, number, p, g, m, lr, momentum, nesterov):
    if number == ALL:
        return together(team, ends, (p, g, m, lr, momentum, nesterov))
    start, end = ends[number], ends[number + 1]
    p, g, m = p[start:end], g[start:end], m[start:end]
    for i in range(p.size):
        step = g[i] * lr
        velocity = m[i] * momentum - step
        m[i] = velocity
        p[i] += velocity * momentum - step if nesterov else velocity


@compiled()
def _adam(team, ends, number, p, g, m, v, alpha, share_1, share_2, epsilon):
    if number == ALL:
        return together(team, ends, (p, g, m, v, alpha, share_1, share_2, epsilon))
    start, end = ends[number], ends[number + 1]
    p, g, m, v = p[start:end], g[start:end], m[start:end], v[start:end]
    for i in range(p.size):
        slope = g[i]
        first = m[i] + (slope - m[i]) * share_1
        second = v[i] + (slope * slope - v[i]) * share_2
        m[i] = first
        v[i] = second
        p[i] -= first * alpha / (math.sqrt(second) + epsilon)


@compiled()
def _adam_apart(
    team, ends, number, p, g, m, v, hat, squares, ams, squared, alpha, share_1, share_2, epsilon
):  # fmt: skip
    if number == ALL:
        given = p, g, m, v, hat, squares, ams, squared, alpha, share_1, share_2, epsilon
        return together(team, ends, given)
    for start in range(ends[number], ends[number + 1], _STRETCH):
        part = slice(start, min(start + _STRETCH, ends[number + 1]))
        _follow(v[part], squares[part], squared, share_2)
        if ams:
            _keep_largest(hat[part], v[part])
        _step(p[part], g[part], m[part], hat[part], alpha, share_1, epsilon)


@inner()
def _follow(v, squares, squared, share):
    if squared:
        for i in range(v.size):
            v[i] += (squares[i] - v[i]) * share
    else:
        for i in range(v.size):
            v[i] += (squares[i] * squares[i] - v[i]) * share


@inner()
def _keep_largest(hat, v):
    for i in range(v.size):
        # As `np.maximum` has it: NaN stays and spreads.
        hat[i] = hat[i] if hat[i] >= v[i] or hat[i] != hat[i] else v[i]


@inner()
def _step(p, g, m, hat, alpha, share, epsilon):
    for i in range(p.size):
        first = m[i] + (g[i] - m[i]) * share
        m[i] = first
        p[i] -= first * alpha / (math.sqrt(hat[i]) + epsilon)


@compiled()
def _rmsprop(team, ends, number, p, g, v, lr, rho, share, epsilon):
    if number == ALL:
        return together(team, ends, (p, g, v, lr, rho, share, epsilon))
    start, end = ends[number], ends[number + 1]
    p, g, v = p[start:end], g[start:end], v[start:end]
    for i in range(p.size):
        slope = g[i]
        v[i] = v[i] * rho + slope * slope * share
        p[i] -= slope * lr / math.sqrt(v[i] + epsilon)


@compiled()
def _adagrad(team, ends, number, p, g, total, lr, epsilon):
    if number == ALL:
        return together(team, ends, (p, g, total, lr, epsilon))
    start, end = ends[number], ends[number + 1]
    p, g, total = p[start:end], g[start:end], total[start:end]
    for i in range(p.size):
        slope = g[i]
        total[i] += slope * slope
        p[i] -= slope * lr / math.sqrt(total[i] + epsilon)
