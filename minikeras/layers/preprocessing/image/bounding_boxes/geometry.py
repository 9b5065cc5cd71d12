"""What happens to bounding boxes in corner format when their image is moved, cropped or turned."""

import math

from minikeras import ops
from minikeras.layers.preprocessing.image.bounding_boxes.formats import (
    columns,
    of_columns,
    require_corners,
)


def clip_to_image_size(bounding_boxes, height=None, width=None, bounding_box_format="xyxy"):
    """Cut off what of boxes is outside of their image; what has no area left gets the label -1.

    Args:
        bounding_boxes: dict with `"boxes"`, a tensor of shape `(..., boxes, 4)`, and perhaps
            `"labels"`, a tensor of shape `(..., boxes)`.
        height: height of the image in pixels; needed for `"xyxy"`.
        width: width of the image in pixels, likewise.
        bounding_box_format: `"xyxy"` or `"rel_xyxy"`.

    Returns:
        A dict like `bounding_boxes`.

    Raises:
        NotImplementedError: if the format is another one.
        ValueError: if the format is `"xyxy"` and the size is not given.

    Example:
        >>> import minikeras as keras
        >>> boxes = {"boxes": [[-5.0, 2.0, 5.0, 9.0], [20.0, 0.0, 30.0, 5.0]], "labels": [3, 4]}
        >>> clipped = keras.utils.bounding_boxes.clip_to_image_size(boxes, height=8, width=10)
        >>> clipped["boxes"].tolist(), clipped["labels"].tolist()
        ([[0.0, 2.0, 5.0, 8.0], [10.0, 0.0, 10.0, 5.0]], [3, -1])
    """
    require_corners(bounding_box_format, "rel_xyxy")
    if bounding_box_format == "rel_xyxy":
        height = width = 1.0
    elif height is None or width is None:
        raise ValueError(
            "The format 'xyxy' is in pixels, so boxes are clipped to a `height` and a `width`. "
            f"Received: height={height}, width={width}"
        )
    boxes = ops.convert_to_tensor(bounding_boxes["boxes"])
    x1, y1, x2, y2 = _clipped(columns(boxes), height, width)
    result = {**bounding_boxes, "boxes": of_columns([x1, y1, x2, y2])}
    if bounding_boxes.get("labels") is not None:
        area = ops.squeeze((x2 - x1) * (y2 - y1), axis=-1)
        result["labels"] = ops.where(area > 0, bounding_boxes["labels"], -1)
    return result


def crop(boxes, top, left, height, width, bounding_box_format="xyxy"):
    """Return boxes as they lie in a window that is cut out of their image.

    Args:
        boxes: tensor of shape `(..., 4)`.
        top: rows above the window.
        left: columns to the left of the window.
        height: height of the window.
        width: width of the window.
        bounding_box_format: only `"xyxy"`.

    Returns:
        A tensor of the shape of `boxes`: relative to the window, and clipped to it.

    Raises:
        NotImplementedError: if the format is another one.

    Example:
        >>> import minikeras as keras
        >>> boxes = [[10.0, 20.0, 50.0, 60.0]]
        >>> keras.utils.bounding_boxes.crop(boxes, top=10, left=20, height=40, width=30).tolist()
        [[0.0, 10.0, 30.0, 40.0]]
    """
    require_corners(bounding_box_format)
    x1, y1, x2, y2 = columns(boxes)
    shifted = (x1 - left, y1 - top, x2 - left, y2 - top)
    return of_columns(_clipped(shifted, height, width))


def _clipped(corners, height, width):
    x1, y1, x2, y2 = corners
    width, height = ops.cast(width, x1.dtype), ops.cast(height, x1.dtype)
    return (
        ops.clip(x1, 0, width),
        ops.clip(y1, 0, height),
        ops.clip(x2, 0, width),
        ops.clip(y2, 0, height),
    )


def pad(boxes, top, left, height=None, width=None, bounding_box_format="xyxy"):
    """Return boxes as they lie in their image after rows and columns were added around it.

    Args:
        boxes: tensor of shape `(..., 4)`.
        top: rows added above.
        left: columns added to the left.
        height: not used; nothing is clipped.
        width: not used.
        bounding_box_format: only `"xyxy"`.

    Returns:
        A tensor of the shape of `boxes`.

    Raises:
        NotImplementedError: if the format is another one.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.bounding_boxes.pad([[1.0, 2.0, 3.0, 4.0]], top=10, left=20).tolist()
        [[21.0, 12.0, 23.0, 14.0]]
    """
    require_corners(bounding_box_format)
    x1, y1, x2, y2 = columns(boxes)
    return of_columns([x1 + left, y1 + top, x2 + left, y2 + top])


