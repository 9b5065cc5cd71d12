"""Images: their size, colors, margins, and where their pixels lie; `keras.ops.image`."""

from minikeras.ops.image.borders import crop_images, pad_images
from minikeras.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from minikeras.ops.image.filtering import gaussian_blur
from minikeras.ops.image.resizing import resize
from minikeras.ops.image.sampling import map_coordinates
from minikeras.ops.image.warping import (
    affine_transform,
    elastic_transform,
    perspective_transform,
)

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
]
