"""Sizes that are not known yet.

Inside the engine an unknown size is a `Dim`, so that shape arithmetic written for integers (`size *
2`, `size // stride`) also runs before any data exist. In the public API it is `None`.
"""

import operator
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias

from minikeras.core.types import Axes, List, Tuple

_UNKNOWN = (
    "This size is not known before data arrive; use `ops.shape(x)` inside an op or give the size "
    "when you declare the input."
)


class Comparison:
    """Whether an unknown size is larger or smaller than something: to be known later, too."""

    __slots__ = ()

    def __bool__(self) -> bool:
        """Refuse: there is no answer yet."""
        raise TypeError(_UNKNOWN)


class Dim:
    """A size to be known later; arithmetic on it gives another one.

    Two Dims are equal when they were derived in the same way from the same origin, so that
    `(n * 2) == (n * 2)` holds, and no Dim equals an integer.
    """

    __slots__ = ("origin",)

    if TYPE_CHECKING:  # filled in below

        def _derive(self, other: "Size") -> "Dim": ...

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _derive
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _derive

    def __init__(self, origin: Any = None):
        """Make a new unknown size, or one derived as `origin` says."""
        self.origin = object() if origin is None else origin

    def __eq__(self, other: object) -> bool:
        """Equal if derived alike from one origin."""
        return isinstance(other, Dim) and self.origin == other.origin

    def __hash__(self) -> int:
        """Hash of the derivation."""
        return hash(self.origin)

    def __repr__(self) -> str:
        """Show as users know it."""
        return "None"

    def __bool__(self) -> bool:
        """Count as a size that is there."""
        return True

    def __neg__(self) -> "Dim":
        """Derive the negative."""
        return Dim(("neg", self.origin))

    def __int__(self) -> int:
        """Refuse: there is no number yet."""
        raise TypeError(_UNKNOWN)

    __index__ = __int__

    def _compare(self, other: object) -> Comparison:
        """Compare with a size, known or not; tensors do that themselves."""
        return Comparison() if isinstance(other, (*_Sizes, float)) else NotImplemented

    __lt__ = __le__ = __gt__ = __ge__ = _compare


_Sizes = (Dim, Integral)

Size: TypeAlias = int | Dim
Shape: TypeAlias = tuple[Size, ...]
PublicShape: TypeAlias = tuple[int | None, ...]


def _derived(name: str, identity: int | None):
    def forward(self: Dim, other: Any) -> Dim:
        if not isinstance(other, _Sizes):
            return NotImplemented  # a tensor, which knows what to do with a size
        if other == identity and isinstance(other, int):
            return self
        return Dim((name, self.origin, other.origin if isinstance(other, Dim) else other))

    def reflected(self: Dim, other: Any) -> Dim:
        if not isinstance(other, _Sizes):
            return NotImplemented
        return Dim(("r" + name, other, self.origin))

    return forward, reflected


for _name, _identity in (("add", 0), ("sub", 0), ("mul", 1), ("floordiv", 1), ("mod", None)):
    _forward, _reflected = _derived(_name, _identity)
    setattr(Dim, f"__{_name}__", _forward)
    setattr(Dim, f"__r{_name}__", _reflected)


def is_known(shape: Iterable[Any]) -> bool:
    """Say whether every size in `shape` is a number."""
    return not any(isinstance(size, Dim) for size in shape)


def from_public(shape: Iterable[Size | None]) -> Shape:
    """Turn a user's shape, with `None` for unknown, into the engine's, with Dims."""
    return tuple(Dim() if size is None else size for size in shape)


def to_public(shape: Iterable[Size | None]) -> PublicShape:
    """Turn the engine's shape into a user's, with `None` for unknown."""
    return tuple(None if isinstance(size, Dim) else size for size in shape)


def as_shape(value: Any) -> Shape:
    """Turn what a user gives as a shape into a tuple of Python ints and Dims.

    Args:
        value: int, or sequence of ints.

    Raises:
        TypeError: if it is neither.
    """
    if isinstance(value, (int, Dim)):
        return (value,)
    try:
        return tuple(s if isinstance(s, (int, Dim)) else operator.index(s) for s in value)
    except TypeError:
        raise TypeError(
            f"Expected a shape, an int or a tuple of ints such as `(2, 3)`. Received: {value!r}"
        ) from None


def as_sizes(value: Any) -> tuple[Any, ...]:
    """Turn what a user gives as the shape of a new tensor into a tuple, as `as_shape` does.

    Raises:
        TypeError: if it is neither an int nor a sequence of ints.
        ValueError: if a size is negative.
    """
    sizes = as_shape(value)
    if any(isinstance(size, int) and size < 0 for size in sizes):
        raise ValueError(f"Sizes must not be negative. Received: shape={sizes}")
    return sizes


def product(shape: Iterable[Size]) -> Size:
    """Multiply the sizes of a shape; a Dim if any of them is one."""
    total: Size = 1
    for size in shape:
        total = total * size if not isinstance(size, Dim) or total != 1 else size
    return total


def normalize_axis(axis: int, rank: int) -> int:
    """Turn a negative axis into its place from the front.

    Raises:
        ValueError: if the axis is outside a tensor of this rank.
    """
    if not -rank <= axis < rank:
        raise ValueError(
            f"axis {axis} is out of bounds for a tensor with {rank} dimensions; "
            f"expected a value from {-rank} to {rank - 1}."
        )
    return axis + rank if axis < 0 else axis


def normalize_axes(axis: Axes, rank: int) -> tuple[int, ...]:
    """Turn an axis, several, or `None` for all of them, into a tuple of places from the front."""
    if axis is None:
        return tuple(range(rank))
    if isinstance(axis, (Tuple, List)):
        axes = tuple(normalize_axis(a, rank) for a in axis)
        if len(set(axes)) != len(axes):
            raise ValueError(f"An axis is given twice: axis={tuple(axis)}.")
        return axes
    return (normalize_axis(axis, rank),)


def broadcast(*shapes: Sequence[Size]) -> Shape:
    """Return the shape that results when tensors of these shapes are broadcast element by element.

    Raises:
        ValueError: if two sizes are different and neither is 1.
    """
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(_meet(sizes, shapes) for sizes in zip(*padded, strict=True))


def may_be_equal(shape: Sequence[Size], other: Sequence[Size]) -> bool:
    """Say whether two shapes are equal, as far as their sizes are known."""
    return len(shape) == len(other) and all(
        a == b or not is_known((a, b)) for a, b in zip(shape, other, strict=True)
    )


def may_broadcast(shape: Sequence[Size], target: Sequence[Size]) -> bool:
    """Say whether a tensor of one shape broadcasts to another, as far as their sizes are known."""
    shared = broadcast(shape, target)
    return may_be_equal(shared, target)


def _meet(sizes: Shape, shapes: tuple[Sequence[Size], ...]) -> Size:
    known = {size for size in sizes if not isinstance(size, Dim) and size != 1}
    if len(known) > 1:
        shown = ", ".join(str(to_public(shape)) for shape in shapes)
        raise ValueError(f"Shapes cannot be broadcast together: {shown}.")
    if known:
        return known.pop()
    return next((size for size in sizes if isinstance(size, Dim)), 1)
