"""The formats of bounding boxes, and the conversion of one into another.

A box is four numbers, the last axis of an array. The corner format `"xyxy"` (left, top, right,
bottom, in pixels) stands between all others: each format says how its numbers become corners, and
how corners become its numbers. A format whose name begins with `rel_` has the same numbers divided
by the width (along x) and by the height (along y) of the image.
"""

from typing import Any

from minikeras import ops

_RELATIVE = "rel_"


def _swapped(a, b, c, d):
    return b, a, d, c


def _corners_of_size(x, y, w, h):
    return x, y, x + w, y + h


def _corners_of_center(x, y, w, h):
    half_w, half_h = w / 2.0, h / 2.0
    return x - half_w, y - half_h, x + half_w, y + half_h


def _size_of_corners(x1, y1, x2, y2):
    return x1, y1, x2 - x1, y2 - y1


def _center_of_corners(x1, y1, x2, y2):
    w, h = x2 - x1, y2 - y1
    return x1 + w / 2.0, y1 + h / 2.0, w, h


def _same(*numbers):
    return numbers


# By format: its numbers to corners, corners to its numbers.
_CONVERSIONS = {
    "xyxy": (_same, _same),
    "yxyx": (_swapped, _swapped),
    "xywh": (_corners_of_size, _size_of_corners),
    "center_xywh": (_corners_of_center, _center_of_corners),
    "center_yxhw": (
        lambda *numbers: _corners_of_center(*_swapped(*numbers)),
        lambda *corners: _swapped(*_center_of_corners(*corners)),
    ),
}

FORMATS = (*_CONVERSIONS, *(_RELATIVE + name for name in ("xyxy", "yxyx", "xywh", "center_xywh")))


def columns(boxes):
    """Return the four numbers of boxes, each a tensor with a last axis of one."""
    return ops.split(boxes, 4, axis=-1)


def of_columns(numbers):
    """Return boxes of four tensors with a last axis of one."""
    return ops.concatenate(list(numbers), axis=-1)


def convert_format(boxes, source, target, height=None, width=None, dtype="float32") -> Any:
    """Write bounding boxes in another format.

    | format | the four numbers |
    |---|---|
    | `"xyxy"`, `"rel_xyxy"` | left, top, right, bottom |
    | `"yxyx"`, `"rel_yxyx"` | top, left, bottom, right |
    | `"xywh"`, `"rel_xywh"` | left, top, width, height |
    | `"center_xywh"`, `"rel_center_xywh"` | x of the center, y of the center, width, height |
    | `"center_yxhw"` | y of the center, x of the center, height, width |

    Formats that begin with `rel_` are in parts of the image's width and height, others in pixels.

    Args:
        boxes: tensor of shape `(..., 4)`, or a dict that has one under `"boxes"`.
        source: the format of `boxes`; upper case counts as well.
        target: the wanted format.
        height: height of the images in pixels; needed to or from relative formats.
        width: width of the images in pixels, likewise.
        dtype: dtype name in which boxes are computed and returned.

    Returns:
        A tensor of the shape of `boxes`, or a dict like the one that was given.

    Raises:
        ValueError: if the boxes do not have four numbers, a format is unknown, or the size of the
            images is needed and not given.

    Example:
        >>> import minikeras as keras
        >>> boxes = [[10.0, 20.0, 30.0, 60.0]]
        >>> keras.utils.bounding_boxes.convert_format(boxes, "xyxy", "center_xywh").tolist()
        [[20.0, 40.0, 20.0, 40.0]]
    """
    if isinstance(boxes, dict):
        converted = convert_format(boxes["boxes"], source, target, height, width, dtype)
        return {**boxes, "boxes": converted}
    source, target = source.lower(), target.lower()
    _check(ops.shape(boxes), source, target, height, width)
    boxes = ops.cast(boxes, dtype)
    if source == target:
        return boxes
    if source.startswith(_RELATIVE) and target.startswith(_RELATIVE):
        source, target = source.removeprefix(_RELATIVE), target.removeprefix(_RELATIVE)
    width = None if width is None else ops.cast(width, dtype)
    height = None if height is None else ops.cast(height, dtype)
    corners = _to_corners(columns(boxes), source, height, width)
    return of_columns(_from_corners(corners, target, height, width))


def _to_corners(numbers, source, height, width):
    to_corners, _ = _CONVERSIONS[source.removeprefix(_RELATIVE)]
    x1, y1, x2, y2 = to_corners(*numbers)
    if source.startswith(_RELATIVE):
        return x1 * width, y1 * height, x2 * width, y2 * height
    return x1, y1, x2, y2


def _from_corners(corners, target, height, width):
    _, from_corners = _CONVERSIONS[target.removeprefix(_RELATIVE)]
    numbers = from_corners(*corners)
    if not target.startswith(_RELATIVE):
        return numbers
    sizes = (height, width) if target == "rel_yxyx" else (width, height)
    return [ops.divide(number, size) for number, size in zip(numbers, sizes * 2, strict=True)]


def _check(shape, source, target, height, width):
    if not shape or shape[-1] != 4:
        raise ValueError(
            f"`boxes` must have four numbers along the last axis. Received: boxes.shape={shape}"
        )
    for name in (source, target):
        if name not in FORMATS:
            raise ValueError(f"The formats of boxes are {FORMATS}. Received: {name!r}")
    relative = source.startswith(_RELATIVE) or target.startswith(_RELATIVE)
    if relative and (height is None or width is None):
        raise ValueError(
            "`height` and `width` of the images are needed to convert between relative and "
            f"absolute formats. Received: source={source}, target={target}, height={height}, "
            f"width={width}"
        )


def require_corners(bounding_box_format, *others):
    """Refuse formats that a function does not compute in.

    Args:
        bounding_box_format: the format that was given.
        *others: formats besides `"xyxy"` that the function knows.

    Raises:
        NotImplementedError: if it is none of them.
    """
    if bounding_box_format not in ("xyxy", *others):
        known = " or ".join(f'"{name}"' for name in ("xyxy", *others))
        raise NotImplementedError(
            f"Boxes are expected in the format {known}. Received: "
            f"bounding_box_format={bounding_box_format!r}. Convert them with "
            "`keras.utils.bounding_boxes.convert_format` first."
        )
