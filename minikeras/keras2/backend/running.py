"""Running the graph: `K.function`, `K.gradients`, updates, and the learning phase.

A function of the graph is planned once for each learning phase: the nodes that lead to what is
asked for, in the order in which they were made. A choice by phase (`K.in_train_phase`) is decided
then, so that only the chosen branch runs. A gradient is a node like others. Its tape is opened
before the first node runs and watches its sources as they are computed; tapes of later gradients
are opened first, so that they record the earlier backward passes: gradients of any order. Updates
are assigned after everything has been computed. The first run on each kind of values is recorded;
later ones repeat the recording (`training/steps.py`).
"""

import numpy as np

from minikeras import ops
from minikeras.arrays.blas_threads import hold_at_one
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.symbolic import Abstract, KerasTensor, Operation
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable as EngineVariable
from minikeras.core import names, trees
from minikeras.core.per_thread import kept_around
from minikeras.keras2.backend.phases import (
    PhaseChoice,
    is_fed,
    learning_phase_tensor,
    settled_phase,
)
from minikeras.keras2.backend.tensors import (
    producer_of,
    record,
    run_state,
)
from minikeras.layers.base.call_spec import context
from minikeras.training.steps import Steps


class Gradients(Operation):
    """The gradients of the sum of a tensor with respect to others."""

    def run(self, tape, loss, sources):
        """Compute them, zeros where nothing flows.

        Args:
            tape: the tape that has watched the sources.
            loss: tensor.
            sources: list of tensors and variables.

        Returns:
            A list of tensors.
        """
        return tape.gradient(loss, sources, unconnected_gradients="zero")

    def symbolic_call(self, loss, sources):
        """Add one more node."""
        return record(_like_sources, (loss, sources), operation=self)


def _like_sources(loss, sources):
    return [Abstract(s.shape, s.dtype) for s in sources]


class Update:
    """A new value for a variable, assigned when a function that it was given to has run.

    Args:
        variable: the variable.
        value: tensor of the graph, or a number.
    """

    def __init__(self, variable, value):
        self.variable = variable
        self.value = value

    def __iter__(self):
        return iter((self.variable, self.value))


def as_update(update):
    """Return an update that may have been written as a pair `(variable, value)`."""
    return update if isinstance(update, Update) else Update(*update)


def gradients(loss, variables):
    """Return the gradients of the sum of `loss` with respect to variables or tensors of the graph.

    Args:
        loss: symbolic tensor, or a list of them, whose sum is meant.
        variables: variable or symbolic tensor, or a list of them.

    Returns:
        A list of symbolic tensors, None for what the loss does not depend on.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x = K.variable(3.0)
        >>> float(K.eval(K.gradients(x * x * x, [x])[0]))
        27.0
    """
    sources = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    if isinstance(loss, (list, tuple)):
        loss = record(_total, (list(loss),))
    reached = _ancestors([loss])
    connected = [s for s in sources if id(s) in reached]
    if not connected:
        return [None] * len(sources)
    results = iter(Gradients(names.unique("k_gradients")).symbolic_call(loss, connected))
    return [next(results) if id(s) in reached else None for s in sources]


def _ancestors(tensors):
    """The ids of all tensors and variables that some tensors depend on, and of themselves.

    Integers and truth values depend on nothing as far as gradients go; nor do constants.
    """
    seen, stack = set(), list(tensors)
    while stack:
        tensor = stack.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        node = producer_of(tensor) if isinstance(tensor, KerasTensor) else None
        if node is not None and _is_differentiable(tensor, node):
            leaves = trees.flatten((node.args, node.kwargs))
            stack.extend(v for v in leaves if isinstance(v, (KerasTensor, EngineVariable)))
            seen.update(id(w) for w in getattr(node.operation, "weights", ()))
    return seen


def _is_differentiable(tensor, node):
    function = getattr(node.operation, "function", None)
    return "float" in tensor.dtype and not getattr(function, "is_constant", False)


