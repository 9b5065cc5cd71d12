"""ReduceLROnPlateau: smaller steps when a metric no longer gets better."""

import numpy as np

from minikeras.core import console
from minikeras.training.callbacks.monitor import MonitorCallback, learning_rate_of


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a metric has not improved for some epochs.

    Args:
        monitor: name of the metric.
        factor: what the learning rate is multiplied by, below 1.
        patience: number of epochs without improvement after which the rate is reduced.
        verbose: 1 to print a message when it is.
        mode: `"min"` if less is better, `"max"` if more is, `"auto"` to ask the metric.
        min_delta: by how much a value must be better than the best one to count as better.
        cooldown: number of epochs after a reduction in which patience is not counted.
        min_lr: learning rate below which it never goes.
        **kwargs: ignored.

    Raises:
        ValueError: if `factor` is 1 or more; and at the end of the first epoch, if `mode="auto"`
            and the model has no metric of that name with a known direction.

    Example:
        >>> import types
        >>> import minikeras as keras
        >>> slower = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, verbose=1)
        >>> optimizer = types.SimpleNamespace(learning_rate=keras.Variable(0.25))
        >>> slower.set_model(types.SimpleNamespace(optimizer=optimizer))
        >>> for epoch, loss in enumerate([1.0, 1.0]):
        ...     slower.on_epoch_end(epoch, {"loss": loss})
        <BLANKLINE>
        Epoch 2: ReduceLROnPlateau reducing learning rate to 0.125.
    """

    _training_state = ("best", "cooldown_counter", "wait")

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
        **kwargs,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(
                "`factor` must be below 1, so that the learning rate gets smaller. "
                f"Received: factor={factor}"
            )
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self._reset()

    def _reset(self):
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs=None):
        """Forget earlier runs."""
        self._reset()

    def on_epoch_end(self, epoch, logs=None):
        """Compare the metric with the best so far, and reduce the rate when patience is over."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = learning_rate_of(self.model.optimizer)
        self.set_direction()
        value = self.value_in(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def in_cooldown(self):
        """Say whether the last reduction is so recent that patience is not counted.

        Returns:
            A bool.
        """
        return self.cooldown_counter > 0

    def _reduce(self, epoch):
        optimizer = self.model.optimizer
        rate = learning_rate_of(optimizer)
        if rate <= np.float32(self.min_lr):  # as a float32 rate that was set to it reads
            return
        rate = max(rate * self.factor, self.min_lr)
        optimizer.learning_rate = rate
        if self.verbose > 0:
            console.print_message(
                f"\nEpoch {epoch + 1}: {type(self).__name__} reducing learning rate to {rate}."
            )
        self.cooldown_counter = self.cooldown
        self.wait = 0
