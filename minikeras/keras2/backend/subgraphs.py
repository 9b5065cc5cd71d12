"""A function as a part of the graph of its own, which one node calls as often as it needs.

The function is called once, on placeholders. What it computes with them is a graph; what it reads
from outside (tensors of the surrounding graph, variables) becomes further arguments of the node
that runs it, so that gradients reach them.
"""

from typing import Any

from minikeras.autograd.symbolic import Abstract, KerasTensor
from minikeras.autograd.variable import Variable as EngineVariable
from minikeras.core import trees
from minikeras.keras2.backend.phases import placeholder
from minikeras.keras2.backend.running import Plan
from minikeras.keras2.backend.tensors import is_building, producer_of
from minikeras.keras2.backend.variables import as_tensor
from minikeras.layers.base.call_spec import context


class Subgraph:
    """A function that was called once on placeholders.

    Args:
        function: function of a nest like `arguments` that returns a nest of tensors.
        arguments: list of nests of tensors that have the shapes and dtypes of what it is called
            with.

    Attributes:
        captured: list of the tensors and variables that it reads from outside.
    """

    def __init__(self, function, arguments):
        marker: Any = producer_of(placeholder(()))
        self._start = marker.serial
        self._inputs = trees.map_structure(
            lambda t: placeholder(tuple(t.shape), dtype=t.dtype), arguments
        )
        self._places = {id(t) for t in trees.flatten(self._inputs)}
        self._results = trees.map_structure(as_tensor, function(*self._inputs))
        self._targets = [t for t in trees.flatten(self._results) if isinstance(t, KerasTensor)]
        self.captured = self._read_from_outside()
        self._plans = {}

    def _read_from_outside(self):
        """What the results need that was there before the placeholders were."""
        seen, outside = set(), []
        stack = [leaf for leaf in trees.flatten(self._results) if _is_read(leaf)]
        while stack:
            leaf = stack.pop()
            if id(leaf) in seen or id(leaf) in self._places:
                continue
            seen.add(id(leaf))
            node = producer_of(leaf) if isinstance(leaf, KerasTensor) else None
            if node is None or node.serial < self._start:
                outside.append(leaf)
                continue
            own = getattr(node.operation, "weights", ())
            stack += [v for v in (*trees.flatten((node.args, node.kwargs)), *own) if _is_read(v)]
        return outside

    def declared(self):
        """Return what it returns, as shapes alone."""
        return trees.map_structure(lambda t: Abstract(t.shape, t.dtype), self._results)

    def run(self, arguments, captured):
        """Run it.

        Args:
            arguments: nest of tensors like that which it was made with.
            captured: the values of `captured`, in their order.

        Returns:
            A nest of tensors.
        """
        pairs = zip(trees.flatten(self._inputs), trees.flatten(arguments), strict=True)
        known = {id(place): value for place, value in pairs}
        known.update((id(t), v) for t, v in zip(self.captured, captured, strict=True))
        plan = self._plans.get(context.training)
        if plan is None:
            plan = Plan(self._targets, known, context.training)
            self._plans[context.training] = plan
        plan.run(known)
        return trees.map_structure(
            lambda t: known[id(t)] if isinstance(t, KerasTensor) else t, self._results
        )


def _is_read(leaf):
    return isinstance(leaf, (KerasTensor, EngineVariable))


def is_declaring(values):
    """Say whether a call on these values adds to the graph, instead of computing.

    Args:
        values: nest of tensors.

    Returns:
        A bool.
    """
    symbolic = any(isinstance(v, KerasTensor) for v in trees.flatten(values))
    return symbolic or is_building()
