"""Batches of images that a table lists.

A table is whatever gives its columns by name: a DataFrame of pandas or polars, or a dict.
"""

import os
import warnings

import numpy as np

from minikeras.core.console import print_message
from minikeras.core.docstrings import described
from minikeras.preprocessing.image.files import FILE_OPTIONS, FileIterator

_WITH_CLASSES = ("binary", "categorical", "sparse")


@described(FILE_OPTIONS)
class DataFrameIterator(FileIterator):
    """Iterator over images that a table lists; `ImageDataGenerator.flow_from_dataframe` makes it.

    Args:
        dataframe: DataFrame, or a dict of lists: a row for each image.
        directory: str or path of a directory to which the names of files are relative; None if
            they are whole paths.
        x_col: str, the name of the column with the names of files.
        y_col: str or list of str, the name of the column with the targets, or of several.
        weight_col: str, the name of a column with sample weights; None if there is none.
        class_mode: str, what the targets are: `"categorical"`, one-hot rows of the class in `y_col`
            (or of several, where the cell has a list); `"binary"` or `"sparse"`, the numbers of the
            classes; `"raw"`, what the column or columns have; `"multi_output"`, a list of the
            columns; `"input"`, the images themselves. With None there are none.
        validate_filenames: bool, whether rows are left out whose file is missing, or no image by
            its extension.

    Raises:
        TypeError: if a column has not the type that `class_mode` asks for.
        ValueError: if `color_mode`, `class_mode` or `subset` is unknown, or `"binary"` meets other
            than two classes.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import ImageDataGenerator, save_img
        >>> save_img("1.png", np.random.random((4, 4, 3)))
        >>> table = {"filename": ["1.png", "2.png"], "price": [10.0, 20.0]}
        >>> batches = ImageDataGenerator().flow_from_dataframe(
        ...     table, y_col="price", class_mode="raw", validate_filenames=False)
        Found 2 non-validated image filenames.
        >>> batches.labels.tolist()
        [10.0, 20.0]
    """

    def __init__(
        self,
        dataframe,
        directory=None,
        image_data_generator=None,
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
        data_format="channels_last",
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        subset=None,
        interpolation="nearest",
        keep_aspect_ratio=False,
        dtype="float32",
        validate_filenames=True,
    ):
        self._set_options(
            image_data_generator=image_data_generator,
            target_size=target_size,
            color_mode=color_mode,
            class_mode=class_mode,
            data_format=data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
            dtype=dtype,
        )
        self.directory = directory or ""
        self._read(dataframe, x_col, y_col, weight_col, classes, validate_filenames)
        self._report(validate_filenames)
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _read(self, dataframe, x_col, y_col, weight_col, classes, validate_filenames):
        """Set what is known of each image, for those rows of the table that count."""
        names = list(dataframe[x_col])
        _check_types(names, (str,), x_col)
        weights = _weights_of(dataframe, weight_col)
        rows = np.arange(len(names))
        if validate_filenames:
            rows = rows[self._have_files(names, x_col)]
        if self.class_mode in _WITH_CLASSES:
            numbers = self._numbers_of_classes(list(dataframe[y_col]), rows, y_col, classes)
            rows = np.array(list(numbers), dtype="int64")[self._part(len(numbers))]
            self.classes = self.labels = [numbers[row] for row in rows]
        else:
            if classes:
                message = f"`class_mode={self.class_mode!r}` does not use `classes`."
                warnings.warn(message, stacklevel=4)
            rows = rows[self._part(len(rows))]
            self.labels = self._values_of(dataframe, y_col, rows)
        self.filenames = [names[row] for row in rows]
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self.sample_weight = None if weights is None else weights[rows]
        self.samples = len(rows)

    def _have_files(self, names, x_col):
        """A mask of the rows whose file is there, and an image by its extension."""
        mask = [
            name.lower().endswith(self.white_list_formats)
            and os.path.isfile(os.path.join(self.directory, name))
            for name in names
        ]
        missing = mask.count(False)
        if missing:
            warnings.warn(
                f"{missing} of the files in the column {x_col!r} are missing or no images: they "
                "are left out.",
                stacklevel=5,
            )
        return np.array(mask, dtype=bool)

    def _numbers_of_classes(self, labels, rows, y_col, classes):
        """Set `class_indices`; return the number of the class, or of the classes, of each row.

        Rows of which no class is among `classes` are left out.
        """
        several = self.class_mode == "categorical"
        _check_types(labels, (str, list, tuple) if several else (str,), y_col)
        in_rows = [labels[row] for row in rows]
        if self.class_mode == "binary":
            _check_two(set(classes or labels), y_col)
        names = dict.fromkeys(classes) if classes else sorted(_names_in(in_rows))
        self.class_indices = {name: number for number, name in enumerate(names)}
        numbers = {}
        for row, label in zip(rows, in_rows, strict=True):
            if isinstance(label, str):
                if label in self.class_indices:
                    numbers[row] = self.class_indices[label]
                continue
            chosen = [self.class_indices[name] for name in label if name in self.class_indices]
            if chosen or not classes:
                numbers[row] = chosen
        return numbers

    def _values_of(self, dataframe, y_col, rows):
        """The targets of the rows as they stand in the table."""
        if self.class_mode == "raw":
            return _column(dataframe, y_col)[rows]
        if self.class_mode == "multi_output":
            if not isinstance(y_col, list):
                raise TypeError(
                    "`y_col` must be a list of columns with `class_mode='multi_output'`. "
                    f"Received: y_col={y_col!r}"
                )
            columns = (list(dataframe[name]) for name in y_col)
            return [np.array([values[row] for row in rows]) for values in columns]
        return None

    def _report(self, validate_filenames):
        kind = "validated" if validate_filenames else "non-validated"
        message = f"Found {self.samples} {kind} image filenames"
        if self.class_mode in _WITH_CLASSES:
            message += f" belonging to {len(self.class_indices)} classes"
        print_message(f"{message}.")


def _column(dataframe, name):
    """The values of one column, or of several side by side."""
    if isinstance(dataframe, dict) and isinstance(name, list):
        return np.stack([np.asarray(dataframe[one]) for one in name], axis=1)
    return np.asarray(dataframe[name])


def _weights_of(dataframe, weight_col):
    if weight_col is None:
        return None
    weights = _column(dataframe, weight_col)
    if not np.issubdtype(weights.dtype, np.number):
        raise TypeError(
            f"The sample weights must be numbers. Received: {weights.dtype} in the column "
            f"{weight_col!r}"
        )
    return weights


def _names_in(labels):
    """The set of the classes that are among labels of one class, or of several."""
    names = set()
    for label in labels:
        names.update([label] if isinstance(label, str) else label)
    return names


def _check_types(values, types, column):
    for row, value in enumerate(values):
        if not isinstance(value, types):
            expected = " or ".join(kind.__name__ for kind in types)
            raise TypeError(
                f"The column {column!r} must have values of type {expected}. "
                f"Received: {value!r} in row {row}"
            )


def _check_two(names, y_col):
    if len(names) != 2:
        raise ValueError(
            f"`class_mode='binary'` needs two classes. Received: {len(names)} in the column "
            f"{y_col!r} or in `classes`: {sorted(names)}"
        )
