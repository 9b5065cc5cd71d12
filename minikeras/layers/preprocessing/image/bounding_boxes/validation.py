"""What layers take as the bounding boxes of images: the check, and tensors in place of lists."""

from minikeras import ops

_NO_BOX, _NO_LABEL = (0.0, 0.0, 0.0, 0.0), -1
"""What fills up the images that have fewer boxes than others of their batch."""


def densify_bounding_boxes(bounding_boxes):
    """Return bounding boxes as tensors.

    Args:
        bounding_boxes: dict with `"boxes"`, a tensor of shape `(boxes, 4)` or
            `(batch, boxes, 4)`, and `"labels"`, a tensor of shape `(boxes,)` or `(batch, boxes)`,
            with one axis more if they are one-hot. Both may be lists; the lists of a batch may
            differ in length, and are filled up with boxes of zeros and labels of -1.

    Returns:
        A dict with tensors, boxes in float32.

    Raises:
        ValueError: if it is no such dict, or boxes and labels do not fit.

    Example:
        >>> from minikeras.layers.preprocessing.image.bounding_boxes import validation
        >>> boxes = [[[0, 0, 1, 1]], [[0, 0, 1, 1], [1, 1, 2, 2]]]
        >>> dense = validation.densify_bounding_boxes({"boxes": boxes, "labels": [[3], [4, 5]]})
        >>> dense["labels"].tolist()
        [[3, -1], [4, 5]]
    """
    if not isinstance(bounding_boxes, dict) or not {"boxes", "labels"} <= {*bounding_boxes}:
        raise ValueError(
            "Expected `bounding_boxes` to be a dict with keys 'boxes' and 'labels'. "
            f"Received: bounding_boxes={bounding_boxes}"
        )
    boxes, labels = bounding_boxes["boxes"], bounding_boxes["labels"]
    if isinstance(boxes, list):
        boxes, labels = _filled_up(boxes, labels)
    else:
        _check_axes(ops.shape(boxes), ops.shape(labels))
    dense = {
        "boxes": ops.convert_to_tensor(boxes, "float32"),
        "labels": ops.convert_to_tensor(labels),
    }
    return {**bounding_boxes, **dense}


def _filled_up(boxes, labels):
    """Lists of boxes and labels, those of a batch with as many for each image."""
    if not isinstance(labels, list) or len(boxes) != len(labels):
        raise ValueError(
            "If `bounding_boxes['boxes']` is a list, then `bounding_boxes['labels']` must be a "
            f"list of the same length, {len(boxes)}. Received: bounding_boxes['labels']={labels}"
        )
    if not any(isinstance(label, list) for label in labels):
        return boxes or ops.zeros((0, 4)), labels
    longest = max(map(len, boxes))
    fill = [longest - len(of_image) for of_image in boxes]
    boxes = [[*b, *[_NO_BOX] * count] for b, count in zip(boxes, fill, strict=True)]
    labels = [[*b, *[_NO_LABEL] * count] for b, count in zip(labels, fill, strict=True)]
    return boxes if longest else ops.zeros((len(boxes), 0, 4)), labels


def _check_axes(boxes_shape, labels_shape):
    ranks = {2: (1, 2), 3: (2, 3)}.get(len(boxes_shape))
    if ranks is None:
        raise ValueError(
            "`bounding_boxes['boxes']` are (boxes, 4) for an image or (batch, boxes, 4). Received: "
            f"bounding_boxes['boxes'].shape={boxes_shape}"
        )
    if len(labels_shape) not in ranks:
        raise ValueError(
            f"`bounding_boxes['boxes'].shape={boxes_shape}` expects `bounding_boxes['labels']` "
            f"to have rank {ranks[0]} or {ranks[1]}. Received: "
            f"bounding_boxes['labels'].shape={labels_shape}"
        )
