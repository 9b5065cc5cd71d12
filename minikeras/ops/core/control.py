"""Choices and loops over tensors.

With values they are Python's own; gradients flow through whatever ran. With shapes alone every
branch or step runs once, to learn what comes out.
"""

from typing import Any

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, trees
from minikeras.core.dims import Dim
from minikeras.core.work import spend
from minikeras.ops.shapes.shaping import concatenate, stack


@op
def cond(pred, true_fn, false_fn):
    """Call one of two functions.

    Args:
        pred: bool, or scalar tensor of any dtype.
        true_fn: function without arguments, called if `pred` holds.
        false_fn: function without arguments, called if it does not; it must give the same
            structure.

    Returns:
        What the called function returns.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cond(keras.ops.array(2) > 1, lambda: "larger", lambda: "not larger")
        'larger'
    """
    if isinstance(pred, Abstract):
        result = true_fn()
        trees.assert_same_structure(result, false_fn())
        return result
    return true_fn() if pred else false_fn()


@op
def switch(index, branches, *operands):
    """Call one of several functions.

    Args:
        index: int or integer scalar tensor; one outside the list counts as the nearest inside.
        branches: list of functions of the operands, which give the same structure.
        *operands: tensors of any shape and dtype, or other values: what the function is called
            with.

    Returns:
        What the called function returns.

    Example:
        >>> import minikeras as keras
        >>> switch = keras.ops.switch
        >>> switch(1, [lambda x: x + 1, lambda x: x * 2], 5)
        10
    """
    if isinstance(index, Abstract):
        results = [branch(*operands) for branch in branches]
        for other in results[1:]:
            trees.assert_same_structure(results[0], other)
        return results[0]
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


@op
def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """Repeat a step as long as a condition holds.

    Args:
        cond: function of the loop's variables that returns a bool or scalar tensor.
        body: function of the loop's variables that returns them updated.
        loop_vars: nest of tensors of any shape and dtype; a list or tuple is passed as several
            arguments.
        maximum_iterations: int, the most steps to take; None for as many as there are.

    Returns:
        A nest like `loop_vars`.

    Example:
        >>> import minikeras as keras
        >>> int(keras.ops.while_loop(lambda i: i < 10, lambda i: i + 3, 0))
        12
    """
    several = isinstance(loop_vars, (list, tuple))
    state = trees.map_structure(convert_to_tensor, tuple(loop_vars) if several else (loop_vars,))
    steps = 0
    if _is_abstract(state):
        return _unwrapped(_step(body, state, several), several)
    while (maximum_iterations is None or steps < maximum_iterations) and cond(*state):
        state = _step(body, state, several)
        steps += 1
    return _unwrapped(state, several)


def _step(body, state, several):
    """Take one step, and check that it returns what it received."""
    result = body(*state)
    result = tuple(result) if several and isinstance(result, (list, tuple)) else (result,)
    trees.assert_same_structure(state, result)
    return trees.map_structure(convert_to_tensor, result)


def _unwrapped(state, several):
    return state if several else state[0]


def _is_abstract(tree):
    return any(isinstance(leaf, Abstract) for leaf in trees.flatten(tree))


@op
def fori_loop(lower, upper, body_fun, init_val):
    """Repeat a step for every integer of a range.

    Args:
        lower: int or integer scalar tensor, the first step.
        upper: int or integer scalar tensor, the one after the last.
        body_fun: function `(step, state)` that returns the updated state, of the same structure,
            shapes and dtypes.
        init_val: nest of tensors of any shape and dtype, the first state.

    Returns:
        A nest like `init_val`.

    Example:
        >>> import minikeras as keras
        >>> int(keras.ops.fori_loop(0, 5, lambda i, total: total + i, 0))
        10
    """
    state = trees.map_structure(convert_to_tensor, init_val)
    if isinstance(lower, (Abstract, Dim)) or isinstance(upper, (Abstract, Dim)):
        return body_fun(lower, state)
    spend(int(upper) - int(lower))
    for i in range(int(lower), int(upper)):
        state = body_fun(i, state)
    return state


@op
def map(f, xs):  # the public name
    """Call a function on every slice along the first axis, and stack what it returns.

    Args:
        f: function of a slice `(...)`, or of a nest of slices.
        xs: tensor `(n, ...)` of any dtype, or a nest of such tensors of one first size.

    Returns:
        A nest of tensors like the function's result, with a new first axis.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.map(lambda row: row[0] * 10, [[1, 2], [3, 4]]).tolist()
        [10, 30]
    """
    xs = (
        trees.map_structure(convert_to_tensor, xs)
        if _is_nest_of_tensors(xs)
        else (convert_to_tensor(xs))
    )
    size = trees.flatten(xs)[0].shape[0]
    if isinstance(size, Dim):
        return trees.map_structure(lambda y: _repeated(y, size), f(_slice(xs, 0)))
    spend(size)
    return _stacked([f(_slice(xs, i)) for i in range(size)])


