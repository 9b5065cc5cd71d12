"""TerminateOnNaN: end training when the loss is no number any more."""

import numpy as np

from minikeras.core import console
from minikeras.training.callbacks.callback import Callback


class TerminateOnNaN(Callback):
    """Stops training after a batch whose loss is NaN or infinite.

    Args:
        raise_error: whether an error is raised, so that no callback's `on_train_end` is reached;
            by default training is ended in the ordinary way.

    Raises:
        RuntimeError: after such a batch, if `raise_error`.

    Example:
        >>> import types
        >>> import minikeras as keras
        >>> guard = keras.callbacks.TerminateOnNaN()
        >>> guard.set_model(types.SimpleNamespace(stop_training=False))
        >>> guard.on_batch_end(7, {"loss": float("nan")})
        Batch 7: Invalid loss, terminating training
        >>> guard.model.stop_training
        True
    """

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch, logs=None):
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"The loss is {loss} at batch {batch}: training stops at once, because "
                "`raise_error=True`."
            )
        console.print_message(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
