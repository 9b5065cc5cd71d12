"""One step on the tape, and whether anything is being recorded at all.

Every node gets the next number of one counter. A node's number is larger than its inputs' numbers,
so walking backwards is taking nodes in falling order; and a tape needs to know no more of its nodes
than the numbers at which it began and ceased to record.
"""

from __future__ import annotations

import itertools
import math
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from minikeras.core.per_thread import PerThread

if TYPE_CHECKING:
    from collections.abc import Sequence

_counter = itertools.count(1)
ALWAYS = math.inf


def next_serial() -> int:
    """Return the next number of the counter that orders nodes and tapes."""
    return next(_counter)


class Tape(Protocol):
    """What a recording knows of a tape: the number at which it began, and what it watches."""

    start: int
    watched: set[Place]


class Recording(PerThread):
    """What the current thread records.

    Its open tapes, and the number of the oldest's start; and the recorder of a program, if there is
    one (see `program`).
    """

    tapes: tuple[Any, ...] = ()
    since: float = math.inf
    recorder: Any = None

    def open(self, tape: Tape) -> None:
        """Begin to record for `tape`."""
        self.switch((*self.tapes, tape))

    def close(self, tape: Tape) -> None:
        """Cease to record for `tape`."""
        self.switch(tuple(open_tape for open_tape in self.tapes if open_tape is not tape))

    def switch(self, tapes: tuple[Any, ...]) -> None:
        """Record for these tapes and no others."""
        since = min((tape.start for tape in tapes), default=math.inf)
        self.tapes, self.since = tapes, since  # no call between: both or none if a signal comes

    def watches(self, leaf: Leaf) -> bool:
        """Return whether an open tape was told to watch a leaf."""
        return any((leaf, 0) in tape.watched for tape in self.tapes)


recording = Recording()


def left(how: str, *arrays: Any) -> None:
    """Note that a value has left the arrays for Python's own numbers, where nothing is recorded.

    Args:
        how: in which way.
        arrays: those whose values were read, if they are known: constants of a step may be.
    """
    recorder = recording.recorder
    if recorder is not None and (not arrays or any(map(recorder.makes, arrays))):
        recorder.refuse(f"the value of a tensor was read: {how}")


def made_variable() -> None:
    """Note that a step makes state; the next one finds it made, and can be recorded."""
    if recording.recorder is not None:
        recording.recorder.refuse("a variable was made", lasting=False)


class paused:  # reads as a word in `with paused():`
    """Record nothing inside the `with` block."""

    def __enter__(self):
        self._tapes = recording.tapes
        recording.switch(())

    def __exit__(self, *_: object) -> None:
        recording.switch(self._tapes)


class Leaf:
    """Where the backward pass ends: a watched tensor or a trainable variable.

    Args:
        automatic: whether every tape watches it that watches trainable variables.
    """

    __slots__ = ("serial", "automatic")
    primitive: ClassVar[None] = None
    alive: ClassVar[float] = ALWAYS

    def __init__(self, automatic: bool = False):
        self.serial = next_serial()
        self.automatic = automatic

    def __reduce__(self) -> tuple[Any, ...]:
        return Leaf, (self.automatic,)  # a copy stands for another variable: it gets its own number


making_leaf = threading.Lock()
"""Held by whoever gives a tensor or a variable its leaf, so that two threads give it the same."""


class Node:
    """One recorded call of a primitive.

    Args:
        primitive: what was called; it knows the gradient rules.
        parents: for every input `(node, output index)`, or None where no gradient is needed.
        kept: dict of the arrays that the rules will ask for.
        statics: dict of the static attributes of the call.
        specs: `(shape, dtype)` of every input, as the kernel saw it.
        outputs: `(shape, dtype)` of every output.
    """

    __slots__ = ("serial", "alive", "primitive", "parents", "kept", "statics", "specs", "outputs")

    def __init__(
        self,
        primitive: Any,
        parents: tuple[Place | None, ...],
        kept: dict[Any, Any],
        statics: dict[str, Any],
        specs: Sequence[tuple[tuple[int, ...], str] | None],
        outputs: Sequence[tuple[tuple[int, ...], Any]],
    ):
        self.serial = self.alive = next_serial()
        self.primitive = primitive
        self.parents = parents
        self.kept: Any = kept
        self.statics = statics
        self.specs = specs
        self.outputs = outputs

    def pull(self, gradients: list[Any]) -> list[Any]:
        """Return the gradient by every input, given those by the outputs (None where unused)."""
        if self.kept is None:
            raise RuntimeError(
                f"The recording of '{self.primitive.name}' was already used up. A non-persistent "
                "tape computes one set of gradients; pass `persistent=True` for more."
            )
        return self.primitive.backward(self, gradients)

    def forget(self) -> None:
        """Drop what was kept, so that memory falls while the walk goes on."""
        self.kept = None
        self.parents = ()


Place: TypeAlias = tuple[Node | Leaf, int]
"""Where a tensor is on the tape: what computed it, and as which of its outputs."""
