"""Programs: a step that was traced once, run again without the machinery around its kernels.

A step of training runs the same kernels on the same places each time; what decides which ones, the
layers, dtype rules, the tape and the backward pass, costs more than the kernels do where a network
is small. So a `Recorder` notes each kernel call of one ordinary step, with its arguments, and
writes them down as a Python function: straight-line code, one line for each call, that drops every
array after its last use. `Program.source` is that code, to be read. What Griewank and Walther
("Evaluating Derivatives", 2008, chapter 6) do with a forward pass is done here with the whole step.

What is noted:

- a kernel's call, with its arrays and static attributes (`Recorder.kernel`);
- the reading of a variable, at the place where it is read (`Recorder.read`);
- a call of a function that is to be executed again each time, since it changes state or draws
  random numbers: functions marked `replayed`.

All else is a constant of the program: Python's values, and arrays that none of these made. Constant
arrays are copied, so that whoever owns one may write to it. A program is thus right for every batch
of the same shapes and dtypes, unless something else in it depends on values. So the recording is
refused where a value is read as a Python number (`graph_break`), and where the size of a result
depends on values.
"""

from __future__ import annotations

import keyword
import math
import re
import weakref
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from minikeras.arrays import device
from minikeras.autograd import symbolic
from minikeras.autograd.node import recording
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from minikeras.core.types import Array, Dict, List, Nest, Tuple

Function = TypeVar("Function", bound=Callable[..., Any])

_LITERALS = (type(None), bool, int, str)
_LOCAL = re.compile(r"[gstwx]\d+")


class Program:
    """A recorded step.

    Args:
        source: the code of a function `step` of the input arrays.
        names: what the names in the code stand for, apart from its own variables.
    """

    def __init__(self, source: str, names: dict[str, Any]):
        self.source = source
        self._names = names
        self._step: Callable[..., Nest] | None = None

    def __call__(self, inputs: Nest) -> Nest:
        """Run the step.

        Args:
            inputs: nest of tensors, of the shapes and dtypes with which the step was recorded.

        Returns:
            A nest of tensors.
        """
        step = self._step or self._compiled()
        arrays = [leaf.data for leaf in trees.flatten(inputs) if leaf is not None]
        with np.errstate(all="ignore"):  # as around each kernel of an ordinary step
            return step(*arrays)

    def _compiled(self) -> Callable[..., Nest]:
        """Compile the code, when it is first run: many a kind of batch comes but once."""
        scope = dict(self._names)
        exec(compile(self.source, "<recorded step>", "exec"), scope)  # the recorder's own code
        self._step = scope["step"]
        return scope["step"]


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


