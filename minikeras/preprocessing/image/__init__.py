"""Images for training, as in `keras.preprocessing.image`: files, arrays and random changes."""

from minikeras.preprocessing.image.affine import (
    apply_affine_transform,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)
from minikeras.preprocessing.image.arrays import NumpyArrayIterator
from minikeras.preprocessing.image.colors import (
    apply_brightness_shift,
    apply_channel_shift,
    random_brightness,
    random_channel_shift,
)
from minikeras.preprocessing.image.dataframe import DataFrameIterator
from minikeras.preprocessing.image.directory import DirectoryIterator
from minikeras.preprocessing.image.generator import ImageDataGenerator
from minikeras.preprocessing.image.iterator import Iterator
from minikeras.preprocessing.image.resizing import smart_resize
from minikeras.utils.image import array_to_img, img_to_array, load_img, save_img

__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "img_to_array",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
]
