"""A data set of the images below a folder."""

import functools
import io
import struct

import numpy as np

from minikeras.core import settings
from minikeras.core.checks import one_of
from minikeras.utils import resizing
from minikeras.utils.directory import Kind, Options, from_directory
from minikeras.utils.image import pillow

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")

# Formats by Pillow's names: what a file is, its content says, and Pillow knows stranger ones.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF")

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}

# All that Pillow raises about a file that is no good image.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error)

# Shares of red and green in the brightness, in 32768ths, and that of blue, as libpng has them.
_BRIGHTNESS = np.array([9797, 19234, 3737])


def image_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    color_mode="rgb",
    batch_size=32,
    image_size=(256, 256),
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    interpolation="bilinear",
    follow_links=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    data_format=None,
    format="tf",
    verbose=True,
):
    """Makes a data set of the images below a folder, whose subfolders are the classes.

    Files are `.bmp`, `.gif` (the first image), `.jpeg`, `.jpg` and `.png`. With a seed, files,
    batches and the order of each epoch are those of Keras on TensorFlow.

    Args:
        directory: path of the folder.
        labels: `"inferred"` from the subfolders; None; or a list of one int for each file, in the
            sorted order of their paths.
        label_mode: `"int"`, `"categorical"`, `"binary"` (two classes), or None for images alone.
        class_names: list of the subfolders that are classes, in the order of their labels; by
            default all, sorted.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`: 3, 4 or 1 channels.
        batch_size: images in a batch; None for single images.
        image_size: height and width that the images are resized to, or an int for both.
        shuffle: whether to shuffle the files, and what is drawn from a buffer of eight batches in
            each epoch again; else they are sorted.
        seed: seed of these orders; by default drawn from `numpy.random`.
        validation_split: fraction of the files that are for validation.
        subset: with `validation_split`: `"training"`, `"validation"` or `"both"`.
        interpolation: how images are resized: `"bilinear"`, `"nearest"`, `"bicubic"`, `"area"`,
            `"lanczos3"`, `"lanczos5"`, `"gaussian"` or `"mitchellcubic"`.
        follow_links: whether to look into folders that are links.
        crop_to_aspect_ratio: whether to resize the largest part in the middle that has the
            proportions of `image_size`, so that nothing is distorted.
        pad_to_aspect_ratio: whether to put the whole image between black margins to that end.
        data_format: `"channels_last"` or `"channels_first"`; by default that of
            `keras.config.image_data_format()`.
        format: `"tf"` or `"grain"`: the data set is the same here.
        verbose: whether to print how many files there are.

    Returns:
        A data set to loop over or to pass to `fit`, of float32 images (batch, height, width,
        channels) with values from 0 to 255, or of tuples of images and labels: int32 (batch,),
        float32 (batch, classes) or (batch, 1). It has `class_names` and `file_paths`. For the
        subset `"both"`, a list of two.

    Raises:
        ImportError: if Pillow is missing.
        FileNotFoundError: if there is no such folder.
        ValueError: if an argument is wrong or there are no images; while the data set is gone
            through, if a file is damaged.

    Example:
        >>> import minikeras as keras, numpy as np, os
        >>> for name in ("cats", "dogs"):
        ...     os.makedirs(f"pets/{name}")
        ...     keras.utils.save_img(f"pets/{name}/1.png", np.zeros((6, 8, 3)))
        >>> data = keras.utils.image_dataset_from_directory("pets", image_size=(3, 4), seed=1)
        Found 2 files belonging to 2 classes.
        >>> for x, y in data:
        ...     print(x.shape, y.shape)
        (2, 3, 4, 3) (2,)
    """
    one_of("color_mode", color_mode, tuple(_MODES))
    one_of("format", format, ("tf", "grain"))
    method = str(interpolation).lower()
    one_of("interpolation", method, resizing.METHODS)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            "`crop_to_aspect_ratio` and `pad_to_aspect_ratio` exclude each other: set one of them."
        )
    pillow()
    load = functools.partial(
        _load,
        mode=_MODES[color_mode],
        size=_checked_size(image_size),
        method=method,
        crop=crop_to_aspect_ratio,
        pad=pad_to_aspect_ratio,
        layout=settings.standardize_data_format(data_format),
    )
    options = Options(
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )
    return from_directory(directory, Kind("image", EXTENSIONS, load), options)


def _checked_size(image_size):
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, (list, tuple)) or len(size) != 2 or min(size) < 1:
        raise ValueError(
            "Invalid `image_size` value. Expected a tuple of 2 positive integers. Received: "
            f"image_size={image_size}"
        )
    return tuple(size)


def _load(path, mode, size, method, crop, pad, layout):
    """Read and resize an image."""
    x = decoded(path, mode)
    if pad:
        x = resizing.padded(x, size, method)
    else:
        x = resizing.resized(resizing.cropped(x, size) if crop else x, size, method)
    return x.transpose(2, 0, 1) if layout == "channels_first" else x


def decoded(path, mode):
    """Read an image as TensorFlow does.

    Args:
        path: the file.
        mode: Pillow's name of the channels: `"L"`, `"RGB"` or `"RGBA"`.

    Returns:
        A uint8 array (height, width, channels).

    Raises:
        ValueError: if the file is no such image.
    """
    with open(path, "rb") as file:
        content = file.read()
    image_module = pillow()
    try:
        image = image_module.open(io.BytesIO(content), formats=_FORMATS)
        x = _pixels(image, mode)
    except (*_DAMAGED, image_module.DecompressionBombError) as error:
        raise ValueError(
            f"The image {path} can't be read: {type(error).__name__}: {error}. Remove or replace "
            "the file."
        ) from error
    return x[:, :, np.newaxis] if x.ndim == 2 else x


def _pixels(image, mode):
    if image.format == "JPEG" and mode == "L":
        image.draft("L", image.size)  # the brightness that is in the file
    if image.format == "PNG" and mode == "L" and image.mode in ("P", "RGB", "RGBA"):
        return _brightness(np.asarray(image.convert("RGB")))
    if image.mode.startswith("I"):  # 16 bits: the upper 8
        return np.asarray(image.point(lambda value: value / 256).convert(mode))
    if image.format == "GIF" and "transparency" in image.info:
        # What is transparent in the first image is black.
        x = np.asarray(image.convert("RGBA"))
        image = pillow().fromarray(x * (x[:, :, 3:] > 0).astype(np.uint8))
    return np.asarray(image if image.mode == mode else image.convert(mode))


def _brightness(x):
    """Gray of colours as libpng computes it, in whole numbers without rounding."""
    return (x @ _BRIGHTNESS >> 15).astype(np.uint8)
