"""Primitive: what turns a function of arrays into an op with all its duties.

The function (the kernel) takes the array module `xp`, then the input arrays, then static
attributes by keyword. Everything that every op owes is done here, once: values become tensors,
dtypes are promoted, shapes alone are answered by the shape rule, placeholders are recorded in the
model's graph, and, if something needs a gradient, one node is put on the tape.

A vjp is ordinary code over ops, so that recording it gives the next order. Its parameters say what
the tape must save: `g` first (the gradient with respect to the output), then any of

- an input's name (`x`): that input; `x_shape`, `x_dtype`: only its shape or dtype;
- `y`: the output (a tuple, if there are several);
- a static attribute's name (`axis`);
- `needs`: a tuple of bools that says which inputs need a gradient.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from minikeras.arrays import device
from minikeras.autograd import symbolic
from minikeras.autograd.binding import Binding
from minikeras.autograd.families import Family, Statics
from minikeras.autograd.node import Node, graph_break, recording
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, array_from, boxed, holds_tensors, wrap
from minikeras.autograd.vjps import VJP, filled, rebuilt
from minikeras.core import dims, dtypes, settings, trees
from minikeras.core.copying import ByReference
from minikeras.core.dims import Comparison, Dim
from minikeras.core.docstrings import completed
from minikeras.core.types import Array, ArrayModule, List, Tuple

Kernel = Callable[..., Any]
Function = TypeVar("Function", bound=Callable[..., Any])


class _Mechanism:
    """The ops that every op needs; `base_ops` puts them here."""

    cast: Any
    sum_to: Any
    stacked_nest: Any


mechanism = _Mechanism()


class Primitive(ByReference):
    """An op with its kernel, its dtype and shape rules, and its vjps.

    Args:
        kernel: function `(xp, *arrays, **statics)` that returns one array or a tuple of them.
        family: the `Family` with the dtype and shape rules.
        name: the public name; the kernel's by default.
        variadic: whether the op takes one list of inputs.
    """

    def __init__(
        self, kernel: Kernel, family: Family, name: str | None = None, variadic: bool = False
    ):
        self.kernel = kernel
        # Infinity and NaN are values like others in a network: no warning where they arise.
        self.compute: Kernel = np.errstate(all="ignore")(kernel)
        self.family = family
        self.name = self.__name__ = name or kernel.__name__
        self.__wrapped__ = kernel  # what `inspect.getsource` shows
        self.__module__ = kernel.__module__
        self.variadic = variadic
        self.bind = Binding(kernel, self.name, variadic)
        self.inputs, self.statics = self.bind.inputs, self.bind.statics
        self.defaults, self._static_names = self.bind.defaults, self.bind.defaults.keys()
        self.__signature__ = self.bind.signature
        self.__doc__ = completed(kernel.__doc__, self.bind.signature.parameters, family.texts)
        self._arity = len(self.inputs)
        self.vjps: dict[int, VJP] = {}
        self.joint_vjp: VJP | None = None
        self._plans: dict[tuple[bool, ...], tuple[tuple[int, ...], bool]] = {}
        self._targets: dict[Any, Any] = {}
        self._placements: dict[Kernel, Kernel] = {}
        self._shape_rule: Callable[..., Any] | None = None

    def vjp(self, *wrt: str) -> Callable[[Function], Function]:
        """Register the vjp with respect to the named inputs (to the only one, if none is named)."""

        def register(function: Function) -> Function:
            for name in wrt or self.inputs[:1]:
                self.vjps[self.inputs.index(name)] = VJP(function, self)
            return function

        return register

    def vjp_all(self, function: Function) -> Function:
        """Register one vjp that returns the gradients with respect to all inputs."""
        self.joint_vjp = VJP(function, self)
        return function

    def shape_rule(self, function: Function) -> Function:
        """Register an explicit shape rule: Abstracts and statics in, Abstract(s) out."""
        self._shape_rule = function
        return function

    @property
    def differentiable(self) -> bool:
        """Whether there is any vjp."""
        return bool(self.vjps or self.joint_vjp)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the op to tensors, shapes alone or placeholders, statics in place or by name."""
        if self._is_plain(args, kwargs):
            return self._compute(self._promote_tensors(args), kwargs)
        if symbolic.any_symbolic(args, kwargs):
            return symbolic.record_op(self, args, kwargs)
        return self.run(*args, **kwargs)

    def _is_plain(self, args: tuple[Any, ...], kwargs: Statics) -> bool:
        """Whether the inputs are tensors, all of them, passed by position: the everyday call."""
        if len(args) != self._arity or self.variadic:
            return False
        for value in args:
            if type(value) is not Tensor:
                return False
        return not kwargs or kwargs.keys() <= self._static_names

    def _promote_tensors(self, tensors: tuple[Tensor, ...]) -> Sequence[Tensor]:
        """Cast tensors as `_promote` does, looking the answer up by their dtypes."""
        key = (settings.floatx(), *[t.data.dtype for t in tensors])
        targets = self._targets.get(key, self)
        if targets is self:
            names = tuple([t.dtype for t in tensors])
            targets = self._targets_of(names)
            targets = None if targets == names else targets
            self._targets[key] = targets
        if targets is None:
            return tensors
        return [
            t if t.dtype == target else mechanism.cast(t, dtype=target)
            for t, target in zip(tensors, targets, strict=True)
        ]

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result from tensors, or its shape from Abstracts."""
        inputs, statics = self.bind(args, kwargs)
        inputs = [_operand(value, inputs) for value in inputs]
        promoted = self._promote(inputs)
        for value in promoted:
            if type(value) is Abstract:
                return self.infer(promoted, statics)
        return self._compute(promoted, statics)

    def _promote(self, inputs: Sequence[Any]) -> list[Any]:
        """Cast the inputs to the dtypes in which the kernel runs."""
        targets = self._targets_of(tuple([_dtype_of(value) for value in inputs]))
        return [
            value
            if value is None or (type(value) is not _Weak and value.dtype == target)
            else _to_dtype(value, target, inputs)
            for value, target in zip(inputs, targets, strict=True)
        ]

    def _targets_of(self, names: tuple[str | None, ...]) -> tuple[str | None, ...]:
        """The dtypes to cast inputs of these dtypes to; there is none for strings."""
        if dtypes.STRING in names and not self.family.takes_strings:
            raise ValueError(
                f"The op '{self.name}' computes with numbers, but received inputs of the dtypes "
                f"{names}. Turn strings into numbers first, with a layer such as StringLookup, "
                "Hashing or TextVectorization, which takes strings as they are."
            )
        return self.family.promote(names)

    def _compute(self, tensors: Sequence[Tensor | None], statics: Statics) -> Any:
        """Run the kernel, note the call if a step is being recorded, put a node on the tape."""
        arrays = [None if t is None else t.data for t in tensors]
        xp = device.namespace(arrays[0])
        parents = self._parents(tensors) if recording.tapes and self.differentiable else None
        save = parents is not None
        try:
            raw, by_kernel = self._launch(xp, arrays, statics, save)
        except Exception:
            self._explain(tensors, statics)
            raise
        result, traced = boxed(raw), None
        if recording.recorder is not None and self._has_fixed_shape(tensors, statics):
            traced = self._note((xp, *arrays), statics, save, raw, result)
        if parents is None:
            return wrap(result, None)
        return wrap(result, self._node(parents, arrays, statics, result, by_kernel, traced))

    def _launch(
        self, xp: ArrayModule, arrays: Sequence[Array | None], statics: Statics, save: bool
    ) -> tuple[Any, Any]:
        """Return what the kernel computes, and what it saves for the backward pass: nothing."""
        return self._placed(self.compute)(xp, *arrays, **statics), None

    def _note(
        self, arguments: Sequence[Any], statics: Statics, save: bool, raw: Any, result: Any
    ) -> Any:
        """Note a call in the program that is being recorded; return what stands for the saved."""
        kernel = self._placed(self.kernel)
        recording.recorder.kernel(kernel, arguments, statics, raw, result)

    def _has_fixed_shape(self, tensors: Sequence[Tensor | None], statics: Statics) -> bool:
        """Whether the shapes of the inputs give that of the result; else nothing is recorded."""
        if self._shape_rule is None:
            return True
        specs = self.infer(_specs(tensors), statics)
        if all(dims.is_known(spec.shape) for spec in trees.flatten(specs)):
            return True
        arrays = [t.data for t in tensors if t is not None]
        graph_break("by an op the size of whose result depends on it", *arrays)
        return False

    def _placed(self, kernel: Kernel) -> Kernel:
        """A kernel that computes where its arrays lie, if that may be elsewhere than here."""
        if not device.several:
            return kernel
        if kernel not in self._placements:
            self._placements[kernel] = device.placed(kernel, f"'{self.name}'")
        return self._placements[kernel]

    def _explain(self, tensors: Sequence[Tensor | None], statics: Statics) -> None:
        """Let the devices or the shape rule say in words why a kernel could not run."""
        device.refuse_mixed([None if t is None else t.data for t in tensors], f"'{self.name}'")
        self.infer(_specs(tensors), statics)

    def infer(self, inputs: Sequence[Any], statics: Statics) -> Any:
        """Return the shape and dtype of the result, or raise a ValueError that explains."""
        specs = [Abstract(t.shape, t.dtype) if type(t) is Tensor else t for t in inputs]
        full = {**self.defaults, **statics}
        if self._shape_rule is not None:
            return self._shape_rule(*([specs] if self.variadic else specs), **full)
        if self.family.shape is None:
            raise TypeError(f"The op '{self.name}' has no shape rule: add one with `shape_rule`.")
        shapes = [None if s is None else s.shape for s in specs]
        dtype = self.family.result(specs[0].dtype, full)
        return Abstract(self.family.shape(shapes, full), dtype)

    def _parents(self, tensors: Sequence[Tensor | None]) -> tuple[Any, ...] | None:
        """Return the edges of the graph that lead to the inputs, or None if there are none."""
        since = recording.since
        parents = tuple(
            [
                (t.node, t.index)
                if t is not None and t.node is not None and t.node.last_tape >= since
                else None
                for t in tensors
            ]
        )
        return parents if any(parents) else None

    def _node(
        self,
        parents: tuple[Any, ...],
        arrays: Sequence[Array | None],
        statics: Statics,
        result: Any,
        by_kernel: Any,
        traced: Any,
    ) -> Node | None:
        """Put one node on the tape, unless the result has no gradient."""
        results = result if type(result) in (tuple, list) else (result,)
        if results[0].dtype.kind != "f":
            return None
        wanted, wants_output = self._plan(tuple([p is not None for p in parents]))
        saved: dict[int | str, Any] = {i: arrays[i] for i in wanted}
        if wants_output:
            saved["y"] = tuple(results)
        if by_kernel is not None:
            saved["by kernel"], saved["traced"] = by_kernel, traced
        return Node(
            self,
            parents,
            saved,
            {**self.defaults, **statics},
            [None if a is None else (a.shape, dtypes.name_of(a.dtype)) for a in arrays],
            [(r.shape, r.dtype) for r in results],
        )

    def _plan(self, live: tuple[bool, ...]) -> tuple[tuple[int, ...], bool]:
        """Return which inputs, and whether the output, the vjps in question ask for."""
        plan = self._plans.get(live)
        if plan is None:
            if self.joint_vjp:
                asked = [self.joint_vjp]
            else:
                asked = [self.vjps[i] for i, on in enumerate(live) if on and i in self.vjps]
            if self.variadic:
                wanted = range(len(live)) if any(vjp.inputs for vjp in asked) else ()
            else:
                wanted = sorted({i for vjp in asked for i in vjp.inputs})
            plan = self._plans[live] = (tuple(wanted), any(vjp.output for vjp in asked))
        return plan

    def saved_input(self, node: Node, i: int) -> Tensor | list[Tensor]:
        """Return an input that the node saved (all of them, if the op takes a list)."""
        if self.variadic:
            return [rebuilt(node, j) for j in range(len(node.parents))]
        return rebuilt(node, i)

    def backward(self, node: Node, gradients: list[Any]) -> list[Any]:
        """Return the gradient with respect to every input that needs one, None for the others."""
        g: Any = gradients[0] if len(gradients) == 1 else filled(gradients, node.outputs)
        specs: Sequence[Any] = node.specs
        if self.joint_vjp:
            results = self.joint_vjp(node, g)
        else:
            results = [
                self.vjps[i](node, g) if parent is not None and i in self.vjps else None
                for i, parent in enumerate(node.parents)
            ]
        if not self.family.broadcasts:
            return results
        sum_to = mechanism.sum_to
        return [
            value if value is None or value.shape == spec[0] else sum_to(value, shape=spec[0])
            for value, spec in zip(results, specs, strict=True)
        ]


def primitive(
    family: Family, name: str | None = None, variadic: bool = False
) -> Callable[[Kernel], Primitive]:
    """Make an op of a kernel: `@primitive(floating)` above a function of `xp` and arrays."""
    return lambda kernel: Primitive(kernel, family, name, variadic)


def _specs(tensors: Sequence[Tensor | None]) -> list[Abstract | None]:
    return [None if t is None else Abstract(t.shape, t.dtype) for t in tensors]


class _Weak:
    """A Python number or unknown size, whose dtype gives way to those of tensors (weak type)."""

    __slots__ = ("value", "dtype")

    def __init__(self, value: Any, dtype: str):
        self.value = value
        self.dtype = dtype


def _operand(value: Any, others: Sequence[Any]) -> Any:
    if type(value) is Tensor or type(value) is Abstract or value is None:
        return value
    weak = dtypes.weak_name(value)
    if weak is not None:
        return _Weak(value, weak)
    if hasattr(value, "as_operand"):
        return value.as_operand()
    if isinstance(value, (List, Tuple)) and holds_tensors(value):
        return mechanism.stacked_nest(value)
    if not device.in_use:
        return Tensor(_owned(array_from(value), value))
    with device.place_of(_first_array(others)):
        return Tensor(_owned(array_from(value), value))


def _owned(array: Array, value: Any) -> Array:
    """An array whose memory is not the caller's, who may write to it before the backward pass."""
    return device.copied(array) if array is value or array.base is not None else array


def _first_array(values: Sequence[Any]) -> Array | None:
    """The array of the first tensor among values, beside which scalars and lists are put."""
    for value in values:
        tensor = value.as_operand() if hasattr(value, "as_operand") else value
        if type(tensor) is Tensor:
            return tensor.data
    return None


def _dtype_of(value: Any) -> str | None:
    return None if value is None else value.dtype


def _to_dtype(value: Any, target: Any, others: Sequence[Any]) -> Any:
    if type(value) is not _Weak:
        return mechanism.cast(value, dtype=target)
    if type(value.value) in (Dim, Comparison):
        return Abstract((), target)
    if not device.in_use:
        return Tensor(device.asarray(value.value, dtypes.NUMPY[target]))
    with device.place_of(_first_array(others)):
        return Tensor(device.asarray(value.value, dtypes.NUMPY[target]))
