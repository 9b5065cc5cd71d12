"""Images rotated, shifted, sheared and zoomed; `scipy.ndimage` computes their pixels.

Random amounts are drawn from NumPy's global generator, in the order of Keras 2.
"""

from functools import reduce
from typing import Any

import numpy as np

from minikeras.core.distribution import how_to_install
from minikeras.core.docstrings import described

_ARGUMENTS = {
    "x": "array of rank 3, one image.",
    "row_axis": "int, the axis of rows.",
    "col_axis": "int, the axis of columns.",
    "channel_axis": "int, the axis of channels: the first or the last one.",
    "fill_mode": 'str, what lies outside of the image: `"nearest"`, the pixel at the edge; '
    '`"constant"`, `cval`; `"reflect"` or `"wrap"`, the image mirrored or once more.',
    "cval": 'float, the value of pixels outside with `"constant"`.',
    "interpolation_order": "int from 0 to 5, the order of the splines between pixels; 0 takes the "
    "nearest pixel, 1 is bilinear.",
}


def ndimage_of_scipy() -> Any:
    """The module `scipy.ndimage`."""
    try:
        from scipy import ndimage
    except ImportError:
        message = f"Images are transformed by the package `scipy`. {how_to_install('data')}"
        raise ImportError(message) from None
    return ndimage


@described(_ARGUMENTS, order=_ARGUMENTS["interpolation_order"])
def apply_affine_transform(
    x,
    theta=0,
    tx=0,
    ty=0,
    shear=0,
    zx=1,
    zy=1,
    row_axis=1,
    col_axis=2,
    channel_axis=0,
    fill_mode="nearest",
    cval=0.0,
    order=1,
):
    """Rotate, shift, shear and zoom an image about its center.

    Equations: the pixel at p = (column, row, 1) is that of `x` at M p, with
        M = C @ R @ T @ S @ Z @ inverse(C)
        R = [[cos(theta), -sin(theta), 0], [sin(theta), cos(theta), 0], [0, 0, 1]]
        T = [[1, 0, tx], [0, 1, ty], [0, 0, 1]]
        S = [[1, -sin(shear), 0], [0, cos(shear), 0], [0, 0, 1]]
        Z = [[zx, 0, 0], [0, zy, 0], [0, 0, 1]]
        C = [[1, 0, (height - 1) / 2], [0, 1, (width - 1) / 2], [0, 0, 1]]
    C has height and width in the order in which Keras has them, so the center is that of the image
    if it is square. Where `row_axis` is after `col_axis`, p is (row, column, 1).

    Args:
        theta: float, the angle of rotation in degrees, counterclockwise.
        tx: float, the shift along the columns' axis in pixels.
        ty: float, the shift along the rows' axis in pixels.
        shear: float, the angle of shear in degrees.
        zx: float, the zoom along the columns' axis; above 1 the image gets smaller.
        zy: float, the zoom along the rows' axis.

    Returns:
        An array of the shape and dtype of `x`; `x` itself if nothing is to be done.

    Raises:
        ImportError: if SciPy is missing.
        ValueError: if `x` is no image with these axes.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import apply_affine_transform
        >>> x = np.arange(4.0).reshape(1, 2, 2)
        >>> apply_affine_transform(x, theta=90).round().tolist()
        [[[1.0, 3.0], [0.0, 2.0]]]
    """
    _check_axes(x, row_axis, col_axis, channel_axis)
    matrices = _matrices(theta, tx, ty, shear, zx, zy)
    if not matrices:
        return x
    matrix = _about_center(reduce(np.dot, matrices), x.shape[row_axis], x.shape[col_axis])
    if col_axis > row_axis:  # SciPy takes coordinates in the order of the axes: (row, column)
        matrix = matrix[np.ix_([1, 0, 2], [1, 0, 2])]
    channels = np.moveaxis(x, channel_axis, 0)
    y = np.empty(channels.shape, x.dtype)
    transform = ndimage_of_scipy().affine_transform
    for channel, out in zip(channels, y, strict=True):
        transform(
            channel,
            matrix[:2, :2],
            matrix[:2, 2],
            output=out,
            order=order,
            mode=fill_mode,
            cval=cval,
        )
    return np.moveaxis(y, 0, channel_axis)


