"""Batches of images from an array."""

import warnings

import numpy as np

from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.preprocessing.image.iterator import OPTIONS, ImageIterator

CHANNELS = (1, 3, 4)
"""How many channels images have: gray; red, green, blue; and alpha."""


def warn_of_channels(x, axis):
    """Warn if an array of images has other numbers of channels than images do."""
    if x.shape[axis] not in CHANNELS:
        warnings.warn(
            f"Expected 1, 3 or 4 channels on axis {axis}. Received: {x.shape[axis]} channels, in "
            f"images of shape {x.shape}",
            stacklevel=3,
        )


@described(OPTIONS)
class NumpyArrayIterator(ImageIterator):
    """Iterator over images that are in an array; `ImageDataGenerator.flow` makes it.

    Args:
        x: array of rank 4, the images; or a pair of the images and another array, or a list of
            arrays, that are yielded beside them as they are.
        y: array of targets, or None.
        sample_weight: array of weights, or None.
        ignore_class_split: bool, whether the two subsets may have different labels.

    Raises:
        ValueError: if the arrays differ in length, or `x` has not rank 4, or `subset` is unknown,
            or one subset lacks labels of the other.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import ImageDataGenerator
        >>> generator = ImageDataGenerator(rescale=1 / 255)
        >>> batches = generator.flow(np.full((5, 4, 4, 3), 255), np.arange(5), batch_size=2)
        >>> x, y = next(batches)
        >>> x.shape, float(x.max()), y.shape
        ((2, 4, 4, 3), 1.0, (2,))
    """

    def __init__(
        self,
        x,
        y,
        image_data_generator,
        batch_size=32,
        shuffle=False,
        sample_weight=None,
        seed=None,
        data_format=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        subset=None,
        ignore_class_split=False,
        dtype=None,
    ):
        self.image_data_generator = image_data_generator
        self.data_format = data_format or settings.image_data_format()
        self.dtype = dtype or settings.floatx()
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        x, others = x if isinstance(x, (list, tuple)) else (x, [])
        others = [np.asarray(other) for other in (others if isinstance(others, list) else [others])]
        _check_lengths(x, others, y, sample_weight)
        part = slice(None)
        if subset is not None:
            part = _part_of(len(x), subset, image_data_generator)
            if y is not None and not ignore_class_split:
                _check_labels(y, part)
        self.x = np.asarray(x[part], dtype=self.dtype)
        self.x_misc = [other[part] for other in others]
        self.y = None if y is None else np.asarray(y[part])
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight[part])
        if self.x.ndim != 4:
            raise ValueError(f"`x` must have rank 4. Received: x of shape {self.x.shape}")
        warn_of_channels(self.x, 3 if self.data_format == "channels_last" else 1)
        self.image_shape = self.x.shape[1:]
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _image(self, number):
        return self.x[number].copy(order="K")  # sums depend on the order in memory

    def _get_batches_of_transformed_samples(self, index_array):
        images = self._images(index_array, file_numbers=10_000)
        batch = [images, *(other[index_array] for other in self.x_misc)] if self.x_misc else images
        if self.y is None:
            return batch
        if self.sample_weight is None:
            return batch, self.y[index_array]
        return batch, self.y[index_array], self.sample_weight[index_array]


def _check_lengths(x, others, y, sample_weight):
    named = {"y": y, "sample_weight": sample_weight}
    named |= {f"x[1][{i}]": other for i, other in enumerate(others)}
    for name, array in named.items():
        if array is not None and len(array) != len(x):
            raise ValueError(
                f"`{name}` must have as many rows as there are images. "
                f"Received: {len(array)} rows for {len(x)} images"
            )


def _part_of(count, subset, generator):
    """The part of so many images that is a subset."""
    first = int(count * generator.validation_split)
    parts = {"validation": slice(first), "training": slice(first, None)}
    if subset not in parts:
        raise ValueError(
            f"`subset` must be 'training' or 'validation'. Received: subset={subset!r}"
        )
    return parts[subset]


def _check_labels(y, part):
    boundary = part.start if part.stop is None else part.stop
    if not np.array_equal(np.unique(y[:boundary]), np.unique(y[boundary:])):
        raise ValueError(
            "The training and the validation subset have different labels. If the arrays are "
            "sorted by label, shuffle them; if `y` are no labels, give `ignore_class_split=True`."
        )
