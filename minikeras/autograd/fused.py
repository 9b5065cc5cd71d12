"""Fused ops: one kernel that does the work of several, kept honest by a reference of plain ops."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minikeras.arrays import device
from minikeras.autograd import symbolic
from minikeras.autograd.backward import vjp_through
from minikeras.autograd.families import Family, Statics, elementwise
from minikeras.autograd.node import Node, recording
from minikeras.autograd.primitive import Primitive, primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tape import RecordingTape
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.vjps import filled, rebuilt
from minikeras.core import settings
from minikeras.core.types import Array, ArrayModule, List, Tuple


def fused(
    name: str,
    *,
    reference: Callable[..., Any],
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    family: Family,
) -> "Fused":
    """Make a fused op; see `Fused` for the arguments."""
    return Fused(name, reference, forward, backward, family)


class Fused(Primitive):
    """Several ops in one kernel, with a short reference that says the same in plain ops.

    The reference is the documentation, the oracle of the test, and what is differentiated when the
    backward pass is itself recorded.

    Args:
        reference: composite of ops with the same arguments.
        forward: kernel `(xp, *arrays, save, **statics)` that returns `(result, saved)`; `saved` is
            whatever `backward` needs besides the inputs, and may be None unless `save`.
        backward: kernel `(xp, gradients, arrays, saved, needs, **statics)` that returns the
            gradient with respect to every input (None where `needs` is False). None where gradients
            are seldom asked for: then the reference is differentiated.
        family: the dtype and shape rules.
    """

    def __init__(
        self,
        name: str,
        reference: Callable[..., Any],
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        family: Family,
    ):
        super().__init__(forward, family, name=name)
        self.reference = reference
        self.backward_kernel = backward
        if backward is not None:
            self.compute_backward: Callable[..., Any] = np.errstate(all="ignore")(backward)
        self.__doc__ = reference.__doc__
        self.__wrapped__ = reference
        self.__module__ = reference.__module__

    @property
    def differentiable(self) -> bool:
        """Always: the reference has a gradient."""
        return True

    def _compute(self, tensors: Sequence[Tensor | None], statics: Statics) -> Any:
        if not settings.fused_kernels():
            return self.reference(*tensors, **statics)
        return super()._compute(tensors, statics)

    def _launch(
        self, xp: ArrayModule, arrays: Sequence[Array | None], statics: Statics, save: bool
    ) -> tuple[Any, Any]:
        return self._placed(self.compute)(xp, *arrays, save=save, **statics)

    def _note(
        self, arguments: Sequence[Any], statics: Statics, save: bool, raw: Any, result: Any
    ) -> Any:
        kernel, named = self._placed(self.kernel), {"save": save, **statics}
        return recording.recorder.fused(kernel, arguments, named, raw, result)

    def infer(self, inputs: Sequence[Any], statics: Statics) -> Any:
        """Return the shape and dtype of the result, from a rule or from the reference."""
        if self._shape_rule is not None:
            return super().infer(inputs, statics)
        with symbolic.abstract_scope():
            return self.reference(
                *[Abstract(t.shape, t.dtype) if type(t) is Tensor else t for t in inputs],
                **statics,
            )

    def _plan(self, live: tuple[bool, ...]) -> tuple[tuple[int, ...], bool]:
        return tuple(range(len(live))), False

    def backward(self, node: Node, gradients: list[Any]) -> list[Any]:
        """Run the backward kernel; without one, or if this is recorded, that of the reference."""
        if recording.tapes:
            return self._backward_of_reference(node, gradients)
        if self.backward_kernel is None:
            with RecordingTape() as tape:
                return self._backward_of_reference(node, gradients, tape)
        gradients = filled(gradients, node.outputs)
        arrays = [node.saved[i] for i in range(len(node.parents))]
        xp = device.namespace(arrays[0])
        g = [g.data for g in gradients] if len(gradients) > 1 else gradients[0].data
        needs = tuple(parent is not None for parent in node.parents)
        compute, saved = self._placed(self.compute_backward), node.saved.get("by kernel")
        raw = compute(xp, g, arrays, saved, needs, **node.statics)
        result = [None if part is None else device.boxed(part) for part in raw]
        if recording.recorder is not None:
            kernel, traced = self._placed(self.backward_kernel), node.saved.get("traced")
            arguments = (xp, g, arrays, saved if traced is None else traced, needs)
            recording.recorder.gradients(kernel, arguments, node.statics, raw, result)
        return [None if array is None else Tensor(array) for array in result]

    def _backward_of_reference(
        self, node: Node, gradients: list[Any], tape: RecordingTape | None = None
    ) -> list[Any]:
        """Differentiate the reference, on a tape of its own if there is no other."""
        inputs = [
            None if node.saved[i] is None else _alias(rebuilt(node, i))
            for i in range(len(node.parents))
        ]
        if tape is not None:
            tape.watch([t for t, p in zip(inputs, node.parents, strict=True) if p is not None])
        result = self.reference(*inputs, **node.statics)
        results = result if isinstance(result, (Tuple, List)) else [result]
        wanted = [t if p is not None else None for t, p in zip(inputs, node.parents, strict=True)]
        return vjp_through(results, wanted, gradients)


@primitive(elementwise)
def _alias(xp: ArrayModule, x: Array) -> Array:
    """The same values as the output of a new node, so that two inputs are never taken for one."""
    return x


@_alias.vjp()
def _(g: Tensor) -> Tensor:
    return g
