"""Callback: what a user may do at the stages of training, evaluation and prediction."""

from typing import Any

from minikeras.core.docstrings import described


class Callback:
    """The base class of callbacks: a subclass overrides the hooks of the stages it cares for.

    `logs` is a dict of metric names and values so far; `batch` and `epoch` count from 0.

    Attributes:
        params: dict with `verbose`, `epochs` and `steps` of the run, None before one begins.
        model: the model that runs.

    Example:
        >>> import minikeras as keras
        >>> class Count(keras.callbacks.Callback):
        ...     epochs = 0
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         self.epochs += 1
        >>> count = Count()
        >>> hooks = keras.callbacks.CallbackList([count])
        >>> hooks.on_epoch_end(0, {"loss": 1.0})
        >>> count.epochs
        1
    """

    # Names of the attributes that training changes: what a backup of the training holds of it.
    _training_state: tuple[str, ...] = ()
    # Whether it hears of each stage after all others, so that it finds what they have changed.
    _comes_last = False

    def __init__(self):
        self.params: Any = None
        self._model: Any = None

    def set_params(self, params):
        """Keep the run's settings.

        Args:
            params: dict with `verbose`, `epochs` and `steps`.
        """
        self.params = params

    def set_model(self, model):
        """Keep the model.

        Args:
            model: the model that is about to run.
        """
        self._model = model

    @property
    def model(self):
        """The model that runs."""
        return self._model

    def on_batch_begin(self, batch, logs=None):
        """Alias of `on_train_batch_begin`, for callbacks that were written for it."""

    def on_batch_end(self, batch, logs=None):
        """Alias of `on_train_batch_end`, for callbacks that were written for it."""

    def on_epoch_begin(self, epoch, logs=None):
        """Called before an epoch of training.

        Args:
            epoch: index of the epoch.
            logs: empty dict.
        """

    def on_epoch_end(self, epoch, logs=None):
        """Called after an epoch of training and its validation.

        Args:
            epoch: index of the epoch.
            logs: dict of the epoch's metrics; those of the validation begin with `val_`.
        """

    def on_train_batch_begin(self, batch, logs=None):
        """Called before a batch of training.

        Args:
            batch: index of the batch within the epoch.
            logs: empty dict.
        """
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch, logs=None):
        """Called after a batch of training.

        Args:
            batch: index of the batch within the epoch.
            logs: dict of the metrics up to this batch.
        """
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch, logs=None):
        """Called before a batch of evaluation or validation.

        Args:
            batch: index of the batch.
            logs: empty dict.
        """

    def on_test_batch_end(self, batch, logs=None):
        """Called after a batch of evaluation or validation.

        Args:
            batch: index of the batch.
            logs: dict of the metrics up to this batch.
        """

    @described(on_test_batch_begin)
    def on_predict_batch_begin(self, batch, logs=None):
        """Called before a batch of prediction."""

    def on_predict_batch_end(self, batch, logs=None):
        """Called after a batch of prediction.

        Args:
            batch: index of the batch.
            logs: dict with the batch's `outputs`.
        """

    def on_train_begin(self, logs=None):
        """Called when training begins.

        Args:
            logs: empty dict.
        """

    def on_train_end(self, logs=None):
        """Called when training ends.

        Args:
            logs: dict of the last epoch's metrics.
        """

    @described(on_train_begin)
    def on_test_begin(self, logs=None):
        """Called when evaluation or validation begins."""

    def on_test_end(self, logs=None):
        """Called when evaluation or validation ends.

        Args:
            logs: dict of the metrics.
        """

    @described(on_train_begin)
    def on_predict_begin(self, logs=None):
        """Called when prediction begins."""

    @described(on_train_begin)
    def on_predict_end(self, logs=None):
        """Called when prediction ends."""
