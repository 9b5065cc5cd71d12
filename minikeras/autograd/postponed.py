"""Variables whose first values are drawn when somebody reads them, or never.

A model that is made from a file is declared first and then filled from the file. Inside
`postponed_values()` the weights that layers make take neither time nor memory: `adopt` gives them
the values of the file, and whoever reads one before gets those of its initializer.
"""

import copy
import math
from contextlib import nullcontext
from typing import Any

from minikeras.arrays import device
from minikeras.autograd.first_values import first_values, known_sizes
from minikeras.autograd.variable import Variable
from minikeras.core import dtypes, settings
from minikeras.core.per_thread import PerThread


class _Postponing(PerThread):
    active: bool = False


_postponing = _Postponing()


class postponed_values:
    """Let weights that are made inside a `with` block draw their values when they are read."""

    def __enter__(self) -> None:
        self._outer, _postponing.active = _postponing.active, True

    def __exit__(self, *_: object) -> None:
        _postponing.active = self._outer


class _Postponed(Variable):
    """A variable without values; it is a plain `Variable` from the moment it has some."""

    __slots__ = ()

    def _first_array(self, initializer: Any, shape: Any, dtype: Any) -> Any:
        self._waiting = (initializer, known_sizes(shape), dtypes.standardize(dtype))
        return None

    def _get_array(self) -> Any:
        initializer, shape, dtype = self._waiting
        self.array = first_values(initializer, shape, dtype)
        return self.array

    def _set_array(self, array: Any) -> None:
        if array is not None:
            del self._waiting
            object.__setattr__(self, "__class__", Variable)
            self.array = array

    array: Any = property(_get_array, _set_array)

    def __copy__(self) -> Any:
        return copy.copy(self._drawn())

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(self._drawn(), memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Variable.__reduce_ex__(self._drawn(), protocol)

    def _drawn(self) -> Variable:
        """This variable, with values now: a plain one."""
        _ = self.array
        return self

    def adopt(self, array: Any) -> None:
        """Take over an array as the values, without a copy; nobody else may hold it."""
        self.array = device.asarray(array)

    def place(self) -> Any:
        """Return a context in which new arrays lie where this variable's will."""
        return nullcontext()

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes, as a tuple of ints."""
        return self._waiting[1]

    @property
    def dtype(self) -> str:
        """The dtype's name."""
        return self._read_as(self._waiting[2])

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._waiting[1])

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self._waiting[1])


def make_variable(initializer: Any, *, shape: Any, dtype: Any, **options: Any) -> Variable:
    """Return a variable, whose values may be postponed.

    Args:
        initializer: callable `(shape, dtype)`.
        shape: sizes.
        dtype: dtype name, or None for the default float type.
        **options: further arguments of `Variable`.
    """
    cls = _Postponed if _postponing.active else Variable
    return cls(initializer, shape=shape, dtype=dtype or settings.floatx(), **options)


def has_values(variable: Variable) -> bool:
    """Return whether a variable has values already."""
    return not isinstance(variable, _Postponed)


def draw_values(variables: list[Variable]) -> None:
    """Let all of these that still wait for their values have those of their initializers."""
    for variable in variables:
        if not has_values(variable):
            _ = variable.array
