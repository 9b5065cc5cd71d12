"""Element by element: arithmetic, with gradients of any order.

Gradients at kinks and poles are those of TensorFlow: `absolute` has slope 0 at 0, `sign` has
gradient zero everywhere, and `power` has slope 0 by the exponent where the base is not positive.
"""

import numpy as np

from minikeras.autograd.composite import op
from minikeras.autograd.families import division, elementwise, floating, numeric
from minikeras.autograd.primitive import primitive
from minikeras.core.docstrings import described
from minikeras.kernels.shared.wide import wide
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.elementwise.exponential import log
from minikeras.ops.elementwise.promotion import arithmetic


@primitive(arithmetic)
def add(xp, x1, x2):
    """Add two tensors element by element.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.add([1.0, 2.0], 3.0).tolist()
        [4.0, 5.0]
    """
    return wide(xp, xp.add, x1, x2)


@add.vjp("x1", "x2")
def _(g):
    return g


@primitive(arithmetic)
def subtract(xp, x1, x2):
    """Subtract the second tensor from the first, element by element.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.subtract([1.0, 2.0], 3.0).tolist()
        [-2.0, -1.0]
    """
    return wide(xp, xp.subtract, x1, x2)


@subtract.vjp("x1")
def _(g):
    return g


@subtract.vjp("x2")
def _(g):
    return -g


@primitive(arithmetic)
def multiply(xp, x1, x2):
    """Multiply two tensors element by element.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.multiply([1.0, 2.0], 3.0).tolist()
        [3.0, 6.0]
    """
    return wide(xp, xp.multiply, x1, x2)


@multiply.vjp("x1")
def _(g, x2):
    return g * x2


@multiply.vjp("x2")
def _(g, x1):
    return g * x1


@primitive(division)
def divide(xp, x1, x2, *, out=None):
    """Divide the first tensor by the second, element by element.

    Returns:
        A float tensor of the broadcast shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.divide([1, 3], 2).tolist()
        [0.5, 1.5]
    """
    return xp.divide(x1, x2, out=out)


@divide.vjp("x1")
def _(g, x2):
    return g / x2


@divide.vjp("x2")
def _(g, x2, y):
    return -g * y / x2


@op
@described(divide)
def true_divide(x1, x2):
    """Divide the first tensor by the second, element by element; the same as `divide`.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.true_divide([1, 3], 2).tolist()
        [0.5, 1.5]
    """
    return divide(x1, x2)


@primitive(arithmetic)
def power(xp, x1, x2):
    """Raise the first tensor to the power of the second, element by element.

    Args:
        x1: tensor or number, of any shape and dtype, the base.
        x2: tensor or number of any dtype, the exponent, whose shape broadcasts with that of `x1`.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if integers are raised to a negative power.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.power([1.0, 2.0, 3.0], 2).tolist()
        [1.0, 4.0, 9.0]
    """
    if xp is np and x2.ndim == 0 and x2 == 2:  # a GPU would have to be asked, and waited for
        return xp.multiply(x1, x1)
    return xp.power(x1, x2)


@power.vjp("x1")
def _(g, x1, x2):
    return g * (x2 * power(x1, x2 - 1))


@power.vjp("x2")
def _(g, x1, y):
    # The logarithm of a base that is not positive counts as 0, the gradient there being undefined.
    positive = x1 > 0
    return g * y * where(positive, log(where(positive, x1, 1.0)), 0.0)


@primitive(elementwise)
def negative(xp, x, *, out=None):
    """Change the sign of every element.

    Args:
        x: tensor of any shape, of any dtype but bool.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.negative([1.0, -2.0]).tolist()
        [-1.0, 2.0]
    """
    return xp.negative(x, out=out)


@negative.vjp()
def _(g):
    return -g


@primitive(elementwise)
def absolute(xp, x, *, out=None):
    """Drop the sign of every element.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.absolute([1.0, -2.0]).tolist()
        [1.0, 2.0]
    """
    return xp.absolute(x, out=out)


@absolute.vjp()
def _(g, x):
    return g * sign(x)


abs = absolute


@primitive(floating)
def fabs(xp, x, *, out=None):
    """Drop the sign of every element, as floats.

    Returns:
        A float tensor of the same shape; integers become the default float.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.fabs([1, -2]).tolist()
        [1.0, 2.0]
    """
    return xp.absolute(x, out=out)


@fabs.vjp()
def _(g, x):
    return g * sign(x)


@primitive(elementwise)
def sign(xp, x):
    """Return -1, 0 or 1 by the sign of every element; the gradient is zero.

    Args:
        x: tensor of any shape, of any dtype but bool.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sign([3.0, 0.0, -2.0]).tolist()
        [1.0, 0.0, -1.0]
    """
    return xp.sign(x)


@sign.vjp()
def _(g):
    return zeros_of(g)


@primitive(elementwise)
def zeros_of(xp, x):
    """Zeros in the shape and dtype of `x`, whatever its values."""
    return xp.zeros_like(x)


@zeros_of.vjp()
def _(g):
    return zeros_of(g)


@primitive(numeric)
def square(xp, x, *, out=None):
    """Square every element: `x * x`.

    Returns:
        A tensor of the same shape and dtype; bools become int32.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.square([3.0, -2.0]).tolist()
        [9.0, 4.0]
    """
    return xp.multiply(x, x, out=out)


@square.vjp()
def _(g, x):
    return g * (2 * x)
