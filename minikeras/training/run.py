"""Run: how far one call of `fit` is, so that a later call can go on from there."""

from typing import Any


class Run:
    """The epochs, the data and the callbacks of one call of `fit`.

    Args:
        epochs: range of the numbers of the epochs that are to be run.
        data: the `Epochs` to train on.
        validation: the `Validation` between them.
        callbacks: the `CallbackList`.
    """

    def __init__(self, epochs, data, validation, callbacks):
        self.epochs = epochs
        self.data = data
        self.validation = validation
        self.callbacks = callbacks
        self._first_logs: dict[str, Any] = {}

    def position(self, epoch, logs=None):
        """Return where the run is, for `resume`.

        Args:
            epoch: number of the epoch that is being run, or is to be run next.
            logs: dict of the epoch's metrics so far, numbers; None before its first step.

        Returns:
            A dict of plain values and arrays.
        """
        return {
            "epoch": epoch,
            "logs": dict(logs or {}),
            "data": self.data.position(),
            "validation": self.validation.position(),
        }

    def resume(self, position):
        """Go on from where another run was; for callbacks, when training begins.

        Args:
            position: what `position` returned there.

        Raises:
            ValueError: if that run had other data; nothing has changed.
        """
        both = (self.data, "data"), (self.validation, "validation")
        for data, name in both:  # in the order in which both have begun
            data.go_back(position[name])
        for data, name in both:
            data.resume(position[name])
        for data, name in both:  # they may share a shuffle, which going back has changed
            data.load_state(position[name])
        self._first_logs = position["logs"]
        self.epochs = range(position["epoch"], self.epochs.stop)

    def end(self):
        """Run no epoch at all: the training was over when it was interrupted."""
        self.epochs = range(self.epochs.stop, self.epochs.stop)

    def first_logs(self):
        """Return the logs that an epoch begins with: none, unless it was interrupted."""
        logs, self._first_logs = self._first_logs, {}
        return logs
