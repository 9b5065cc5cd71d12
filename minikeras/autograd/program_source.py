"""The source code of a program: its lines, its names, and the code of values.

Variables are called by what they hold: `x1` an input, `w1` the array of a variable of the network,
`t1` a result, `s1` what a fused kernel saves, `g1` a gradient. Everything else is a constant, under
its own name.
"""

from __future__ import annotations

import keyword
import math
import re
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.core.types import Array, Dict, List, Tuple

_LITERALS = (type(None), bool, int, str)
_LOCAL = re.compile(r"[gstwx]\d+")


class Line:
    """One line of a program.

    Args:
        code: the statement.
        uses: the names of the variables that it reads.
        makes: the names of those that it makes.
        pure: whether it can be left out if nobody reads what it makes.
    """

    def __init__(self, code: str, uses: set[str], makes: Sequence[str], pure: bool):
        self.code, self.uses, self.makes, self.pure = code, uses, makes, pure


class Saved:
    """What a fused kernel saves for its backward kernel, as the variable of a program."""

    __slots__ = ("names", "name")

    def __init__(self, names: Names, name: str):
        self.names, self.name = names, name


class Names:
    """The names of a program: of arrays by their identity, and of constants."""

    def __init__(self):
        self.constants: dict[str, Any] = {
            "Tensor": Tensor,
            "_boxed": _boxed,
            "_with_rows": _with_rows,
        }
        self._arrays: dict[int, tuple[Callable[[], Any], str]] = {}
        self._constant_names: dict[int, str] = {}
        self._alive: list[Any] = []
        self._counts: dict[str, int] = {}

    def array(self, array: Array, stem: str) -> str:
        """Name an array that the program makes, for as long as it lives."""
        name = self.new(stem)
        self._arrays[id(array)] = (weakref.ref(array), name)
        return name

    def knows(self, array: Array) -> bool:
        """Return whether the program makes an array."""
        entry = self._arrays.get(id(array))
        return entry is not None and entry[0]() is array

    def new(self, stem: str) -> str:
        """Return a name that nothing has yet."""
        self._counts[stem] = count = self._counts.get(stem, 0) + 1
        return f"{stem}{count}"

    def constant(self, value: Any, stem: str) -> str:
        """Name something that is the same each time."""
        name = self._constant_names.get(id(value))
        if name is None:
            usable = stem.isidentifier() and not keyword.iskeyword(stem)
            name = stem = stem if usable and not _LOCAL.fullmatch(stem) else "constant"
            while name in self.constants:
                name = self.new(f"{stem}_")
            self._constant_names[id(value)] = name
            self._alive.append(value)  # while it lives, no other value has its id
            self.constants[name] = _own(value)
        return name

    def expression(self, value: Any, uses: set[str]) -> str:
        """Return code that gives a value; the variables in it are added to `uses`."""
        if type(value) in _LITERALS or (type(value) is float and math.isfinite(value)):
            return repr(value)
        if self.knows(value):
            name = self._arrays[id(value)][1]
            uses.add(name)
            return name
        if type(value) is Saved and value.names is self:
            uses.add(value.name)
            return value.name
        if type(value) is Tensor:
            return self._tensor(value, uses)
        if type(value) in (list, tuple, dict):
            return self._nest(value, uses)
        return self.constant(value, _stem_of(value))

    def _tensor(self, value: Tensor, uses: set[str]) -> str:
        data = self.expression(value.data, uses)
        if not hasattr(value, "rows"):
            return f"Tensor({data})"
        return f"_with_rows({data}, {self.expression(value.rows, uses)})"

    def _nest(self, value: Any, uses: set[str]) -> str:
        if isinstance(value, Dict):
            items = [
                f"{self.expression(key, uses)}: {self.expression(item, uses)}"
                for key, item in value.items()
            ]
            return "{" + ", ".join(items) + "}"
        parts = [self.expression(item, uses) for item in value]
        if isinstance(value, List):
            return f"[{', '.join(parts)}]"
        return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


def _stem_of(value: Any) -> str:
    """What a constant is called in the code: by its own name, if it has one."""
    name = getattr(value, "name", None) or getattr(value, "__name__", None)
    return name if isinstance(name, str) else "constant"


def each(result: Any) -> Sequence[Any]:
    """Return a kernel's results as a sequence, a single one as well."""
    return result if isinstance(result, (Tuple, List)) else (result,)


def group_of(result: Any, names: Sequence[str]) -> str:
    """Return code that a call's result is assigned to, in parentheses for several results."""
    return f"({', '.join(names)},)" if isinstance(result, (Tuple, List)) else names[0]


def targets_of(result: Any, names: Sequence[str]) -> str:
    """Return code that a call's result is assigned to, without parentheses."""
    return group_of(result, names).strip("()")


def is_boxed(raw: Any, result: Any) -> bool:
    """Return whether scalars among a kernel's results were turned into arrays."""
    pairs = zip(each(raw), each(result), strict=True)
    return raw is not result and any(a is not b for a, b in pairs)


def _boxed(result: Any) -> Any:
    if isinstance(result, (Tuple, List)):
        return [None if part is None else device.boxed(part) for part in result]
    return device.boxed(result)


def _own(value: Any) -> Any:
    """A constant as the program holds it: what others do to their array is not its business."""
    is_array = isinstance(value, device.Array) or device.on_gpu(value)
    return device.copied(value) if is_array else value


def _with_rows(data: Array, rows: tuple[tuple[Array, Array], ...]) -> Tensor:
    tensor = Tensor(data)
    tensor.rows = rows
    return tensor


def pruned(lines: Sequence[Line]) -> list[Line]:
    """Return the lines without those whose results no later line reads."""
    wanted: set[str] = set()
    needed: list[Line] = []
    for line in reversed(lines):
        if not line.pure or any(name in wanted for name in line.makes):
            wanted |= line.uses
            needed.append(line)
    return needed[::-1]


def with_releases(lines: Sequence[Line], inputs: Sequence[str]) -> list[str]:
    """Return the code of the lines; each variable is deleted after the line that uses it last."""
    last = {name: 0 for name in inputs}
    for i, line in enumerate(lines):
        for name in (*line.makes, *line.uses):
            last[name] = i
    done: list[list[str]] = [[] for _ in lines]
    for name, i in last.items():
        done[i].append(name)
    code: list[str] = []
    for line, names in zip(lines, done, strict=True):
        code.append(line.code)
        if names and not line.code.startswith("return"):
            code.append(f"del {', '.join(names)}")
    return code
