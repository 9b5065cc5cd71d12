"""Batches of images from a directory with one directory for each class."""

import itertools
import os

import numpy as np

from minikeras.core import settings
from minikeras.core.console import print_message
from minikeras.core.docstrings import described
from minikeras.preprocessing.image.files import FILE_OPTIONS, FileIterator, image_files


@described(FILE_OPTIONS)
class DirectoryIterator(FileIterator):
    """Iterator over the images in a directory; `ImageDataGenerator.flow_from_directory` makes it.

    Args:
        directory: str or path of a directory, which has one directory for each class. Files of the
            formats PNG, JPEG, BMP, PPM and TIFF are read, also from directories below these.
        class_mode: str, what the targets are: `"categorical"`, one-hot rows; `"binary"` or
            `"sparse"`, the numbers of the classes; `"input"`, the images themselves. With None
            there are none.
        follow_links: bool, whether links to directories are followed.

    Raises:
        ValueError: if `color_mode`, `class_mode` or `subset` is unknown.

    Example:
        >>> import os, numpy as np
        >>> from minikeras.preprocessing.image import ImageDataGenerator, save_img
        >>> for kind in ("cats", "dogs"):
        ...     os.makedirs(f"pets/{kind}")
        ...     save_img(f"pets/{kind}/1.png", np.random.random((9, 8, 3)))
        >>> batches = ImageDataGenerator().flow_from_directory("pets", target_size=(4, 4))
        Found 2 images belonging to 2 classes.
        >>> x, y = next(batches)
        >>> x.shape, y.shape, batches.class_indices
        ((2, 4, 4, 3), (2, 2), {'cats': 0, 'dogs': 1})
    """

    allowed_class_modes = ("categorical", "binary", "sparse", "input", None)

    def __init__(
        self,
        directory,
        image_data_generator,
        target_size=(256, 256),
        color_mode="rgb",
        classes=None,
        class_mode="categorical",
        batch_size=32,
        shuffle=True,
        seed=None,
        data_format=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        follow_links=False,
        subset=None,
        interpolation="nearest",
        keep_aspect_ratio=False,
        dtype=None,
    ):
        self._set_options(
            image_data_generator=image_data_generator,
            target_size=target_size,
            color_mode=color_mode,
            class_mode=class_mode,
            data_format=data_format or settings.image_data_format(),
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
            dtype=dtype or settings.floatx(),
        )
        self.directory = directory
        self._find_files(list(classes) if classes else _directories_in(directory), follow_links)
        print_message(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _find_files(self, names, follow_links):
        """Set what is known of each image, class by class."""
        self.num_classes = len(names)
        self.class_indices = {name: i for i, name in enumerate(names)}
        paths = [self._files_of(name, follow_links) for name in names]
        counts = [len(files) for files in paths]
        self.filepaths = list(itertools.chain.from_iterable(paths))
        self.filenames = [os.path.relpath(path, self.directory) for path in self.filepaths]
        self.classes = self.labels = np.repeat(np.arange(len(names), dtype="int32"), counts)
        self.samples = len(self.filepaths)

    def _files_of(self, name, follow_links):
        """The paths of those files of a class that belong to the subset."""
        directory = os.path.join(self.directory, name)
        files = list(image_files(directory, self.white_list_formats, follow_links))
        return files[self._part(len(files))]


def _directories_in(directory):
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())
