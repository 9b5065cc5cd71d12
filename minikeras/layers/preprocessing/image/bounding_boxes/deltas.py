"""Boxes as detectors predict them: by how much they differ from anchors.

Ren et al., "Faster R-CNN" (2015), section 3.1.2. With the center `p` and the size `s` of a box and
`p_a`, `s_a` of its anchor, along each axis,

    t_p = (p - p_a) / s_a        t_s = log(s / s_a)
"""

from minikeras import ops
from minikeras.core.settings import epsilon
from minikeras.layers.preprocessing.image.bounding_boxes.formats import convert_format


def encode_box_to_deltas(
    anchors,
    boxes,
    anchor_format,
    box_format,
    encoding_format="center_yxhw",
    variance=None,
    image_shape=None,
):
    """Return by how much boxes differ from anchors.

    Args:
        anchors: tensor of shape `(n, 4)`.
        boxes: tensor of shape `(n, 4)` or `(batch, n, 4)`.
        anchor_format: the format of the anchors; see `convert_format`.
        box_format: the format of the boxes.
        encoding_format: `"center_xywh"` or `"center_yxhw"`, the order of the result's numbers.
        variance: four numbers that the result is divided by, or None.
        image_shape: `(height, width, channels)`; needed for relative formats.

    Returns:
        A tensor of the shape of `boxes`.

    Raises:
        ValueError: if the encoding format is another one or the variance has not four numbers.

    Example:
        >>> import minikeras as keras
        >>> anchors, boxes = [[0.0, 0.0, 4.0, 4.0]], [[2.0, 0.0, 6.0, 4.0]]
        >>> keras.utils.bounding_boxes.encode_box_to_deltas(
        ...     anchors, boxes, "xyxy", "xyxy", encoding_format="center_xywh").tolist()
        [[0.5, 0.0, 0.0, 0.0]]
    """
    variance = _variance(variance)
    _check_encoding(encoding_format)
    height, width = _size(image_shape)
    anchors = convert_format(anchors, anchor_format, encoding_format, height, width)
    boxes = convert_format(boxes, box_format, encoding_format, height, width)
    anchor_size = ops.maximum(anchors[..., 2:], epsilon())
    box_size = ops.maximum(boxes[..., 2:], epsilon())
    position = (boxes[..., :2] - anchors[..., :2]) / anchor_size
    deltas = ops.concatenate([position, ops.log(box_size / anchor_size)], axis=-1)
    return deltas if variance is None else deltas / variance


def decode_deltas_to_boxes(
    anchors,
    boxes_delta,
    anchor_format,
    box_format,
    encoded_format="center_yxhw",
    variance=None,
    image_shape=None,
):
    """Return the boxes that differ from anchors by given amounts, as `encode_box_to_deltas` says.

    Args:
        anchors: tensor of shape `(n, 4)`, or a dict of them by level.
        boxes_delta: tensor of shape `(n, 4)` or `(batch, n, 4)`, or a dict with the same keys.
        anchor_format: the format of the anchors; see `convert_format`.
        box_format: the wanted format.
        encoded_format: `"center_xywh"` or `"center_yxhw"`, the order of the numbers of
            `boxes_delta`.
        variance: four numbers that `boxes_delta` is multiplied by, or None.
        image_shape: `(height, width, channels)`; needed for relative formats.

    Returns:
        A tensor of the shape of `boxes_delta`, or a dict of them.

    Raises:
        ValueError: if the encoded format is another one or the variance has not four numbers.

    Example:
        >>> import minikeras as keras
        >>> anchors, deltas = [[0.0, 0.0, 4.0, 4.0]], [[0.5, 0.0, 0.0, 0.0]]
        >>> keras.utils.bounding_boxes.decode_deltas_to_boxes(
        ...     anchors, deltas, "xyxy", "xyxy", encoded_format="center_xywh").tolist()
        [[2.0, 0.0, 6.0, 4.0]]
    """
    variance = _variance(variance)
    _check_encoding(encoded_format, "encoded_format")
    height, width = _size(image_shape)

    def decoded(anchor, delta):
        anchor = convert_format(anchor, anchor_format, encoded_format, height, width)
        delta = ops.convert_to_tensor(delta)
        delta = delta if variance is None else delta * variance
        size = anchor[..., 2:]
        position = delta[..., :2] * size + anchor[..., :2]
        box = ops.concatenate([position, ops.exp(delta[..., 2:]) * size], axis=-1)
        return convert_format(box, encoded_format, box_format, height, width)

    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decoded(anchor, boxes_delta[level]) for level, anchor in anchors.items()}
    return decoded(anchors, boxes_delta)


def _variance(variance):
    if variance is None:
        return None
    variance = ops.convert_to_tensor(variance, "float32")
    if not variance.shape or variance.shape[-1] != 4:
        raise ValueError(
            "`variance` must have four numbers, one for each of a box. Received: "
            f"variance={variance}"
        )
    return variance


def _check_encoding(value, name="encoding_format"):
    if value not in ("center_xywh", "center_yxhw"):
        raise ValueError(
            f"`{name}` should be one of 'center_xywh' or 'center_yxhw'. Received: {name}={value}"
        )


def _size(image_shape):
    return (None, None) if image_shape is None else image_shape[:2]
