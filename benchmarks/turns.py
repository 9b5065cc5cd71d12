"""The other end of `engines.Worker`: a process that measures only when it is its turn."""

import json
import os
import sys
import time

_answers = os.dup(1)
"""What `print` would write to stays open for answers even if a library redirects it."""


def say(word, value=None):
    """Write one line for the process that started this one."""
    text = word if value is None else f"{word} {json.dumps(value)}"
    os.write(_answers, f"\n@{text}\n".encode())


class Turns:
    """A stop watch whose every stretch waits for permission first."""

    def __init__(self):
        self.times = []
        self._began = 0.0

    def begin(self):
        """Wait for this process's turn, then start the watch."""
        say("ready")
        sys.stdin.readline()
        self._began = time.perf_counter()

    def end(self):
        """Stop the watch."""
        self.times.append(time.perf_counter() - self._began)

    def __enter__(self):
        self.begin()
        return self

    def __exit__(self, *_):
        self.end()

    def taken(self):
        """Return the times so far, and forget them."""
        times, self.times = self.times, []
        return times
