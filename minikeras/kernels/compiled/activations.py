"""Activation functions of several steps, each in one walk over the array; large ones by threads."""

import numpy as np

from minikeras.arrays.threads import each, pieces
from minikeras.kernels.compiled.exponentials import sigmoid as sigmoid_of
from minikeras.kernels.compiled.exponentials import tanh
from minikeras.kernels.compiled.loops import compiled, plain
from minikeras.kernels.shared import activations as shared

# Nanoseconds that a number takes.
_EACH = 1


def sigmoid(xp, x):
    """`1 / (1 + exp(-x))`; see `shared.activations.sigmoid`."""
    return _walk(_sigmoid, 1, x)


def silu(xp, x, *, keep=False):
    """`x * sigmoid(x)`; see `shared.activations.silu`."""
    found = _walk(_silu, 2, x)
    return found if found is NotImplemented else (found[0], found[1] if keep else None)


def silu_backward(xp, g, arrays, saved, needs):
    """Gradient of `silu`; see `shared.activations.silu_backward`."""
    found = _walk(_silu_slope, 1, g, arrays[0], saved)
    return found if found is NotImplemented else [found]


def gelu(xp, x, *, keep=False):
    """The tanh form of GELU; see `shared.activations.gelu`."""
    found = _walk(_gelu, 2, x)
    return found if found is NotImplemented else (found[0], found[1] if keep else None)


def gelu_backward(xp, g, arrays, saved, needs):
    """Gradient of `gelu`; see `shared.activations.gelu_backward`."""
    found = _walk(_gelu_slope, 1, g, arrays[0], saved)
    return found if found is NotImplemented else [found]


def _walk(loop, count, *given):
    """Call a loop on flat arrays and as many new ones of their size; return these."""
    first = given[0]
    if type(first) is not np.ndarray or not plain(*given):
        return NotImplemented
    if any(array.shape != first.shape for array in given):
        return NotImplemented
    made = [np.empty_like(first) for _ in range(count)]
    flat = [array.reshape(-1) for array in (*given, *made)]
    each(
        lambda part: loop(*[array[part] for array in flat]),
        pieces(first.size, first.size * _EACH),
    )
    return made[0] if count == 1 else made


@compiled()
def _sigmoid(x, y):
    for i in range(y.size):
        y[i] = sigmoid_of(x[i])


@compiled("contract")
def _silu(x, y, s):
    for i in range(y.size):
        s[i] = sigmoid_of(x[i])
        y[i] = x[i] * s[i]


@compiled("contract")
def _silu_slope(g, x, s, out):
    one = g.dtype.type(1)
    for i in range(out.size):
        out[i] = g[i] * s[i] * (one + x[i] * (one - s[i]))


@compiled("contract")
def _gelu(x, y, t):
    kind = x.dtype.type
    scale, cubic, one, half = kind(shared.GELU_SCALE), kind(shared.GELU_CUBIC), kind(1), kind(0.5)
    for i in range(y.size):
        value = x[i]
        t[i] = tanh(value * (value * value * cubic + one) * scale)
        y[i] = (t[i] + one) * value * half


@compiled("contract")
def _gelu_slope(g, x, t, out):
    kind = x.dtype.type
    cubic = kind(3 * shared.GELU_CUBIC * shared.GELU_SCALE)
    scale, one, half = kind(shared.GELU_SCALE), kind(1), kind(0.5)
    for i in range(out.size):
        bent = t[i]
        slope = (x[i] * x[i] * cubic + scale) * x[i] * (one - bent * bent)
        out[i] = (slope + bent + one) * half * g[i]
