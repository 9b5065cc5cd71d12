"""Images whose pixels are weighted sums of their neighbours: blurred, or told apart."""

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.core import dims, dtypes
from minikeras.core.docstrings import described
from minikeras.ops.creation.filled import arange
from minikeras.ops.elementwise.exponential import exp
from minikeras.ops.image.layout import IMAGES, as_declared, channels_last, check_float, check_rank
from minikeras.ops.nn.conv import depthwise_conv
from minikeras.ops.rearranging.elements import pad, tile
from minikeras.ops.reductions.sums import mean
from minikeras.ops.reductions.sums import sum as sum_
from minikeras.ops.shapes.shaping import reshape, stack


@op
@described(IMAGES)
def gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format=None):
    """Blur images by weighing neighbours with the bell curve of a normal distribution.

        weight[i] = exp(-((i - (size - 1) / 2) / sigma)**2 / 2)  # divided by their sum

    Beyond the edges images are continued by zeros.

    Args:
        images: float tensor `(height, width, channels)` or `(batch, height, width, channels)`;
            with `"channels_first"` the channels stand before the height.
        kernel_size: two ints, how many pixels are weighed along the width and along the height.
        sigma: two floats, or a float tensor `(2,)`: the deviations along the width and along the
            height, in pixels.

    Returns:
        A tensor of the shape and dtype of `images`.

    Raises:
        ValueError: if the rank is not 3 or 4, or the images are no floats.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([0.0, 1.0, 0.0], (1, 3, 1))
        >>> keras.ops.image.gaussian_blur(x, (3, 1))[0, :, 0].tolist()
        [0.27407, 0.45186, 0.27407]
    """
    images = convert_to_tensor(images)
    check_rank(images)
    check_float(images)
    x = channels_last(images, data_format)
    batch = reshape(x, (-1, *x.shape[-3:]))
    rows, columns = (
        gaussian(int(size), deviation, x.dtype)
        for size, deviation in zip(reversed(kernel_size), (sigma[1], sigma[0]), strict=True)
    )
    y = _filtered(batch, rows, columns, "same")
    return as_declared(reshape(y, x.shape), data_format)


def _filtered(x, rows, columns, padding):
    """Weigh the neighbours above and below each pixel, then those on the left and on the right.

    Args:
        x: tensor `(batch, height, width, channels)`.
        rows: weights along the height, a tensor `(count,)`.
        columns: weights along the width, a tensor `(count,)`.
        padding: `"same"` or `"valid"`.
    """
    for kernel, shape in ((rows, (-1, 1, 1, 1)), (columns, (1, -1, 1, 1))):
        kernel = tile(reshape(kernel, shape), (1, 1, x.shape[-1], 1))
        x = depthwise_conv(x, kernel, padding=padding, data_format="channels_last")
    return x


def gaussian(size, sigma, dtype):
    """Weights `(size,)` of a normal distribution around the middle, which add up to 1."""
    offsets = (arange(size, dtype=dtype) - (size - 1) / 2) / sigma
    weights = exp(-0.5 * offsets * offsets)
    return cast(weights / sum_(weights), dtype=dtype)


@op
@described(IMAGES)
def sobel_edges(images, data_format=None):
    """Find edges: how steeply images rise downwards and to the right at each pixel.

    Sobel's operator: differences of the neighbours on both sides, with weights of 1, 2 and 1
    across. Beyond the edges images are mirrored.

    Args:
        images: float tensor `(batch, height, width, channels)`, of at least two rows and columns;
            with `"channels_first"` the channels stand before the height.

    Returns:
        A tensor of the dtype of `images` with one axis more, of size 2: the slopes along the height
        and along the width.

    Raises:
        ValueError: if the rank is not 4, the images are no floats, or they are too small.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([0.0, 1.0, 2.0] * 3, (1, 3, 3, 1))
        >>> keras.ops.image.sobel_edges(x)[0, 1, 1, 0].tolist()
        [0.0, 8.0]
    """
    images = convert_to_tensor(images)
    if images.ndim != 4:
        raise ValueError(
            "A batch of images has four axes. Received: "
            f"images.shape={dims.to_public(images.shape)}"
        )
    check_float(images)
    x = channels_last(images, data_format)
    x = pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    smooth, across = _smoothed(x, 2), _smoothed(x, 1)
    down = smooth[:, 2:] - smooth[:, :-2]
    right = across[:, :, 2:] - across[:, :, :-2]
    return stack([as_declared(slopes, data_format) for slopes in (down, right)], axis=-1)


def _smoothed(x, axis):
    """Sums of neighbours along an axis, with weights of 1, 2 and 1."""
    front = (slice(None),) * axis
    before, middle, after = (
        x[(*front, part)] for part in (slice(None, -2), slice(1, -1), slice(2, None))
    )
    return before + 2 * middle + after


@op
@described(IMAGES)
def ssim(
    image1,
    image2,
    max_val=1.0,
    filter_size=11,
    filter_sigma=1.5,
    k1=0.01,
    k2=0.03,
    data_format=None,
):
    """Compare images by their structural similarity.

    Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
    structural similarity" (2004): with means, variances and covariance in a Gaussian window,

        ssim = (2 mean1 mean2 + c1) (2 covariance + c2)
               / ((mean1**2 + mean2**2 + c1) (variance1 + variance2 + c2))
        c1 = (k1 max_val)**2
        c2 = (k2 max_val)**2

    averaged over all windows that lie inside the images, and over the channels.

    Args:
        image1: tensor `(height, width, channels)` or `(batch, height, width, channels)`; with
            `"channels_first"` the channels stand before the height.
        image2: tensor of the same shape.
        max_val: float, the largest value that a pixel can have.
        filter_size: int, the sides of the window.
        filter_sigma: float, the deviation of the Gaussian, in pixels.
        k1: float.
        k2: float.

    Returns:
        A tensor `(batch,)`, or a scalar for single images, of the dtype of `image1`: 1 for equal
        images.

    Raises:
        ValueError: if a rank is not 3 or 4, or the window is larger than the images.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape(keras.ops.arange(12 * 12, dtype="float32"), (12, 12, 1)) / 144
        >>> float(keras.ops.image.ssim(x, x))
        1.0
    """
    image1, image2 = convert_to_tensor(image1), convert_to_tensor(image2)
    check_rank(image1, "image1")
    check_rank(image2, "image2")
    dtype = dtypes.result_type(image1.dtype, "float")
    x1, x2 = (channels_last(cast(x, dtype=dtype), data_format) for x in (image1, image2))
    weights = gaussian(filter_size, filter_sigma, dtype)
    mean1, mean2, square1, square2, product = (
        _filtered(reshape(x, (-1, *x.shape[-3:])), weights, weights, "valid")
        for x in (x1, x2, x1 * x1, x2 * x2, x1 * x2)
    )
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    both, squares = mean1 * mean2, mean1 * mean1 + mean2 * mean2
    similarity = (2 * both + c1) * (2 * (product - both) + c2)
    similarity = similarity / ((squares + c1) * (square1 + square2 - squares + c2))
    y = mean(similarity, axis=(1, 2, 3))
    return cast(y[0] if image1.ndim == 3 else y, dtype=image1.dtype)


ssim.class_name = "SSIM"
