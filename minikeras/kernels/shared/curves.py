"""Activation functions that are short formulas, each with its slope in one pass over the array.

Of each there is a forward kernel `(xp, x, *, save)` and a backward kernel, as fused ops take them.
They save nothing: to compute a formula again costs less than to fetch what it gave.
"""

import math
from functools import partial

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.activations import softplus
from minikeras.kernels.shared.special import erf
from minikeras.kernels.shared.wide import wide


def _curve(value, slope):
    """The two kernels of a function of one number."""

    def forward(xp, x, *, save=False):
        return wide(xp, partial(value, xp), x), None

    def backward(xp, g, arrays, saved, needs):
        return [wide(xp, lambda g, x: g * slope(xp, x), g, arrays[0])]

    forward.__name__ = value.__name__.lstrip("_")
    backward.__name__ = f"{forward.__name__}_backward"
    forward.__doc__, backward.__doc__ = value.__doc__, slope.__doc__
    return dispatched(cuda="curves")(forward), dispatched(cuda="curves")(backward)


def _logistic(xp, x):
    return 1 / (xp.exp(-x) + 1)


def _softsign(xp, x):
    """A sigmoid without an exponential.

    Equations (activations.softsign):
        y = x / (1 + abs(x))
    """
    return x / (xp.abs(x) + 1)


def _softsign_slope(xp, x):
    """Its gradient.

    Equations (activations.softsign_backward):
        dx = g / (1 + abs(x)) ** 2
    """
    root = xp.abs(x) + 1
    return 1 / (root * root)


def _log_sigmoid(xp, x):
    """The logarithm of the sigmoid, exact far below zero.

    Equations (activations.log_sigmoid):
        y = -softplus(-x)
    """
    return -softplus(xp, -x)


def _log_sigmoid_slope(xp, x):
    """Its gradient.

    Equations (activations.log_sigmoid_backward):
        dx = g * sigmoid(-x)
    """
    return _logistic(xp, -x)


def _hard_sigmoid(xp, x):
    """A sigmoid of straight lines.

    Equations (activations.hard_sigmoid):
        y = minimum(maximum(x + 3, 0), 6) / 6
    """
    return xp.minimum(xp.maximum(x + 3, 0), 6) / 6


def _hard_sigmoid_slope(xp, x):
    """Its gradient.

    Equations (activations.hard_sigmoid_backward):
        dx = g * ((x > -3) & (x < 3)) / 6
    """
    return ((x > -3) & (x < 3)).astype(x.dtype) / 6


def _hard_silu(xp, x):
    """`x` times its hard sigmoid.

    Equations (activations.hard_silu):
        y = x * hard_sigmoid(x)
    """
    return x * _hard_sigmoid(xp, x)


def _hard_silu_slope(xp, x):
    """Its gradient.

    Equations (activations.hard_silu_backward):
        dx = g * (hard_sigmoid(x) + x * ((x > -3) & (x < 3)) / 6)
    """
    return _hard_sigmoid(xp, x) + x * _hard_sigmoid_slope(xp, x)


def _mish(xp, x):
    """Self-regularized unit; Misra, "Mish" (2019).

    Equations (activations.mish):
        t = tanh(softplus(x))
        y = x * t
    """
    return x * xp.tanh(softplus(xp, x))


def _mish_slope(xp, x):
    """Its gradient, in which `t` is computed again.

    Equations (activations.mish_backward):
        dx = g * (t + x * (1 - t**2) * sigmoid(x))
    """
    t = xp.tanh(softplus(xp, x))
    return t + x * (1 - t * t) * _logistic(xp, x)


def _erf_gelu(xp, x):
    """`x` times the share of the normal distribution below it.

    Equations (activations.erf_gelu):
        below = (1 + erf(x * sqrt(0.5))) / 2
        y = x * below
    """
    return 0.5 * x * (1 + _erf(xp, x * math.sqrt(0.5)))


def _erf_gelu_slope(xp, x):
    """Its gradient, in which `below` is computed again.

    Equations (activations.erf_gelu_backward):
        density = exp(-(x**2) / 2) / sqrt(2 * pi)
        dx = g * (below + x * density)
    """
    density = xp.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return 0.5 * (1 + _erf(xp, x * math.sqrt(0.5))) + x * density


def _erf(xp, x):
    return erf(xp, xp.asarray(x))


softsign, softsign_backward = _curve(_softsign, _softsign_slope)
log_sigmoid, log_sigmoid_backward = _curve(_log_sigmoid, _log_sigmoid_slope)
hard_sigmoid, hard_sigmoid_backward = _curve(_hard_sigmoid, _hard_sigmoid_slope)
hard_silu, hard_silu_backward = _curve(_hard_silu, _hard_silu_slope)
mish, mish_backward = _curve(_mish, _mish_slope)
erf_gelu, erf_gelu_backward = _curve(_erf_gelu, _erf_gelu_slope)
