"""Median and range: the one statistic for every time that is measured, on a CPU and on a GPU.

Whatever is timed is timed in several turns, and all of them are stored. A figure on the page is
their median; in brackets stand the shortest and the longest turn.
"""

import math
import statistics
from typing import NamedTuple

TURNS = 5
"""Into how many turns the calls of a kernel are divided."""
WARM_UP = 3
"""Calls before them that do not count: they compile, and take memory from the system."""


class Spread(NamedTuple):
    """The median of some turns, the least and the most."""

    median: float
    least: float
    most: float


def of(turns):
    """Return the spread of turns; of a single figure, which older results hold, that figure."""
    turns = turns if isinstance(turns, list) else [turns]
    return Spread(statistics.median(turns), min(turns), max(turns))


def in_turns(times):
    """Return the median of each of five stretches of times, which are in the order of measuring."""
    bounds = [round(i * len(times) / TURNS) for i in range(TURNS + 1)]
    return [
        statistics.median(times[begin:end])
        for begin, end in zip(bounds, bounds[1:], strict=False)
        if begin < end
    ]


def ratios(turns, over):
    """Return in each round the turn of one over that of the other, which it followed at once."""
    return [a / b for a, b in zip(turns, over, strict=True)]


def text(turns, decimals=2, unit=""):
    """Return a spread as text, `7.97 (7.90–8.21)`; a single figure has no range.

    Args:
        turns: the turns, or a single figure.
        decimals: the most digits after the point; three digits in all are enough.
        unit: what is written after the median.
    """
    median, least, most = of(turns)
    shown = figure(median, decimals) + unit
    if not isinstance(turns, list):
        return shown
    return f"{shown} ({figure(least, decimals)}–{figure(most, decimals)})"


def figure(value, decimals=2):
    """Return a figure with three digits, but no more than `decimals` after the point."""
    exponent = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(decimals, max(0, 2 - exponent))}f}"
