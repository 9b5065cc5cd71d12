"""Images whose pixels move: by projective transforms, and by smooth random displacements."""

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, as_they_are, same, shape_of_first, to_float
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes
from minikeras.core.checks import one_of
from minikeras.core.docstrings import described
from minikeras.kernels.shared.images import warping as kernels
from minikeras.ops.creation.filled import arange
from minikeras.ops.image.filtering import gaussian_blur
from minikeras.ops.image.layout import (
    IMAGES,
    as_declared,
    channels_last,
    check_float,
    check_rank,
)
from minikeras.ops.image.lookups import spread_rows
from minikeras.ops.image.sampling import picked, sampled
from minikeras.ops.linalg.solving import solve
from minikeras.ops.random.draws import is_declared, normal
from minikeras.ops.shapes.shaping import concatenate, reshape, squeeze, stack

INTERPOLATIONS = ("nearest", "bilinear")
"""The names of the orders of interpolation."""

FILL_MODES = ("constant", "nearest", "wrap", "reflect")

# Places of pixels are constants for gradients.
_of_transforms = Family(to_float, same, None)


@op
@described(IMAGES)
def affine_transform(
    images,
    transform,
    interpolation="bilinear",
    fill_mode="constant",
    fill_value=0,
    data_format=None,
):
    """Move the pixels of images by affine or projective transforms.

        y[row, column] = x[b, a]
        a = (a0 * column + a1 * row + a2) / k
        b = (b0 * column + b1 * row + b2) / k
        k = c0 * column + c1 * row + 1

    Args:
        transform: float tensor `(8,)`, or `(batch, 8)` with one row for each image:
            `a0, a1, a2, b0, b1, b2, c0, c1`. No gradient reaches it.
        fill_mode: what continues images beyond an edge `a b c d`: `"constant"`
            (`k k k k | a b c d | k k k k`), `"nearest"` (`a a a a | a b c d | d d d d`), `"wrap"`
            (`a b c d | a b c d | a b c d`) or `"reflect"` (`d c b a | a b c d | d c b a`).

    Returns:
        A tensor of the shape and dtype of `images`; integers are truncated.

    Raises:
        ValueError: if a rank is wrong, there are not 8 numbers for each transform and one or as
            many transforms as images, or an argument is unknown.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([1.0, 2.0, 3.0], (1, 3, 1))
        >>> right = [1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
        >>> keras.ops.image.affine_transform(x, right)[0, :, 0].tolist()
        [0.0, 1.0, 2.0]
    """
    images, transform = convert_to_tensor(images), convert_to_tensor(transform)
    one_of("interpolation", interpolation, INTERPOLATIONS)
    one_of("fill_mode", fill_mode, FILL_MODES)
    check_rank(images)
    if transform.ndim not in (1, 2) or transform.shape[-1] != 8:
        raise ValueError(
            "Expected a transform of 8 numbers, or a batch of them. "
            f"Received: transform.shape={dims.to_public(transform.shape)}"
        )
    if isinstance(images, Abstract) or isinstance(transform, Abstract):
        return Abstract(images.shape, images.dtype)
    transforms = reshape(transform, (-1, 8))
    return _transformed(images, transforms, interpolation, fill_mode, fill_value, data_format)


def _transformed(images, transforms, interpolation, fill_mode, fill_value, data_format):
    """Look up images `(..., height, width, channels)` where transforms `(n, 8)` say."""
    x = channels_last(images, data_format)
    height, width, channels = x.shape[-3:]
    batch = reshape(x, (-1, height, width, channels))
    if transforms.shape[0] not in (1, batch.shape[0]):
        raise ValueError(
            f"Expected one transform, or one for each of {batch.shape[0]} images. "
            f"Received: transform.shape={transforms.shape}"
        )
    wide = dtypes.result_type(x.dtype, "float32") if dtypes.is_float(x.dtype) else "float32"
    transforms = cast(transforms, dtype=wide)
    sizes = {"height": height, "width": width, "fill_mode": fill_mode}
    table = reshape(batch, (-1, height * width, channels))
    if interpolation == "nearest":
        index, inside = _nearest_pixels(transforms, **sizes)
        y = picked(table, index, inside, fill_value)
    else:
        y = _warped(cast(table, dtype=wide), transforms, **sizes, fill_value=fill_value)
    return as_declared(reshape(cast(y, dtype=x.dtype), x.shape), data_format)


@primitive(Family(as_they_are, same, shape_of_first))
def _warped(xp, table, transforms, *, height, width, fill_mode, fill_value):
    """Images interpolated where their pixels come from; no gradient reaches the transforms."""
    sizes = {"height": height, "width": width}
    return kernels.warped(
        xp, table, transforms, **sizes, fill_mode=fill_mode, fill_value=fill_value
    )


@_warped.vjp("table")
def _(g, transforms, height, width, fill_mode):
    index, weights = _pixels_around(transforms, height=height, width=width, fill_mode=fill_mode)
    return spread_rows(g, weights, index, size=height * width)


@primitive(_of_transforms)
def _pixels_around(xp, transforms, *, height, width, fill_mode):
    """Where each pixel comes from: four places and their weights."""
    return kernels.pixels_around(xp, transforms, height, width, fill_mode)[:2]


@_pixels_around.shape_rule
def _(transforms, *, height, width, fill_mode):
    shape = 4, transforms.shape[0], height * width
    return Abstract(shape, "int32"), Abstract(shape, transforms.dtype)


@primitive(_of_transforms)
def _nearest_pixels(xp, transforms, *, height, width, fill_mode):
    """Where each pixel comes from: one place, and whether it is inside."""
    return kernels.nearest_pixels(xp, transforms, height, width, fill_mode)


