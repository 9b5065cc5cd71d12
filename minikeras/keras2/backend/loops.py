"""Functions that are applied again and again: over the steps of a sequence, over the first axis.

The function is called once, on symbolic tensors, and becomes a graph of its own. What it takes from
outside, tensors of the enclosing graph among them, is computed once in each run.
"""

from typing import Any

from minikeras import ops
from minikeras.autograd import symbolic
from minikeras.autograd.symbolic import KerasTensor
from minikeras.core import trees
from minikeras.keras2.backend.phases import is_fed, placeholder
from minikeras.keras2.backend.running import Plan
from minikeras.keras2.backend.tensors import is_building, producer_of, record
from minikeras.layers.base.call_spec import context
from minikeras.ops.nn.loop import rnn as run_steps


class Subgraph:
    """A function that was called once, on placeholders, as a graph of its own.

    Args:
        function: function of symbolic tensors that returns a nest of them.
        arguments: list of tensors like those that it will get.
    """

    def __init__(self, function, arguments):
        self._places = [_placeholder(t.shape, t.dtype) for t in arguments]
        self._outputs = function(*self._places)
        self.outer = _outer([t for t in trees.flatten(self._outputs)], self._places)
        self._plans = {}

    def shapes(self):
        """Return the outputs as shapes alone."""
        return symbolic.to_abstract(self._outputs)

    def run(self, arguments, outer):
        """Compute the outputs.

        Args:
            arguments: list of tensors.
            outer: the values of `self.outer`.

        Returns:
            A nest of tensors.
        """
        places = [*self._places, *self.outer]
        known = {id(t): v for t, v in zip(places, [*arguments, *outer], strict=True)}
        phase = int(bool(context.training))
        if phase not in self._plans:
            self._plans[phase] = Plan(trees.flatten(self._outputs), known, phase)
        known = self._plans[phase].run(known)
        return trees.map_structure(
            lambda t: known[id(t)] if isinstance(t, KerasTensor) else ops.convert_to_tensor(t),
            self._outputs,
        )


def _placeholder(shape, dtype):
    return placeholder(tuple(s if isinstance(s, int) else None for s in shape), dtype=dtype)


def _outer(tensors, places):
    """The tensors of the enclosing graph that a graph inside it takes."""
    own, inside = {id(t) for t in places}, {}
    outer, stack = {}, [t for t in tensors if isinstance(t, KerasTensor)]
    while stack:
        tensor = stack.pop()
        if id(tensor) in own or id(tensor) in outer:
            continue
        if not _depends_on(tensor, own, inside):
            outer[id(tensor)] = tensor
            continue
        node: Any = producer_of(tensor)
        leaves = trees.flatten((node.args, node.kwargs))
        stack += [t for t in leaves if isinstance(t, KerasTensor)]
    return list(outer.values())


def _depends_on(tensor, own, known):
    """Whether a tensor depends on some placeholders; answers are kept in `known`."""
    stack = [tensor]
    while stack:
        top = stack[-1]
        if id(top) in known or id(top) in own or is_fed(top):
            known.setdefault(id(top), id(top) in own)
            stack.pop()
            continue
        node: Any = producer_of(top)
        before = [t for t in trees.flatten((node.args, node.kwargs)) if isinstance(t, KerasTensor)]
        waiting = [t for t in before if id(t) not in known]
        if waiting:
            stack += waiting
        else:
            known[id(top)] = any(known[id(t)] for t in before)
            stack.pop()
    return known[id(tensor)]


