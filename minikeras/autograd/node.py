"""The nodes of the graph that tapes record, and whether anything is being recorded at all.

Every node gets the next serial of one counter. A node's serial is larger than those of its inputs,
so the backward pass takes nodes in falling order; and a tape needs to know no more of its nodes
than the serials at which it began and ceased to record.
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
    """Return the next serial of the counter that orders nodes and tapes."""
    return next(_counter)


class Tape(Protocol):
    """What a recording knows of a tape: the serial at which it began, and what it watches."""

    start: int
    watched: set[Edge]


class Recording(PerThread):
    """What the current thread records.

    Its open tapes, and the serial of the oldest's start; and the recorder of a program, if there is
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


def graph_break(how: str, *arrays: Any) -> None:
    """Note that a value has escaped from the arrays to Python, where nothing is recorded.

    Args:
        how: in which way.
        arrays: those whose values were read, if they are known: constants of a step may be.
    """
    recorder = recording.recorder
    if recorder is not None and (not arrays or any(map(recorder.makes, arrays))):
        recorder.refuse(f"the value of a tensor was read: {how}")


def note_new_variable() -> None:
    """Note that a step creates state; the next one finds it there, and can be recorded."""
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

    Attributes:
        last_tape: serial of the last tape that may differentiate it; any tape may.
    """

    __slots__ = ("serial", "automatic")
    primitive: ClassVar[None] = None
    last_tape: ClassVar[float] = ALWAYS

    def __init__(self, automatic: bool = False):
        self.serial = next_serial()
        self.automatic = automatic

    def __reduce__(self) -> tuple[Any, ...]:
        return Leaf, (self.automatic,)  # a copy stands for another variable: it gets its own serial


making_leaf = threading.Lock()
"""Held by whoever gives a tensor or a variable its leaf, so that two threads give it the same."""


class Node:
    """One recorded call of a primitive.

    Args:
        primitive: what was called; it knows the vjps.
        parents: the edge to every input, None where no gradient is needed.
        saved: dict of the arrays that the vjps will ask for.
        statics: dict of the static attributes of the call.
        specs: `(shape, dtype)` of every input, as the kernel saw it.
        outputs: `(shape, dtype)` of every output.

    Attributes:
        serial: larger than those of the nodes that it depends on.
        last_tape: serial of the last tape that may differentiate it: those that began before it.
    """

    __slots__ = (
        "serial",
        "last_tape",
        "primitive",
        "parents",
        "saved",
        "statics",
        "specs",
        "outputs",
    )

    def __init__(
        self,
        primitive: Any,
        parents: tuple[Edge | None, ...],
        saved: dict[Any, Any],
        statics: dict[str, Any],
        specs: Sequence[tuple[tuple[int, ...], str] | None],
        outputs: Sequence[tuple[tuple[int, ...], Any]],
    ):
        self.serial = self.last_tape = next_serial()
        self.primitive = primitive
        self.parents = parents
        self.saved: Any = saved
        self.statics = statics
        self.specs = specs
        self.outputs = outputs

    def vjp(self, gradients: list[Any]) -> list[Any]:
        """Return the gradients with respect to the inputs, given those w.r.t. the outputs.

        An unused output has None for a gradient.
        """
        if self.saved is None:
            raise RuntimeError(
                f"The recording of '{self.primitive.name}' was already used up. A non-persistent "
                "tape computes one set of gradients; pass `persistent=True` for more."
            )
        return self.primitive.backward(self, gradients)

    def release(self) -> None:
        """Drop the saved arrays, so that memory falls during the backward pass."""
        self.saved = None
        self.parents = ()


Edge: TypeAlias = tuple[Node | Leaf, int]
"""An edge of the graph to a tensor: the node that computed it, and which of its outputs it is."""
