"""Coloured shapes in small pictures, which the programs of this folder speak of."""

import numpy as np

COLOURS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.7, 0.2), "blue": (0.15, 0.25, 0.95)}
SHAPES = ["cross", "square", "triangle"]


def blank(size):
    """A light picture, as array of shape (size, size, 3)."""
    return np.full((size, size, 3), 0.95, "float32")


def paint(picture, shape, colour, row, column, radius):
    """Draw a shape around a point into a picture."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    y, x = y - row, x - column
    inside = {
        "cross": (np.maximum(abs(x), abs(y)) <= radius)
        & (np.minimum(abs(x), abs(y)) < 0.35 * radius),
        "square": np.maximum(abs(x), abs(y)) <= 0.85 * radius,
        "triangle": (y <= 0.8 * radius) & (2 * abs(x) <= y + radius),
    }
    picture[inside[shape]] = COLOURS[colour]
