"""VJPs of activation functions: slopes times the gradient of the output, each one pass.

Each is linear in `dy`, the gradient with respect to the function's result.
"""

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.wide import wide

# Elements from which one pass less is worth the import of the compiler.
_LARGE = 1 << 17


@dispatched(cuda="activations")
def leaky_slope(xp, x, dy, *, below):
    """The gradient of a function with slope 1 above zero and another one below.

    Args:
        xp: The array module.
        x: Float array.
        dy: Array of its shape.
        below: The slope up to zero.

    Returns:
        Array of that shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.slopes import leaky_slope
        >>> leaky_slope(np, np.array([-1.0, 1.0]), np.array([2.0, 2.0]), below=0.5)
        array([1., 2.])
    """
    return wide(xp, lambda x, dy: xp.where(x > 0, dy, dy * below), x, dy)


@dispatched(cuda="activations")
def exponential_slope(xp, y, dy, *, scale=1.0, shift=1.0):
    """The gradient of `scale * x` above zero and an exponential less `shift` below.

    Args:
        xp: The array module.
        y: Float array, the function's result.
        dy: Array of its shape.
        scale: The slope above zero.
        shift: Minus the limit of `y` far below zero.

    Returns:
        Array of that shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.slopes import exponential_slope
        >>> exponential_slope(np, np.array([-0.75, 3.0]), np.array([2.0, 2.0]))
        array([0.5, 2. ])
    """

    def slope(y, dy):
        return xp.where(y < 0, dy * (y + shift), dy * scale)

    return wide(xp, slope, y, dy)


@dispatched(cuda="activations")
def softplus_slope(xp, x, dy):
    """The gradient of `log(1 + exp(x))`.

    Args:
        xp: The array module.
        x: Float array.
        dy: Array of its shape.

    Returns:
        Array of that shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.slopes import softplus_slope
        >>> softplus_slope(np, np.array([100.0, 0.0]), np.array([2.0, 2.0]))
        array([2., 1.])
    """
    return wide(xp, lambda x, dy: dy * (1 / (xp.exp(-x) + 1)), x, dy)


@dispatched(cuda="activations")
def between_slope(xp, y, dy, *, low, high):
    """The gradient of a clipped value: `dy` where it lies inside its bounds, else zero.

    Args:
        xp: The array module.
        y: Float array, the clipped value.
        dy: Array of its shape.
        low: The lower bound.
        high: The upper bound.

    Returns:
        Array of that shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.slopes import between_slope
        >>> between_slope(np, np.array([0.0, 3.0, 6.0]), np.ones(3), low=0, high=6)
        array([0., 1., 0.])
    """
    return wide(xp, lambda y, dy: dy * ((y > low) & (y < high)), y, dy)


@dispatched("slopes", cuda="activations", least=_LARGE)
def sqrt_slope(xp, y, dy):
    """The gradient of the square root, `dy / (2 y)`; 0 where `dy` is 0, even if `y` is 0.

    Args:
        xp: The array module.
        y: Float array, the root.
        dy: Array of its shape.

    Returns:
        Array of that shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.slopes import sqrt_slope
        >>> with np.errstate(all="ignore"):
        ...     sqrt_slope(np, np.array([2.0, 0.0, 0.0]), np.array([1.0, 1.0, 0.0])).tolist()
        [0.25, inf, 0.0]
    """

    def slope(y, dy):
        dx = xp.multiply(dy, 0.5, out=xp.empty_like(dy))
        return _zero_with(xp, dy, xp.divide(dx, y, out=dx))

    return wide(xp, slope, y, dy)


@dispatched("slopes", cuda="activations", least=_LARGE)
def rsqrt_slope(xp, y, dy):
    """The gradient of `y = 1 / sqrt(x)`, `-dy y³ / 2`; 0 where `dy` is 0, even if `y` is infinite.

    Args:
        xp: The array module.
        y: Float array, the function's result.
        dy: Array of its shape.

    Returns:
        Array of that shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.slopes import rsqrt_slope
        >>> with np.errstate(all="ignore"):
        ...     rsqrt_slope(np, np.array([2.0, np.inf]), np.array([1.0, 0.0])).tolist()
        [-4.0, 0.0]
    """

    def slope(y, dy):
        dx = xp.multiply(y, y, out=xp.empty_like(y))
        dx *= y
        dx *= -0.5
        return _zero_with(xp, dy, xp.multiply(dx, dy, out=dx))

    return wide(xp, slope, y, dy)


@dispatched("slopes", cuda="activations", least=_LARGE)
def reciprocal_slope(xp, y, dy):
    """The gradient of `y = 1 / x`, `-dy y²`; 0 where `dy` is 0, even if `y` is infinite.

    Args:
        xp: The array module.
        y: Float array, the function's result.
        dy: Array of its shape.

    Returns:
        Array of that shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.slopes import reciprocal_slope
        >>> with np.errstate(all="ignore"):
        ...     reciprocal_slope(np, np.array([2.0, np.inf]), np.array([1.0, 0.0])).tolist()
        [-4.0, 0.0]
    """

    def slope(y, dy):
        dx = xp.multiply(dy, y, out=xp.empty_like(dy))
        dx *= y
        return _zero_with(xp, dy, xp.negative(dx, out=dx))

    return wide(xp, slope, y, dy)


def _zero_with(xp, dy, dx):
    """`dx`, and 0 where `dy` is 0: infinity times 0 would be NaN."""
    xp.copyto(dx, 0, where=dy == 0)
    return dx
