"""Random changes of one image: what is drawn, and what is done with it.

Random numbers are drawn from NumPy's global generator, in the order of Keras 2.
"""

from typing import Any

import numpy as np

from minikeras.preprocessing.image.affine import apply_affine_transform, drawn_zoom
from minikeras.preprocessing.image.colors import apply_channel_shift, shift_brightness


class RandomTransforms:
    """The part of an `ImageDataGenerator` that changes images at random."""

    rotation_range: float
    width_shift_range: Any
    height_shift_range: Any
    brightness_range: Any
    shear_range: float
    zoom_range: Any
    channel_shift_range: float
    fill_mode: str
    cval: float
    horizontal_flip: bool
    vertical_flip: bool
    interpolation_order: int
    data_format: Any
    # Axes of a batch; those of an image are one less.
    row_axis: int
    col_axis: int
    channel_axis: int

    def get_random_transform(self, img_shape, seed=None):
        """Draw what is to be done to an image.

        Args:
            img_shape: tuple of three ints, the shape of the image.
            seed: int with which NumPy's generator is seeded before; None leaves it.

        Returns:
            A dict: `theta` and `shear` in degrees, `tx` (rows) and `ty` (columns) in pixels, `zx`
            and `zy` (zooms), `flip_horizontal`, `flip_vertical`, `channel_shift_intensity` and
            `brightness`.
        """
        if seed is not None:
            np.random.seed(seed)
        rows, columns = img_shape[self.row_axis - 1], img_shape[self.col_axis - 1]
        theta = _drawn(self.rotation_range)
        tx = _drawn_shift(self.height_shift_range, rows)
        ty = _drawn_shift(self.width_shift_range, columns)
        shear = _drawn(self.shear_range)
        zx, zy = drawn_zoom(self.zoom_range)
        flip_horizontal = np.random.random() < 0.5 and self.horizontal_flip
        flip_vertical = np.random.random() < 0.5 and self.vertical_flip
        channel_shift = _drawn(self.channel_shift_range, otherwise=None)
        bright = (
            None if self.brightness_range is None else np.random.uniform(*self.brightness_range)
        )
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": flip_horizontal,
            "flip_vertical": flip_vertical,
            "channel_shift_intensity": channel_shift,
            "brightness": bright,
        }

    def apply_transform(self, x, transform_parameters):
        """Do to an image what was drawn for it.

        Args:
            x: array of rank 3, one image.
            transform_parameters: dict as of `get_random_transform`; what it lacks is not done.

        Returns:
            An array of the shape of `x`.
        """
        row_axis, col_axis, channel_axis = (
            self.row_axis - 1,
            self.col_axis - 1,
            self.channel_axis - 1,
        )
        affine = ("theta", "tx", "ty", "shear", "zx", "zy")
        x = apply_affine_transform(
            x,
            **{name: transform_parameters[name] for name in affine if name in transform_parameters},
            row_axis=row_axis,
            col_axis=col_axis,
            channel_axis=channel_axis,
            fill_mode=self.fill_mode,
            cval=self.cval,
            order=self.interpolation_order,
        )
        intensity = transform_parameters.get("channel_shift_intensity")
        if intensity is not None:
            x = apply_channel_shift(x, intensity, channel_axis)
        if transform_parameters.get("flip_horizontal"):
            x = _flipped(x, col_axis)
        if transform_parameters.get("flip_vertical"):
            x = _flipped(x, row_axis)
        brightness = transform_parameters.get("brightness")
        if brightness is not None:
            x = shift_brightness(x, brightness, scale=False, data_format=self.data_format)
        return x

    def random_transform(self, x, seed=None):
        """Change an image at random.

        Args:
            x: array of rank 3, one image.
            seed: int with which NumPy's generator is seeded before; None leaves it.

        Returns:
            An array of the shape of `x`.
        """
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))


def _flipped(x, axis):
    """A view of an image, mirrored along an axis: `np.flip` takes as long as all the rest."""
    return x[(slice(None),) * axis + (slice(None, None, -1),)]


def _drawn(largest, otherwise: Any = 0):
    """Draw a number up to `largest`, to either side of 0; nothing is drawn if that is 0."""
    return np.random.uniform(-largest, largest) if largest else otherwise


def _drawn_shift(span, size):
    """Draw a shift in pixels along an axis of a certain size."""
    if not (len(span) if hasattr(span, "__len__") else span):
        return 0
    try:  # one of a list, or an int below an int
        shift = np.random.choice(span) * np.random.choice([-1, 1])
    except ValueError:  # a float
        shift = np.random.uniform(-span, span)
    return shift * size if np.max(span) < 1 else shift
