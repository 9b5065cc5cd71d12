"""Colors as red, green and blue, and as hue, saturation and value, all from 0 to 1.

The formulas are those of Smith, "Color gamut transform pairs" (1978). `xp` is an array module, or
the module of the ops of these names: the same text is what a gradient is taken of.
"""

from minikeras.kernels.providers import dispatched, large_or_at_hand


@dispatched("colors", is_large=large_or_at_hand)
def rgb_to_hsv(xp, x):
    """Turn red, green and blue into hue, saturation and value; see `ops.image.rgb_to_hsv`.

    Args:
        xp: numpy, cupy or ops.
        x: Float array (..., 3).

    Returns:
        An array like it.
    """
    r, g, b = x[..., 0], x[..., 1], x[..., 2]
    value = xp.maximum(xp.maximum(r, g), b)
    spread = value - xp.minimum(xp.minimum(r, g), b)
    saturation = xp.where(value > 0, spread / xp.where(value > 0, value, 1), 0)
    sixth = 1 / (6 * xp.where(spread > 0, spread, 1))
    hue = xp.where(
        r == value,
        sixth * (g - b),
        xp.where(g == value, sixth * (b - r) + 2 / 6, sixth * (r - g) + 4 / 6),
    )
    hue = xp.where(spread > 0, hue, 0)
    hue = xp.where(hue < 0, hue + 1, hue)
    return xp.stack([hue, saturation, value], axis=-1)


@dispatched("colors", is_large=large_or_at_hand)
def hsv_to_rgb(xp, x):
    """Turn hue, saturation and value into red, green and blue; see `ops.image.hsv_to_rgb`.

    Args:
        xp: numpy, cupy or ops.
        x: Float array (..., 3).

    Returns:
        An array like it.
    """
    hue, saturation, value = 6 * x[..., 0], x[..., 1], x[..., 2]
    shares = xp.abs(hue - 3) - 1, 2 - xp.abs(hue - 2), 2 - xp.abs(hue - 4)
    return xp.stack(
        [(1 - saturation + saturation * xp.clip(share, 0, 1)) * value for share in shares], axis=-1
    )
