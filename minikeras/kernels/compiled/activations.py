"""Activation functions of several steps, each in one pass over the array; large ones by threads.

With `s = sigmoid(x)`, and `t = tanh(u)`, `u = scale * (x + cubic * x**3)` for GELU:

    silu   y = x * s             dx = g * s * (1 + x * (1 - s))
    gelu   y = x * (1 + t) / 2   dx = g * (1 + t + slope) / 2
                                 slope = x * (1 - t**2) * du/dx
                                 du/dx = scale * (1 + 3 * cubic * x**2)
"""

from minikeras.kernels.compiled.compiler import compiled
from minikeras.kernels.compiled.elementwise import elementwise
from minikeras.kernels.compiled.exponentials import sigmoid as sigmoid_of
from minikeras.kernels.compiled.exponentials import tanh
from minikeras.kernels.compiled.thread_pool import ALL, fork_join
from minikeras.kernels.shared import activations as shared


def sigmoid(xp, x):
    """`1 / (1 + exp(-x))`; see `shared.activations.sigmoid`."""
    return elementwise(_sigmoid, 1, x)


def silu(xp, x, *, save=False):
    """`x * sigmoid(x)`; see `shared.activations.silu`."""
    results = elementwise(_silu, 2, x)
    return results if results is NotImplemented else (results[0], results[1] if save else None)


def silu_backward(xp, g, arrays, saved, needs):
    """Gradient of `silu`; see `shared.activations.silu_backward`."""
    dx = elementwise(_silu_backward, 1, g, arrays[0], saved)
    return dx if dx is NotImplemented else [dx]


def gelu(xp, x, *, save=False):
    """The tanh form of GELU; see `shared.activations.gelu`."""
    results = elementwise(_gelu, 2, x)
    return results if results is NotImplemented else (results[0], results[1] if save else None)


def gelu_backward(xp, g, arrays, saved, needs):
    """Gradient of `gelu`; see `shared.activations.gelu_backward`."""
    dx = elementwise(_gelu_backward, 1, g, arrays[0], saved)
    return dx if dx is NotImplemented else [dx]


@compiled()
def _sigmoid(pool, ends, chunk, x, y):
    if chunk == ALL:
        return fork_join(pool, ends, (x, y))
    first, end = ends[chunk], ends[chunk + 1]
    x, y = x[first:end], y[first:end]
    for i in range(y.size):
        y[i] = sigmoid_of(x[i])


@compiled("contract")
def _silu(pool, ends, chunk, x, y, s):
    if chunk == ALL:
        return fork_join(pool, ends, (x, y, s))
    first, end = ends[chunk], ends[chunk + 1]
    x, y, s = x[first:end], y[first:end], s[first:end]
    for i in range(y.size):
        s[i] = sigmoid_of(x[i])
        y[i] = x[i] * s[i]


@compiled("contract")
def _silu_backward(pool, ends, chunk, g, x, s, out):
    if chunk == ALL:
        return fork_join(pool, ends, (g, x, s, out))
    first, end = ends[chunk], ends[chunk + 1]
    g, x, s, out = g[first:end], x[first:end], s[first:end], out[first:end]
    one = g.dtype.type(1)
    for i in range(out.size):
        out[i] = g[i] * s[i] * (one + x[i] * (one - s[i]))


@compiled("contract")
def _gelu(pool, ends, chunk, x, y, t):
    if chunk == ALL:
        return fork_join(pool, ends, (x, y, t))
    first, end = ends[chunk], ends[chunk + 1]
    x, y, t = x[first:end], y[first:end], t[first:end]
    kind = x.dtype.type
    scale, cubic, one, half = kind(shared.GELU_SCALE), kind(shared.GELU_CUBIC), kind(1), kind(0.5)
    for i in range(y.size):
        value = x[i]
        t[i] = tanh(value * (value * value * cubic + one) * scale)
        y[i] = (t[i] + one) * value * half


@compiled("contract")
def _gelu_backward(pool, ends, chunk, g, x, t, out):
    if chunk == ALL:
        return fork_join(pool, ends, (g, x, t, out))
    first, end = ends[chunk], ends[chunk + 1]
    g, x, t, out = g[first:end], x[first:end], t[first:end], out[first:end]
    kind = x.dtype.type
    cubic = kind(3 * shared.GELU_CUBIC * shared.GELU_SCALE)
    scale, one, half = kind(shared.GELU_SCALE), kind(1), kind(0.5)
    for i in range(out.size):
        t_i = t[i]
        slope = (x[i] * x[i] * cubic + scale) * x[i] * (one - t_i * t_i)
        out[i] = (slope + t_i + one) * half * g[i]
