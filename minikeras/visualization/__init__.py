"""Pictures of images, bounding boxes and segmentation masks."""

from minikeras.visualization.gallery import plot_image_gallery
from minikeras.visualization.masks import draw_segmentation_masks, plot_segmentation_mask_gallery

__all__ = [
    "draw_segmentation_masks",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]