def _total(losses):
    return sum(ops.sum(loss) for loss in losses)


def function(inputs, outputs, updates=None, **kwargs):
    """Return a function of the graph, from values of some tensors to values of others.

    Args:
        inputs: list of symbolic tensors whose values will be given.
        outputs: list of symbolic tensors and variables to compute.
        updates: list of `Update`s, or of pairs `(variable, value)`, to apply.
        **kwargs: accepted.

    Returns:
        A `Function`.

    Raises:
        TypeError: if one of them is no list or tuple.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x = K.placeholder((None,))
        >>> K.function([x], [x * 2])([[1.0, 2.0]])[0].tolist()
        [2.0, 4.0]
    """
    return Function(inputs, outputs, updates=updates, **kwargs)


class Function:
    """A function of the graph, from values of some tensors to values of others.

    Args:
        inputs: list of symbolic tensors whose values will be given.
        outputs: list of symbolic tensors and variables to compute.
        updates: list of `Update`s, or of pairs `(variable, value)`, to apply.
        name: accepted.
        phase: learning phase in which it always runs, or None for that of the call.
        **session_kwargs: accepted.

    Raises:
        TypeError: if `inputs`, `outputs` or `updates` is no list or tuple.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x = K.placeholder((None,))
        >>> K.function([x], [x * 2])([[1.0, 2.0]])[0]
        array([2., 4.], dtype=float32)
    """

    def __init__(self, inputs, outputs, updates=None, name=None, **session_kwargs):
        lists = {"inputs": inputs, "outputs": outputs, "updates": updates or ()}
        for argument, value in lists.items():
            if not isinstance(value, (list, tuple)):
                raise TypeError(
                    f"`{argument}` of a function of the backend must be a list or tuple. "
                    f"Received: {argument}={value!r} of type {type(value).__name__}"
                )
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.updates = [as_update(u) for u in updates or () if u is not None]
        self.phase = session_kwargs.get("phase")
        self._fed = [t for t in self.inputs if t is not learning_phase_tensor]
        self._plans = {}
        self._steps = Steps()

    def __call__(self, inputs):
        """Run.

        Args:
            inputs: list of array-likes, a value for each input.

        Returns:
            A list of NumPy arrays (of NumPy numbers for tensors of rank 0).
        """
        if len(inputs) != len(self.inputs):
            raise ValueError(
                f"This function has {len(self.inputs)} inputs, but received {len(inputs)} values."
            )
        phase, values = self.phase, []
        for place, value in zip(self.inputs, inputs, strict=True):
            if place is learning_phase_tensor:
                phase = int(np.asarray(value))
            else:
                values.append(_fed(value, place))
        phase = settled_phase() if phase is None else phase
        step = "_train_step" if phase else "_test_step"
        results = kept_around(hold_at_one, self._steps.run, self, step, values)
        return [_as_numpy(value) for value in results]

    def _train_step(self, values):
        return self._run(values, 1)

    def _test_step(self, values):
        return self._run(values, 0)

    def _run(self, values, phase):
        """Run once, as it is written; `Steps` records it and runs the recording from then on."""
        feeds = {id(t): v for t, v in zip(self._fed, values, strict=True)}
        feeds[id(learning_phase_tensor)] = ops.convert_to_tensor(bool(phase))
        plan = self._plans.get(phase)
        if plan is None:
            targets = self.outputs + [update.value for update in self.updates]
            plan = self._plans[phase] = Plan(targets, feeds, phase)
        outer = run_state.active, context.training
        try:
            run_state.active, context.training = True, bool(phase)
            known = plan.run(feeds)
            results = [_value(t, known) for t in self.outputs]
            new = [_value(update.value, known) for update in self.updates]
            for update, value in zip(self.updates, new, strict=True):
                update.variable.assign(value)
        finally:
            run_state.active, context.training = outer
        return results


