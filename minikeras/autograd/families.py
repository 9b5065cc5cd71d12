"""What ops have in common: in which dtype a kernel runs, what dtype and shape come out.

A family answers these questions, and an op names its family instead of answering them itself:

- `promote(names)`: given the dtypes of the inputs (`"int"`, `"float"`, `"bool"` for Python's
  numbers, None for a missing optional input), the dtype to cast each input to.
- `result(dtype, statics)`: the dtype of the output, given that of the first input after casting.
- `shape(shapes, statics)`: the shape of the output.
- `texts`: what the docstring of an op says of each operand that it doesn't describe itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, wraps
from typing import Any, TypeAlias

from minikeras.core import dims, dtypes, settings
from minikeras.core.dims import Shape
from minikeras.core.docstrings import Texts
from minikeras.core.types import List, Tuple

Names: TypeAlias = tuple[str | None, ...]
Shapes: TypeAlias = Sequence[Any]
"""The shape of every input, None for a missing optional one."""
Statics: TypeAlias = dict[str, Any]
Promote: TypeAlias = Callable[[Names], Names]
Result: TypeAlias = Callable[[str, Statics], str]
ShapeRule: TypeAlias = Callable[[Shapes, Statics], Shape]


@dataclass(frozen=True)
class Family:
    """The dtype and shape rules that a group of ops shares.

    Args:
        promote: function of the inputs' dtype names that returns the dtypes to cast them to.
        result: function of `(dtype, statics)` that returns the output's dtype.
        shape: function of `(shapes, statics)` that returns the output's shape, or None if every op
            of the family has a rule of its own.
        broadcasts: whether gradients are summed back to the inputs' own shapes.
        takes_strings: whether the inputs may be strings: nothing is computed, values only move.
        texts: what docstrings say of the operands, by their names.
    """

    promote: Promote
    result: Result
    shape: ShapeRule | None
    broadcasts: bool = False
    takes_strings: bool = field(default=False, kw_only=True)
    texts: Texts = field(default_factory=dict[str, str], compare=False)

    def giving(self, dtype: str) -> "Family":
        """Return the same family with a fixed dtype of the output."""

        def fixed(_dtype: str, _statics: Statics) -> str:
            return dtype

        return replace(self, result=fixed)

    def shaped(self, shape: ShapeRule) -> "Family":
        """Return the same family with another shape rule."""
        return replace(self, shape=shape)

    def described(self, **texts: str) -> "Family":
        """Return the same family with other texts for these operands."""
        return replace(self, texts={**self.texts, **texts})


def cached(promote: Promote) -> Promote:
    """Remember the answers of a promotion rule, per default float type."""

    @lru_cache(maxsize=1024)
    def remembered(names: Names, floatx: str) -> Names:
        return promote(names)

    @wraps(promote)
    def answer(names: Names) -> Names:
        return remembered(names, settings.floatx())

    return answer


def _all(names: Names, target: str) -> Names:
    return tuple(None if name is None else target for name in names)


def _present(names: Names) -> list[str]:
    return [name for name in names if name is not None]


@cached
def to_common(names: Names) -> Names:
    """Cast all inputs to their promoted (common) dtype."""
    return _all(names, dtypes.result_type(*_present(names)))


@cached
def to_float(names: Names) -> Names:
    """Cast all inputs to their promoted float dtype; integers become the default float."""
    return _all(names, dtypes.result_type(*_present(names), "float"))


@cached
def to_number(names: Names) -> Names:
    """As `to_common`, but bools become integers."""
    common = dtypes.result_type(*_present(names))
    return _all(names, "int32" if common == "bool" else common)


@cached
def to_bool(names: Names) -> Names:
    """Cast all inputs to bool."""
    return _all(names, "bool")


@cached
def as_they_are(names: Names) -> Names:
    """Cast nothing; Python numbers take their default dtypes."""
    return tuple(None if name is None else dtypes.strong(name) for name in names)


def same(dtype: str, _statics: Statics) -> str:
    """The output has the inputs' dtype."""
    return dtype


def shape_of_first(shapes: Shapes, _statics: Statics) -> Shape:
    """The output has the first input's shape."""
    return shapes[0]


def shape_along(shapes: Shapes, statics: Statics) -> Shape:
    """The output has the first input's shape, in which the axis, or each of several, must lie."""
    axis = statics.get("axis")
    for one in () if axis is None else axis if isinstance(axis, (List, Tuple)) else (axis,):
        dims.normalize_axis(one, len(shapes[0]))
    return shapes[0]


def shape_broadcast(shapes: Shapes, _statics: Statics) -> Shape:
    """The output has the shape to which the inputs broadcast."""
    return dims.broadcast(*(shape for shape in shapes if shape is not None))


def shape_reduced(shapes: Shapes, statics: Statics) -> Shape:
    """The output lacks the reduced axes, or has size 1 there with `keepdims`."""
    shape: Shape = shapes[0]
    axes = dims.normalize_axes(statics.get("axis"), len(shape))
    if statics.get("keepdims"):
        return tuple(1 if i in axes else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in axes)


def shape_stacked(shapes: Shapes, _statics: Statics) -> Shape:
    """The output has one axis more, in front."""
    if None in shapes:
        raise ValueError("A list with tensors in it cannot become a tensor: it holds None, too.")
    if any(shape != shapes[0] for shape in shapes if dims.is_known((*shape, *shapes[0]))):
        public = [dims.to_public(shape) for shape in shapes]
        raise ValueError(f"Tensors in a list must have one shape. Received the shapes {public}.")
    return (len(shapes), *shapes[0])


ANY = {"x": "tensor of any shape and dtype."}
FLOAT = {"x": "float tensor of any shape; integers become the default float type."}
AXES = {
    "axis": "int, tuple of ints, or None for all axes.",
    "keepdims": "bool, whether the axes stay, with size 1.",
}
PAIR = {
    "x1": "tensor or number, of any shape and dtype.",
    "x2": "tensor or number of any dtype, whose shape broadcasts with that of `x1`.",
}
FLOAT_PAIR = {
    "x1": "float tensor or number, of any shape; integers become the default float type.",
    "x2": "float tensor or number, whose shape broadcasts with that of `x1`.",
}
TRUTHS = {
    "x1": "tensor of any shape and dtype; nonzero counts as True.",
    "x2": "tensor of any dtype whose shape broadcasts with that of `x1`.",
}
NUMBER = {"x": "tensor of any shape and dtype; bools become int32."}

elementwise = Family(as_they_are, same, shape_of_first, texts=ANY)
moving = replace(elementwise, takes_strings=True)
floating = Family(to_float, same, shape_of_first, texts=FLOAT)
numeric = Family(to_number, same, shape_of_first, texts=NUMBER)
arithmetic = Family(to_common, same, shape_broadcast, True, PAIR)
division = Family(to_float, same, shape_broadcast, True, FLOAT_PAIR)
comparison = Family(to_common, lambda _d, _s: "bool", shape_broadcast, texts=PAIR)
logical = Family(to_bool, same, shape_broadcast, texts=TRUTHS)
reduction = Family(as_they_are, same, shape_reduced, texts={**ANY, **AXES})
floating_reduction = Family(to_float, same, shape_reduced, texts={**FLOAT, **AXES})
stacking = Family(to_common, same, shape_stacked)