@_nearest_pixels.shape_rule
def _(transforms, *, height, width, fill_mode):
    shape = transforms.shape[0], height * width
    return Abstract(shape, "int32"), Abstract(shape, "bool")


@op
@described(affine_transform)
def perspective_transform(
    images,
    start_points,
    end_points,
    interpolation="bilinear",
    fill_value=0,
    data_format=None,
):
    """Move the pixels of images so that four points come to lie on four others.

    Args:
        start_points: float tensor `(4, 2)` or `(batch, 4, 2)`: columns and rows of four points.
        end_points: float tensor of the same shape: where these points are to lie. No gradient
            reaches either.

    Returns:
        A tensor of the shape and dtype of `images`; integers are truncated.

    Raises:
        ValueError: if a shape is wrong or an argument unknown.
        LinAlgError: if three of the end points are on a line.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([1.0, 2.0, 3.0, 4.0], (2, 2, 1))
        >>> start = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
        >>> end = [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
        >>> keras.ops.image.perspective_transform(x, start, end)[..., 0].numpy().round(3).tolist()
        [[2.0, 1.0], [4.0, 3.0]]
    """
    images = convert_to_tensor(images)
    start, end = convert_to_tensor(start_points), convert_to_tensor(end_points)
    one_of("interpolation", interpolation, INTERPOLATIONS)
    check_rank(images)
    for name, points in (("start_points", start), ("end_points", end)):
        if points.ndim not in (2, 3) or points.shape[-2:] != (4, 2):
            raise ValueError(
                f"Invalid {name} shape: expected (4, 2) for a single image or (N, 4, 2) for a "
                f"batch. Received: {name}.shape={dims.to_public(points.shape)}"
            )
    if start.ndim != end.ndim:
        raise ValueError(
            "Each start point needs an end point: `start_points` and `end_points` are both (4, 2) "
            f"or both (batch, 4, 2). Received: start_points.shape={dims.to_public(start.shape)}, "
            f"end_points.shape={dims.to_public(end.shape)}"
        )
    if any(isinstance(x, Abstract) for x in (images, start, end)):
        return Abstract(images.shape, images.dtype)
    transforms = homography(reshape(start, (-1, 4, 2)), reshape(end, (-1, 4, 2)))
    return _transformed(images, transforms, interpolation, "constant", fill_value, data_format)


def homography(start, end):
    """The transforms `(batch, 8)` that map `end` to `start`, both `(batch, 4, 2)`.

    Each pair of points gives two linear equations for the eight numbers:

        a0 * x + a1 * y + a2 - c0 * x * x' - c1 * y * x' = x'
        b0 * x + b1 * y + b2 - c0 * x * y' - c1 * y * y' = y'
    """
    start, end = cast(start, dtype="float64"), cast(end, dtype="float64")
    one, zero = end[..., :1] * 0 + 1, end[..., :1] * 0
    zeros = concatenate([zero, zero, zero], axis=-1)
    columns = concatenate([end, one, zeros, -start[..., :1] * end], axis=-1)
    rows = concatenate([zeros, end, one, -start[..., 1:] * end], axis=-1)
    equations = reshape(stack([columns, rows], axis=2), (-1, 8, 8))
    return reshape(solve(equations, reshape(start, (-1, 8, 1))), (-1, 8))


@op
@described(affine_transform)
def elastic_transform(
    images,
    alpha=20.0,
    sigma=5.0,
    interpolation="bilinear",
    fill_mode="reflect",
    fill_value=0.0,
    seed=None,
    data_format=None,
):
    """Move the pixels of images by smooth random displacements.

    Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to
    visual document analysis" (2003). Normal numbers of deviation `sigma` are blurred by a Gaussian
    of deviation `sigma`; `alpha` times the result is the displacement, the same along both axes.

    Args:
        images: float tensor `(height, width, channels)` or `(batch, height, width, channels)`;
            with `"channels_first"` the channels stand before the height.
        alpha: float, the factor of the displacements, in pixels.
        sigma: float, the deviation of the blur, in pixels.
        seed: int (the same displacements each time), `SeedGenerator`, or None for the global
            generator.

    Returns:
        A tensor of the shape and dtype of `images`.

    Raises:
        ValueError: if the rank is not 3 or 4, the images are no floats, an argument is unknown, or
            the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.ones((2, 8, 8, 3))
        >>> keras.ops.image.elastic_transform(x, seed=1).shape
        (2, 8, 8, 3)
    """
    images = convert_to_tensor(images)
    one_of("interpolation", interpolation, INTERPOLATIONS)
    one_of("fill_mode", fill_mode, FILL_MODES)
    check_rank(images)
    check_float(images)
    if is_declared(images.shape):
        return Abstract(images.shape, images.dtype)
    x = channels_last(images, data_format)
    height, width, channels = x.shape[-3:]
    batch = reshape(x, (-1, height, width, channels))
    shift = alpha * _displacements(batch.shape[:3], sigma, seed, x.dtype)
    rows = reshape(arange(height, dtype=x.dtype), (height, 1)) + shift
    columns = arange(width, dtype=x.dtype) + shift
    order = INTERPOLATIONS.index(interpolation)
    y = sampled(batch, [rows, columns], order, fill_mode, fill_value)
    return as_declared(reshape(cast(y, dtype=x.dtype), x.shape), data_format)


def _displacements(shape, sigma, seed, dtype):
    """Blurred normal numbers `(batch, height, width)`."""
    noise = normal((*shape, 1), dtype=dtype, seed=seed) * sigma
    taps = 6 * int(sigma) | 1
    blurred = gaussian_blur(noise, (taps, taps), (sigma, sigma), data_format="channels_last")
    return squeeze(blurred, axis=-1)
