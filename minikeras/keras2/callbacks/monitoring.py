"""Callbacks that watch a value of the logs: to stop, to save, to lower the rate."""

import warnings

import numpy as np

from minikeras.keras2 import backend as K
from minikeras.keras2.callbacks.base import Callback


class _Monitor(Callback):
    """What these callbacks share: whether a value is better than another.

    Args:
        monitor: name of the value.
        mode: `"min"`, `"max"`, or `"auto"`: the largest is best if the name has `acc` in it.
    """

    def __init__(self, monitor, mode):
        super().__init__()
        self.monitor = monitor
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} knows the modes 'auto', 'min' and 'max'; {mode!r} is taken "
                "as 'auto'.",
                stacklevel=3,
            )
            mode = "auto"
        is_max = mode == "max" or (mode == "auto" and self._grows(monitor))
        self.monitor_op = np.greater if is_max else np.less
        self.best = self.worst = -np.inf if is_max else np.inf

    def _grows(self, monitor):
        return "acc" in monitor

    def get_monitor_value(self, logs):
        """Return the watched value, or None with a warning that names the others."""
        current = (logs or {}).get(self.monitor)
        if current is None:
            warnings.warn(
                f"{type(self).__name__} conditioned on metric `{self.monitor}` which is not "
                f"available. Available metrics are: {','.join(logs or {})}",
                RuntimeWarning,
                stacklevel=3,
            )
        return current


