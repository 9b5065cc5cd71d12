"""ModelCheckpoint: the model, or its weights, in a file every so often, or when it is best."""

import os
import warnings
from string import Formatter
from typing import Any

from minikeras.core import console
from minikeras.core.old_names import explains_old_arguments
from minikeras.training.callbacks.monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after epochs or after a number of batches.

    Args:
        filepath: path of the file, which ends in `.keras` or `.h5`, or for weights in
            `.weights.h5`. It may hold fields as `str.format` has them: `epoch` (from 1), `batch`
            (from 1, if saved after batches) and the metrics, as in
            `"model-{epoch:02d}-{val_loss:.2f}.keras"`. Folders that it lacks are made.
        monitor: name of the metric, for `save_best_only`.
        verbose: 1 to print a message when the model is saved.
        save_best_only: whether it is saved only when the metric is better than ever before.
        save_weights_only: whether the file holds the weights alone.
        mode: `"min"` if less is better, `"max"` if more is, `"auto"` to ask the metric.
        save_freq: `"epoch"`, or after how many batches the model is saved.
        initial_value_threshold: value that the metric must be better than at the first time.

    Raises:
        ValueError: if `save_freq` or the path's ending is something else, or a field of the path
            takes no number, as `{epoch:x.y}`; and at the end of the first epoch, if `mode="auto"`
            and the model has no metric of that name with a known direction.
        KeyError: when the path is made, if it has a field that is no metric.

    Example:
        >>> import types
        >>> import minikeras as keras
        >>> best = keras.callbacks.ModelCheckpoint(
        ...     "{epoch:02d}.keras", "loss", verbose=1, save_best_only=True)
        >>> best.set_model(types.SimpleNamespace(save=lambda path, overwrite: None))
        >>> for epoch, loss in enumerate([1.0, 2.0]):
        ...     best.on_epoch_end(epoch, {"loss": loss})
        <BLANKLINE>
        Epoch 1: loss improved from None to 1.00000, saving model to 01.keras
        <BLANKLINE>
        Epoch 1: finished saving model to 01.keras
        <BLANKLINE>
        Epoch 2: loss did not improve from 1.00000
    """

    _training_state = ("best", "_batches_since_saving")

    @explains_old_arguments
    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        save_freq="epoch",
        initial_value_threshold=None,
    ):
        super().__init__(monitor, mode, initial_value_threshold)
        self.verbose = verbose
        self.filepath = os.fspath(filepath)
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq: Any = save_freq
        self._current_epoch = 0
        self._batches_since_saving = 0
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                "Expected `save_freq` to be 'epoch' or an integer. Unrecognized "
                f"save_freq: {save_freq}"
            )
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"Expected a filepath that ends in {' or '.join(map(repr, endings))}, with "
                f"save_weights_only={save_weights_only}. Received: filepath={self.filepath}"
            )
        _check_template(self.filepath)

    def on_epoch_begin(self, epoch, logs=None):
        """Keep the epoch's number."""
        self._current_epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Save the model after `save_freq` batches."""
        if self.save_freq == "epoch":
            return
        self._batches_since_saving += self.model.steps_per_execution
        if self._batches_since_saving >= self.save_freq:
            self._batches_since_saving = 0
            self._save_if_due(self._current_epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch, logs=None):
        """Save the model after an epoch."""
        self.set_direction()
        if self.save_freq == "epoch":
            self._save_if_due(epoch, logs or {})

    def _save_if_due(self, epoch, logs):
        path = self._path(epoch, logs)
        if not self._is_due(epoch, logs, path):
            return
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        try:
            save(path, overwrite=True)
        except IsADirectoryError:
            raise IsADirectoryError(
                f"Expected the path of a file for ModelCheckpoint, but a folder is there: {path}. "
                "Give another name."
            ) from None
        self._tell(epoch, f"finished saving model to {path}")

    def _path(self, epoch, logs):
        try:
            return self.filepath.format(epoch=epoch + 1, **logs)
        except KeyError as error:
            raise KeyError(
                f"The path of a checkpoint, '{self.filepath}', names {error}, which is none of "
                f"{sorted(['epoch', *logs])}."
            ) from None

    def _is_due(self, epoch, logs, path):
        """Whether to save now; the best value so far is kept, and a message printed."""
        if not self.save_best_only:
            self._tell(epoch, f"saving model to {path}")
            return True
        value, best = logs.get(self.monitor), self.best
        if value is None:
            warnings.warn(
                f"The best model is found by '{self.monitor}', and the logs have only "
                f"{sorted(logs)}: the model is saved without comparing.",
                stacklevel=4,
            )
            return True
        if getattr(value, "shape", ()):
            warnings.warn(
                "The best model is the one with the greatest or least number, and `monitor` is an "
                f"array of shape {value.shape}: the model is saved without comparing. Received: "
                f"{value}",
                stacklevel=4,
            )
            return True
        self.set_direction()
        shown = "None" if best is None else f"{best:.5f}"
        if not self.improves(value, best):
            self._tell(epoch, f"{self.monitor} did not improve from {shown}")
            return False
        self._tell(
            epoch,
            f"{self.monitor} improved from {shown} to {value:.5f}, saving model to {path}",
        )
        self.best = value
        return True

    def _tell(self, epoch, message):
        if self.verbose > 0:
            console.print_message(f"\nEpoch {epoch + 1}: {message}")


def _check_template(filepath):
    """Refuse a path whose fields can't be filled in, before anything has been trained.

    Which metrics there are is known when they have been computed; epochs and batches are ints.
    """
    try:
        fields = [name for _, name, _, _ in Formatter().parse(filepath) if name is not None]
        names = {name.partition(".")[0].partition("[")[0] for name in fields}
        if not all(name and not name.isdigit() for name in names):
            raise ValueError(f"the names of its fields are {sorted(names)}")
        _check_numbers(filepath, names)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            "Expected a filepath with fields such as '{epoch:02d}' and '{val_loss:.2f}', and '{{' "
            f"for a brace that is part of the name. Received: filepath={filepath!r}: {error}"
        ) from error


def _check_numbers(filepath, names):
    """Fill in numbers; a metric may be a float or an int."""
    counts = dict.fromkeys(names & {"epoch", "batch"}, 1)
    try:
        filepath.format(**{**dict.fromkeys(names, 1.0), **counts})
    except ValueError:
        filepath.format(**{**dict.fromkeys(names, 1), **counts})
