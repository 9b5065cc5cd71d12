"""Images changed at random and normalized, batch by batch, as in Keras 2."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.core.old_names import explains_old_constructor
from minikeras.preprocessing.image.arrays import NumpyArrayIterator
from minikeras.preprocessing.image.dataframe import DataFrameIterator
from minikeras.preprocessing.image.directory import DirectoryIterator
from minikeras.preprocessing.image.normalization import Normalization
from minikeras.preprocessing.image.random_transforms import RandomTransforms

# What each setting switches on, too: a scaled image is a centered one.
_IMPLIES = {
    "zca_whitening": "featurewise_center",
    "featurewise_std_normalization": "featurewise_center",
    "samplewise_std_normalization": "samplewise_center",
}


@explains_old_constructor
@dataclass(eq=False, repr=False)
class ImageDataGenerator(RandomTransforms, Normalization):
    """Changes images at random and normalizes them, while a model trains on them.

    The order is: rotation, shift, shear and zoom in one step; channel shift; flips; brightness;
    then `preprocessing_function`, `rescale` and the normalizations.

    Args:
        featurewise_center: bool, whether the mean of each channel over all images is subtracted
            (see `fit`).
        samplewise_center: bool, whether each image's own mean is subtracted.
        featurewise_std_normalization: bool, whether values are divided by the standard deviation of
            their channel over all images (see `fit`).
        samplewise_std_normalization: bool, whether each image is divided by its own standard
            deviation.
        zca_whitening: bool, whether correlations between pixels are removed (see `fit`).
        zca_epsilon: float, added to the singular values for that.
        rotation_range: float, the largest angle of rotation in degrees, to either side.
        width_shift_range: float, the largest shift along the width, to either side: a part of the
            width if below 1, else pixels. Of an int `n` the shift is a whole number of pixels below
            `n`; of a list, one of its numbers.
        height_shift_range: float, int or list, the same along the height.
        brightness_range: tuple of two floats, the least and the largest factor of brightness.
        shear_range: float, the largest angle of shear in degrees, to either side.
        zoom_range: tuple of two floats, the least and the largest zoom; of a float `z` they are
            `1 - z` and `1 + z`.
        channel_shift_range: float, the largest number that is added to all values.
        fill_mode: str, what lies outside of an image: `"nearest"`, the pixel at the edge;
            `"constant"`, `cval`; `"reflect"` or `"wrap"`, the image mirrored or once more.
        cval: float, the value of pixels outside with `"constant"`.
        horizontal_flip: bool, whether half of the images are mirrored left to right.
        vertical_flip: bool, whether half of the images are mirrored upside down.
        rescale: float, by which values are multiplied; None or 0 leaves them.
        preprocessing_function: function from an image of rank 3 to one of the same shape.
        data_format: str, `"channels_last"` or `"channels_first"`;
            `keras.config.image_data_format()` by default.
        validation_split: float from 0 to 1, the part of the images for `subset="validation"`.
        interpolation_order: int from 0 to 5, the order of the splines between pixels.
        dtype: dtype of the images; `keras.config.floatx()` by default.

    Raises:
        ValueError: if `data_format`, `validation_split`, `zoom_range` or `brightness_range` is none
            of this.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import ImageDataGenerator
        >>> generator = ImageDataGenerator(rotation_range=20, horizontal_flip=True, rescale=1 / 255)
        >>> images, labels = np.random.randint(0, 256, (8, 16, 16, 3)), np.arange(8)
        >>> batches = generator.flow(images, labels, batch_size=4)
        >>> x, y = batches[0]
        >>> x.shape, y.shape, len(batches)
        ((4, 16, 16, 3), (4,), 2)
    """

    featurewise_center: bool = False
    samplewise_center: bool = False
    featurewise_std_normalization: bool = False
    samplewise_std_normalization: bool = False
    zca_whitening: bool = False
    zca_epsilon: float = 1e-6
    rotation_range: float = 0
    width_shift_range: Any = 0.0
    height_shift_range: Any = 0.0
    brightness_range: Any = None
    shear_range: float = 0.0
    zoom_range: Any = 0.0
    channel_shift_range: float = 0.0
    fill_mode: str = "nearest"
    cval: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    rescale: float | None = None
    preprocessing_function: Callable[..., Any] | None = None
    data_format: Any = None
    validation_split: float = 0.0
    interpolation_order: int = 1
    dtype: Any = None

    mean: Any = field(default=None, init=False)
    std: Any = field(default=None, init=False)
    zca_whitening_matrix: Any = field(default=None, init=False)

    def __post_init__(self):
        """Check the arguments, and complete them."""
        self.data_format = settings.standardize_data_format(self.data_format)
        self.dtype = self.dtype or settings.floatx()
        is_last = self.data_format == "channels_last"
        self.row_axis, self.col_axis, self.channel_axis = (1, 2, 3) if is_last else (2, 3, 1)
        if self.validation_split and not 0 < self.validation_split < 1:
            raise ValueError(
                "`validation_split` must be between 0 and 1. "
                f"Received: validation_split={self.validation_split}"
            )
        self.zoom_range = _zoom_range(self.zoom_range)
        _check_brightness_range(self.brightness_range)
        self._switch_on_what_is_implied()

    def _switch_on_what_is_implied(self):
        for setting, implied in _IMPLIES.items():
            if getattr(self, setting) and not getattr(self, implied):
                warnings.warn(f"`{setting}` implies `{implied}=True`.", stacklevel=4)
                setattr(self, implied, True)
        if self.zca_whitening and self.featurewise_std_normalization:
            warnings.warn(
                "`zca_whitening` implies `featurewise_std_normalization=False`.", stacklevel=4
            )
            self.featurewise_std_normalization = False

    @described(NumpyArrayIterator)
    def flow(
        self,
        x,
        y=None,
        batch_size=32,
        shuffle=True,
        sample_weight=None,
        seed=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        ignore_class_split=False,
        subset=None,
    ):
        """Return batches of changed images from an array.

        Returns:
            A `NumpyArrayIterator` of batches `x`, `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            ValueError: if the arrays do not fit together.
        """
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            ignore_class_split=ignore_class_split,
            dtype=self.dtype,
        )

    @described(DirectoryIterator)
    def flow_from_directory(
        self,
        directory,
        target_size=(256, 256),
        color_mode="rgb",
        classes=None,
        class_mode="categorical",
        batch_size=32,
        shuffle=True,
        seed=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        follow_links=False,
        subset=None,
        interpolation="nearest",
        keep_aspect_ratio=False,
    ):
        """Return batches of changed images from a directory with one directory for each class.

        Returns:
            A `DirectoryIterator` of batches `(x, y)`, or `x` without targets.

        Raises:
            ValueError: if an argument is unknown.
        """
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
            dtype=self.dtype,
        )

    @described(DataFrameIterator)
    def flow_from_dataframe(
        self,
        dataframe,
        directory=None,
        x_col="filename",
        y_col="class",
        weight_col=None,
        target_size=(256, 256),
        color_mode="rgb",
        classes=None,
        class_mode="categorical",
        batch_size=32,
        shuffle=True,
        seed=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        subset=None,
        interpolation="nearest",
        validate_filenames=True,
        **kwargs,
    ):
        """Return batches of changed images that a table lists.

        Args:
            **kwargs: `has_ext`, `sort` and `drop_duplicates`, of old scripts: they do nothing.

        Returns:
            A `DataFrameIterator` of batches `x`, `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            TypeError: if a column has not the type that `class_mode` asks for.
            ValueError: if an argument is unknown.
        """
        for name in kwargs:
            _warn_of_old(f"`{name}`", "it does nothing")
        if class_mode == "other":
            _warn_of_old("`class_mode='other'`", "write `class_mode='raw'`")
            class_mode = "raw"
        return DataFrameIterator(
            dataframe,
            directory,
            self,
            x_col=x_col,
            y_col=y_col,
            weight_col=weight_col,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
            validate_filenames=validate_filenames,
        )


def _zoom_range(value):
    """The least and the largest zoom."""
    if isinstance(value, (float, int)):
        return [1 - value, 1 + value]
    if len(value) == 2 and all(isinstance(zoom, (float, int)) for zoom in value):
        return list(value)
    raise ValueError(f"`zoom_range` must be a float or two. Received: zoom_range={value}")


def _check_brightness_range(value):
    if value is not None and not (isinstance(value, (tuple, list)) and len(value) == 2):
        raise ValueError(
            "`brightness_range` must be a tuple or list of two floats. "
            f"Received: brightness_range={value}"
        )


def _warn_of_old(what, instead):
    warnings.warn(f"{what} is of old scripts: {instead}.", DeprecationWarning, stacklevel=3)