class EarlyStopping(_Monitor):
    """Stops when a value has ceased to improve.

    Args:
        monitor: name of the value.
        min_delta: the smallest change that counts.
        patience: number of epochs without improvement after which training stops.
        verbose: whether it says so.
        mode: `"min"`, `"max"` or `"auto"`.
        baseline: value to improve on, or None.
        restore_best_weights: whether the weights of the best epoch are taken at the end.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2 import callbacks
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> callback = callbacks.EarlyStopping("loss", patience=1)
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
        >>> len(history.history["loss"])
        2
    """

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
    ):
        super().__init__(monitor, mode)
        self.baseline = baseline
        self.patience = patience
        self.verbose = verbose
        self.min_delta = abs(min_delta) * (1 if self.monitor_op is np.greater else -1)
        self.restore_best_weights = restore_best_weights
        self.wait = self.stopped_epoch = 0
        self.best_weights = None

    def on_train_begin(self, logs=None):
        """Begin, so that the callback can be used again."""
        self.wait = self.stopped_epoch = 0
        self.best = self.worst if self.baseline is None else self.baseline

    def on_epoch_end(self, epoch, logs=None):
        """Look at the value, and stop if it has not improved for long enough."""
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.monitor_op(current - self.min_delta, self.best):
            self.best, self.wait = current, 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.restore_best_weights and self.best_weights is not None:
                if self.verbose > 0:
                    print("Restoring model weights from the end of the best epoch")
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs=None):
        """Say when it stopped."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")


class ModelCheckpoint(_Monitor):
    """Saves the model after epochs.

    Args:
        filepath: path, with names of the logs and `epoch` in braces, such as
            `weights.{epoch:02d}-{val_loss:.2f}.hdf5`.
        monitor: name of the value.
        verbose: whether it says what it does.
        save_best_only: whether only improvements are saved.
        save_weights_only: whether only the weights are saved.
        mode: `"min"`, `"max"` or `"auto"`.
        period: number of epochs between two files.

    Example:
        >>> from minikeras.keras2.callbacks import ModelCheckpoint
        >>> ModelCheckpoint("weights.{epoch:02d}.hdf5", monitor="val_acc").monitor
        'val_acc'
    """

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        period=1,
    ):
        super().__init__(monitor, mode)
        self.filepath = filepath
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.period = period
        self.epochs_since_last_save = 0

    def _grows(self, monitor):
        return "acc" in monitor or monitor.startswith("fmeasure")

    def on_epoch_end(self, epoch, logs=None):
        """Save, if it is time and the value has improved."""
        self.epochs_since_last_save += 1
        if self.epochs_since_last_save < self.period:
            return
        self.epochs_since_last_save = 0
        path = self.filepath.format(epoch=epoch + 1, **(logs or {}))
        if not self.save_best_only:
            self._save(path, f"\nEpoch {epoch + 1:05d}: saving model to {path}")
            return
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.monitor_op(current, self.best):
            text = f"{self.monitor} improved from {self.best:0.5f} to {current:0.5f}"
            self.best = current
            self._save(path, f"\nEpoch {epoch + 1:05d}: {text}, saving model to {path}")
        elif self.verbose > 0:
            text = f"{self.monitor} did not improve from {self.best:0.5f}"
            print(f"\nEpoch {epoch + 1:05d}: {text}")

    def _save(self, path, text):
        if self.verbose > 0:
            print(text)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)


class ReduceLROnPlateau(_Monitor):
    """Lowers the learning rate when a value has ceased to improve.

    Args:
        monitor: name of the value.
        factor: the rate is multiplied by it.
        patience: number of epochs without improvement after which that happens.
        verbose: whether it says so.
        mode: `"min"`, `"max"` or `"auto"`.
        min_delta: the smallest change that counts (`epsilon` before Keras 2.1).
        cooldown: number of epochs after a change in which nothing is counted.
        min_lr: the smallest rate.
        **kwargs: `epsilon`.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2 import callbacks
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> callback = callbacks.ReduceLROnPlateau("loss", factor=0.5)
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
        >>> len(history.history["lr"])
        2
    """

    _old_arguments = ("epsilon",)

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0,
        **kwargs,
    ):
        super().__init__(monitor, mode)
        if factor >= 1.0:
            raise ValueError(f"`factor` must be below 1.0, or no rate falls; received {factor}.")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.min_delta = kwargs.get("epsilon", min_delta)
        self.cooldown, self.min_lr = cooldown, min_lr
        self.cooldown_counter = self.wait = 0

    def in_cooldown(self):
        """Return whether epochs are not counted, since the rate has just fallen."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs=None):
        """Begin, so that the callback can be used again."""
        self.cooldown_counter = self.wait = 0
        self.best = self.worst

    def on_epoch_end(self, epoch, logs=None):
        """Look at the value, and lower the rate if it has not improved for long enough."""
        lr = self.model.optimizer.lr
        if logs is not None:
            logs["lr"] = K.get_value(lr)
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        sign = 1 if self.monitor_op is np.greater else -1
        if self.monitor_op(current, self.best + sign * self.min_delta):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            old = float(K.get_value(lr))
            if self.wait >= self.patience and old > self.min_lr:
                new = max(old * self.factor, self.min_lr)
                K.set_value(lr, new)
                self.cooldown_counter, self.wait = self.cooldown, 0
                if self.verbose > 0:
                    text = f"ReduceLROnPlateau reducing learning rate to {new}."
                    print(f"\nEpoch {epoch + 1:05d}: {text}")


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch.

    Args:
        schedule: function of the epoch's number (and, if it takes it, the rate) that returns a
            float.
        verbose: whether it says so.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2 import callbacks
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> callback = callbacks.LearningRateScheduler(lambda epoch: 0.5 ** epoch)
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
        >>> [float(rate) for rate in history.history["lr"]]
        [1.0, 0.5]
    """

    def __init__(self, schedule, verbose=0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch, logs=None):
        """Set the rate."""
        variable = self.model.optimizer.lr
        try:
            rate = self.schedule(epoch, float(K.get_value(variable)))
        except TypeError:  # a schedule of the epoch alone, as before Keras 2.1
            rate = self.schedule(epoch)
        if not isinstance(rate, (float, np.floating)):
            raise ValueError(f"`schedule` must return a float, but it returned {rate!r}.")
        K.set_value(variable, rate)
        if self.verbose > 0:
            text = f"LearningRateScheduler setting learning rate to {rate}."
            print(f"\nEpoch {epoch + 1:05d}: {text}")

    def on_epoch_end(self, epoch, logs=None):
        """Note the rate in the logs."""
        if logs is not None:
            logs["lr"] = K.get_value(self.model.optimizer.lr)
