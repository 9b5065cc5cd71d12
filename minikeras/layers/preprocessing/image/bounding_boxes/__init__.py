"""Bounding boxes: their formats, what happens to them with their image, how detectors code them."""
