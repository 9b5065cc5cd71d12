"""What a sliding window sees of images and volumes."""

import itertools
import math

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.docstrings import described
from minikeras.core.types import List, Tuple
from minikeras.core.work import spend
from minikeras.kernels.shared.windows import span
from minikeras.ops.image.layout import IMAGES, as_declared, channels_last
from minikeras.ops.nn.spatial import output_sizes, paddings, per_axis
from minikeras.ops.rearranging.elements import pad
from minikeras.ops.shapes.shaping import reshape, stack

_WHOLE = slice(None)


@op
@described(IMAGES)
def extract_patches(
    images,
    size,
    strides=None,
    dilation_rate=1,
    padding="valid",
    data_format=None,
):
    """Cut images or volumes into patches, the pixels of each as the channels of one place.

    Args:
        images: tensor `(height, width, channels)` or `(batch, height, width, channels)` of any
            dtype; for patches of three sizes a depth stands before the height. With
            `"channels_first"` the channels stand before height (or depth).
        size: int or two ints, height and width of a patch; three ints cut volumes.
        strides: int or as many ints, the step from one patch to the next; `size` by default.
        dilation_rate: int or as many ints, the step from one pixel of a patch to the next.
        padding: `"valid"`, or `"same"` for zeros around the images.

    Returns:
        A tensor of the rank and dtype of `images`: for each place all channels of the first pixel
        of the patch, then of the next one, row by row.

    Raises:
        TypeError: if `size` is neither an int nor a sequence.
        ValueError: if `size` has not two or three ints, a rank or number does not fit, or no patch
            does.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape(keras.ops.arange(8), (2, 4, 1))
        >>> keras.ops.image.extract_patches(x, 2).tolist()
        [[[0, 1, 4, 5], [2, 3, 6, 7]]]
    """
    if not isinstance(size, (int, List, Tuple)):
        raise TypeError(
            "Invalid `size` argument. Expected an int or a tuple. "
            f"Received: size={size} of type {type(size).__name__}"
        )
    if not isinstance(size, int) and len(size) not in (2, 3):
        raise ValueError(
            "`size` must be an int, or two or three of them, one for each spatial axis. Received: "
            f"size={size}"
        )
    rank = 2 if isinstance(size, int) else len(size)
    return _patches(images, rank, size, strides, dilation_rate, padding, data_format)


@described(extract_patches)
def extract_patches_3d(
    volumes,
    size,
    strides=None,
    dilation_rate=1,
    padding="valid",
    data_format=None,
):
    """Cut volumes into patches, the voxels of each as the channels of one place.

    Args:
        volumes: tensor `(depth, height, width, channels)` or `(batch, depth, height, width,
            channels)` of any dtype; with `"channels_first"` the channels stand before the depth.
        size: int or three ints, depth, height and width of a patch.

    Returns:
        A tensor of the rank and dtype of `volumes`.

    Raises:
        ValueError: if a rank or number does not fit, or no patch does.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.image.extract_patches_3d(keras.ops.ones((4, 4, 4, 2)), 2).shape
        (2, 2, 2, 16)
    """
    size = per_axis(size, 3, "size")
    return extract_patches(volumes, size, strides, dilation_rate, padding, data_format)


def _patches(images, rank, size, strides, dilation_rate, padding, data_format):
    images = convert_to_tensor(images)
    if images.ndim not in (rank + 1, rank + 2):
        raise ValueError(
            f"Patches of {rank} sizes are cut out of tensors of rank {rank + 1}, or {rank + 2} for "
            f"a batch. Received: shape={dims.to_public(images.shape)}, size={size}"
        )
    window = per_axis(size, rank, "size")
    strides = per_axis(strides or window, rank, "strides")
    dilation = per_axis(dilation_rate, rank, "dilation_rate")
    x = channels_last(images, data_format, rank)
    *front, channels = x.shape
    batch, sizes = front[: len(front) - rank], front[len(front) - rank :]
    pads = paddings(padding, sizes, window, strides, dilation)
    counts = output_sizes(sizes, window, strides, pads, dilation)
    taps = math.prod(window)
    spend(taps)
    if not dims.is_known(sizes):
        y = Abstract((*batch, *counts, taps * channels), x.dtype)
        return as_declared(y, data_format, rank)
    x = pad(x, (*((0, 0),) * len(batch), *pads, (0, 0)))
    keys = [
        [slice(t * d, t * d + span(n, s), s) for t in range(k)]
        for k, n, s, d in zip(window, counts, strides, dilation, strict=True)
    ]
    parts = [x[(*(_WHOLE,) * len(batch), *key)] for key in itertools.product(*keys)]
    y = reshape(stack(parts, axis=-2), (*batch, *counts, taps * channels))
    return as_declared(y, data_format, rank)
