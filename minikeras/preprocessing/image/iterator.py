"""What iterators over images share: the order of the images, and batches of them."""

import os
import threading
from typing import Any

import numpy as np

from minikeras.core.docstrings import described
from minikeras.training.data.py_dataset import PyDataset
from minikeras.utils.image import array_to_img

OPTIONS = {
    "image_data_generator": "`ImageDataGenerator` that changes each image.",
    "batch_size": "int, the number of images in a batch; the last one of an epoch may have fewer.",
    "shuffle": "bool, whether the order of the images is drawn again each epoch.",
    "seed": "int from which the order and all that is drawn for a batch follow.",
    "data_format": 'str, `"channels_last"` or `"channels_first"`.',
    "dtype": "dtype of the images.",
    "save_to_dir": "str, a directory in which each image that is yielded is written, too.",
    "save_prefix": "str with which the names of these files begin.",
    "save_format": 'str, their format and extension, such as `"png"`.',
    "subset": 'str, `"training"` or `"validation"`: one part of the images, divided by the '
    "`validation_split` of the generator. None takes all.",
}
"""What is said of the arguments that iterators share."""


@described(OPTIONS)
class Iterator(PyDataset):
    """Base of iterators over images, which give batches without end, or as a `PyDataset`.

    A subclass defines `_get_batches_of_transformed_samples(index_array)`, which returns the batch
    of the images with these numbers.

    Args:
        n: int, the number of images.
        **kwargs: arguments of `keras.utils.PyDataset`, such as `workers`.

    Raises:
        ValueError: if `batch_size` is not positive.

    Example:
        >>> from minikeras.preprocessing.image import Iterator
        >>> class Numbers(Iterator):
        ...     def _get_batches_of_transformed_samples(self, index_array):
        ...         return index_array
        >>> numbers = Numbers(3, batch_size=2, shuffle=False, seed=None)
        >>> [next(numbers).tolist() for _ in range(4)]
        [[0, 1], [2], [0, 1], [2]]
        >>> len(numbers), numbers[1].tolist()
        (2, [2])
    """

    white_list_formats = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

    def __init__(self, n, batch_size, shuffle, seed, **kwargs):
        super().__init__(**kwargs)
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be positive. Received: batch_size={batch_size}")
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: Any = None
        self.index_generator = self._flow_index()

    def __len__(self):
        """Return the number of batches of an epoch."""
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx):
        """Return batch number `idx` of this epoch.

        Args:
            idx: int.

        Returns:
            What the subclass makes of these images.

        Raises:
            ValueError: if there is no such batch.
        """
        if not 0 <= idx < len(self):
            raise ValueError(f"There are {len(self)} batches, from 0. Received: batch {idx}")
        self._begin_batch()
        if self.index_array is None:
            self._set_index_array()
        self.total_batches_seen += 1
        return self._get_batches_of_transformed_samples(self._indices_of(idx))

    def _indices_of(self, batch):
        start = self.batch_size * batch
        return self.index_array[start : start + self.batch_size]

    def _begin_batch(self):
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)

    def _set_index_array(self):
        self.index_array = (np.random.permutation if self.shuffle else np.arange)(self.n)

    def on_epoch_end(self):
        """Draw the order of the next epoch."""
        self._set_index_array()

    def reset(self):
        """Begin with the first batch of a new epoch when the next batch is asked for."""
        self.batch_index = 0

    def _flow_index(self):
        """Yield the numbers of the images of one batch after the other, without end."""
        while True:
            self._begin_batch()
            if self.batch_index == 0:
                self._set_index_array()
            index_array = self._indices_of(self.batch_index)
            is_last = self.batch_index + 1 >= len(self)
            self.batch_index = 0 if is_last else self.batch_index + 1
            self.total_batches_seen += 1
            yield index_array

    def __iter__(self):
        """Return the iterator itself: it has no end."""
        return self

    def __next__(self):
        """Return the next batch."""
        return self.next()

    def next(self):
        """Return the next batch."""
        with self.lock:
            index_array = next(self.index_generator)
        # Only the order is shared: threads may transform images at the same time.
        return self._get_batches_of_transformed_samples(index_array)

    def _get_batches_of_transformed_samples(self, index_array):
        raise TypeError(
            f"{type(self).__name__} must define "
            "`_get_batches_of_transformed_samples(self, index_array)`."
        )


class ImageIterator(Iterator):
    """An iterator that finds its images by `_image(number)`, all of the shape `image_shape`."""

    image_data_generator: Any
    image_shape: tuple
    data_format: str
    dtype: str
    save_to_dir: str | None
    save_prefix: str
    save_format: str

    def _image(self, number):
        """The image with a number, as an array."""
        raise TypeError(f"{type(self).__name__} must define `_image(self, number)`.")

    def _images(self, index_array, file_numbers):
        """The batch of the images with these numbers, which are also saved if that was asked for.

        Args:
            index_array: array of ints.
            file_numbers: int, how many different numbers the names of saved files have.
        """
        batch = np.empty((len(index_array), *self.image_shape), dtype=self.dtype)
        for i, number in enumerate(index_array):
            batch[i] = self._transformed(self._image(number))
        if self.save_to_dir:
            for x, number in zip(batch, index_array, strict=True):
                name = f"{self.save_prefix}_{number}_{np.random.randint(file_numbers)}"
                path = os.path.join(self.save_to_dir, f"{name}.{self.save_format}")
                array_to_img(x, self.data_format, scale=True).save(path)
        return batch

    def _transformed(self, x):
        generator = self.image_data_generator
        if generator is None:
            return x
        parameters = generator.get_random_transform(x.shape)
        return generator.standardize(generator.apply_transform(x, parameters))