def affine_transform(
    boxes,
    angle,
    translate_x,
    translate_y,
    scale,
    shear_x,
    shear_y,
    height,
    width,
    center_x=None,
    center_y=None,
    bounding_box_format="xyxy",
):
    """Return the boxes that enclose boxes after an affine map of their image.

    Args:
        boxes: tensor of shape `(batch, boxes, 4)`.
        angle: tensor of shape `(batch,)`, angles of rotation in degrees.
        translate_x: tensor of shape `(batch,)`, shifts in parts of the width.
        translate_y: tensor of shape `(batch,)`, shifts in parts of the height.
        scale: tensor of shape `(batch,)`, factors.
        shear_x: tensor of shape `(batch,)`, shears along x in degrees.
        shear_y: tensor of shape `(batch,)`, shears along y in degrees.
        height: height of the images in pixels.
        width: width of the images in pixels.
        center_x: x of the fixed point in parts of the width; None for the middle.
        center_y: y of the fixed point in parts of the height; None for the middle.
        bounding_box_format: only `"xyxy"`.

    Returns:
        A tensor of the shape of `boxes`.

    Raises:
        NotImplementedError: if the format is another one.

    Example:
        >>> import minikeras as keras
        >>> zero, one = keras.ops.zeros(1), keras.ops.ones(1)
        >>> turned = keras.utils.bounding_boxes.affine_transform(
        ...     [[[0.0, 2.0, 4.0, 4.0]]], 90 * one, zero, zero, one, zero, zero, height=9, width=9)
        >>> keras.ops.round(turned).tolist()
        [[[2.0, 4.0, 4.0, 8.0]]]
    """
    require_corners(bounding_box_format)
    matrix = _matrix(
        angle,
        (translate_x, translate_y),
        scale,
        (shear_x, shear_y),
        (height, width),
        (0.5 if center_x is None else center_x, 0.5 if center_y is None else center_y),
    )
    x1, y1, x2, y2 = columns(ops.cast(boxes, matrix.dtype))
    corners_x = ops.concatenate([x1, x2, x2, x1], axis=-1)
    corners_y = ops.concatenate([y1, y1, y2, y2], axis=-1)
    points = ops.stack([corners_x, corners_y, ops.ones_like(corners_x)], axis=-1)
    points = ops.einsum("bnxy,bzy->bnxz", points, matrix)
    return ops.concatenate([ops.min(points, axis=2), ops.max(points, axis=2)], axis=-1)


def _matrix(angle, translation, scale, shear, size, center):
    """The maps of points, of shape (batch, 2, 3): minus a point, times a matrix, plus a point.

    With the angle r and the shears p, q of the map, all of them negative here, as the boxes go
    where the pixels come from, the matrix is scale * [[d, -b], [-c, a]], where

        a = cos(r - q) / cos q        b = a tan p + sin r
        c = -sin(r - q) / cos q       d = cos r - c tan p
    """
    angle = ops.convert_to_tensor(angle)
    r, p, q = (-ops.multiply(part, math.pi / 180.0) for part in (angle, *shear))
    height, width = size
    cx, cy = ops.multiply(center[0], width - 1), ops.multiply(center[1], height - 1)
    from_x = cx - ops.multiply(translation[0], width - 1)
    from_y = cy - ops.multiply(translation[1], height - 1)
    a = ops.cos(r - q) / ops.cos(q)
    b = a * ops.tan(p) + ops.sin(r)
    c = -ops.sin(r - q) / ops.cos(q)
    d = ops.cos(r) - c * ops.tan(p)
    xx, xy = ops.multiply(d, scale), ops.multiply(-b, scale)
    yx, yy = ops.multiply(-c, scale), ops.multiply(a, scale)
    row_x = ops.stack([xx, xy, cx - xx * from_x - xy * from_y], axis=-1)
    row_y = ops.stack([yx, yy, cy - yx * from_x - yy * from_y], axis=-1)
    return ops.stack([row_x, row_y], axis=1)
