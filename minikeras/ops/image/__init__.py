"""Images: their size, colors, margins, patches, and where pixels lie; `keras.ops.image`."""

from minikeras.ops.image.borders import crop_images, pad_images
from minikeras.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from minikeras.ops.image.filtering import gaussian_blur, sobel_edges, ssim
from minikeras.ops.image.patches import extract_patches, extract_patches_3d
from minikeras.ops.image.resizing import resize
from minikeras.ops.image.sampling import map_coordinates
from minikeras.ops.image.scaling import scale_and_translate
from minikeras.ops.image.warping import (
    affine_transform,
    elastic_transform,
    perspective_transform,
)

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]
