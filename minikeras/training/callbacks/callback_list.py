"""CallbackList: many callbacks, called through the hooks of one."""

import numpy as np

from minikeras.autograd.tensor import Operators
from minikeras.core import trees
from minikeras.training.callbacks.callback import Callback
from minikeras.training.callbacks.history import History
from minikeras.training.callbacks.progbar import ProgbarLogger


class CallbackList(Callback):
    """Calls the hooks of several callbacks, one after the other.

    Batch hooks reach only those callbacks that override them, so that a callback costs nothing at
    stages it does not care for.

    Args:
        callbacks: list of callbacks, nested lists among them, or None.
        add_history: whether a `History` is added if there is none.
        add_progbar: whether a `ProgbarLogger` is added if there is none.
        model: the model that runs; its `history` becomes the `History`, if there is one.
        **params: the run's settings, passed to `set_params` of every callback.

    Example:
        >>> import minikeras as keras
        >>> end = keras.callbacks.LambdaCallback(on_train_end=lambda logs: print(logs))
        >>> hooks = keras.callbacks.CallbackList([end])
        >>> hooks.on_train_begin()
        >>> hooks.on_train_end({"loss": 0.5})
        {'loss': 0.5}
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        self.callbacks = trees.flatten(callbacks) if callbacks else []
        self.params = None
        self._model = None
        self._running = 0
        self._concerned = {}  # for each hook of a batch, by whom it is overridden in this epoch
        self._history = self._last_of(History)
        if self._history is None and add_history:
            self._history = History()
            self.callbacks.append(self._history)
        if add_progbar and self._last_of(ProgbarLogger) is None:
            self.callbacks.append(ProgbarLogger())
        self.callbacks.sort(key=lambda callback: getattr(callback, "_comes_last", False))
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def set_params(self, params):
        """Pass the run's settings to all callbacks.

        Args:
            params: dict with `verbose`, `epochs` and `steps`; nothing happens if it is empty.
        """
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model):
        """Pass the model to all callbacks.

        Args:
            model: the model that is about to run.
        """
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    def on_batch_begin(self, batch, logs=None):
        """Call the callbacks' `on_batch_begin`."""
        self._each_batch("on_batch_begin", batch, logs)

    def on_batch_end(self, batch, logs=None):
        """Call the callbacks' `on_batch_end`."""
        self._each_batch("on_batch_end", batch, logs)

    def on_epoch_begin(self, epoch, logs=None):
        """Call the callbacks' `on_epoch_begin`."""
        self._each("on_epoch_begin", epoch, plain_logs(logs))

    def on_epoch_end(self, epoch, logs=None):
        """Call the callbacks' `on_epoch_end`."""
        self._each("on_epoch_end", epoch, plain_logs(logs))

    def on_train_batch_begin(self, batch, logs=None):
        """Call the callbacks' `on_train_batch_begin`."""
        self._each_batch("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Call the callbacks' `on_train_batch_end`."""
        self._each_batch("on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch, logs=None):
        """Call the callbacks' `on_test_batch_begin`."""
        self._each_batch("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        """Call the callbacks' `on_test_batch_end`."""
        self._each_batch("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch, logs=None):
        """Call the callbacks' `on_predict_batch_begin`."""
        self._each_batch("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        """Call the callbacks' `on_predict_batch_end`."""
        self._each_batch("on_predict_batch_end", batch, logs)

    def on_train_begin(self, logs=None):
        """Call the callbacks' `on_train_begin`."""
        self._begin("on_train_begin", logs)

    def on_train_end(self, logs=None):
        """Call the callbacks' `on_train_end`."""
        self._end("on_train_end", logs)

    def on_test_begin(self, logs=None):
        """Call the callbacks' `on_test_begin`."""
        self._begin("on_test_begin", logs)

    def on_test_end(self, logs=None):
        """Call the callbacks' `on_test_end`."""
        self._end("on_test_end", logs)

    def on_predict_begin(self, logs=None):
        """Call the callbacks' `on_predict_begin`."""
        self._begin("on_predict_begin", logs)

    def on_predict_end(self, logs=None):
        """Call the callbacks' `on_predict_end`."""
        self._end("on_predict_end", logs)

    def _last_of(self, cls):
        matching = [callback for callback in self.callbacks if isinstance(callback, cls)]
        return matching[-1] if matching else None

    def _each(self, hook, *args):
        self._concerned.clear()
        for callback in self.callbacks:
            getattr(callback, hook)(*args)

    def _begin(self, hook, logs):
        self._running += 1
        self._each(hook, plain_logs(logs))

    def _end(self, hook, logs):
        if self._running == 0:
            raise ValueError(
                f"`{hook}` was called without `{hook.removesuffix('end')}begin` before it."
            )
        self._running -= 1
        self._each(hook, plain_logs(logs))

    def _each_batch(self, hook, batch, logs):
        concerned = self._concerned.get(hook)
        if concerned is None:
            concerned = [callback for callback in self.callbacks if _overrides(callback, hook)]
            self._concerned[hook] = concerned
        if not concerned:
            return
        logs = plain_logs(logs)
        for callback in concerned:
            getattr(callback, hook)(batch, logs=logs)


_OLD_NAMES = {
    "on_train_batch_begin": "on_batch_begin",
    "on_train_batch_end": "on_batch_end",
}


def _overrides(callback, hook):
    """Whether a hook, or the old name that it goes on to, is the callback's own."""
    if hook in _OLD_NAMES and _overrides(callback, _OLD_NAMES[hook]):
        return True
    if hook in vars(callback):
        return True
    return getattr(type(callback), hook, None) is not getattr(Callback, hook)


def plain_logs(logs):
    """Return logs in alphabetic order, floats for scalars, nested dicts laid out flat.

    Tensors of several numbers become arrays of their own: writing into these changes nothing else.

    Args:
        logs: dict of names and values, or None.

    Returns:
        A new dict.

    Example:
        >>> import numpy as np
        >>> plain_logs({"loss": np.float32(0.5), "of": {"acc": 1}})
        {'loss': 0.5, 'acc': 1.0}
    """
    plain = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, dict):
            plain.update(plain_logs(value))
            continue
        plain[name] = trees.map_structure(_plain_value, value)
    return plain


def _plain_value(value):
    if getattr(value, "shape", ()) != ():
        return np.array(value) if isinstance(value, Operators) else value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
