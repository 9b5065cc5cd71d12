"""How much bounding boxes overlap: intersection over union, and its form with a distance."""

import math

from minikeras import ops
from minikeras.core.settings import epsilon
from minikeras.layers.preprocessing.image.bounding_boxes.formats import columns, convert_format


def compute_iou(
    boxes1,
    boxes2,
    bounding_box_format,
    use_masking=False,
    mask_val=-1,
    image_shape=None,
):
    """Compute the intersection over union of each box of one set with each of another.

    `iou = intersection / (area1 + area2 - intersection)`, from 0 for boxes apart to 1 for equal
    ones.

    Args:
        boxes1: tensor of shape `(m, 4)` or `(batch, m, 4)`.
        boxes2: tensor of shape `(n, 4)` or `(batch, n, 4)`.
        bounding_box_format: the format of both; see `convert_format`.
        use_masking: whether pairs with a box that is negative throughout get `mask_val`.
        mask_val: what these pairs get.
        image_shape: `(height, width, channels)`; needed for relative formats.

    Returns:
        A tensor of shape `(m, n)`, or `(batch, m, n)` if one set is batched.

    Raises:
        ValueError: if a set has another number of axes, or the size of the images is needed and
            not given.

    Example:
        >>> import minikeras as keras
        >>> iou = keras.utils.bounding_boxes.compute_iou(
        ...     [[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 4.0], [5.0, 5.0, 6.0, 6.0]], "xyxy")
        >>> iou.tolist()
        [[0.5, 0.0]]
    """
    ranks = len(ops.shape(boxes1)), len(ops.shape(boxes2))
    for name, rank in zip(("boxes1", "boxes2"), ranks, strict=True):
        if rank not in (2, 3):
            raise ValueError(
                f"compute_iou() expects {name} to be batched, or to be unbatched, of shape "
                f"(batch, boxes, 4) or (boxes, 4). Received: len({name}.shape)={rank}"
            )
    if "rel" in bounding_box_format and image_shape is None:
        raise ValueError(
            "Boxes of a relative format are parts of an image: give its `image_shape`, (height, "
            f"width, channels). Received: bounding_box_format={bounding_box_format!r}, "
            f"image_shape={image_shape}"
        )
    corners1 = ops.expand_dims(_corners(boxes1, bounding_box_format, image_shape), axis=-2)
    corners2 = ops.expand_dims(_corners(boxes2, bounding_box_format, image_shape), axis=-3)
    intersection = _intersection(corners1, corners2)
    union = _area(corners1) + _area(corners2) - intersection
    iou = ops.squeeze(ops.divide(intersection, union + epsilon()), axis=-1)
    if not use_masking:
        return iou
    absent1 = ops.max(corners1, axis=-1) < 0.0
    absent2 = ops.max(corners2, axis=-1) < 0.0
    masked = ops.logical_or(absent1, absent2)
    return ops.where(masked, ops.cast(mask_val, iou.dtype), iou)


def compute_ciou(boxes1, boxes2, bounding_box_format, image_shape=None):
    """Compute the complete intersection over union of pairs of boxes.

    Zheng et al., "Enhancing Geometric Factors in Model Learning and Inference for Object Detection
    and Instance Segmentation" (2020): with the distance `d` of the centers and the diagonal `c` of
    the smallest box around both,

        ciou = iou - d^2 / c^2 - v alpha
        v = 4 / pi^2 (arctan(w2 / h2) - arctan(w1 / h1))^2,  alpha = v / (v - iou + 1)

    Args:
        boxes1: tensor of shape `(..., 4)`.
        boxes2: tensor of a shape that broadcasts with it.
        bounding_box_format: the format of both, none of the relative ones.
        image_shape: `(height, width, channels)`, or None.

    Returns:
        A tensor of the shape of the boxes without the last axis.

    Raises:
        ValueError: if the format is relative.

    Example:
        >>> import minikeras as keras
        >>> boxes = [[0.0, 0.0, 2.0, 2.0]]
        >>> keras.utils.bounding_boxes.compute_ciou(boxes, boxes, "xyxy").tolist()
        [1.0]
    """
    if "rel" in bounding_box_format:
        raise ValueError(
            "compute_ciou() expects boxes in pixels. Convert relative boxes (e.g. `rel_yxyx`) with "
            "`keras.utils.bounding_boxes.convert_format`. Received: "
            f"bounding_box_format={bounding_box_format!r}, image_shape={image_shape}"
        )
    corners1 = _corners(boxes1, bounding_box_format, image_shape)
    corners2 = _corners(boxes2, bounding_box_format, image_shape)
    w1, h1, middle_x1, middle_y1 = _extent(corners1)
    w2, h2, middle_x2, middle_y2 = _extent(corners2)
    intersection = _intersection(corners1, corners2)
    union = w1 * h1 + w2 * h2 - intersection + epsilon()
    iou = ops.divide(intersection, union + epsilon())
    diagonal = _diagonal_squared(corners1, corners2) + epsilon()
    distance = ops.square(middle_x1 - middle_x2) + ops.square(middle_y1 - middle_y2)
    v = (4 / math.pi**2) * ops.square(ops.arctan(w2 / h2) - ops.arctan(w1 / h1))
    alpha = v / (v - iou + (1 + epsilon()))
    return ops.squeeze(iou - (distance / diagonal + v * alpha), axis=-1)


def _corners(boxes, bounding_box_format, image_shape):
    height, width = (None, None) if image_shape is None else image_shape[:2]
    return convert_format(boxes, bounding_box_format, "xyxy", height, width)


def _area(corners):
    x1, y1, x2, y2 = columns(corners)
    return (y2 - y1) * (x2 - x1)


def _extent(corners):
    """Width, height and middle of boxes; the height is never 0, as ratios divide by it."""
    x1, y1, x2, y2 = columns(corners)
    return x2 - x1, y2 - y1 + epsilon(), (x1 + x2) / 2, (y1 + y2) / 2


def _intersection(corners1, corners2):
    left1, top1, right1, bottom1 = columns(corners1)
    left2, top2, right2, bottom2 = columns(corners2)
    width = ops.minimum(right1, right2) - ops.maximum(left1, left2)
    height = ops.minimum(bottom1, bottom2) - ops.maximum(top1, top2)
    return ops.maximum(width, 0) * ops.maximum(height, 0)


def _diagonal_squared(corners1, corners2):
    """The squared diagonal of the smallest boxes around pairs of boxes."""
    left1, top1, right1, bottom1 = columns(corners1)
    left2, top2, right2, bottom2 = columns(corners2)
    width = ops.maximum(right1, right2) - ops.minimum(left1, left2)
    height = ops.maximum(bottom1, bottom2) - ops.minimum(top1, top2)
    return ops.square(width) + ops.square(height)
