"""Element by element: operations on the bits of integers."""

from dataclasses import replace

from minikeras.autograd.composite import op
from minikeras.autograd.families import elementwise
from minikeras.autograd.primitive import primitive
from minikeras.core.docstrings import described
from minikeras.ops.elementwise.promotion import integers, integral

_bits = replace(elementwise, promote=integers)


@primitive(integral)
def bitwise_and(xp, x, y):
    """Set the bits that are set in both inputs.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.bitwise_and([6, 5], 3).tolist()
        [2, 1]
    """
    return x & y


@primitive(integral)
def bitwise_or(xp, x, y):
    """Set the bits that are set in at least one input.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.bitwise_or([6, 5], 3).tolist()
        [7, 7]
    """
    return x | y


@primitive(integral)
def bitwise_xor(xp, x, y):
    """Set the bits that are set in exactly one input.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.bitwise_xor([6, 5], 3).tolist()
        [5, 6]
    """
    return x ^ y


@primitive(integral)
def bitwise_left_shift(xp, x, y):
    """Move the bits to the left, by at least 0 and less than their number.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.bitwise_left_shift([1, 3], 2).tolist()
        [4, 12]
    """
    return xp.left_shift(x, _shift(xp, y))


@primitive(integral)
def bitwise_right_shift(xp, x, y):
    """Move the bits to the right, by at least 0 and less than their number; the sign stays.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.bitwise_right_shift([8, -8], 2).tolist()
        [2, -2]
    """
    return xp.right_shift(x, _shift(xp, y))


@primitive(_bits)
def bitwise_invert(xp, x):
    """Turn every bit over.

    Args:
        x: integer tensor of any shape.

    Returns:
        A tensor of the same shape and dtype.

    Raises:
        TypeError: if the input is not of an integer dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.bitwise_invert([0, 5]).tolist()
        [-1, -6]
    """
    return ~x


@op
@described(bitwise_invert)
def bitwise_not(x):
    """Turn every bit over; the same as `bitwise_invert`.

    Returns:
        A tensor of the same shape and dtype.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.bitwise_not([0, 5]).tolist()
        [-1, -6]
    """
    return bitwise_invert(x)


@op
@described(bitwise_left_shift)
def left_shift(x, y):
    """Move the bits to the left; the same as `bitwise_left_shift`.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.left_shift([1, 3], 2).tolist()
        [4, 12]
    """
    return bitwise_left_shift(x, y)


@op
@described(bitwise_right_shift)
def right_shift(x, y):
    """Move the bits to the right; the same as `bitwise_right_shift`.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        TypeError: if the inputs are not integers.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.right_shift([8, -8], 2).tolist()
        [2, -2]
    """
    return bitwise_right_shift(x, y)


def _shift(xp, y):
    """A shift within what the dtype's width allows; others have no defined result in hardware."""
    return xp.clip(y, 0, 8 * y.dtype.itemsize - 1)
