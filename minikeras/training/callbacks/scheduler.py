"""LearningRateScheduler: a learning rate for every epoch, from a function."""

import numpy as np

from minikeras.core import console
from minikeras.training.callbacks.callback import Callback
from minikeras.training.callbacks.monitor import learning_rate_of


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch.

    Args:
        schedule: function of the epoch's index and the present learning rate, or of the epoch's
            index alone, that returns the new learning rate as a float.
        verbose: 1 to print the new rate.

    Raises:
        ValueError: at the beginning of an epoch, if the optimizer has no `learning_rate` or the
            function returns no float.

    Example:
        >>> import types
        >>> import minikeras as keras
        >>> halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)
        >>> optimizer = types.SimpleNamespace(learning_rate=keras.Variable(0.5))
        >>> halve.set_model(types.SimpleNamespace(optimizer=optimizer))
        >>> halve.on_epoch_begin(0)
        <BLANKLINE>
        Epoch 1: LearningRateScheduler setting learning rate to 0.25.
    """

    def __init__(self, schedule, verbose=0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch, logs=None):
        """Set the epoch's learning rate."""
        optimizer = self.model.optimizer
        if not hasattr(optimizer, "learning_rate"):
            raise ValueError(
                f'The optimizer must have a "learning_rate" to schedule. Received: {optimizer}'
            )
        rate = self._scheduled(epoch, learning_rate_of(optimizer))
        if not isinstance(rate, (float, np.floating)):
            raise ValueError(
                f"The `schedule` function must return a float. Received: {rate} "
                f"(of type {type(rate)})"
            )
        optimizer.learning_rate = rate
        if self.verbose > 0:
            console.print_message(
                f"\nEpoch {epoch + 1}: {type(self).__name__} setting learning rate to {rate}."
            )

    def on_epoch_end(self, epoch, logs=None):
        """Put the learning rate into the epoch's logs."""
        if logs is not None:
            logs["learning_rate"] = learning_rate_of(self.model.optimizer)

    def _scheduled(self, epoch, rate):
        try:
            return self.schedule(epoch, rate)
        except TypeError:  # a function of the epoch alone
            return self.schedule(epoch)
