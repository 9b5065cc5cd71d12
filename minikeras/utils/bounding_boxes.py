"""The public module `minikeras.utils.bounding_boxes`: formats, geometry, overlap and deltas."""

from minikeras.layers.preprocessing.image.bounding_boxes.deltas import (
    decode_deltas_to_boxes,
    encode_box_to_deltas,
)
from minikeras.layers.preprocessing.image.bounding_boxes.formats import convert_format
from minikeras.layers.preprocessing.image.bounding_boxes.geometry import (
    affine_transform,
    clip_to_image_size,
    crop,
    pad,
)
from minikeras.layers.preprocessing.image.bounding_boxes.iou import compute_ciou, compute_iou

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]
