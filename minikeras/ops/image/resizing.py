"""Images of another size."""

from minikeras.arrays import device
from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, as_they_are, same
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dtypes
from minikeras.core.checks import one_of
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.shared.images import resampling
from minikeras.ops.core.tensors import saturate_cast
from minikeras.ops.elementwise.rounding import round
from minikeras.ops.image import interpolation as kernels
from minikeras.ops.image.layout import (
    IMAGES,
    as_declared,
    channels_last,
    check_rank,
    spatial_axes,
)
from minikeras.ops.indexing.lookup import take
from minikeras.ops.rearranging.elements import pad

INTERPOLATIONS = ("nearest", *kernels.KERNELS, "area")
"""What `resize` knows."""


@op
@described(IMAGES)
def resize(
    images,
    size,
    interpolation="bilinear",
    antialias=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    fill_mode="constant",
    fill_value=0.0,
    data_format=None,
):
    """Bring images to another size.

    New pixels lie over the old ones edge to edge, and are weighted sums of the old ones around
    their centres; the weights are those of the interpolation, along one axis after the other.

    Args:
        size: two ints, height and width of the result.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"`, or
            `"area"` for the means over the areas of the new pixels.
        antialias: bool; where images become smaller, whether all pixels that a new one covers count
            in it. `"nearest"` and `"area"` don't look at it.
        crop_to_aspect_ratio: bool, whether to take the largest part in the middle of the images
            that has the height and width of the result in proportion.
        pad_to_aspect_ratio: bool, whether to add margins to that end.
        fill_mode: `"constant"`.
        fill_value: number, what the margins are filled with.

    Returns:
        A tensor of the rank and dtype of `images`. Integers are rounded, and values outside their
        range go to its ends.

    Raises:
        ValueError: if the rank is not 3 or 4, the size is not two positive ints, an argument is
            unknown, or both `crop_to_aspect_ratio` and `pad_to_aspect_ratio` are asked for.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([0.0, 4.0], (1, 2, 1))
        >>> keras.ops.image.resize(x, (1, 4))[0, :, 0].tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    _check(size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode)
    images = convert_to_tensor(images)
    check_rank(images)
    height, width = spatial_axes(data_format)
    if isinstance(images, Abstract):
        shape = list(images.shape)
        shape[height], shape[width] = size
        return Abstract(shape, images.dtype)
    x = channels_last(images, data_format)
    if crop_to_aspect_ratio:
        x = _cropped(x, size)
    elif pad_to_aspect_ratio:
        x = _padded(x, size, fill_value)
    return as_declared(_resized(x, tuple(size), interpolation, antialias), data_format)


def _check(size, interpolation, crop, padding, fill_mode):
    one_of("interpolation", interpolation, INTERPOLATIONS)
    one_of("fill_mode", fill_mode, ("constant",))
    if len(size) != 2 or any(not isinstance(n, Dim) and n <= 0 for n in size):
        raise ValueError(
            f"Expected `size` to be two positive ints (height, width). Received: size={size}"
        )
    if crop and padding:
        raise ValueError(
            "Only one of `pad_to_aspect_ratio` and `crop_to_aspect_ratio` can be True. "
            "Received: both."
        )


def _cropped(x, size):
    """The largest part in the middle whose sides are in the proportion of `size`."""
    for axis, length in zip((-3, -2), _proportional(x, size), strict=True):
        length = max(min(x.shape[axis], length), 1)
        start = (x.shape[axis] - length) // 2
        x = x[(..., slice(start, start + length), *(slice(None),) * (-axis - 1))]
    return x


def _padded(x, size, value):
    """The images in the middle of margins, with sides in the proportion of `size`."""
    widths = [(0, 0)] * x.ndim
    for axis, length in zip((-3, -2), _proportional(x, size), strict=True):
        margin = max(length - x.shape[axis], 0) // 2
        widths[axis] = margin, margin
    return pad(x, widths, constant_values=value)


def _proportional(x, size):
    """The height that suits the width of the images, and the width that suits their height."""
    (height, width), (rows, columns) = x.shape[-3:-1], size
    return width * rows // columns, height * columns // rows


def _resized(x, size, interpolation, antialias):
    changes = _changes(x, size)
    if interpolation == "nearest":
        for axis, count in changes:
            x = take(x, kernels.nearest(x.shape[axis], count, device.current()), axis=axis)
        return x
    y = cast(x, dtype=dtypes.result_type(x.dtype, "float32"))
    for axis, count in changes:
        y = along(y, axis, count, interpolation, antialias)
    if not dtypes.is_float(x.dtype):
        y = round(y)
    return saturate_cast(y, x.dtype)


def _changes(x, size):
    """Pairs of an axis and its new size.

    The axis that shrinks most comes first: less is left to compute for the other one. For integers
    the width does, as in TensorFlow: halves are then rounded as there.
    """
    first = x.ndim - 3
    if not dtypes.is_float(x.dtype):
        return [(first + 1, size[1]), (first, size[0])]
    return sorted(enumerate(size, start=first), key=lambda pair: pair[1] / x.shape[pair[0]])


def along(x, axis, count, interpolation, antialias=False):
    """Bring one axis of float images to another size.

    Args:
        x: float tensor of any shape.
        axis: int, not negative.
        count: int, the new size.
        interpolation: a name in `KERNELS`, or `"area"`.
        antialias: bool.
    """
    if x.shape[axis] == count:
        return x
    size = x.shape[axis]
    maps = kernels.taps(size, count, interpolation, antialias, x.dtype, device.current())
    convex = interpolation == "bilinear" and len(maps[1]) == 2
    return resampled(x, *maps, axis=axis, convex=convex)


@primitive(Family(as_they_are, same, None))
def resampled(xp, x, places, weights, back_places, back_weights, *, axis, convex=False):
    """The map along an axis of `images.resampling`; the transposed map is its gradient."""
    return resampling.resampled(xp, x, places, weights, axis=axis, convex=convex)


@resampled.vjp("x")
def _(g, places, weights, back_places, back_weights, axis):
    return resampled(g, back_places, back_weights, places, weights, axis=axis)


@resampled.shape_rule
def _(x, places, weights, back_places, back_weights, *, axis, convex):
    return Abstract((*x.shape[:axis], weights.shape[1], *x.shape[axis + 1 :]), x.dtype)
