"""Images under the masks of a segmentation."""

import numpy as np

from minikeras.core.docstrings import described
from minikeras.ops.core.tensors import cast, convert_to_numpy
from minikeras.visualization.gallery import ARGUMENTS, plot_image_gallery
from minikeras.visualization.images import as_bytes, as_channels_last

# How much more red, green and blue there is in the color of the next class, modulo 255.
_STEPS = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])


def draw_segmentation_masks(
    images,
    segmentation_masks,
    num_classes=None,
    color_mapping=None,
    alpha=0.8,
    blend=True,
    ignore_index=-1,
    data_format=None,
):
    """Color the pixels of images by their classes.

    Equations, for a pixel of a class with a color:
        y = (1 - alpha) * x + alpha * color

    Args:
        images: tensor or array `(batch, height, width, channels)` with values from 0 to 255.
        segmentation_masks: int tensor or array `(batch, height, width)` or
            `(batch, height, width, 1)`, the class of each pixel.
        num_classes: int; the classes 0 to `num_classes - 1` are drawn. All are by default.
        color_mapping: dict from a class to its color, a tuple of three ints from 0 to 255; a class
            without a color is not drawn. By default colors are computed, black for class 0.
        alpha: float from 0 to 1, how much of the color there is in a pixel.
        blend: bool, whether images show through; else pixels get the color itself.
        ignore_index: int, a class that is not drawn.
        data_format: str, `"channels_last"` or `"channels_first"`: the order of the axes of images
            and masks; `keras.config.image_data_format()` by default.

    Returns:
        A uint8 array `(batch, height, width, channels)`; a float32 array if `blend` is False.

    Raises:
        TypeError: if the masks are not of an integer dtype.
        ValueError: if the shapes do not fit together.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> images, masks = np.full((1, 2, 2, 3), 100), np.array([[[0, 1], [0, 1]]])
        >>> y = keras.visualization.draw_segmentation_masks(
        ...     images, masks, color_mapping={1: (200, 0, 0)}, alpha=0.5)
        >>> y[0, 0].tolist()
        [[100, 100, 100], [150, 50, 50]]
    """
    x = as_channels_last(images, data_format).astype("float32")
    classes = _classes_of(segmentation_masks, x.shape, data_format)
    count = int(classes.max()) + 1 if num_classes is None else num_classes
    colors = _palette(count) if color_mapping is None else color_mapping
    y = x.copy()
    for number in range(count):
        if number != ignore_index and number in colors:
            y[classes == number] = colors[number]
    return (x * (1 - alpha) + y * alpha).astype("uint8") if blend else y


def _classes_of(masks, shape, data_format):
    """The masks as an array `(batch, height, width)`."""
    masks = convert_to_numpy(masks)
    if masks.dtype.kind not in "iu":
        raise TypeError(f"`segmentation_masks` must be integers. Received: dtype={masks.dtype}")
    if masks.ndim == 4:
        masks = as_channels_last(masks, data_format)[..., 0]
    if masks.shape != shape[:3]:
        raise ValueError(
            "`segmentation_masks` must have a class for each pixel. Received: masks of shape "
            f"{masks.shape} for images of shape {shape}"
        )
    return masks


def _palette(count):
    return {number: (number * _STEPS) % 255 for number in range(count)}


@described(ARGUMENTS, draw_segmentation_masks)
def plot_segmentation_mask_gallery(
    images,
    num_classes,
    value_range=(0, 255),
    y_true=None,
    y_pred=None,
    color_mapping=None,
    blend=True,
    alpha=0.8,
    ignore_index=-1,
    data_format=None,
    **kwargs,
):
    """Plot images one below the other, each beside itself under its true and predicted masks.

    Args:
        images: tensor or array `(batch, height, width, channels)`.
        y_true: tensor or array `(batch, height, width)` or `(batch, height, width, 1)`, the true
            class of each pixel.
        y_pred: tensor or array, the predicted class of each pixel.

    Raises:
        ImportError: if matplotlib is missing.
        ValueError: if the shapes do not fit together.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> masks = np.random.randint(0, 3, (2, 8, 8, 1))
        >>> keras.visualization.plot_segmentation_mask_gallery(
        ...     np.zeros((2, 8, 8, 3)), num_classes=3, y_true=masks, path="masks.png")
    """
    x = as_bytes(as_channels_last(images, data_format), value_range)
    columns = [x]
    for masks in (y_true, y_pred):
        if masks is not None:
            classes = convert_to_numpy(cast(masks, "int32"))
            if classes.ndim == 4:
                classes = as_channels_last(classes, data_format)
            drawn = draw_segmentation_masks(
                x, classes, num_classes, color_mapping, alpha, blend, ignore_index, "channels_last"
            )
            columns.append(drawn.astype("uint8"))
    side_by_side = np.stack(columns, axis=1).reshape(-1, *x.shape[1:])
    plot_image_gallery(
        side_by_side, rows=len(x), cols=len(columns), data_format="channels_last", **kwargs
    )
