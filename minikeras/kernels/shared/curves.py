"""Activation functions that are short formulas, each with its slope in one walk through the array.

Of each there is a forward kernel `(xp, x, *, keep)` and a backward kernel, as fused ops take them.
They save nothing: to compute a formula again costs less than to fetch what it gave.
"""

import math
from functools import partial

from minikeras.kernels.providers import provided
from minikeras.kernels.shared.activations import softplus
from minikeras.kernels.shared.special import erf
from minikeras.kernels.shared.wide import wide


def _curve(value, slope):
    """The two kernels of a function of one number."""

    def forward(xp, x, *, keep=False):
        return wide(xp, partial(value, xp), x), None

    def backward(xp, g, arrays, saved, needs):
        return [wide(xp, lambda g, x: g * slope(xp, x), g, arrays[0])]

    forward.__name__ = value.__name__.lstrip("_")
    backward.__name__ = f"{forward.__name__}_backward"
    forward.__doc__, backward.__doc__ = value.__doc__, slope.__doc__
    return provided(cuda="curves")(forward), provided(cuda="curves")(backward)


def _logistic(xp, x):
    return 1 / (xp.exp(-x) + 1)


def _softsign(xp, x):
    """`x / (1 + abs(x))`."""
    return x / (xp.abs(x) + 1)


def _softsign_slope(xp, x):
    """`1 / (1 + abs(x))**2`."""
    root = xp.abs(x) + 1
    return 1 / (root * root)


def _log_sigmoid(xp, x):
    """The logarithm of the sigmoid, exact far below zero."""
    return -softplus(xp, -x)


def _log_sigmoid_slope(xp, x):
    """The sigmoid of `-x`."""
    return _logistic(xp, -x)


def _hard_sigmoid(xp, x):
    """`(x + 3) / 6` between 0 and 1."""
    return xp.minimum(xp.maximum(x + 3, 0), 6) / 6


def _hard_sigmoid_slope(xp, x):
    """1/6 between -3 and 3."""
    return ((x > -3) & (x < 3)).astype(x.dtype) / 6


def _hard_silu(xp, x):
    """`x` times its hard sigmoid."""
    return x * _hard_sigmoid(xp, x)


def _hard_silu_slope(xp, x):
    """The hard sigmoid, and `x` times the slope of that."""
    return _hard_sigmoid(xp, x) + x * _hard_sigmoid_slope(xp, x)


def _mish(xp, x):
    """`x * tanh(softplus(x))`."""
    return x * xp.tanh(softplus(xp, x))


def _mish_slope(xp, x):
    """`t + x (1 - t²) sigmoid(x)` with `t = tanh(softplus(x))`."""
    t = xp.tanh(softplus(xp, x))
    return t + x * (1 - t * t) * _logistic(xp, x)


def _erf_gelu(xp, x):
    """`x` times the share of the normal distribution below it."""
    return 0.5 * x * (1 + _erf(xp, x * math.sqrt(0.5)))


def _erf_gelu_slope(xp, x):
    """That share, and `x` times the distribution's density."""
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