class Plan:
    """The nodes that lead to some tensors, in an order in which they can run.

    Args:
        targets: symbolic tensors; other values are passed over.
        fed: ids of the tensors whose values are given.
        phase: the learning phase.

    Raises:
        ValueError: if something is needed that is neither given nor computed.
    """

    def __init__(self, targets, fed, phase):
        self._phase = phase
        self._nodes = self._ordered(targets, fed)
        self._gradients = [n for n in self._nodes if isinstance(n.operation, Gradients)]

    def _ordered(self, targets, fed):
        nodes, stack = {}, [t for t in targets if isinstance(t, KerasTensor)]
        while stack:
            tensor = stack.pop()
            if id(tensor) in fed:
                continue
            node = producer_of(tensor)
            if is_fed(tensor):
                raise ValueError(
                    f"You must feed a value for placeholder {tensor.name!r} of shape "
                    f"{tensor.shape}: it is not among the inputs of the function."
                )
            if id(node) not in nodes:
                nodes[id(node)] = node
                stack += [v for v in trees.flatten(self._args(node)) if isinstance(v, KerasTensor)]
        return sorted(nodes.values(), key=lambda node: node.serial)

    def _args(self, node):
        if isinstance(node.operation, PhaseChoice):
            chosen = node.args[0] if self._phase else node.args[1]
            return (chosen,), {}
        return node.args, node.kwargs

    def run(self, known):
        """Run the nodes.

        Args:
            known: dict from the ids of the given tensors to their values; the others are added.

        Returns:
            The dict.
        """
        tapes = {id(node): GradientTape(watch_accessed_variables=False) for node in self._gradients}
        watchers = {}
        for node in reversed(self._gradients):
            tape = tapes[id(node)].__enter__()
            for source in trees.flatten(node.args[1]):
                if isinstance(source, EngineVariable):
                    tape.watch(source)
                else:
                    watchers.setdefault(id(source), []).append(tape)
        try:
            for key in watchers.keys() & known.keys():
                _watch(watchers[key], known[key])
            for node in self._nodes:
                self._step(node, known, tapes, watchers)
        finally:
            for tape in tapes.values():
                tape.__exit__(None, None, None)
        return known

    def _step(self, node, known, tapes, watchers):
        args, kwargs = trees.map_structure(lambda v: _value(v, known), self._args(node))
        operation = node.operation
        if isinstance(operation, Gradients):
            result = operation.run(tapes[id(node)], *args)
        else:
            result = operation(*args, **kwargs)
        leaves = [leaf for leaf in trees.flatten(result) if leaf is not None]
        for place, value in zip(node.outputs, leaves, strict=True):
            if id(place) in known:
                continue
            known[id(place)] = value
            if id(place) in watchers:
                _watch(watchers[id(place)], value)


def _watch(tapes, value):
    for tape in tapes:
        tape.watch(value)


def _value(thing, known):
    if isinstance(thing, KerasTensor):
        return known[id(thing)]
    return thing


def _fed(value, place):
    if isinstance(value, (Tensor, EngineVariable)):
        return ops.cast(value, place.dtype)
    array = np.asarray(value.toarray() if hasattr(value, "tocoo") else value)
    known = zip(array.shape, place.shape, strict=False)
    if array.ndim != len(place.shape) or any(size not in (n, None) for n, size in known):
        raise ValueError(
            f"Cannot feed a value of shape {array.shape} for {place.name!r}, which has the shape "
            f"{tuple(place.shape)}."
        )
    return ops.convert_to_tensor(array, dtype=place.dtype)


def _as_numpy(value):
    if isinstance(value, EngineVariable):
        return value.numpy()
    return value.numpy() if isinstance(value, Tensor) else np.asarray(value)


def evaluate(x):
    """Return the value of a tensor or variable as an array.

    Args:
        x: tensor of the graph that needs no input, variable, or tensor.

    Returns:
        A NumPy array.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.constant([1.0]) + 1).tolist()
        [2.0]
    """
    if isinstance(x, KerasTensor):
        return Function([], [x])([])[0]
    return _as_numpy(x)
