"""History: the metrics of every epoch, which `fit` returns."""

from minikeras.training.callbacks.callback import Callback


class History(Callback):
    """Keeps the metrics of every epoch; `fit` adds one and returns it.

    Attributes:
        history: dict of metric names and lists with a value for each epoch.
        epoch: list of the epochs' indices.

    Example:
        >>> import minikeras as keras
        >>> history = keras.callbacks.History()
        >>> hooks = keras.callbacks.CallbackList([history])
        >>> hooks.on_train_begin()
        >>> hooks.on_epoch_end(0, {"loss": 2.0})
        >>> hooks.on_epoch_end(1, {"loss": 1.0})
        >>> history.history, history.epoch
        ({'loss': [2.0, 1.0]}, [0, 1])
    """

    _training_state = ("history", "epoch")

    def __init__(self):
        super().__init__()
        self.history = {}

    def on_train_begin(self, logs=None):
        """Begin a new list of epochs; the metrics of earlier runs stay."""
        self.epoch = []

    def on_epoch_end(self, epoch, logs=None):
        """Add the epoch's metrics, and make this the model's `history`."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self
