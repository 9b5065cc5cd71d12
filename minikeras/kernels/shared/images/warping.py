"""Where the pixels of a transformed image come from, and what continues an image beyond its edges.

The coordinates are those of TensorFlow's kernel for projective transforms, in which a coordinate is
moved into the image before its neighbours are looked up.
"""


def projected(xp, transforms, height, width):
    """Map each pixel by a projective transform.

        k = c0 * x + c1 * y + 1
        x' = (a0 * x + a1 * y + a2) / k
        y' = (b0 * x + b1 * y + b2) / k

    Args:
        xp: numpy or cupy.
        transforms: Float array (batch, 8): `a0, a1, a2, b0, b1, b2, c0, c1`.
        height: Int, the number of rows.
        width: Int, the number of columns.

    Returns:
        `y'` and `x'`, arrays (batch, height, width).
    """
    dtype = transforms.dtype
    y = xp.arange(height, dtype=dtype)[:, None]
    x = xp.arange(width, dtype=dtype)
    a0, a1, a2, b0, b1, b2, c0, c1 = transforms.T[..., None, None]
    k = c0 * x + c1 * y + 1
    return (b0 * x + b1 * y + b2) / k, (a0 * x + a1 * y + a2) / k


def moved_inside(xp, coordinates, size, fill_mode):
    """Move coordinates along an axis of `size` pixels inside, as the mode says.

    In the mode "constant", and where a coordinate is not finite, those outside stay outside.

    Args:
        xp: numpy or cupy.
        coordinates: Float array of any shape.
        size: Int.
        fill_mode: "constant", "nearest", "wrap" or "reflect".

    Returns:
        An array of the same shape and dtype.
    """
    outside = coordinates.dtype.type(-2)
    if fill_mode == "constant":
        return xp.clip(xp.where(xp.isnan(coordinates), outside, coordinates), outside, size + 1)
    if fill_mode in ("wrap", "reflect") and size > 1:
        coordinates = (_wrapped if fill_mode == "wrap" else _reflected)(xp, coordinates, size)
    elif fill_mode != "nearest":
        coordinates = coordinates * 0
    inside = xp.clip(coordinates, 0, size - 1)
    return xp.where(xp.isfinite(coordinates), inside, outside)


def _wrapped(xp, c, size):
    """Continue `a b c d` as `a b c d | a b c d | a b c d`."""
    last = size - 1
    below = c + size * (xp.trunc(-c / last) + 1)
    return xp.where(c < 0, below, xp.where(c > last, c - size * xp.trunc(c / last), c))


def _reflected(xp, c, size):
    """Continue `a b c d` as `d c b a | a b c d | d c b a`."""
    period = 2 * size
    low = xp.where(c < period, c + period * xp.trunc(-c / period), c)
    low = xp.where(low < -size, low + period, -low - 1)
    high = c - period * xp.trunc(c / period)
    high = xp.where(high >= size, period - high - 1, high)
    return xp.where(c < 0, low, xp.where(c > size - 1, high, c))


def rounded(xp, coordinates):
    """Round to the nearest integer, halves away from zero.

    Args:
        xp: numpy or cupy.
        coordinates: Float array.
    """
    whole = xp.trunc(coordinates)
    return whole + xp.trunc(2 * (coordinates - whole))