def rnn(
    step_function,
    inputs,
    initial_states,
    go_backwards=False,
    mask=None,
    constants=None,
    unroll=False,
    input_length=None,
):
    """Call a function on every step of a sequence, with the states that it returned before.

    Args:
        step_function: function of `(inputs, states)`, a tensor `(batch, ...)` and a list of the
            states and constants, that returns `(output, new states)`.
        inputs: tensor `(batch, steps, ...)`.
        initial_states: list of tensors `(batch, ...)`.
        go_backwards: whether to begin at the last step.
        mask: tensor `(batch, steps)`, zero where there is no data, or None.
        constants: list of tensors that are passed at every step, or None.
        unroll: accepted.
        input_length: accepted.

    Returns:
        A triple: the last output, all outputs `(batch, steps, ...)`, and the last states.

    Raises:
        ValueError: if the inputs have fewer than three axes, or there is a mask and no state.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x = K.ones((1, 3, 1))
        >>> add = lambda x, states: (x + states[0], [x + states[0]])
        >>> K.eval(K.rnn(add, x, [K.zeros((1, 1))])[1]).tolist()
        [[[1.0], [2.0], [3.0]]]
    """
    if len(inputs.shape) < 3:
        raise ValueError("Input should be at least 3D.")
    states, constants = list(initial_states), list(constants or [])
    if mask is not None and not states:
        raise ValueError("No initial states provided! When using masking there must be states.")
    options = {"go_backwards": go_backwards}
    if not (is_building() or symbolic.any_symbolic([inputs, states, constants, mask], None)):

        def step(x, states):
            output, new = step_function(x, [*states, *constants])
            return output, list(new)

        return run_steps(step, inputs, states, mask=mask, **options)
    first = _step_of(inputs)
    graph = Subgraph(
        lambda x, *rest: _as_lists(step_function(x, list(rest))), [first, *states, *constants]
    )

    def loop(inputs, states, constants, mask, outer):
        def step(x, states):
            if symbolic.in_abstract_scope():
                return graph.shapes()
            return graph.run([x, *states, *constants], outer)

        return run_steps(step, inputs, states, mask=mask, **options)

    return record(loop, (inputs, states, constants, mask, graph.outer))


def _step_of(inputs):
    return symbolic.Abstract((inputs.shape[0], *inputs.shape[2:]), inputs.dtype)


def _as_lists(result):
    output, states = result
    return output, list(states)


def map_fn(fn, elems, name=None, dtype=None):
    """Apply a function to each element of the first axis, and stack the results.

    Args:
        fn: function of a tensor.
        elems: tensor.
        name: accepted.
        dtype: dtype of the results, or None.

    Returns:
        A tensor.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.map_fn(K.sum, K.eye(2))).tolist()
        [1.0, 1.0]
    """
    graph = Subgraph(fn, [_element_of(elems)])

    def run(elems, outer):
        if symbolic.in_abstract_scope():
            y = graph.shapes()
            return symbolic.Abstract((elems.shape[0], *y.shape), dtype or y.dtype)
        y = ops.stack([graph.run([x], outer) for x in elems], axis=0)
        return y if dtype is None else ops.cast(y, dtype)

    return record(run, (elems, graph.outer))


def foldl(fn, elems, initializer=None, name=None):
    """Combine the elements of the first axis from the first to the last: `fn(accumulator, x)`.

    Args:
        fn: function of the accumulator and of an element.
        elems: tensor.
        initializer: first value of the accumulator; the first element if None.
        name: accepted.

    Returns:
        A tensor.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.foldl(lambda total, x: total - x, K.eye(2))).tolist()
        [1.0, -1.0]
    """
    return _fold(fn, elems, initializer, False)


def foldr(fn, elems, initializer=None, name=None):
    """Combine the elements of the first axis from the last to the first; see `foldl`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.foldr(lambda total, x: total - x, K.eye(2))).tolist()
        [-1.0, 1.0]
    """
    return _fold(fn, elems, initializer, True)


def _fold(fn, elems, initializer, backwards):
    element = _element_of(elems)
    start = element if initializer is None else initializer
    graph = Subgraph(fn, [start, element])

    def run(elems, initializer, outer):
        if symbolic.in_abstract_scope():
            return graph.shapes()
        items = list(elems)[::-1] if backwards else list(elems)
        total = items.pop(0) if initializer is None else ops.convert_to_tensor(initializer)
        for item in items:
            total = graph.run([total, item], outer)
        return total

    return record(run, (elems, initializer, graph.outer))


def _element_of(elems):
    return symbolic.Abstract(tuple(elems.shape[1:]), elems.dtype)
