"""Activation functions that take more than one pass over the array, and their gradients.

No exponential here overflows: each is taken of a number that is zero or negative.
"""

import math

from minikeras.core.types import Axes
from minikeras.kernels.providers import dispatched

GELU_SCALE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715
"""What the tanh form of GELU multiplies by; see `gelu`."""

SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
"""With these mean 0 and variance 1 are kept; Klambauer et al. (2017), equation 14."""


@dispatched("crossentropy", cuda="crossentropy")
def softmax(xp, x, *, axis: Axes = -1):
    """Exponentials divided by their sum.

    Equations (crossentropy.softmax):
        power = exp(x - max(x, axis=-1, keepdims=True))
        y = power / sum(power, axis=-1, keepdims=True)

    Args:
        xp: The array module.
        x: Float array.
        axis: Axis, tuple of axes, or None for all, along which the result adds up to one.

    Returns:
        Array of the shape of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import softmax
        >>> softmax(np, np.array([1000.0, 1000.0]))
        array([0.5, 0.5])
    """
    _, powers, total = exponentials(xp, x, axis)
    powers /= total
    return powers


@dispatched(cuda="crossentropy")
def log_softmax(xp, x, *, axis: Axes = -1):
    """Logarithm of `softmax`, without taking a logarithm of a probability.

    Equations (crossentropy.log_softmax):
        shifted = x - max(x, axis=-1, keepdims=True)
        y = shifted - log(sum(exp(shifted), axis=-1, keepdims=True))

    Args:
        xp: The array module.
        x: Float array.
        axis: Axis, tuple of axes, or None for all.

    Returns:
        Array of the shape of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import log_softmax
        >>> log_softmax(np, np.array([0.0, -1000.0]))
        array([    0., -1000.])
    """
    shifted, _, total = exponentials(xp, x, axis)
    shifted -= xp.log(total)
    return shifted


def exponentials(xp, x, axis):
    """The three parts of which softmax and the cross-entropies are made.

    Args:
        xp: The array module.
        x: Float array.
        axis: Axis, tuple of axes, or None for all.

    Returns:
        `x` less its maximum, the exponential of that, and the sum of this with size-1 axes.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import exponentials
        >>> exponentials(np, np.array([7.0, 7.0]), 0)
        (array([0., 0.]), array([1., 1.]), array([2.]))
    """
    # An empty axis has no maximum, and nothing to subtract it from.
    shifted = x - x.max(axis=axis, keepdims=True) if x.size else x
    powers = xp.exp(shifted)
    return shifted, powers, powers.sum(axis=axis, keepdims=True)


@dispatched(cuda="activations")
def softplus(xp, x):
    """The logarithm of `1 + exp(x)`, element by element.

    Equations (activations.softplus):
        y = maximum(x, 0) + log1p(exp(-abs(x)))

    Args:
        xp: The array module.
        x: Float array.

    Returns:
        Array of the shape of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import softplus
        >>> softplus(np, np.array([1000.0, -1000.0]))
        array([1000.,    0.])
    """
    y = xp.log1p(xp.exp(-xp.abs(x)))
    y += xp.maximum(x, 0)
    return y


@dispatched("activations", cuda="activations")
def sigmoid(xp, x):
    """`1 / (1 + exp(-x))`, element by element.

    Equations (activations.sigmoid):
        y = 1 / (1 + exp(-x))

    Args:
        xp: The array module.
        x: Float array.

    Returns:
        Array of the shape of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import sigmoid
        >>> sigmoid(np, np.array([0.0, -1000.0]))
        array([0.5, 0. ])
    """
    return sigmoid_from(xp, x, xp.exp(-xp.abs(x)))


def sigmoid_from(xp, x, power):
    """`sigmoid` of `x`, given `exp(-|x|)`.

    The numerator is 1 or the exponential, whichever the sign asks for; since the exponential is
    never above 1 that is a maximum, which runs without a branch.

    Args:
        xp: The array module.
        x: Float array.
        power: `exp(-|x|)`.

    Returns:
        Array of the shape of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import sigmoid_from
        >>> sigmoid_from(np, np.zeros(1), np.ones(1))
        array([0.5])
    """
    y = xp.maximum(x >= 0, power)
    y /= power + 1
    return y


@dispatched("activations", cuda="activations")
def silu(xp, x, *, save=False):
    """Sigmoid linear unit (SiLU, swish), element by element.

    Equations (activations.silu):
        s = sigmoid(x)
        y = x * s

    Args:
        xp: The array module.
        x: Float array.
        save: Whether a backward pass will follow.

    Returns:
        Array of the shape of `x`, and the sigmoid if `save`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import silu
        >>> silu(np, np.array([0.0, 100.0]))[0]
        array([  0., 100.])
    """
    s = sigmoid(xp, x)
    return x * s, s if save else None


@dispatched("activations", cuda="activations")
def silu_backward(xp, g, arrays, saved, needs):
    """Gradient of `silu`.

    Equations (activations.silu_backward):
        dx = g * s * (1 + x * (1 - s))

    Args:
        xp: The array module.
        g: The gradient with respect to the result.
        arrays: `(x,)`.
        saved: The sigmoid.
        needs: One bool.

    Returns:
        A list of one array.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import silu, silu_backward
        >>> x = np.zeros(1)
        >>> silu_backward(np, np.ones(1), (x,), silu(np, x, save=True)[1], (True,))
        [array([0.5])]
    """
    slope = 1 - saved
    slope *= arrays[0]
    slope += 1
    slope *= saved
    slope *= g
    return [slope]


@dispatched("activations", cuda="activations")
def gelu(xp, x, *, save=False):
    """Gaussian error linear unit with a hyperbolic tangent.

    Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), section 2.

    Equations (activations.gelu):
        u = sqrt(2 / pi) * (x + 0.044715 * x**3)
        t = tanh(u)
        y = x * (1 + t) / 2

    Args:
        xp: The array module.
        x: Float array.
        save: Whether a backward pass will follow.

    Returns:
        Array of the shape of `x`, and `tanh(u)` if `save`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import gelu
        >>> gelu(np, np.array([0.0, 100.0]))[0]
        array([  0., 100.])
    """
    u = xp.multiply(x, x, out=xp.empty_like(x))
    u *= GELU_CUBIC
    u += 1
    u *= x
    u *= GELU_SCALE
    t = xp.tanh(u, out=u)
    y = t + 1
    y *= x
    y *= 0.5
    return y, t if save else None


@dispatched("activations", cuda="activations")
def gelu_backward(xp, g, arrays, saved, needs):
    """Gradient of `gelu`.

    Equations (activations.gelu_backward):
        du = sqrt(2 / pi) * (1 + 3 * 0.044715 * x**2)  # of u with respect to x
        dx = g * (1 + t + x * (1 - t**2) * du) / 2

    Args:
        xp: The array module.
        g: The gradient with respect to the result.
        arrays: `(x,)`.
        saved: `t`, the hyperbolic tangent.
        needs: One bool.

    Returns:
        A list of one array.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.activations import gelu, gelu_backward
        >>> x = np.zeros(1)
        >>> gelu_backward(np, np.ones(1), (x,), gelu(np, x, save=True)[1], (True,))
        [array([0.5])]
    """
    (x,), t = arrays, saved
    slope = x * x
    slope *= 3 * GELU_CUBIC * GELU_SCALE
    slope += GELU_SCALE
    slope *= x
    rest = t * t
    rest -= 1
    slope *= rest
    slope -= t
    slope -= 1
    slope *= -0.5
    slope *= g
    return [slope]
