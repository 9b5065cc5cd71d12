"""Functions of Keras 1 for images and folders of them, which scripts wrote generators with."""

import os
import re

import numpy as np

from minikeras.preprocessing.image.affine import ndimage_of_scipy

__all__ = ["apply_transform", "flip_axis", "list_pictures", "transform_matrix_offset_center"]


def flip_axis(x, axis):
    """Return an array mirrored along an axis.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.preprocessing.image import flip_axis
        >>> flip_axis(np.arange(3), 0).tolist()
        [2, 1, 0]
    """
    return np.flip(np.asarray(x), axis)


def transform_matrix_offset_center(matrix, x, y):
    """Return a matrix that does at the center of an image what another does at its corner.

    Equation: `C @ matrix @ inverse(C)` with C = [[1, 0, x/2 + 1/2], [0, 1, y/2 + 1/2], [0, 0, 1]].

    Args:
        matrix: array of shape (3, 3), in homogeneous coordinates.
        x: the height.
        y: the width.

    Returns:
        An array of shape (3, 3).

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.preprocessing.image import transform_matrix_offset_center
        >>> transform_matrix_offset_center(np.diag([2.0, 2.0, 1.0]), 3, 3)[:2, 2].tolist()
        [-2.0, -2.0]
    """
    offset = np.array([x / 2 + 0.5, y / 2 + 0.5])
    to_center, from_center = np.eye(3), np.eye(3)
    to_center[:2, 2], from_center[:2, 2] = offset, -offset
    return to_center @ matrix @ from_center


def apply_transform(x, transform_matrix, channel_axis=0, fill_mode="nearest", cval=0.0):
    """Return an image whose pixel at p is that of `x` at `M p`, the nearest one.

    Args:
        x: array of rank 3.
        transform_matrix: M, an array of shape (3, 3) for points (row, column, 1).
        channel_axis: the axis of the channels.
        fill_mode: what lies outside: `"nearest"`, `"constant"`, `"reflect"` or `"wrap"`.
        cval: float, the value outside with `"constant"`.

    Returns:
        An array of the shape of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.preprocessing.image import apply_transform
        >>> down = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> apply_transform(np.arange(4.0).reshape(1, 2, 2), down).tolist()
        [[[0.0, 1.0], [0.0, 1.0]]]
    """
    matrix, transform = np.asarray(transform_matrix), ndimage_of_scipy().affine_transform
    channels = [
        transform(channel, matrix[:2, :2], matrix[:2, 2], order=0, mode=fill_mode, cval=cval)
        for channel in np.moveaxis(x, channel_axis, 0)
    ]
    return np.moveaxis(np.stack(channels), 0, channel_axis)


def list_pictures(directory, ext="jpg|jpeg|bmp|png"):
    """Return the paths of the images in a folder and in those inside.

    Args:
        directory: path of the folder.
        ext: the endings of their names, separated by `|`.

    Example:
        >>> import os
        >>> from minikeras.keras2.preprocessing.image import list_pictures
        >>> os.makedirs("pictures/cats")
        >>> for name in ("a.png", "notes.txt"):
        ...     open(f"pictures/cats/{name}", "w").close()
        >>> [os.path.basename(path) for path in list_pictures("pictures")]
        ['a.png']
    """
    wanted = re.compile(rf"\w+\.(?:{ext})")
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(directory)
        for name in names
        if wanted.match(name)
    ]
