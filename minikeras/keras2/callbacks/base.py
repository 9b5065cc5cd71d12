"""Callbacks of Keras 2: batches with their sizes in the logs, epochs with averaged values."""

from typing import Any

import numpy as np

from minikeras.keras2.callbacks.progbar import Progbar
from minikeras.training import callbacks as engine


class Callback(engine.Callback):
    """The base of callbacks.

    Attributes:
        params: dict with `batch_size`, `epochs`, `steps`, `samples`, `verbose`, `metrics`.
        model: the model that is trained.
        validation_data: flat list of arrays that the model is validated on, or None.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2 import callbacks
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> class Count(callbacks.Callback):
        ...     epochs = 0
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         self.epochs += 1
        >>> count = Count()
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[count])
        >>> count.epochs
        2
    """

    model: Any = None

    def __init__(self):
        self.params = None
        self.validation_data = None
        self.model = None

    def set_model(self, model):
        """Keep the model."""
        self.model = model


class BaseLogger(Callback):
    """Replaces the values in an epoch's logs by their means over the samples of the epoch.

    Args:
        stateful_metrics: names of values that are not averaged.

    Example:
        >>> from minikeras.keras2.callbacks import BaseLogger
        >>> logger, logs = BaseLogger(), {}
        >>> logger.set_params({"metrics": ["loss"]})
        >>> logger.on_epoch_begin(0)
        >>> logger.on_batch_end(0, {"size": 2, "loss": 1.0})
        >>> logger.on_batch_end(1, {"size": 2, "loss": 3.0})
        >>> logger.on_epoch_end(0, logs)
        >>> logs
        {'loss': 2.0}
    """

    def __init__(self, stateful_metrics=None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or [])

    def on_epoch_begin(self, epoch, logs=None):
        """Begin a new mean."""
        self.seen = 0
        self.totals = {}

    def on_batch_end(self, batch, logs=None):
        """Add the values of a batch."""
        logs = logs or {}
        size = logs.get("size", 0)
        self.seen += size
        for key, value in logs.items():
            if key in self.stateful_metrics:
                self.totals[key] = value
            else:
                # In float64, as scalars of NumPy 1 were multiplied by whole numbers.
                total = np.multiply(value, size, dtype="float64")
                self.totals[key] = self.totals.get(key, 0.0) + total

    def on_epoch_end(self, epoch, logs=None):
        """Write the means into the logs."""
        for key in self.params["metrics"]:
            if key in self.totals and logs is not None:
                stateful = key in self.stateful_metrics
                logs[key] = float(self.totals[key] / (1 if stateful else max(self.seen, 1)))


