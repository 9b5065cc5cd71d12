"""CSVLogger: the metrics of every epoch as a row of a file (RFC 4180)."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from minikeras.training.callbacks.callback import Callback

MISSING = "NA"


class CSVLogger(Callback):
    """Writes the metrics of every epoch into a CSV file.

    The columns are `epoch` and the metrics in alphabetic order. Where the first epoch has no
    validation, columns `val_...` for later ones follow. What an epoch lacks is `NA`.

    Args:
        filename: path of the file.
        separator: string between two columns.
        append: whether rows are added to an existing file, which is replaced otherwise.

    Example:
        >>> import tempfile, types
        >>> from pathlib import Path
        >>> import minikeras as keras
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = keras.callbacks.CSVLogger(Path(folder) / "log.csv")
        ...     log.on_train_begin()
        ...     log.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
        ...     log.on_train_end()
        ...     print((Path(folder) / "log.csv").read_text().strip())
        epoch,loss,val_loss
        0,0.5,0.75
    """

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.filename = Path(filename)
        self.sep = separator
        self.append = append
        self.keys: Any = None
        self.append_header = True
        self.csv_file: Any = None
        self.writer: Any = None

    def on_train_begin(self, logs=None):
        """Open the file."""
        if self.append:
            exists = self.filename.exists()
            self.append_header = not exists or self.filename.stat().st_size == 0
        mode = "a" if self.append else "w"
        self.csv_file = self.filename.open(mode, newline="", encoding="utf-8")
        self.writer = None

    def on_epoch_end(self, epoch, logs=None):
        """Write a row, before the first one the names of the columns."""
        logs = logs or {}
        if self.writer is None:
            self.keys = _columns(logs)
            self.writer = csv.writer(self.csv_file, delimiter=self.sep)
            if self.append_header:
                self.writer.writerow(["epoch", *self.keys])
        self.writer.writerow([epoch, *(_as_cell(logs.get(key, MISSING)) for key in self.keys)])
        self.csv_file.flush()

    def on_train_end(self, logs=None):
        """Close the file."""
        if self.csv_file is not None and not self.csv_file.closed:
            self.csv_file.close()
        self.writer = None


def _columns(logs):
    names = sorted(logs)
    if any(name.startswith("val_") for name in names):
        return names
    return names + [f"val_{name}" for name in names]


def _as_cell(value):
    """A list's values in brackets and quotes; anything else as it is."""
    is_scalar_array = isinstance(value, np.ndarray) and value.ndim == 0
    if isinstance(value, str) or is_scalar_array or not isinstance(value, Iterable):
        return value
    return f'"[{", ".join(map(str, value))}]"'
