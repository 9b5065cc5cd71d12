"""Programs: a step that was traced once, run again without the machinery around its kernels.

A step of training runs the same kernels on the same places each time; what decides which ones, the
layers, dtype rules, the tape and the backward pass, costs more than the kernels do where a network
is small. So a `Recorder` notes each kernel call of one ordinary step, with its arguments, and
writes them down as a Python function (`program_source`): straight-line code, one line for each
call, that drops every array after its last use. `Program.source` is that code, to be read. What
Griewank and Walther ("Evaluating Derivatives", 2008, chapter 6) do with a forward pass is done here
with the whole step.

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

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from minikeras.arrays import device
from minikeras.autograd import symbolic
from minikeras.autograd.node import recording
from minikeras.autograd.program_source import (
    Line,
    Names,
    Saved,
    each,
    group_of,
    is_boxed,
    pruned,
    targets_of,
    with_releases,
)
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from minikeras.core.types import Array, Nest

Function = TypeVar("Function", bound=Callable[..., Any])


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
        self._names = Names()
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
        lines = pruned([*self._lines, end])
        body = "".join(f"    {code}\n" for code in with_releases(lines, self._inputs))
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
        if not line.uses or all(map(self._names.knows, each(result))):
            return
        if is_boxed(raw, result):
            call = f"_boxed({call})"
        line.makes = [self._names.array(array, "t") for array in each(result)]
        line.code = f"{targets_of(result, line.makes)} = {call}"
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
        arrays = [self._names.array(array, "t") for array in each(result)]
        saved = Saved(self._names, self._names.new("s"))
        line.makes = [*arrays, saved.name]
        group = group_of(result, arrays)
        line.code = f"{group}, {saved.name} = {call}"
        if is_boxed(raw, result):
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
        if is_boxed(raw, result):
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