class History(Callback):
    """Keeps the values of every epoch; `fit` adds one and returns it.

    Attributes:
        history: dict of names and lists with a value for each epoch.
        epoch: list of the epochs' numbers.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2 import callbacks
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> callback = callbacks.History()
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
        >>> sorted(callback.history)
        ['loss']
    """

    def on_train_begin(self, logs=None):
        """Begin."""
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch, logs=None):
        """Add the epoch's values."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)


class ProgbarLogger(Callback):
    """Prints the progress.

    Args:
        count_mode: `"samples"` or `"steps"`.
        stateful_metrics: names of values that are not averaged.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2 import callbacks
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> callback = callbacks.ProgbarLogger()
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
        >>> callback.verbose
        0
    """

    def __init__(self, count_mode="samples", stateful_metrics=None):
        super().__init__()
        self.use_steps = count_mode == "steps"
        self.stateful_metrics = set(stateful_metrics or [])

    def on_train_begin(self, logs=None):
        """Note how much is printed."""
        self.verbose = self.params["verbose"]
        self.epochs = self.params["epochs"]

    def on_epoch_begin(self, epoch, logs=None):
        """Print the number of the epoch, and begin a bar."""
        self.seen, self.log_values = 0, []
        if self.verbose:
            print(f"Epoch {epoch + 1}/{self.epochs}")
            self.target = self.params["steps" if self.use_steps else "samples"]
            self.progbar = Progbar(
                self.target, verbose=self.verbose, stateful_metrics=self.stateful_metrics
            )

    def on_batch_begin(self, batch, logs=None):
        """Begin the values of a batch."""
        if self.seen < (self.target if self.verbose and self.target else 0):
            self.log_values = []

    def on_batch_end(self, batch, logs=None):
        """Let the bar grow."""
        logs = logs or {}
        self.seen += logs.get("num_steps", 1) if self.use_steps else logs.get("size", 0)
        self.log_values = [(k, logs[k]) for k in self.params["metrics"] if k in logs]
        if self.verbose and self.seen < self.target:
            self.progbar.update(self.seen, self.log_values)

    def on_epoch_end(self, epoch, logs=None):
        """End the bar, with the values of the validation."""
        logs = logs or {}
        values = dict(self.log_values)
        more = [(k, logs[k]) for k in self.params["metrics"] if k in logs and k not in values]
        if self.verbose:
            self.progbar.update(self.seen, self.log_values + more)


class CallbackList:
    """Several callbacks as one.

    Args:
        callbacks: list of callbacks, or None.
        queue_length: accepted: no time is taken of callbacks.

    Example:
        >>> from minikeras.keras2.callbacks import CallbackList, LambdaCallback
        >>> hooks = CallbackList([LambdaCallback(on_train_end=lambda logs: print("done"))])
        >>> hooks.append(LambdaCallback(on_train_end=lambda logs: print("indeed")))
        >>> hooks.on_train_end()
        done
        indeed
    """

    def __init__(self, callbacks=None, queue_length=10):
        self.callbacks = list(callbacks or [])
        self.queue_length = queue_length

    def __iter__(self):
        return iter(self.callbacks)

    def append(self, callback):
        """Add a callback."""
        self.callbacks.append(callback)

    def set_params(self, params):
        """Tell all of them the run's settings, a dict."""
        self._each("set_params", params)

    def set_model(self, model):
        """Tell all of them the model."""
        self._each("set_model", model)

    def _each(self, hook, *args):
        for callback in self.callbacks:
            getattr(callback, hook)(*args)

    def on_train_begin(self, logs=None):
        """Training begins."""
        self._each("on_train_begin", logs or {})

    def on_train_end(self, logs=None):
        """Training ends."""
        self._each("on_train_end", logs or {})

    def on_epoch_begin(self, epoch, logs=None):
        """An epoch begins."""
        self._each("on_epoch_begin", epoch, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        """An epoch ends; all of them get one dict, which the first may write to."""
        self._each("on_epoch_end", epoch, logs or {})

    def on_batch_begin(self, batch, logs=None):
        """A batch begins."""
        self._each("on_batch_begin", batch, logs or {})

    def on_batch_end(self, batch, logs=None):
        """A batch ends."""
        self._each("on_batch_end", batch, logs or {})


class LambdaCallback(Callback):
    """Callbacks from functions.

    Args:
        on_epoch_begin: function of `(epoch, logs)`, or None.
        on_epoch_end: function of `(epoch, logs)`, or None.
        on_batch_begin: function of `(batch, logs)`, or None.
        on_batch_end: function of `(batch, logs)`, or None.
        on_train_begin: function of `(logs)`, or None.
        on_train_end: function of `(logs)`, or None.
        **kwargs: further attributes.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2 import callbacks
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> callback = callbacks.LambdaCallback(on_train_end=lambda logs: print("done"))
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
        done
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_batch_begin=None,
        on_batch_end=None,
        on_train_begin=None,
        on_train_end=None,
        **kwargs,
    ):
        super().__init__()
        self.__dict__.update(kwargs)
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
        }
        self.__dict__.update({name: f for name, f in hooks.items() if f is not None})
