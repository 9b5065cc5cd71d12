"""Where the pixels of a transformed image come from, and what continues an image beyond its edges.

The coordinates are those of TensorFlow's kernel for projective transforms, in which a coordinate is
moved into the image before its neighbours are looked up. A place between pixels has nodes, the
pixels around it: along an axis the one at `floor(c)` with the share `1 - (c - floor(c))`, and the
next one with `c - floor(c)`; the weight of a pixel is the product of its shares.
"""

import itertools

from minikeras.kernels.providers import dispatched, large_or_at_hand
from minikeras.kernels.shared.images.lookups import weighted_rows


def _has_pixels(least, args):
    """Whether transforms lead to so many pixels that compiling pays."""
    _, transforms, height, width = args[:4]
    return len(transforms) * height * width >= least


@dispatched("warping", is_large=large_or_at_hand)
def warped(xp, table, transforms, *, height, width, fill_mode, fill_value):
    """Interpolate images at the places where transforms say that their pixels come from.

    Args:
        xp: numpy or cupy.
        table: Float array (batch, height * width, channels), the pixels of each image.
        transforms: Float array (batch or 1, 8) of the same dtype, see `projected`.
        height: Int, the number of rows.
        width: Int, the number of columns.
        fill_mode: "constant", "nearest", "wrap" or "reflect".
        fill_value: Number, which pixels outside have.

    Returns:
        An array like the table.
    """
    index, weights, outside = pixels_around(xp, transforms, height, width, fill_mode)
    y = weighted_rows(xp, table, weights, index)
    outside = outside[..., None]
    return y + xp.where(outside > 0, outside * fill_value, 0)


def pixels_around(xp, transforms, height, width, fill_mode):
    """Find the four pixels around the place where each pixel comes from, and their weights.

    Args:
        xp: numpy or cupy.
        transforms: Float array (batch, 8), see `projected`.
        height: Int, the number of rows.
        width: Int, the number of columns.
        fill_mode: "constant", "nearest", "wrap" or "reflect".

    Returns:
        `index`, an int32 array (4, batch, height * width): places in the flat image; `weights`, an
        array like it of the dtype of the transforms, 0 for nodes outside; and what such nodes would
        weigh together, an array (batch, height * width).
    """
    sizes = height, width
    places = _inside(xp, transforms, sizes, fill_mode)
    axes = [list(_between(xp, c, size)) for c, size in zip(places, sizes, strict=True)]
    nodes = [
        ((y * width + x), in_y & in_x, share_y * share_x)
        for (y, in_y, share_y), (x, in_x, share_x) in itertools.product(*axes)
    ]
    index, valid, weights = (
        xp.stack(parts).reshape(len(nodes), len(transforms), height * width)
        for parts in zip(*nodes, strict=True)
    )
    outside = xp.where(valid, 0, weights).sum(axis=0)
    return index, xp.where(valid, weights, 0), outside


@dispatched("warping", is_large=_has_pixels)
def nearest_pixels(xp, transforms, height, width, fill_mode):
    """Find the pixel that is nearest to the place where each pixel comes from.

    Args:
        xp: numpy or cupy.
        transforms: Float array (batch, 8), see `projected`.
        height: Int, the number of rows.
        width: Int, the number of columns.
        fill_mode: "constant", "nearest", "wrap" or "reflect".

    Returns:
        An int32 array (batch, height * width), places in the flat image, and an array of booleans
        like it: whether the nearest pixel lies in the image.
    """
    sizes = height, width
    places = _inside(xp, transforms, sizes, fill_mode)
    nodes = [_node(xp, rounded(xp, c), n) for c, n in zip(places, sizes, strict=True)]
    (y, in_y), (x, in_x) = nodes
    shape = len(transforms), height * width
    return (y * width + x).reshape(shape), (in_y & in_x).reshape(shape)


def _inside(xp, transforms, sizes, fill_mode):
    """Where each pixel comes from, moved into the image."""
    places = projected(xp, transforms, *sizes)
    return [moved_inside(xp, c, n, fill_mode) for c, n in zip(places, sizes, strict=True)]


def _between(xp, coordinates, size):
    """The nodes before and after coordinates along an axis: places, whether inside, shares."""
    below = xp.floor(coordinates)
    share = coordinates - below
    yield *_node(xp, below, size), 1 - share
    yield *_node(xp, below + 1, size), share


def _node(xp, place, size):
    """A whole place along an axis as an index, moved inside, and whether it was inside."""
    node = place.astype("int32")
    return xp.clip(node, 0, size - 1), (node >= 0) & (node < size)


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
