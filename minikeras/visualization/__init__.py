"""Pictures of images, bounding boxes and segmentation masks."""
