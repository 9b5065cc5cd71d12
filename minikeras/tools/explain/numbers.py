"""How numbers are printed: the same characters here and on the page."""

import math
from decimal import ROUND_HALF_UP, Context

import numpy as np

SHORT, LONG, LONGEST = 4, 9, 13
"""Digits of a number in a column, of a float32 and of a float64 in full."""


def short(value):
    """Return a number with four digits.

    Example:
        >>> from minikeras.tools.explain.numbers import short
        >>> [short(v) for v in (0.0223, 1.5, 12345.0, 1e-7, 0, float("inf"))]
        ['0.02230', '1.500', '1.235e4', '1.000e-7', '0', 'inf']
    """
    return printed(value, SHORT)


def printed(value, digits):
    """Return a number with so many digits, halves rounded away from zero.

    Numbers with a decimal exponent from -4 to `digits - 1` are printed without one.

    Args:
        value: a number; integers are printed as they are.
        digits: int.
    """
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(int(value))
    value = float(value)
    if not math.isfinite(value) or value == 0:
        return "0" if value == 0 else str(value)
    rounded = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal_from_float(value)
    exponent = rounded.adjusted()
    if -4 <= exponent < digits:
        return f"{rounded:.{digits - 1 - exponent}f}"
    mantissa = rounded.scaleb(-exponent)
    return f"{mantissa:.{digits - 1}f}e{exponent}"


def apart(a, b):
    """Return how many float32 steps lie between two numbers."""
    if np.isnan(a) or np.isnan(b):
        return 0 if np.isnan(a) == np.isnan(b) else 2**32
    return abs(_place(a) - _place(b))


def _place(value):
    bits = int(np.float32(value).view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)
