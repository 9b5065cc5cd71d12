"""The progress bar: how far a run has come, what a step takes, how the metrics stand.

`verbose=1` redraws one line in place, `verbose=2` prints one line at the end. Colours are ANSI
escape sequences (ECMA-48, "select graphic rendition").
"""

import math
import os
import sys
import time

import numpy as np

from minikeras.core import console

BOLD, GREEN, GREY, RESET = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"
SMALLEST_PLAIN_VALUE = 1e-3  # at and below it, values are shown with an exponent


class Progbar:
    """A progress bar on standard output.

    Args:
        target: number of steps, None if unknown.
        width: length of the bar in characters.
        verbose: 0 prints nothing, 1 redraws a bar, 2 prints one line when all is done.
        interval: seconds that have to pass before the bar is drawn again.
        stateful_metrics: names of the metrics that are shown as they come; all others are averaged
            over the steps.
        stateless_metrics: names of the metrics that are averaged; all others are shown as they
            come. At most one of the two may be given.
        unit_name: what a step is called, such as `"step"` or `"sample"`.

    Raises:
        ValueError: if both lists of names are given.

    Example:
        >>> import minikeras as keras
        >>> bar = keras.utils.Progbar(target=2, verbose=2)
        >>> bar.update(1, [("loss", 3.0)])
        >>> bar.update(2, [("loss", 1.0)])
        2/2 - 0s - ...s/step - loss: 1.0000
    """

    def __init__(
        self,
        target,
        width=20,
        verbose=1,
        interval=0.05,
        stateful_metrics=None,
        stateless_metrics=None,
        unit_name="step",
    ):
        if stateful_metrics and stateless_metrics:
            raise ValueError(
                "Only one of `stateful_metrics` (names of metrics that are not averaged) and "
                "`stateless_metrics` (names of the only ones that are) can be provided. Received: "
                f"stateful_metrics={stateful_metrics}, stateless_metrics={stateless_metrics}"
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.unit_name = unit_name
        self._redraws = _can_redraw()
        self._sums = {}
        self._seen = 0
        self._drawn_width = 0
        self._last_update = 0
        self._start = time.time()
        self._after_first_step = None

    def update(self, current, values=None, finalize=None):
        """Tell how far the run is, and draw the bar if it is time to.

        Args:
            current: number of steps that are done.
            values: list of pairs `(name, value of the last step)`.
            finalize: whether this is the last update; by default when `current` reaches `target`.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._add_values(current, values or [], finalize)
        self._seen = current
        now = time.time()
        if current == 1:
            self._after_first_step = now
        if self.verbose == 1 and (finalize or now - self._last_update >= self.interval):
            self._draw(current, now, finalize)
            self._last_update = now
        elif self.verbose == 2 and finalize and self.target:
            self._print_line(current, now)

    def add(self, n, values=None):
        """Tell that `n` more steps are done.

        Args:
            n: number of steps.
            values: list of pairs `(name, value of the last step)`.
        """
        self.update(self._seen + n, values)

    def _add_values(self, current, values, finalize):
        """Keep a sum and a weight for each name."""
        steps = max(current - self._seen, 1)
        for name, value in values:
            value = np.asarray(value) if isinstance(value, (list, tuple)) else value
            if finalize or not self._is_averaged(name):
                self._sums[name] = (value, 1)
            elif name in self._sums:
                total, weight = self._sums[name]
                self._sums[name] = (total + value * steps, weight + steps)
            else:
                self._sums[name] = (value * steps, steps)

    def _is_averaged(self, name):
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return name not in self.stateful_metrics

    def _draw(self, current, now, finalize):
        head, head_width = self._head(current)
        step_time = self._step_time(current, now)
        if self.target and not finalize:
            timing = _format_remaining(step_time * (self.target - current))
        else:
            timing = f"{now - self._start:.0f}s"
        tail = f" {self._format_step_time(step_time)}{self._format_values()}"
        width = head_width + 1 + len(timing) + len(tail)
        tail += " " * (self._drawn_width - width) + ("\n" if finalize else "")
        console.print_message(
            f"{self._return_to_start()}{head} {BOLD}{timing}{RESET}{tail}", line_break=False
        )
        self._drawn_width = width

    def _return_to_start(self):
        return "\b" * self._drawn_width + "\r" if self._redraws else "\n"

    def _head(self, current):
        """The count of steps with the bar, and its width on the screen."""
        count = self._count(current)
        if not self.target:
            return count, len(count)
        done = int(self.width * current / self.target)
        mark = "\u2501" if console.can_encode("\u2501") else "="
        bar = f"{GREEN}{mark * done}{RESET}" if done > 0 else ""
        bar += f"{GREY}{mark * (self.width - done)}{RESET}"
        return f"{BOLD}{count}{RESET} {bar}", len(count) + 1 + max(self.width, done)

    def _count(self, current):
        if not self.target:
            return f"{current:7d}/Unknown"
        digits = int(math.log10(self.target)) + 1
        return f"%{digits}d/%d" % (current, self.target)

    def _print_line(self, current, now):
        step_time = self._format_step_time(self._step_time(current, now))
        line = f"{self._count(current)} - {now - self._start:.0f}s - {step_time}"
        console.print_message(f"{line}{self._format_values()}\n", line_break=False)

    def _step_time(self, current, now):
        """Seconds a step takes; the first one, which sets things up, is left out if it was seen."""
        if current == 0:
            return 0
        if self._after_first_step is None or current == 1:
            return (now - self._start) / current
        return (now - self._after_first_step) / (current - 1)

    def _format_step_time(self, seconds):
        if seconds >= 1 or seconds == 0:
            return f"{seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f"{seconds * 1e3:.0f}ms/{self.unit_name}"
        return f"{seconds * 1e6:.0f}us/{self.unit_name}"

    def _format_values(self):
        shown = []
        for name, (total, weight) in self._sums.items():
            value = np.mean(np.asarray(total)) / max(1, weight)
            form = ".4f" if abs(value) > SMALLEST_PLAIN_VALUE else ".4e"
            shown.append(f" - {name}: {value:{form}}")
        return "".join(shown)


def _format_remaining(seconds):
    """The time that is left, as `h:mm:ss`, `m:ss` or `ss` with an `s`."""
    minutes, rest = divmod(int(seconds), 60)
    if seconds > 3600:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    if seconds > 60:
        return f"{minutes}:{rest:02d}"
    return f"{int(seconds)}s"


def _can_redraw():
    """Whether a carriage return leads back to the start of the line where the text is read."""
    return (
        (hasattr(sys.stdout, "isatty") and sys.stdout.isatty())
        or "ipykernel" in sys.modules
        or "posix" in sys.modules
        or "PYCHARM_HOSTED" in os.environ
    )