def _check_axes(x, row_axis, col_axis, channel_axis):
    if {row_axis, col_axis, channel_axis} != {0, 1, 2}:
        raise ValueError(
            "The axes must be 0, 1 and 2, each once. Received: "
            f"row_axis={row_axis}, col_axis={col_axis}, channel_axis={channel_axis}"
        )
    if channel_axis == 1:
        raise ValueError("`channel_axis` must be 0 or 2. Received: channel_axis=1")
    if len(x.shape) != 3:
        raise ValueError(f"`x` must have rank 3: it is one image. Received: x of shape {x.shape}")


def _matrices(theta, tx, ty, shear, zx, zy):
    """The matrices, in homogeneous coordinates, of those parts that do something."""
    matrices = []
    if theta != 0:
        cos, sin = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
        matrices.append([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    if tx != 0 or ty != 0:
        matrices.append([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    if shear != 0:
        cos, sin = np.cos(np.deg2rad(shear)), np.sin(np.deg2rad(shear))
        matrices.append([[1, -sin, 0], [0, cos, 0], [0, 0, 1]])
    if zx != 1 or zy != 1:
        matrices.append([[zx, 0, 0], [0, zy, 0], [0, 0, 1]])
    return [np.array(matrix) for matrix in matrices]


def _about_center(matrix, rows, columns):
    """A matrix that does at the center of the image what another does at its corner."""
    x, y = rows / 2 - 0.5, columns / 2 - 0.5
    to_center = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
    from_center = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
    return to_center @ matrix @ from_center


@described(_ARGUMENTS)
def random_rotation(
    x,
    rg,
    row_axis=1,
    col_axis=2,
    channel_axis=0,
    fill_mode="nearest",
    cval=0.0,
    interpolation_order=1,
):
    """Rotate an image by a random angle.

    Args:
        rg: float, the largest angle in degrees, to either side.

    Returns:
        An array of the shape and dtype of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import random_rotation
        >>> random_rotation(np.ones((1, 4, 4)), 30).shape
        (1, 4, 4)
    """
    theta = np.random.uniform(-rg, rg)
    place = row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    return apply_affine_transform(x, theta, 0, 0, 0, 1, 1, *place)


@described(_ARGUMENTS)
def random_shift(
    x,
    wrg,
    hrg,
    row_axis=1,
    col_axis=2,
    channel_axis=0,
    fill_mode="nearest",
    cval=0.0,
    interpolation_order=1,
):
    """Shift an image by a random amount.

    Args:
        wrg: float, the largest shift along the width, as a part of the width.
        hrg: float, the largest shift along the height, as a part of the height.

    Returns:
        An array of the shape and dtype of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import random_shift
        >>> random_shift(np.ones((1, 4, 4)), 0.2, 0.2).shape
        (1, 4, 4)
    """
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    place = row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    return apply_affine_transform(x, 0, tx, ty, 0, 1, 1, *place)


@described(_ARGUMENTS)
def random_shear(
    x,
    intensity,
    row_axis=1,
    col_axis=2,
    channel_axis=0,
    fill_mode="nearest",
    cval=0.0,
    interpolation_order=1,
):
    """Shear an image by a random angle.

    Args:
        intensity: float, the largest angle in degrees, to either side.

    Returns:
        An array of the shape and dtype of `x`.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import random_shear
        >>> random_shear(np.ones((1, 4, 4)), 30).shape
        (1, 4, 4)
    """
    shear = np.random.uniform(-intensity, intensity)
    place = row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    return apply_affine_transform(x, 0, 0, 0, shear, 1, 1, *place)


@described(_ARGUMENTS)
def random_zoom(
    x,
    zoom_range,
    row_axis=1,
    col_axis=2,
    channel_axis=0,
    fill_mode="nearest",
    cval=0.0,
    interpolation_order=1,
):
    """Zoom an image by random factors, one for each axis.

    Args:
        zoom_range: tuple of two floats, the least and the largest factor; above 1 the image gets
            smaller.

    Returns:
        An array of the shape and dtype of `x`.

    Raises:
        ValueError: if `zoom_range` has not two numbers.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import random_zoom
        >>> random_zoom(np.ones((1, 4, 4)), (0.8, 1.2)).shape
        (1, 4, 4)
    """
    if len(zoom_range) != 2:
        raise ValueError(f"`zoom_range` must be two floats. Received: zoom_range={zoom_range}")
    zx, zy = drawn_zoom(zoom_range)
    place = row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    return apply_affine_transform(x, 0, 0, 0, 0, zx, zy, *place)


def drawn_zoom(zoom_range):
    """Draw a factor for each axis; nothing is drawn from the range from 1 to 1."""
    low, high = zoom_range
    return (1, 1) if low == 1 and high == 1 else np.random.uniform(low, high, 2)
