"""A formula evaluated for all cells of an array at once, in float64.

Each variable is an axis: those of the cell, then those of the loops around a term, of which the
outer ones run in Python where a grid of all would be large. Every value comes with where it is
present (None: everywhere).
"""

import itertools
import math

import numpy as np

LARGEST_GRID = 1 << 21
"""Elements of the largest array that is made for the terms of a sum."""

_erf = np.vectorize(math.erf, otypes=[float])

OPERATIONS = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.mod,
    "**": np.power,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
}

FUNCTIONS = {
    "abs": np.abs,
    "cos": np.cos,
    "erf": _erf,
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": np.floor,
    "log": np.log,
    "log1p": np.log1p,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "relu": lambda a: np.maximum(a, 0.0),
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "sin": np.sin,
    "softplus": lambda a: np.logaddexp(a, 0.0),
    "sqrt": np.sqrt,
    "tanh": np.tanh,
}


def evaluate(formula, arrays, shape, at=None):
    """Return what a formula gives for all cells.

    Args:
        formula: a `Formula`.
        arrays: the arrays by name.
        shape: sizes of the result.
        at: dict that fixes index variables, as `{"t": 3}`; their axes have one element then.

    Returns:
        A float64 array.
    """
    at = at or {}
    variables = {}
    for axis, (name, size) in enumerate(zip(formula.indices, shape, strict=True)):
        values = np.array([at[name]]) if name in at else np.arange(size)
        variables[name] = values.reshape([-1] + [1] * (len(shape) - 1 - axis))
    sizes = [1 if name in at else s for name, s in zip(formula.indices, shape, strict=True)]
    with np.errstate(all="ignore"):
        value, present = _Evaluator(formula.names, arrays).value(formula.tree, variables)
    value = np.asarray(value, dtype="float64")
    if present is not None:
        value = np.where(present, value, 0.0)
    return np.broadcast_to(value, sizes).copy()


class _Evaluator:
    def __init__(self, names, arrays):
        self.names, self.arrays = names, arrays

    def value(self, tree, variables):
        """Return the values of a tree, and where they are present."""
        if isinstance(tree, (int, float)):
            return tree, None
        if isinstance(tree, str):
            return (variables[tree] if tree in variables else self.names[tree]), None
        kind = tree[0]
        if kind in OPERATIONS:
            return self._applied(OPERATIONS[kind], tree[1:], variables)
        if kind == "call":
            return self._applied(FUNCTIONS[tree[1]], tree[2:], variables)
        return getattr(self, f"_{kind}")(*tree[1:], variables)

    def _applied(self, function, parts, variables):
        values, places = zip(*[self.value(part, variables) for part in parts], strict=True)
        return function(*values), _both(*places)

    def _neg(self, a, variables):
        return self._applied(np.negative, [a], variables)

    def _not(self, a, variables):
        return self._applied(np.logical_not, [a], variables)

    def _present(self, a, variables):
        _, present = self.value(a, variables)
        return _everywhere(present), None

    def _if(self, condition, a, b, variables):
        test, present = self.value(condition, variables)
        (a, has_a), (b, has_b) = self.value(a, variables), self.value(b, variables)
        if has_a is not None or has_b is not None:
            chosen = np.where(test, _everywhere(has_a), _everywhere(has_b))
            present = _both(present, chosen)
        return np.where(test, a, b), present

    def _cell(self, name, indices, variables):
        array = self.arrays[self.names[name]]
        places, present = [], None
        for index, size in zip(indices, array.shape, strict=True):
            place, has = self.value(index, variables)
            whole = np.floor(np.asarray(place, dtype="float64"))
            inside = (whole == place) & (whole >= 0) & (whole < size)
            present = _both(present, has, None if np.all(inside) else inside)
            places.append(np.where(inside, whole, 0).astype(int))
        if array.size == 0:
            return 0.0, np.zeros((), bool)
        return array[tuple(places)].astype("float64"), present

    def _sum(self, body, loops, condition, variables):
        total = 0.0
        for value, present, axes in self._terms(body, loops, condition, variables):
            term = value if present is None else np.where(present, value, 0.0)
            total = total + (np.sum(term, axis=axes) if axes else term)
        return total, None

    def _max(self, body, loops, condition, variables):
        largest, any_present = -np.inf, False
        for value, present, axes in self._terms(body, loops, condition, variables):
            has = _everywhere(present)
            term = np.where(has, value, -np.inf)
            has = np.broadcast_to(has, term.shape)
            largest = np.maximum(largest, np.max(term, axis=axes) if axes else term)
            any_present = np.logical_or(any_present, np.any(has, axis=axes) if axes else has)
        return largest, None if np.all(any_present) else any_present

    def _terms(self, body, loops, condition, variables):
        """Yield blocks of terms, where they are present, and the axes along which they lie."""
        bounds = [(name, self._number(a), self._number(b)) for name, a, b in loops]
        grid = math.prod(np.broadcast_shapes(*[np.shape(v) for v in variables.values()]) or (1,))
        inner = len(bounds)
        while inner and grid * math.prod(b - a for _, a, b in bounds[-inner:]) > LARGEST_GRID:
            inner -= 1
        outer, block = bounds[: len(bounds) - inner], bounds[len(bounds) - inner :]
        deeper = {k: np.asarray(v)[(..., *[None] * inner)] for k, v in variables.items()}
        for axis, (name, start, stop) in enumerate(block):
            deeper[name] = np.arange(start, stop).reshape([-1] + [1] * (inner - 1 - axis))
        sizes = [stop - start for _, start, stop in block]
        ranges = [range(start, stop) for _, start, stop in outer]
        for values in itertools.product(*ranges):
            scope = {**deeper, **dict(zip([name for name, *_ in outer], values, strict=True))}
            yield self._block(body, condition, scope, sizes)

    def _block(self, body, condition, scope, sizes):
        value, present = self.value(body, scope)
        if condition is not None:
            test, has = self.value(condition, scope)
            present = _both(present, has, np.asarray(test, dtype=bool))
        front = np.broadcast_shapes(np.shape(value), (1,) * len(sizes))
        if present is not None:
            front = np.broadcast_shapes(front, np.shape(present))
        front = (*front[: len(front) - len(sizes)], *sizes)
        return np.broadcast_to(value, front), present, tuple(range(-len(sizes), 0))

    def _number(self, bound):
        return bound if isinstance(bound, int) else int(self.names[bound])


def _both(*places):
    result = None
    for place in places:
        if place is not None:
            result = place if result is None else np.logical_and(result, place)
    return result


def _everywhere(present):
    return True if present is None else present
