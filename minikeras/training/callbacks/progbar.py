"""ProgbarLogger: the progress bar of `fit`, `evaluate` and `predict`."""

from typing import Any

from minikeras.core import console
from minikeras.training.callbacks.callback import Callback
from minikeras.training.progbar import Progbar


class ProgbarLogger(Callback):
    """Prints progress and metrics; `fit` adds one unless `verbose=0`.

    What it prints is set by `params["verbose"]`: nothing (0), a bar (1 or `"auto"`), or one line an
    epoch (2). Validation within `fit` has no bar of its own.

    Example:
        >>> import minikeras as keras
        >>> bar = keras.callbacks.ProgbarLogger()
        >>> bar.set_params({"verbose": 2, "epochs": 3, "steps": 1})
        >>> bar.on_epoch_begin(0)
        Epoch 1/3
    """

    def __init__(self):
        super().__init__()
        self.seen = 0
        self.progbar: Any = None
        self.target: Any = None
        self.verbose = 1
        self.epochs = 1
        self._in_fit = False

    def set_params(self, params):
        """Keep the run's settings.

        Args:
            params: dict with `verbose`, `epochs` and `steps`.
        """
        verbose = params["verbose"]
        self.verbose = 1 if verbose == "auto" else verbose
        self.epochs = params["epochs"]
        self.target = params["steps"]

    def on_train_begin(self, logs=None):
        """From now on, evaluation is part of training."""
        self._in_fit = True

    def on_test_begin(self, logs=None):
        """Begin a bar, unless this is the validation of `fit`."""
        if not self._in_fit:
            self._begin_bar()

    def on_predict_begin(self, logs=None):
        """Begin a bar."""
        self._begin_bar()

    def on_epoch_begin(self, epoch, logs=None):
        """Begin a bar, under a line with the epoch's number if there are several."""
        self._begin_bar()
        if self.verbose and self.epochs > 1:
            console.print_message(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch, logs=None):
        """Draw the bar."""
        self._advance(batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        """Draw the bar, unless this is the validation of `fit`."""
        if not self._in_fit:
            self._advance(batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        """Draw the bar; outputs are not shown."""
        self._advance(batch, None)

    def on_epoch_end(self, epoch, logs=None):
        """Draw the full bar with the epoch's metrics."""
        self._finish(logs)

    def on_test_end(self, logs=None):
        """Draw the full bar, unless this is the validation of `fit`."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_end(self, logs=None):
        """Draw the full bar."""
        self._finish(logs)

    def _begin_bar(self):
        self.seen = 0
        self.progbar = None
        self._make_bar()

    def _make_bar(self):
        if self.progbar is None:
            self.progbar = Progbar(
                target=self.target, verbose=self.verbose, unit_name="step", stateless_metrics=()
            )

    def _advance(self, batch, logs):
        self._make_bar()
        self.seen = batch + 1
        if self.verbose == 1:
            self.progbar.update(self.seen, list((logs or {}).items()), finalize=False)

    def _finish(self, logs):
        """The steps that were seen become the target if it was unknown."""
        if self.target is None:
            self.target = self.seen
            self.progbar.target = self.target
        self.progbar.update(self.target, list((logs or {}).items()), finalize=True)