class Recorder:
    """Notes what one step does.

    Args:
        inputs: nest of tensors, the step's arguments; None stands for an argument that is missing.

    Attributes:
        refusal: why there is no program, None if there is one.
        lasting: whether the next step of the kind would be refused, too.
    """

    def __init__(self, inputs: Nest):
        self.refusal: str | None = None
        self.lasting = False
        self._lines: list[Line] = []
        self._names = _Names()
        arrays = [leaf.data for leaf in trees.flatten(inputs) if leaf is not None]
        self._inputs = [self._names.array(array, "x") for array in arrays]

    def run(self, step: Callable[[], Nest]) -> Nest:
        """Run a step, and note what it does."""
        recording.recorder = self
        try:
            return step()
        finally:
            recording.recorder = None

    def refuse(self, reason: str, lasting: bool = True) -> None:
        """Give the recording up, and say why; the step itself goes on.

        Args:
            reason: what cannot be recorded.
            lasting: whether it would come up in the next step as well.
        """
        self.refusal, self.lasting = reason, lasting
        recording.recorder = None

    def program(self, results: Nest) -> Program | None:
        """Return the program of what was noted, None if that was refused.

        Args:
            results: nest of tensors, what the step returned.
        """
        if self.refusal is not None:
            return None
        end = Line("", set(), (), pure=False)
        end.code = f"return {self._names.expression(results, end.uses)}"
        lines = _pruned([*self._lines, end])
        body = "".join(f"    {code}\n" for code in _with_releases(lines, self._inputs))
        return Program(f"def step({', '.join(self._inputs)}):\n{body}", self._names.constants)

    def makes(self, array: Array) -> bool:
        """Return whether an array depends on the inputs, on variables or on random draws."""
        return self._names.knows(array)

    # What is noted

    def kernel(
        self, function: Callable[..., Any], arguments: Sequence[Any], statics: Any, raw: Any,
        result: Any,
    ) -> None:  # fmt: skip
        """Note a kernel's call, unless it gives the same each time, or nothing new.

        Args:
            function: the kernel.
            arguments: what it got in place: the array module, arrays, lists of arrays.
            statics: what it got by name.
            raw: what it returned.
            result: the same as arrays.
        """
        line = Line("", set(), [], pure=True)
        call = self._call(function, arguments, statics, line.uses)
        if not line.uses or all(map(self._names.knows, _each(result))):
            return
        if _is_boxed(raw, result):
            call = f"_boxed({call})"
        line.makes = [self._names.array(array, "t") for array in _each(result)]
        line.code = f"{_targets(result, line.makes)} = {call}"
        self._lines.append(line)

    def fused(
        self, function: Callable[..., Any], arguments: Sequence[Any], statics: Any, raw: Any,
        result: Any,
    ) -> Saved:  # fmt: skip
        """Note a fused kernel's forward call, which returns a result and what it saves.

        Returns:
            What stands for the saved values in the arguments of the backward kernel.
        """
        line = Line("", set(), [], pure=True)
        call = self._call(function, arguments, statics, line.uses)
        arrays = [self._names.array(array, "t") for array in _each(result)]
        saved = Saved(self._names, self._names.new("s"))
        line.makes = [*arrays, saved.name]
        group = _group(result, arrays)
        line.code = f"{group}, {saved.name} = {call}"
        if _is_boxed(raw, result):
            line.code += f"; {group} = _boxed({group})"
        self._lines.append(line)
        return saved

    def gradients(
        self, function: Callable[..., Any], arguments: Sequence[Any], statics: Any, raw: Any,
        result: Sequence[Array | None],
    ) -> None:  # fmt: skip
        """Note a fused kernel's backward call, which returns a list with None in it."""
        line = Line("", set(), [], pure=True)
        call = self._call(function, arguments, statics, line.uses)
        if _is_boxed(raw, result):
            call = f"_boxed({call})"
        names = ["_" if g is None else self._names.array(g, "g") for g in result]
        line.makes = [name for name in names if name != "_"]
        line.code = f"{', '.join(names)}{',' * (len(names) == 1)} = {call}"
        self._lines.append(line)

    def read(self, variable: Any) -> None:
        """Note that a variable is read here."""
        name = self._names.array(variable.array, "w")
        place = self._names.constant(variable, variable.name)
        self._lines.append(Line(f"{name} = {place}.array", set(), [name], pure=True))

    def again(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call a function, and note that it is to be called again each time."""
        line = Line("", set(), [], pure=False)
        line.code = self._call(function, args, kwargs, line.uses)
        recording.recorder = None
        try:
            result = function(*args, **kwargs)
        finally:
            recording.recorder = self
        if type(result) is Tensor:
            line.makes = [self._names.array(result.data, "t")]
            line.code = f"{line.makes[0]} = {line.code}.data"
        self._lines.append(line)
        return result

    def _call(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Any, uses: set[str]
    ) -> str:
        express = self._names.expression
        parts = [express(value, uses) for value in args]
        parts += [f"{name}={express(value, uses)}" for name, value in kwargs.items()]
        return f"{self._names.constant(function, function.__name__)}({', '.join(parts)})"


class Saved:
    """What a fused kernel saves for its backward kernel, as the variable of a program."""

    __slots__ = ("names", "name")

    def __init__(self, names: _Names, name: str):
        self.names, self.name = names, name


class _Names:
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


def replayed(function: Function) -> Function:
    """Mark a function that a program calls again: it changes variables, or draws random numbers.

    Its arguments may be nests of tensors, variables and anything that stays the same; it returns a
    tensor, or something that the step makes no use of.
    """

    @wraps(function)
    def beside(*args: Any, **kwargs: Any) -> Any:
        with device.place_of_first(args):
            return function(*args, **kwargs)

    @wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        placed = beside if device.several else function
        recorder = recording.recorder
        if recorder is None or symbolic.scope.abstract:
            return placed(*args, **kwargs)
        return recorder.again(placed, args, kwargs)

    return cast(Function, noted)


def _is_boxed(raw: Any, result: Any) -> bool:
    """Whether scalars among a kernel's results were made arrays."""
    pairs = zip(_each(raw), _each(result), strict=True)
    return raw is not result and any(a is not b for a, b in pairs)


def _each(result: Any) -> Sequence[Any]:
    return result if isinstance(result, (Tuple, List)) else (result,)


def _group(result: Any, names: Sequence[str]) -> str:
    """The names of several results as one target of an assignment."""
    return f"({', '.join(names)},)" if isinstance(result, (Tuple, List)) else names[0]


def _targets(result: Any, names: Sequence[str]) -> str:
    return _group(result, names).strip("()")


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


def _pruned(lines: Sequence[Line]) -> list[Line]:
    """The lines without those that make what nobody reads."""
    wanted: set[str] = set()
    needed: list[Line] = []
    for line in reversed(lines):
        if not line.pure or any(name in wanted for name in line.makes):
            wanted |= line.uses
            needed.append(line)
    return needed[::-1]


def _with_releases(lines: Sequence[Line], inputs: Sequence[str]) -> list[str]:
    """The code of the lines; each variable is deleted after the line that uses it last."""
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
