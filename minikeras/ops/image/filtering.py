"""Images whose pixels are weighted sums of their neighbours: blurred, or told apart."""

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.core.docstrings import described
from minikeras.ops.creation.filled import arange
from minikeras.ops.elementwise.exponential import exp
from minikeras.ops.image.layout import IMAGES, as_declared, channels_last, check_float, check_rank
from minikeras.ops.nn.conv import depthwise_conv
from minikeras.ops.rearranging.elements import tile
from minikeras.ops.reductions.sums import sum as sum_
from minikeras.ops.shapes.shaping import reshape


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
    channels = x.shape[-1]
    batch = reshape(x, (-1, *x.shape[-3:]))
    for size, deviation, shape in (
        (kernel_size[1], sigma[1], (-1, 1, 1, 1)),
        (kernel_size[0], sigma[0], (1, -1, 1, 1)),
    ):
        kernel = tile(reshape(gaussian(int(size), deviation, x.dtype), shape), (1, 1, channels, 1))
        batch = depthwise_conv(batch, kernel, padding="same", data_format="channels_last")
    return as_declared(reshape(batch, x.shape), data_format)


def gaussian(size, sigma, dtype):
    """Weights `(size,)` of a normal distribution around the middle, which add up to 1."""
    offsets = (arange(size, dtype=dtype) - (size - 1) / 2) / sigma
    weights = exp(-0.5 * offsets * offsets)
    return cast(weights / sum_(weights), dtype=dtype)
