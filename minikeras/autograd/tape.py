"""A tape as a recording: when it records, and what it watches."""

import math
import warnings
from collections.abc import Generator
from contextlib import contextmanager

from minikeras.autograd.ends import is_tensor, watched_edge
from minikeras.autograd.node import Edge, next_serial, recording
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dtypes, trees
from minikeras.core.types import Nest


class RecordingTape:
    """The part of GradientTape that records.

    Nodes are not kept here: tensors lead to them. A tape knows the serials between which it
    recorded, and so which nodes are on it.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self.persistent = persistent
        self.start = next_serial()
        self.watched: set[Edge] = set()
        self._watches_variables = watch_accessed_variables
        self._spans: list[tuple[int, float]] = []
        self._used = False
        self._shared = False

    def __enter__(self):
        if self in recording.tapes:
            raise ValueError("Tape is already recording.")
        if self._used:
            self._reset()
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _open(self) -> None:
        """Record from now on."""
        if recording.tapes:
            self._shared = True
            for tape in recording.tapes:
                tape._shared = True
        first = next_serial()
        if not self._spans:
            self.start = first
        self._spans.append((first, math.inf))
        recording.open(self)

    def _close(self) -> None:
        """Cease to record, if this thread does for this tape."""
        if self in recording.tapes:
            recording.close(self)
            self._spans[-1] = (self._spans[-1][0], next_serial())

    def _reset(self) -> None:
        """Be as a tape that has recorded nothing yet."""
        self._spans.clear()
        self.watched.clear()
        self._used = self._shared = False

    def watch(self, tensor: Nest) -> None:
        """Record what is computed from `tensor`, too.

        The tape alone watches it, until it is reset or used up. A tensor that holds no floats has
        no gradient: a warning says so.

        Args:
            tensor: a float tensor or variable, or a nest of them.

        Raises:
            ValueError: for anything else.
            RuntimeError: if the tape was never entered, or is used up.
        """
        self._refuse_empty("watch a tensor")
        for leaf in trees.flatten(tensor):
            if not is_tensor(leaf):
                raise ValueError(
                    "`watch` expected tensors and variables, but "
                    f"received {leaf!r} of type {type(leaf).__name__}."
                )
            if not dtypes.is_float(leaf.dtype):
                warnings.warn(
                    f"Only float tensors have gradients, but `watch` received a tensor of dtype "
                    f"{leaf.dtype}: its gradient will be None. Cast it first.",
                    stacklevel=2,
                )
            elif not isinstance(leaf, Abstract):
                self.watched.add(watched_edge(leaf))

    @contextmanager
    def stop_recording(self) -> Generator[None]:
        """Return a context in which this tape records nothing; other open tapes go on.

        Raises:
            RuntimeError: if the tape was never entered, or is used up.
            ValueError: if it is not recording.
        """
        self._refuse_empty("stop recording")
        self._refuse_closed()
        self._close()
        try:
            yield
        finally:
            self.__enter__()

    def reset(self) -> None:
        """Forget everything that was recorded and watched so far, and go on recording.

        Raises:
            ValueError: if the tape is not recording.
        """
        self._refuse_closed()
        self._close()
        self._reset()
        self._open()

    def watched_variables(self) -> None:
        """Raise: variables are not listed, each one knows whether it is trainable."""
        raise AttributeError(
            "A tape does not list the variables that it watches. Pass those with respect to which "
            "you want gradients to `gradient`."
        )

    def _refuse_empty(self, what: str) -> None:
        if self._used:
            raise RuntimeError(
                f"Cannot {what}: this tape has computed its one set of gradients (or jacobians). "
                "Pass `persistent=True` for more, or record again in another `with` block."
            )
        if not self._spans:
            raise RuntimeError(
                f"Cannot {what}: this tape has recorded nothing. Enter it first: `with tape: ...`"
            )

    def _refuse_closed(self) -> None:
        if self not in recording.tapes:
            raise ValueError("Tape is not recording: this is for code inside its `with` block.")
