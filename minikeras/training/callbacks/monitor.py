"""What callbacks share that watch one metric: its value, its direction, what is an improvement."""

import operator
import warnings
from typing import Any

import numpy as np

from minikeras.core import settings
from minikeras.training.callbacks.callback import Callback

_COMPARISONS = {"min": operator.lt, "max": operator.gt, "down": operator.lt, "up": operator.gt}


class MonitorCallback(Callback):
    """The base of callbacks that watch one metric.

    Args:
        monitor: name of the metric in the logs.
        mode: `"min"` if less is better, `"max"` if more is, `"auto"` to ask the model's metrics.
        best: best value so far, or None.
        min_delta: by how much a value must be better to count; its sign is ignored.
    """

    def __init__(self, monitor="val_loss", mode="auto", best=None, min_delta: float = 0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} has no mode {mode!r}, and takes 'auto'; the modes are "
                "'auto', 'min' and 'max'.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = best
        self.min_delta = abs(min_delta)
        self.is_better: Any = None

    def set_direction(self):
        """Set whether less or more is better, once the model's metrics exist.

        Raises:
            ValueError: if neither the mode nor the metrics say so.
        """
        if self.is_better is not None:
            return
        direction = self.mode if self.mode != "auto" else self._direction_of_metric()
        if direction not in _COMPARISONS:
            raise ValueError(
                f"{type(self).__name__} callback received monitor={self.monitor}, but it is not "
                "known whether that metric should be maximized or minimized. Pass `mode='max'` if "
                "a higher value is better, or `mode='min'` if a lower one is."
            )
        self.is_better = _COMPARISONS[direction]

    def value_in(self, logs):
        """Return the metric's value, or warn that it is missing and return None.

        Args:
            logs: dict of names and values.

        Returns:
            A number, or None.
        """
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__} waits for '{self.monitor}', and the logs have only "
                f"{sorted(logs)}: it does nothing.",
                stacklevel=3,
            )
        return value

    def improves(self, value, reference):
        """Say whether a value is better than a reference by more than `min_delta`.

        Args:
            value: a number.
            reference: a number, or None, than which everything is better.

        Returns:
            A bool.
        """
        if reference is None:
            return True
        margin = self.min_delta if self.is_better is operator.lt else -self.min_delta
        rounded = np.dtype(settings.floatx()).type  # what differs by less is the same
        return bool(self.is_better(rounded(value + margin), rounded(reference)))

    def _direction_of_metric(self):
        """Ask the compiled metrics; a loss is always minimized."""
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return "min"
        for group in getattr(self.model, "metrics", ()):
            for metric in getattr(group, "metrics", ()):
                if metric.name == name:
                    return getattr(metric, "_direction", None)
        return None


def learning_rate_of(optimizer):
    """Return an optimizer's present learning rate as a Python float.

    Args:
        optimizer: an optimizer whose `learning_rate` is a Variable or a tensor.

    Returns:
        A float.
    """
    return float(np.asarray(optimizer.learning_rate.numpy()))
