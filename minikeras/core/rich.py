"""The parts of the library `rich` that draw tables and trees.

It draws random numbers while it is imported, and here that is often after a program has set a seed.
Real Keras has imported it before: what the program draws afterwards must be the same.
"""

import random

_state = random.getstate()
from rich import console, markup, table  # noqa: E402 - between the lines that keep the state

random.setstate(_state)

__all__ = ["console", "markup", "table"]
