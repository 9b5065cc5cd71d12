"""Loops over tensors: `rnn`, `map_fn`, `foldl` and `foldr`.

In a graph the function that is called in each step is traced once (`subgraphs.py`), and the loop is
one node: the number of steps may differ from run to run.
"""

from minikeras import ops
from minikeras.autograd.symbolic import Abstract, in_abstract_scope
from minikeras.core import trees
from minikeras.keras2.backend.subgraphs import Subgraph, is_declaring
from minikeras.keras2.backend.tensors import record
from minikeras.keras2.backend.variables import as_tensor


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

    At a masked step the states stay as they are. The output is then that of the step before (zeros
    at the first) with `unroll`, and without it the first state, which by convention is the last
    output.

    Args:
        step_function: function of an input `(batch, ...)` and a list of the states and constants
            that returns `(output, new_states)`.
        inputs: tensor `(batch, steps, ...)` of rank 3 or more.
        initial_states: list of tensors `(batch, ...)`.
        go_backwards: whether to begin at the last step; outputs are in the order of the steps
            taken.
        mask: tensor `(batch, steps)` or `(batch, steps, 1)`, zero where there is no data; or None.
        constants: list of further values for each step, or of lists of them; or None.
        unroll: whether to need a known number of steps; results are those of a loop.
        input_length: the most steps to take; None for all. Without effect if unrolled.

    Returns:
        `(last_output, outputs, new_states)` of shapes `(batch, ...)`, `(batch, steps, ...)`, and a
        list.

    Raises:
        ValueError: if `inputs` has no steps, if there are none to unroll, or if there is a mask and
            no state.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x = K.variable([[[1.0], [2.0], [3.0]]])
        >>> add = lambda x, states: (x + states[0], [x + states[0]])
        >>> K.eval(K.rnn(add, x, [K.zeros((1, 1))])[1]).tolist()
        [[[1.0], [3.0], [6.0]]]
    """
    inputs, states = _given(inputs), [_given(s) for s in initial_states]
    constants = list(constants or [])
    _check(inputs, states, mask, unroll)
    loop = _Loop(go_backwards, unroll, None if unroll else input_length)
    values = inputs, states, mask, constants
    if not is_declaring(values):
        return _listed(*loop.run(_called(step_function), inputs, states, mask, constants))
    first = Abstract((inputs.shape[0], *inputs.shape[2:]), inputs.dtype)
    tensors = trees.map_structure(as_tensor, constants)
    step = Subgraph(_called(step_function), [first, states, tensors])

    def rnn_of_graph(inputs, states, mask, constants, captured):
        if in_abstract_scope():
            return loop.declared(step.declared(), inputs)

        def run(*args):
            return step.run(args, captured)

        return loop.run(run, inputs, states, mask, constants)

    return _listed(*record(rnn_of_graph, (inputs, states, mask, tensors, step.captured)))


def _given(x):
    return x if hasattr(x, "shape") and hasattr(x, "dtype") else ops.convert_to_tensor(x)


def _listed(last_output, outputs, states):
    return last_output, outputs, list(states)


def _called(step_function):
    """The step function as one of inputs, states and constants, which returns a list of states."""

    def call(x, states, constants):
        output, new_states = step_function(x, [*states, *constants])
        return output, list(new_states)

    return call


def _check(inputs, states, mask, unroll):
    if len(inputs.shape) < 3:
        raise ValueError(
            "Expected inputs of rank 3 or more, (batch, steps, ...). "
            f"Received: inputs of shape {tuple(inputs.shape)}"
        )
    if unroll and not isinstance(inputs.shape[1], int):
        raise ValueError(
            "Unrolling needs a known number of steps. "
            f"Received: inputs of shape {tuple(inputs.shape)}"
        )
    if mask is not None and not states and not unroll:
        raise ValueError(
            "With a mask `rnn` needs initial states; the first is the output of the step before."
        )


class _Loop:
    """The steps of `rnn`, with values."""

    def __init__(self, go_backwards, unroll, most):
        self._go_backwards = go_backwards
        self._unroll = unroll
        self._most = most

    def declared(self, results, inputs):
        """Return the shapes of the results, from those of one step."""
        output, states = results
        steps = inputs.shape[1]
        return output, Abstract((output.shape[0], steps, *output.shape[1:]), output.dtype), states

    def run(self, step, inputs, states, mask, constants):
        """Take all steps."""
        inputs = ops.convert_to_tensor(inputs)
        if in_abstract_scope():
            first = Abstract((inputs.shape[0], *inputs.shape[2:]), inputs.dtype)
            return self.declared(step(first, states, constants), inputs)
        outputs, shown = [], None
        for t in self._order(int(inputs.shape[1])):
            output, new = step(inputs[:, t], states, constants)
            if mask is not None:
                valid = _valid(mask, t)
                if not self._unroll:
                    shown = states[0]
                elif shown is None:
                    shown = ops.zeros_like(output)
                output = _chosen(valid, output, shown)
                new = [_chosen(valid, n, s) for n, s in zip(new, states, strict=False)]
            shown, states = output, new
            outputs.append(output)
        return shown, ops.stack(outputs, axis=1), states

    def _order(self, steps):
        order = range(steps)[::-1] if self._go_backwards else range(steps)
        return order if self._most is None else order[: int(self._most)]


def _valid(mask, t):
    valid = ops.cast(mask, "bool")[:, t]
    return ops.reshape(valid, (-1,)) if len(valid.shape) > 1 else valid


def _chosen(valid, new, old):
    shape = (-1, *(1,) * (len(new.shape) - 1))
    return ops.where(ops.reshape(valid, shape), new, old)


def _looped(loop, function, arguments, tensors):
    """Run a loop now, or as one node of the graph whose steps were traced once.

    Args:
        loop: function of the step and of the tensors.
        function: the step.
        arguments: what the step is traced with, shapes alone.
        tensors: list of nests of tensors.
    """
    if not is_declaring(tensors):
        return loop(function, *tensors)
    step = Subgraph(function, arguments)

    def loop_of_graph(tensors, captured):
        run = (lambda *_: step.declared()) if in_abstract_scope() else None
        return loop(run or (lambda *args: step.run(args, captured)), *tensors)

    return record(loop_of_graph, (tensors, step.captured))


def _element(tensor):
    return Abstract(tuple(tensor.shape[1:]), tensor.dtype)


def map_fn(fn, elems, name=None, dtype=None):
    """Call a function on every element along the first axis, and stack what it returns.

    Args:
        fn: function of a tensor, or of a list of tensors where `elems` is one.
        elems: tensor, or list of tensors of the same first size.
        name: accepted.
        dtype: dtype name (or a list of them) that results are cast to, or None.

    Returns:
        A tensor, or a list of tensors.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.map_fn(lambda x: x * x, K.variable([1.0, 2.0]))).tolist()
        [1.0, 4.0]
    """
    elems = trees.map_structure(_given, elems)

    def loop(step, elems):
        first = trees.flatten(elems)[0]
        if in_abstract_scope():
            result = step(trees.map_structure(_element, elems))
            return _cast(
                trees.map_structure(
                    lambda y: Abstract((first.shape[0], *y.shape), y.dtype), result
                ),
                dtype,
            )
        results = [
            step(trees.map_structure(lambda x, n=n: ops.convert_to_tensor(x)[n], elems))
            for n in range(int(first.shape[0]))
        ]
        return _cast(trees.map_structure(lambda *ys: ops.stack(ys), *results), dtype)

    return _looped(loop, fn, [trees.map_structure(_element, elems)], [elems])


def _cast(results, dtype):
    if dtype is None:
        return results
    if isinstance(dtype, (list, tuple)):
        return [ops.cast(y, d) for y, d in zip(results, dtype, strict=True)]
    return trees.map_structure(lambda y: ops.cast(y, dtype), results)


def _folded(fn, elems, initializer, backwards):
    elems = _given(elems)
    accumulated = None if initializer is None else _given(initializer)

    def loop(step, elems, accumulated):
        elems = ops.convert_to_tensor(elems)
        if in_abstract_scope():
            start = _element(elems) if accumulated is None else accumulated
            return step(start, _element(elems))
        order = range(int(elems.shape[0]))
        order = list(order[::-1] if backwards else order)
        if accumulated is None:
            accumulated = elems[order.pop(0)]
        for n in order:
            accumulated = step(accumulated, elems[n])
        return accumulated

    start = _element(elems) if accumulated is None else accumulated
    return _looped(loop, fn, [start, _element(elems)], [elems, accumulated])


def foldl(fn, elems, initializer=None, name=None):
    """Reduce the elements along the first axis by a function, beginning with the first.

    Args:
        fn: function of what has been accumulated and of an element.
        elems: tensor.
        initializer: the first value of what is accumulated; the first element if None.
        name: accepted.

    Returns:
        A tensor.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> float(K.eval(K.foldl(lambda total, x: total - x, K.constant([5.0, 2.0, 1.0]))))
        2.0
    """
    return _folded(fn, elems, initializer, backwards=False)


def foldr(fn, elems, initializer=None, name=None):
    """Reduce the elements along the first axis by a function, beginning with the last.

    Args:
        fn: function of what has been accumulated and of an element.
        elems: tensor.
        initializer: the first value of what is accumulated; the last element if None.
        name: accepted.

    Returns:
        A tensor.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> float(K.eval(K.foldr(lambda total, x: total - x, K.constant([5.0, 2.0, 1.0]))))
        -6.0
    """
    return _folded(fn, elems, initializer, backwards=True)
