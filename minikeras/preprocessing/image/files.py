"""Batches of images from files: how a file becomes an image, and where the targets come from."""

import os
import warnings
from typing import Any

import numpy as np

from minikeras.core.checks import one_of
from minikeras.core.docstrings import described
from minikeras.preprocessing.image.iterator import OPTIONS, ImageIterator
from minikeras.utils.image import img_to_array, load_img

CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
"""How many channels the images of each `color_mode` have."""

CLASS_MODES = {
    "binary": "the number of the class, 0 or 1",
    "categorical": "a one-hot row for the class",
    "input": "the image itself",
    "multi_output": "a list of the values of several columns",
    "raw": "the value in the column",
    "sparse": "the number of the class",
    None: "nothing",
}
"""What the target of an image is, by `class_mode`."""

FILE_OPTIONS = OPTIONS | {
    "target_size": "tuple of two ints, the `(height, width)` in pixels that images are resized to.",
    "color_mode": 'str, `"rgb"`, `"rgba"` or `"grayscale"`.',
    "classes": "list of str, the names of the classes in the order of their numbers; by default "
    "all that there are, in alphabetical order.",
    "interpolation": "str, how images are resized (see `load_img`).",
    "keep_aspect_ratio": "bool, whether a central part with the proportions of `target_size` is "
    "resized instead of the whole image.",
}
"""What is said of the arguments that iterators over files share."""


@described(FILE_OPTIONS)
class FileIterator(ImageIterator):
    """Base of iterators over image files; a subclass says which files, and what their targets are.

    Raises:
        ValueError: if `color_mode`, `class_mode` or `subset` is unknown.
    """

    allowed_class_modes: tuple = tuple(CLASS_MODES)
    interpolation: str
    keep_aspect_ratio: bool
    # Set by subclasses: of each file its path, and what `class_mode` needs.
    filepaths: list

    classes: Any
    labels: Any
    class_indices: dict
    sample_weight = None

    def _set_options(self, target_size, color_mode, class_mode, data_format, subset, **options):
        """Check the arguments that all iterators over files have, and keep them as attributes."""
        one_of("color_mode", color_mode, CHANNELS)
        one_of("class_mode", class_mode, self.allowed_class_modes)
        one_of("subset", subset, ("training", "validation", None))
        self.target_size = tuple(target_size)
        self.color_mode = color_mode
        self.class_mode = class_mode
        self.data_format = data_format
        self.subset = subset
        vars(self).update(options)
        channels = (CHANNELS[color_mode],)
        is_last = data_format == "channels_last"
        self.image_shape = self.target_size + channels if is_last else channels + self.target_size

    def _part(self, count):
        """The part of so many files that the subset is."""
        if self.subset is None:
            return slice(None)
        first = int(self.image_data_generator.validation_split * count)
        return slice(first) if self.subset == "validation" else slice(first, None)

    def _image(self, number):
        with load_img(
            self.filepaths[number],
            color_mode=self.color_mode,
            target_size=self.target_size,
            interpolation=self.interpolation,
            keep_aspect_ratio=self.keep_aspect_ratio,
        ) as image:
            return img_to_array(image, data_format=self.data_format)

    def _get_batches_of_transformed_samples(self, index_array):
        images = self._images(index_array, file_numbers=10_000_000)
        if self.class_mode is None:
            return images
        targets = self._targets(index_array, images)
        if self.sample_weight is None:
            return images, targets
        return images, targets, self.sample_weight[index_array]

    def _targets(self, index_array, images):
        match self.class_mode:
            case "input":
                return images.copy()
            case "multi_output":
                return [values[index_array] for values in self.labels]
            case "raw":
                return self.labels[index_array]
            case "categorical":
                targets = np.zeros((len(index_array), len(self.class_indices)), dtype=self.dtype)
                for row, number in zip(targets, index_array, strict=True):
                    row[self.classes[number]] = 1  # of one class, or of several
                return targets
            case _:
                return np.array([self.classes[number] for number in index_array], self.dtype)


def image_files(directory, formats, follow_links):
    """Yield the paths of image files in a directory and those below it, in alphabetical order."""
    for folder, _, names in sorted(os.walk(directory, followlinks=follow_links)):
        for name in sorted(names):
            if name.lower().endswith(".tiff"):
                warnings.warn(
                    "'.tiff' files with several bands are distorted: look at the images.",
                    stacklevel=2,
                )
            if name.lower().endswith(formats):
                yield os.path.join(folder, name)
