"""EarlyStopping: end training when a metric no longer gets better."""

from minikeras.core import console
from minikeras.training.callbacks.monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stops training when a metric has not improved for some epochs.

    Args:
        monitor: name of the metric.
        min_delta: by how much a value must be better than the best one to count as better.
        patience: number of epochs without improvement after which training stops.
        verbose: 1 to print a message when training is stopped or weights are restored.
        mode: `"min"` if less is better, `"max"` if more is, `"auto"` to ask the metric.
        baseline: value that must be improved on within `patience` epochs, or None.
        restore_best_weights: whether the model gets the weights of the best epoch at the end.
        start_from_epoch: number of epochs at the beginning that do not count.

    Raises:
        ValueError: at the end of the first epoch, if `mode="auto"` and the model has no metric of
            that name with a known direction.

    Example:
        >>> import types
        >>> import minikeras as keras
        >>> stop = keras.callbacks.EarlyStopping("loss", patience=2, verbose=1)
        >>> model = types.SimpleNamespace(stop_training=False)
        >>> stop.set_model(model)
        >>> stop.on_train_begin()
        >>> for epoch, loss in enumerate([1.0, 0.5, 0.6, 0.7]):
        ...     stop.on_epoch_end(epoch, {"loss": loss})
        >>> model.stop_training
        True
        >>> stop.on_train_end()
        Epoch 4: early stopping
    """

    _training_state = ("wait", "stopped_epoch", "best", "best_weights", "best_epoch")

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self):
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_weights = None
        self.best_epoch = 0

    def on_train_begin(self, logs=None):
        """Forget earlier runs."""
        self._reset()

    def on_epoch_end(self, epoch, logs=None):
        """Compare the metric with the best so far, and stop when patience is over."""
        self.set_direction()
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep_weights(epoch)  # so that there is something to go back to, even after NaNs
        self.wait += 1
        if self.improves(value, self.best):
            self.best = value
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._keep_weights(epoch)
            if self.baseline is None or self.improves(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Say where training was stopped, and go back to the best weights if asked to."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            console.print_message(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if not self.restore_best_weights or self.best_weights is None:
            return
        if self.verbose > 0:
            console.print_message(
                f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}."
            )
        self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs):
        """Return the metric's value, or warn that it is missing and return None.

        Args:
            logs: dict of names and values, or None.

        Returns:
            A number, or None.
        """
        return self.value_in(logs or {})

    def _keep_weights(self, epoch):
        self.best_weights = self.model.get_weights()
        self.best_epoch = epoch
