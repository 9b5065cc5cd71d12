"""Shapes without values: the tensors that they are, and the scopes in which code runs for them.

`Abstract` is a shape and a dtype: ops answer it from their shape rules and record nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from minikeras.autograd.tensor import Operators
from minikeras.core import dims
from minikeras.core.per_thread import PerThread
from minikeras.core.work import spend_shape, work


class _Scope(PerThread):
    abstract = False
    trial = False


scope = _Scope()


class abstract_scope:  # reads as a word in `with abstract_scope():`
    """Inside the `with` block variables count as shapes alone, and no state changes."""

    def __enter__(self):
        self._outer = scope.abstract
        scope.abstract = True

    def __exit__(self, *_: object) -> None:
        scope.abstract = self._outer


class trial_scope(abstract_scope):
    """An `abstract_scope` that refuses variables made from values: the run is given up there."""

    def __enter__(self):
        super().__enter__()
        self._outer_trial = scope.trial
        scope.trial = True

    def __exit__(self, *_: object) -> None:
        scope.trial = self._outer_trial
        super().__exit__()


class building_scope:
    """Inside the `with` block values are computed, since weights are made from them.

    A layer is built for good even while a model's shapes are being found out; not so in a trial.
    """

    def __enter__(self):
        self._outer = scope.abstract
        scope.abstract = scope.trial

    def __exit__(self, *_: object) -> None:
        scope.abstract = self._outer


def in_abstract_scope() -> bool:
    """Say whether a body is being run for its shapes alone."""
    return scope.abstract


class Abstract(Operators):
    """A shape and a dtype without values.

    Args:
        shape: sizes; unknown ones are `Dim` objects (or None, which becomes a new one).
        dtype: dtype name.
    """

    __slots__ = ("shape", "dtype", "_keras_mask")

    _keras_mask: Any

    def __init__(self, shape: Iterable[Any], dtype: str = "float32"):
        self.shape = dims.from_public(shape)
        if work.left is not None:
            spend_shape(len(self.shape))
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> dims.Size:
        """The number of elements, a Dim if it is unknown."""
        return dims.product(self.shape)

    def __repr__(self) -> str:
        return f"Abstract(shape={dims.to_public(self.shape)}, dtype={self.dtype})"

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise TypeError(_NO_VALUES)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError(_NO_VALUES)

    def __iter__(self) -> Iterator[Any]:
        if not self.shape or isinstance(self.shape[0], dims.Dim):
            raise TypeError("Cannot iterate over a tensor whose first size is not known.")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self) -> int:
        return int(self.shape[0])


_NO_VALUES = (
    "There are no values here: this code runs only to find out a shape. Use ops in place of "
    "Python control flow and NumPy functions, or give the layer a `compute_output_shape` method."
)
