"""BackupAndRestore: a training that is killed goes on from its last backup."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from minikeras.core import registry
from minikeras.ops.random import seeds
from minikeras.training.callbacks.backup_form import is_like, unpacked_backup
from minikeras.training.callbacks.callback import Callback
from minikeras.training.callbacks.packing import pack
from minikeras.training.checks import abstract_eval

_LATEST, _PREVIOUS = "latest.training.h5", "previous.training.h5"


class BackupAndRestore(Callback):
    """Backs up the training, so that the same script, run again after a crash, goes on from there.

    The resumed training ends with the very weights of one that was never interrupted. A backup
    holds the model's variables with the states of its seed generators, the optimizer's, those of
    the metrics; the global random states; the epoch, the step and the order of the samples in that
    epoch; the state of data sets that have one (shuffles, caches, and layers in `map`, of those of
    `keras.utils`; what a `PyDataset` or an iterable of your own tells by `state_dict()`); and what
    `EarlyStopping`, `ReduceLROnPlateau`, `ModelCheckpoint`, `History` and the other callbacks of
    this package count. (In Keras a resumed run begins its epoch with the first batch, and callbacks
    count from nothing.) It is one file, which the next backup replaces at once.

    The script makes the same model and passes the same data. Batches of an epoch that were trained
    on already are left out; a generator is asked for them again, so it must begin as it did. What
    callbacks of your own count is not backed up. This callback hears of each stage after all
    others.

    Args:
        backup_dir: folder of the backups of this training alone.
        save_freq: `"epoch"` for a backup after each epoch, or after how many steps there is one;
            False for none.
        double_checkpoint: whether the backup before the last one is kept too, and used if the last
            one is damaged.
        delete_checkpoint: whether the backups are deleted when training ends, and the folder if
            nothing else is in it.

    Raises:
        ValueError: if `backup_dir` is empty or `save_freq` is something else; and when training
            begins, if a backup does not fit the model or the data; then nothing has changed.

    Example:
        >>> import tempfile
        >>> import minikeras as keras, numpy as np
        >>> class Crash(keras.callbacks.Callback):
        ...     def on_epoch_begin(self, epoch, logs=None):
        ...         if epoch == 2:
        ...             raise RuntimeError
        >>> def train(folder, *callbacks):
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     backup = keras.callbacks.BackupAndRestore(folder)
        ...     return model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=3, verbose=0,
        ...                      callbacks=[backup, *callbacks])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     try:
        ...         train(folder, Crash())
        ...     except RuntimeError:
        ...         history = train(folder)
        >>> history.epoch
        [0, 1, 2]
    """

    _training_state = ("_steps_since_saving",)
    _comes_last = True

    def __init__(
        self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True
    ):
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed: expected the path of a folder.")
        is_count = isinstance(save_freq, int) and (save_freq is False or save_freq >= 1)
        if save_freq != "epoch" and not is_count:
            raise ValueError(
                "Invalid value for argument `save_freq`: expected 'epoch', a positive integer or "
                f"False. Received: save_freq={save_freq}"
            )
        self.backup_dir = backup_dir
        self.save_freq: Any = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._latest = Path(backup_dir) / _LATEST
        self._previous = Path(backup_dir) / _PREVIOUS
        self._current_epoch = 0
        self._steps_since_saving = 0
        self._restore_again: Any = None

    def on_train_begin(self, logs=None):
        """Go on from a backup, if there is one."""
        self._steps_since_saving = 0
        self._restore_again = None
        self._build_metrics()
        backup = self._found()
        if backup is None:
            return
        path, saved, restore_variables = backup
        run = self.model._training.run

        def restore():  # what may fail comes first, so that the model changes last
            _restore_random_state(saved["random"])
            _restore_callbacks(run.callbacks.callbacks, saved["callbacks"])
            restore_variables()

        try:
            run.resume(saved["position"])
            restore()
        except ValueError as error:
            raise ValueError(f"The training saved at '{path}' can't go on: {error}") from error
        if saved["stop_training"]:
            run.end()
        elif saved["position"]["data"]["step"]:
            self._restore_again = restore

    def on_epoch_begin(self, epoch, logs=None):
        """In an epoch that was interrupted, undo what its beginning has changed once more."""
        self._current_epoch = epoch
        restore, self._restore_again = self._restore_again, None
        if restore is not None:
            restore()

    def on_train_batch_end(self, batch, logs=None):
        """Make a backup every `save_freq` steps."""
        if self.save_freq == "epoch" or self.save_freq is False:
            return
        self._steps_since_saving += self.model.steps_per_execution
        # A training that is being stopped has a backup from before: it would not end its epoch.
        if self._steps_since_saving >= self.save_freq and not self.model.stop_training:
            self._steps_since_saving = 0
            self._save(self._current_epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Make a backup if one is due after each epoch."""
        if self.save_freq == "epoch":
            self._save(epoch + 1)

    def on_train_end(self, logs=None):
        """Delete the backups."""
        if not self.delete_checkpoint:
            return
        for path in (self._previous, self._latest):
            path.unlink(missing_ok=True)
            for leftover in path.parent.glob(f".{path.name}.*.tmp"):  # of a process that was killed
                shutil.rmtree(leftover, ignore_errors=True)
        with contextlib.suppress(OSError):  # there is something else in it
            os.rmdir(self.backup_dir)

    def _save(self, epoch, logs=None):
        training = self.model._training
        state = {
            "position": training.run.position(epoch, logs),
            "stop_training": training.stop_training,
            "random": seeds.random_state(),
            "callbacks": [_state_of(callback) for callback in training.run.callbacks.callbacks],
        }
        Path(self.backup_dir).mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint and self._latest.exists():
            os.replace(self._latest, self._previous)
        registry.late_bound["save_training"](self._latest, self.model, pack(state))

    def _found(self):
        """The last backup that can be read; None without one."""
        if not self._latest.exists() and not self._previous.exists():
            return None
        try:
            return self._loaded(self._latest)
        except OSError:  # it is damaged, or was moved for one that was never written
            if not self._previous.exists():
                raise
            return self._loaded(self._previous)

    def _loaded(self, path):
        """The path of a backup, what it says, and what brings its variables back."""
        packed, restore = registry.late_bound["load_training"](path, self.model)
        return path, unpacked_backup(packed, path), restore

    def _build_metrics(self):
        """Make the metrics' variables, which a step of the user's own would make in its course."""
        if self.model._has_own("train_step"):
            batch = self.model._training.run.data.first()
            with contextlib.suppress(ValueError):  # it may take data that only itself can use
                abstract_eval(self.model, batch, checks_loss=True)


def _state_of(callback):
    """The name of a callback's class, and what training has changed of it."""
    names = getattr(callback, "_training_state", ())
    return [type(callback).__name__, {name: getattr(callback, name) for name in names}]


def _restore_callbacks(callbacks, saved):
    """Give each callback what the first of its class has saved that none before it got."""
    for callback in callbacks:
        mine = next((entry for entry in saved if entry[0] == type(callback).__name__), None)
        if mine is not None:
            saved = [entry for entry in saved if entry is not mine]
            for name in mine[1].keys() & set(getattr(callback, "_training_state", ())):
                if not is_like(mine[1][name], getattr(callback, name)):
                    raise ValueError(f"'{name}' of {mine[0]} can't be {mine[1][name]!r:.200}")
                setattr(callback, name, mine[1][name])


def _restore_random_state(state):
    """Let random numbers go on as saved; leave them as they are if that can't be."""
    before = seeds.random_state()
    try:
        seeds.set_random_state(state)
    except (ValueError, TypeError, *registry.MALFORMED) as error:
        seeds.set_random_state(before)
        raise ValueError(f"the state of the random numbers is none: {error}") from error
