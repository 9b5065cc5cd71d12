"""The progress bar of Keras 2, to the character."""

import sys
import time

import numpy as np

_BACK = "\b"


class Progbar:
    """A bar that grows with the samples that are done.

    Args:
        target: number of steps expected, or None.
        width: width of the bar.
        verbose: 1 for a bar, 2 for a line at the end.
        interval: seconds between two prints at least.
        stateful_metrics: names of values that are shown as they are, not averaged.

    Example:
        >>> from minikeras.keras2.utils import Progbar
        >>> Progbar(10, verbose=2).update(10, [("loss", 0.5)])
         - ... - loss: 0.5000
    """

    def __init__(self, target, width=30, verbose=1, interval=0.05, stateful_metrics=None):
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or [])
        self._values = {}
        self._seen = 0
        self._start = time.time()
        self._last = 0.0
        self._shown = 0
        is_terminal = hasattr(sys.stdout, "isatty") and sys.stdout.isatty()
        self._dynamic = is_terminal or "ipykernel" in sys.modules

    def add(self, n, values=None):
        """Go on by a number of steps."""
        self.update(self._seen + n, values)

    def update(self, current, values=None):
        """Show the state after `current` steps.

        Args:
            current: number of steps that are done.
            values: list of pairs `(name, value)` to show; their means, by steps.
        """
        for name, value in values or []:
            if name in self.stateful_metrics:
                self._values[name] = [value, 1]
                continue
            total = self._values.setdefault(name, [0.0, 0])
            total[0] += value * (current - self._seen)
            total[1] += current - self._seen
        self._seen = current
        now = time.time()
        ended = self.target is not None and current >= self.target
        if self.verbose == 1:
            if now - self._last >= self.interval or ended:
                self._show(current, now - self._start)
                self._last = now
        elif self.verbose == 2 and (self.target is None or ended):
            sys.stdout.write(f" - {self._whole(now - self._start)}{self._metrics()}\n")
        sys.stdout.flush()

    def _whole(self, seconds):
        return f"{seconds:.0f}s"

    def _show(self, current, elapsed):
        text = self._bar(current) + self._time(current, elapsed) + self._metrics()
        before = self._shown
        self._shown = len(text)
        start = _BACK * before + "\r" if self._dynamic else "\n"
        padding = " " * max(before - len(text), 0)
        end = "\n" if self.target is None or current >= self.target else ""
        sys.stdout.write(start + text + padding + end)

    def _bar(self, current):
        if self.target is None:
            return f"{current:7d}/Unknown"
        digits = int(np.floor(np.log10(self.target))) + 1 if self.target > 0 else 1
        done = int(self.width * current / max(self.target, 1))
        bar = ""
        if done > 0:
            bar = "=" * (done - 1) + (">" if current < self.target else "=")
        return f"{current:{digits}d}/{self.target} [{bar}{'.' * (self.width - done)}]"

    def _time(self, current, elapsed):
        per_step = elapsed / current if current else 0
        if self.target is not None and current < self.target:
            return f" - ETA: {_eta(per_step * (self.target - current))}"
        if per_step >= 1:
            return f" - {elapsed:.0f}s {per_step:.0f}s/step"
        if per_step >= 1e-3:
            return f" - {elapsed:.0f}s {per_step * 1e3:.0f}ms/step"
        return f" - {elapsed:.0f}s {per_step * 1e6:.0f}us/step"

    def _metrics(self):
        return "".join(
            f" - {name}: {_number(total / max(count, 1))}"
            for name, (total, count) in self._values.items()
        )


def _number(value):
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def _eta(seconds):
    if seconds > 3600:
        whole = int(seconds)
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    if seconds > 60:
        return f"{int(seconds) // 60:d}:{int(seconds) % 60:02d}"
    return f"{int(seconds):d}s"
