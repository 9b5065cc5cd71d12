"""Margins of images, cut off or added."""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.ops.image.layout import IMAGES, check_rank, spatial_axes
from minikeras.ops.rearranging.elements import pad


@op
@described(IMAGES)
def pad_images(
    images,
    top_padding=None,
    left_padding=None,
    bottom_padding=None,
    right_padding=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Add rows and columns of zeros around images.

    Two of the three numbers for each axis are given: the margins at both ends, or one of them and
    the size of the result.

    Args:
        top_padding: int, the rows to add above, or None.
        left_padding: int, the columns to add on the left, or None.
        bottom_padding: int, the rows to add below, or None.
        right_padding: int, the columns to add on the right, or None.
        target_height: int, the height of the result, or None.
        target_width: int, the width of the result, or None.

    Returns:
        A tensor of the rank and dtype of `images`.

    Raises:
        ValueError: if the rank is not 3 or 4, not exactly two numbers are given for an axis, or
            one of the three is negative.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.ones((2, 2, 1))
        >>> y = keras.ops.image.pad_images(x, 1, 0, target_height=4, target_width=3)
        >>> y[..., 0].tolist()
        [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    images = convert_to_tensor(images)
    check_rank(images)
    asked = [
        ("top_padding", top_padding, "bottom_padding", bottom_padding, "height", target_height),
        ("left_padding", left_padding, "right_padding", right_padding, "width", target_width),
    ]
    shape, widths = list(images.shape), [(0, 0)] * images.ndim
    for axis, parts in zip(spatial_axes(data_format), asked, strict=True):
        size = shape[axis]
        before, after, shape[axis] = _margins(size, parts, sign=1)
        widths[axis] = before, after
    if not all(dims.is_known(pair) for pair in widths):
        return Abstract(shape, images.dtype)
    return pad(images, widths)


@op
@described(IMAGES)
def crop_images(
    images,
    top_cropping=None,
    left_cropping=None,
    bottom_cropping=None,
    right_cropping=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Cut rows and columns off images.

    Two of the three numbers for each axis are given: the margins at both ends, or one of them and
    the size of the result.

    Args:
        top_cropping: int, the rows to cut off above, or None.
        left_cropping: int, the columns to cut off on the left, or None.
        bottom_cropping: int, the rows to cut off below, or None.
        right_cropping: int, the columns to cut off on the right, or None.
        target_height: int, the height of the result, or None.
        target_width: int, the width of the result, or None.

    Returns:
        A tensor of the rank and dtype of `images`.

    Raises:
        ValueError: if the rank is not 3 or 4, not exactly two numbers are given for an axis, or
            one of the three is negative.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape(keras.ops.arange(6), (2, 3, 1))
        >>> keras.ops.image.crop_images(x, 1, 1, 0, 0)[..., 0].tolist()
        [[4, 5]]
    """
    images = convert_to_tensor(images)
    check_rank(images)
    asked = [
        ("top_cropping", top_cropping, "bottom_cropping", bottom_cropping, "height", target_height),
        ("left_cropping", left_cropping, "right_cropping", right_cropping, "width", target_width),
    ]
    shape, key = list(images.shape), [slice(None)] * images.ndim
    for axis, parts in zip(spatial_axes(data_format), asked, strict=True):
        size = shape[axis]
        before, _, shape[axis] = _margins(size, parts, sign=-1)
        key[axis] = slice(before, before + shape[axis])
    if not all(dims.is_known((part.start, part.stop)) for part in key if part.stop is not None):
        return Abstract(shape, images.dtype)
    return images[tuple(key)]


def _margins(size, parts, sign):
    """Complete the numbers for one axis, of which two are given.

    Args:
        size: the size of the axis.
        parts: `(name, before, name, after, "height" or "width", target)`.
        sign: 1 if the margins are added, -1 if they are cut off: then
            `target = size + sign * (before + after)`.

    Returns:
        `(before, after, target)`.
    """
    first, before, last, after, side, target = parts
    total = f"target_{side}"
    if [before, after, target].count(None) != 1:
        raise ValueError(
            f"Must specify exactly two of {first}, {last}, {total}. "
            f"Received: {first}={before}, {last}={after}, {total}={target}"
        )
    if target is None:
        target = size + sign * (before + after)
    elif before is None:
        before = sign * (target - size) - after
    else:
        after = sign * (target - size) - before
    for name, value in ((first, before), (last, after), (total, target)):
        if not isinstance(value, Dim) and value < 0:
            raise ValueError(
                f"{name} must be >= 0. Received: {name}={value} for images of {side} {size}."
            )
    return before, after, target
