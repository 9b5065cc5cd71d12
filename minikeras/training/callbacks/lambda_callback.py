"""LambdaCallback: a callback out of plain functions."""

from minikeras.training.callbacks.callback import Callback


class LambdaCallback(Callback):
    """Calls given functions at the stages of a run.

    Functions for epochs and batches take `(index, logs)`, those for the beginning and end of a run
    take `(logs)`; for batches, `logs` is passed by its name.

    Args:
        on_epoch_begin: function, or None.
        on_epoch_end: function, or None.
        on_train_begin: function, or None.
        on_train_end: function, or None.
        on_train_batch_begin: function, or None.
        on_train_batch_end: function, or None.
        **kwargs: functions for the other hooks of `Callback`, by the hook's name.

    Example:
        >>> import minikeras as keras
        >>> show = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs))
        >>> show.on_epoch_end(0, {"loss": 0.5})
        {'loss': 0.5}
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_train_begin=None,
        on_train_end=None,
        on_train_batch_begin=None,
        on_train_batch_end=None,
        **kwargs,
    ):
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        self.__dict__.update({name: hook for name, hook in hooks.items() if hook is not None})
        self.__dict__.update(kwargs)
