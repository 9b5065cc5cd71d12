"""Images for training, as Keras 2 reads and changes them (the extra `data`)."""

from minikeras.keras2.finder import elsewhere
from minikeras.keras2.preprocessing.transforms import (
    apply_transform,
    flip_axis,
    list_pictures,
    transform_matrix_offset_center,
)
from minikeras.keras2.spelling import DATA_FORMATS, spelled, spelled_class
from minikeras.preprocessing import image as engine
from minikeras.utils.image import load_img as _load_img

__getattr__ = elsewhere(__name__)

__all__ = [
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "apply_transform",
    "array_to_img",
    "flip_axis",
    "img_to_array",
    "list_pictures",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "transform_matrix_offset_center",
]

_SAVED = "save_to_dir=None, save_prefix='', save_format='png'"
_AXES = "row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.0"
_OF_KERAS_1 = {"dim_ordering": "data_format"}


def load_img(path, grayscale=False, color_mode="rgb", target_size=None, interpolation="nearest"):
    """Read an image from a file.

    Args:
        path: of the file.
        grayscale: whether the image has one channel, as `color_mode="grayscale"` says.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        target_size: `(height, width)`, or None to keep the image's own.
        interpolation: how the image is resized: `"nearest"`, `"bilinear"`, `"bicubic"`, ...

    Returns:
        An image of Pillow.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.preprocessing import image
        >>> image.save_img("black.png", np.zeros((4, 6, 3)), scale=False)
        >>> image.load_img("black.png", grayscale=True).size
        (6, 4)
    """
    mode = "grayscale" if grayscale else color_mode
    return _load_img(path, mode, target_size, interpolation)


array_to_img = spelled(
    engine.array_to_img,
    "x, data_format=None, scale=True, dtype=None",
    keras1=_OF_KERAS_1,
    values=DATA_FORMATS,
)
img_to_array = spelled(
    engine.img_to_array,
    "img, data_format=None, dtype=None",
    keras1=_OF_KERAS_1,
    values=DATA_FORMATS,
)
save_img = engine.save_img
Iterator = spelled_class(engine.Iterator, "n, batch_size, shuffle, seed")
DirectoryIterator = spelled_class(
    engine.DirectoryIterator,
    "directory, image_data_generator, target_size=(256, 256), color_mode='rgb', classes=None, "
    "class_mode='categorical', batch_size=32, shuffle=True, seed=None, data_format=None, "
    f"{_SAVED}, follow_links=False, subset=None, interpolation='nearest', dtype=None",
    keras1=_OF_KERAS_1,
    values=DATA_FORMATS,
)
NumpyArrayIterator = spelled_class(
    engine.NumpyArrayIterator,
    "x, y, image_data_generator, batch_size=32, shuffle=False, sample_weight=None, seed=None, "
    f"data_format=None, {_SAVED}, subset=None, dtype=None",
    keras1={"X": "x", **_OF_KERAS_1},
    values=DATA_FORMATS,
)


ImageDataGenerator = spelled_class(
    engine.ImageDataGenerator,
    "featurewise_center=False, samplewise_center=False, featurewise_std_normalization=False, "
    "samplewise_std_normalization=False, zca_whitening=False, zca_epsilon=1e-06, "
    "rotation_range=0, width_shift_range=0.0, height_shift_range=0.0, brightness_range=None, "
    "shear_range=0.0, zoom_range=0.0, channel_shift_range=0.0, fill_mode='nearest', cval=0.0, "
    "horizontal_flip=False, vertical_flip=False, rescale=None, preprocessing_function=None, "
    "data_format=None, validation_split=0.0, dtype=None",
    keras1=_OF_KERAS_1,
    values=DATA_FORMATS,
    flow=spelled(
        engine.ImageDataGenerator.flow,
        "self, x, y=None, batch_size=32, shuffle=True, sample_weight=None, seed=None, "
        f"{_SAVED}, subset=None",
        keras1={"X": "x"},
    ),
)

apply_affine_transform = spelled(
    engine.apply_affine_transform,
    "x, theta=0, tx=0, ty=0, shear=0, zx=1, zy=1, row_axis=0, col_axis=1, channel_axis=2, "
    "fill_mode='nearest', cval=0.0",
)
apply_brightness_shift = spelled(engine.apply_brightness_shift, "x, brightness")
apply_channel_shift = engine.apply_channel_shift
random_brightness = spelled(engine.random_brightness, "x, brightness_range")
random_channel_shift = spelled(
    engine.random_channel_shift,
    "x, intensity_range, channel_axis=0",
    keras1={"intensity": "intensity_range"},
)
random_rotation = spelled(engine.random_rotation, f"x, rg, {_AXES}")
random_shear = spelled(engine.random_shear, f"x, intensity, {_AXES}")
random_shift = spelled(engine.random_shift, f"x, wrg, hrg, {_AXES}")
random_zoom = spelled(engine.random_zoom, f"x, zoom_range, {_AXES}")
