"""Pictures of images, bounding boxes and segmentation masks."""

from minikeras.visualization.boxes import draw_bounding_boxes, plot_bounding_box_gallery
from minikeras.visualization.gallery import plot_image_gallery
from minikeras.visualization.masks import draw_segmentation_masks, plot_segmentation_mask_gallery

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]
