"""Activation functions, element by element, and their gradients.

ReLU: Nair and Hinton (2010). ELU: Clevert, Unterthiner and Hochreiter (2016). SELU: Klambauer et
al. (2017). GELU: Hendrycks and Gimpel (2016), exactly and with a hyperbolic tangent. SiLU (swish):
Elfwing et al. (2017), Ramachandran et al. (2017). Mish: Misra (2019). Softplus: Dugas et al.
(2000). Softmax is in `crossentropy`, since it is hardly ever taken without one.

`g` is the gradient with respect to the result `y`. Where a function has a kink, its slope there is
that of one of the two sides.
"""

from math import erf as _erf
from math import pi

from numpy import abs, exp, expm1, frompyfunc, log1p, maximum, minimum, sqrt, tanh, where


def relu(x):
    """Rectified linear unit."""
    y = maximum(x, 0)
    return y


def relu_backward(g, y):
    """Gradient of `relu`."""
    dx = g * (y > 0)
    return dx


def relu6(x):
    """The same, at most 6."""
    y = minimum(maximum(x, 0), 6)
    return y


def relu6_backward(g, y):
    """Gradient of `relu6`."""
    dx = g * ((y > 0) & (y < 6))
    return dx


def leaky_relu(x, negative_slope):
    """A ramp that also slopes below zero."""
    y = where(x > 0, x, negative_slope * x)
    return y


def leaky_relu_backward(g, x, negative_slope):
    """Gradient of `leaky_relu`."""
    dx = where(x > 0, g, negative_slope * g)
    return dx


def elu(x):
    """Exponential linear unit."""
    y = where(x > 0, x, expm1(minimum(x, 0)))
    return y


def elu_backward(g, y):
    """Gradient of `elu`; below zero `exp(x) = y + 1`."""
    dx = where(y < 0, g * (y + 1), g)
    return dx


def selu(x, scale=1.0507009873554805, alpha=1.6732632423543772):
    """Scaled exponential linear unit."""
    y = scale * where(x > 0, x, alpha * expm1(minimum(x, 0)))
    return y


def selu_backward(g, y, scale=1.0507009873554805, alpha=1.6732632423543772):
    """Gradient of `selu`; below zero `scale * alpha * exp(x) = y + scale * alpha`."""
    dx = where(y < 0, g * (y + scale * alpha), g * scale)
    return dx


def sigmoid(x):
    """The logistic function."""
    y = 1 / (1 + exp(-x))
    return y


def sigmoid_backward(g, y):
    """Gradient of `sigmoid`."""
    dx = g * y * (1 - y)
    return dx


def tanh_backward(g, y):
    """Gradient of the hyperbolic tangent `y = tanh(x)`."""
    dx = g * (1 - y**2)
    return dx


def softplus(x):
    """`log(1 + exp(x))`, in which no exponential overflows."""
    y = maximum(x, 0) + log1p(exp(-abs(x)))
    return y


def softplus_backward(g, x):
    """Gradient of `softplus`."""
    dx = g / (1 + exp(-x))
    return dx


def log_sigmoid(x):
    """The logarithm of the logistic function."""
    y = -softplus(-x)
    return y


def log_sigmoid_backward(g, x):
    """Gradient of `log_sigmoid`."""
    dx = g * sigmoid(-x)
    return dx


def softsign(x):
    """A sigmoid without an exponential."""
    y = x / (1 + abs(x))
    return y


def softsign_backward(g, x):
    """Gradient of `softsign`."""
    dx = g / (1 + abs(x)) ** 2
    return dx


def silu(x):
    """Sigmoid linear unit, also called swish."""
    s = sigmoid(x)
    y = x * s
    return y, s


def silu_backward(g, x, s):
    """Gradient of `silu`."""
    dx = g * s * (1 + x * (1 - s))
    return dx


def gelu(x):
    """Gaussian error linear unit with a hyperbolic tangent."""
    u = sqrt(2 / pi) * (x + 0.044715 * x**3)
    t = tanh(u)
    y = x * (1 + t) / 2
    return y, t


def gelu_backward(g, x, t):
    """Gradient of `gelu`."""
    du = sqrt(2 / pi) * (1 + 3 * 0.044715 * x**2)  # of u with respect to x
    dx = g * (1 + t + x * (1 - t**2) * du) / 2
    return dx


def erf_gelu(x):
    """Gaussian error linear unit: `x` times the probability of a normal number below `x`."""
    below = (1 + erf(x * sqrt(0.5))) / 2
    y = x * below
    return y, below


def erf_gelu_backward(g, x, below):
    """Gradient of `erf_gelu`."""
    density = exp(-(x**2) / 2) / sqrt(2 * pi)
    dx = g * (below + x * density)
    return dx


def hard_sigmoid(x):
    """A sigmoid of straight lines."""
    y = minimum(maximum(x + 3, 0), 6) / 6
    return y


def hard_sigmoid_backward(g, x):
    """Gradient of `hard_sigmoid`."""
    dx = g * ((x > -3) & (x < 3)) / 6
    return dx


def hard_silu(x):
    """The SiLU of straight lines, also called hard swish."""
    y = x * hard_sigmoid(x)
    return y


def hard_silu_backward(g, x):
    """Gradient of `hard_silu`."""
    dx = g * (hard_sigmoid(x) + x * ((x > -3) & (x < 3)) / 6)
    return dx


def mish(x):
    """Self-regularized unit."""
    t = tanh(softplus(x))
    y = x * t
    return y, t


def mish_backward(g, x, t):
    """Gradient of `mish`."""
    dx = g * (t + x * (1 - t**2) * sigmoid(x))
    return dx


def erf(x):
    """The error function, from the standard library."""
    return frompyfunc(_erf, 1, 1)(x).astype(float)
