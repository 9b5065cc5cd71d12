"""How much work declaring a model from a config may take: in proportion to the config's own size.

A config holds numbers, and some of what it describes takes as many steps as a number says: the
parts of a split, the steps of a loop, the windows of an adaptive pooling, models in models that
call each other twice. A foreign config of one line could keep its reader busy for ever. So while a
config is read, each step is counted (`spend`), and each shape that an op answers is a step.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from minikeras.core.per_thread import PerThread
from minikeras.core.types import Dict, List, Tuple

# The layers and ops of real models take less than one step for each value in their config.
FREE_STEPS = 20_000
STEPS_PER_VALUE = 50
NUMBERS_PER_STEP = 100
"""How many numbers of an array count as one step."""
MOST_AXES = 64  # of NumPy's arrays
STEPS_PER_CALL = 20
"""How many steps a call in a graph counts for, since calling a layer takes so much longer."""


class _Work(PerThread):
    left: int | None = None  # None where nothing is being read
    allowed: int = 0


work = _Work()


class TooMuchWork(ValueError):
    """A config asks for more steps than its size explains.

    Args:
        steps: how many.
        allowed: how many there may be.
        whose: what in the config asks for them, if it is known.
    """

    def __init__(self, steps: int, allowed: int, whose: str = ""):
        what = whose[:500] or "an object of the config"
        super().__init__(
            f"Declaring {what} would take {steps} steps or more, and a config of this size may "
            f"take {allowed} in all. A number in it is too large, or models in it call each other "
            "too often. If you trust its source, pass `safe_mode=False` to the function that loads "
            "it, or call `keras.config.enable_unsafe_deserialization()`."
        )
        self.steps, self.allowed, self.whose = steps, allowed, whose


@contextmanager
def limited_work(config: Any) -> Generator[None]:
    """Limit the steps that are taken inside a `with` block; an outer block's limit stays.

    Args:
        config: the config that is read there, which says by its size how many there may be.
    """
    if work.left is not None:
        yield
        return
    work.allowed = work.left = FREE_STEPS + STEPS_PER_VALUE * _size(config)
    try:
        yield
    finally:
        work.left = None


def spend(steps: int) -> None:
    """Count steps, before they are taken.

    Args:
        steps: how many.

    Raises:
        TooMuchWork: if a config is being read, and asks for more than its size explains.
    """
    if work.left is None:
        return
    work.left -= max(steps, 0)
    if work.left < 0:
        raise TooMuchWork(max(steps, work.allowed), work.allowed)


def spend_shape(rank: int) -> None:
    """Count the answer of one op, a shape of so many axes.

    Raises:
        TooMuchWork: as `spend`.
        ValueError: if no array has so many axes: each op would go through all of them in vain.
    """
    spend(1)
    if rank > MOST_AXES:
        raise ValueError(f"A tensor of {rank} axes is described; arrays have {MOST_AXES} at most.")


def spend_numbers(count: int) -> None:
    """Count the numbers of an array that is to be made, as `spend` does."""
    spend(count // NUMBERS_PER_STEP)


@contextmanager
def work_of(whose: Callable[[], str]) -> Generator[None]:
    """Let the error about too many steps inside a `with` block say what asks for them.

    Args:
        whose: function that returns what it is; it is called if there is an error.
    """
    try:
        yield
    except TooMuchWork as error:
        if error.whose:
            raise
        raise TooMuchWork(error.steps, error.allowed, whose()) from None


def _size(config: Any) -> int:
    """How many values a nest has; what stands in several places counts once, as it is stored."""
    seen: set[int] = set()
    waiting: list[Any] = [config]
    count = 0
    while waiting:
        value = waiting.pop()
        count += 1
        if isinstance(value, (Dict, List, Tuple)) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, Dict) else value)
    return count