@op
def vectorized_map(function, elements):
    """Call a function on every slice along the first axis, and stack what it returns; see `map`.

    Args:
        function: function of a slice `(...)`, or of a nest of slices.
        elements: tensor `(n, ...)` of any dtype, or a nest of such tensors of one first size.

    Returns:
        A nest of tensors like the function's result, with a new first axis.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.vectorized_map(lambda x: x + 1, [1, 2]).tolist()
        [2, 3]
    """
    return map(function, elements)


def _is_nest_of_tensors(xs):
    """Whether a nest holds tensors rather than numbers."""
    return trees.is_nested(xs) and any(hasattr(leaf, "shape") for leaf in trees.flatten(xs))


def _slice(tree, i):
    return trees.map_structure(lambda x: x[i], tree)


def _stacked(results):
    return trees.map_structure(lambda *ys: stack(list(ys)), *results)


def _repeated(y, size):
    y = convert_to_tensor(y)
    return Abstract((size, *y.shape), y.dtype)


@op
def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """Carry a state along the first axis, and collect what every step gives.

    Args:
        f: function `(state, slice)` that returns `(state, result)`: the state with the shapes and
            dtypes of `init`, the result a nest of tensors or None.
        init: nest of tensors of any shape and dtype, the first state.
        xs: nest of tensors `(steps, ...)` of any dtype, of one first size; None to take steps
            without slices.
        length: int, the number of steps; needed only without `xs`.
        reverse: bool, whether to begin at the end; results stand where their slices stood.
        unroll: bool or int, accepted for compatibility; it changes nothing here.

    Returns:
        `(last state, results stacked along a new first axis)`; zeros stand for results of None.

    Raises:
        ValueError: if there is neither `xs` nor a length, or the two differ.
        TypeError: if `f` is not callable.

    Example:
        >>> import minikeras as keras
        >>> total, sums = keras.ops.scan(lambda s, x: (s + x, s + x), 0, keras.ops.array([1, 2, 3]))
        >>> int(total), sums.tolist()
        (6, [1, 3, 6])
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    if xs is None and length is None:
        raise ValueError(
            "`scan` needs `xs`, whose parts it goes over, or the number of steps, `length`. "
            "Received: xs=None, length=None"
        )
    xs = None if xs is None else trees.map_structure(convert_to_tensor, xs)
    state = trees.map_structure(convert_to_tensor, init)
    size: Any = length if xs is None else trees.flatten(xs)[0].shape[0]
    if length is not None and not isinstance(size, Dim) and length != size:
        raise ValueError(f"`length`={length} does not fit the first size {size} of `xs`.")
    step: Any = f
    if isinstance(size, Dim):
        state, result = step(state, _slice(xs, 0))
        return state, trees.map_structure(lambda y: _repeated(y, size), result)
    spend(size)
    results: list[Any] = [None] * size
    order = range(size)[::-1] if reverse else range(size)
    for i in order:
        state, results[i] = step(state, None if xs is None else _slice(xs, i))
        if results[i] is None:
            results[i] = trees.map_structure(lambda s: s * 0, state)
    return state, _stacked(results)


@op
def associative_scan(f, elems, reverse=False, axis=0):
    """Combine the slices along an axis from the first up to each one.

    Args:
        f: associative function of two nests of slices, each like `elems` without the axis.
        elems: nest of tensors of any dtype, of one size along the axis.
        reverse: bool, whether to combine from the last one down.
        axis: int, the axis of the slices.

    Returns:
        A nest like `elems`.

    Raises:
        ValueError: if the sizes along the axis differ.
        TypeError: if `f` is not callable.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.associative_scan(lambda a, b: a + b, keras.ops.array([1, 2, 3])).tolist()
        [1, 3, 6]
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    elems = trees.map_structure(convert_to_tensor, elems)
    leaves = trees.flatten(elems)
    place = dims.normalize_axis(axis, leaves[0].ndim)
    sizes = [leaf.shape[place] for leaf in leaves]
    if any(size != sizes[0] for size in sizes):
        raise ValueError(f"All elements must have one size along axis {axis}, but have {sizes}.")
    if isinstance(sizes[0], Dim):
        return elems
    spend(sizes[0])
    front = (slice(None),) * place
    pieces = [
        trees.map_structure(lambda x, i=i: x[(*front, slice(i, i + 1))], elems)
        for i in (reversed(range(sizes[0])) if reverse else range(sizes[0]))
    ]
    combined = [pieces[0]]
    for piece in pieces[1:]:
        combined.append(f(combined[-1], piece))
    if reverse:
        combined.reverse()
    return trees.map_structure(lambda *parts: concatenate(list(parts), axis=place), *combined)
