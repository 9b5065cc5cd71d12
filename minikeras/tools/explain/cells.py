"""A formula evaluated for one cell, term by term.

In the float32 walk each result of an operation or a function is rounded to float32, and sums are
added in the order of their loops; in the float64 walk nothing is rounded. `Listener` hears of each
operation as it is done.
"""

import math
from typing import Any

import numpy as np

ABSENT: Any = object()
"""What a cell outside its array gives."""


def _divide(a, b):
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    return a / b


def _power(a, b):
    try:
        return float(a) ** b
    except (OverflowError, ZeroDivisionError):
        return math.inf


OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": _power,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


def _exp(a):
    return math.inf if a > 709.7 else math.exp(a)


def _log(a):
    if a > 0:
        return math.log(a)
    return -math.inf if a == 0 else math.nan


def _sigmoid(a):
    return 1 / (1 + _exp(-a))


FUNCTIONS = {
    "abs": abs,
    "cos": math.cos,
    "erf": math.erf,
    "exp": _exp,
    "expm1": lambda a: math.inf if a > 709.7 else math.expm1(a),
    "floor": math.floor,
    "log": _log,
    "log1p": lambda a: math.log1p(a) if a > -1 else _log(1 + a),
    "maximum": max,
    "minimum": min,
    "relu": lambda a: max(a, 0.0),
    "sigmoid": _sigmoid,
    "sin": math.sin,
    "softplus": lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))),
    "sqrt": lambda a: math.sqrt(a) if a >= 0 else math.nan,
    "tanh": math.tanh,
}


class Listener:
    """Hears of what a walk does; a subclass writes it down."""

    def operation(self, operator, values, result):
        """Hear of an operation, or of a comparison."""

    def function(self, name, values, result):
        """Hear of a function."""

    def cell(self, name, place, value):
        """Hear of a cell outside all sums."""

    def number(self, name, value):
        """Hear of a number with a name."""

    def loop(self, kind, terms, missing, result):
        """Hear of a sum or a maximum; `terms` are `(variables, cells, value)`."""


class Walk:
    """One evaluation of a formula for one cell.

    Args:
        names: the formula's.
        arrays: the arrays by name.
        narrow: whether results are rounded to float32.
        listener: a `Listener`.

    Attributes:
        largest: the largest number on the way, sums taken with the sizes of their terms.
    """

    def __init__(self, names, arrays, narrow=False, listener=None):
        self.names, self.arrays, self.narrow = names, arrays, narrow
        self.listener = listener or Listener()
        self.largest = 0.0
        self._term = None  # the cells of the term that is being computed

    def value(self, tree, scope):
        """Return the value of a tree, or `ABSENT`."""
        if isinstance(tree, (int, float)):
            return tree
        if isinstance(tree, str):
            if tree in scope:
                return scope[tree]
            if self._term is None:
                self.listener.number(tree, self.names[tree])
            return self.names[tree]
        kind = tree[0]
        if kind in OPERATIONS:
            return self._operation(kind, tree[1:], scope)
        return getattr(self, f"_{kind}")(*tree[1:], scope)

    def _rounded(self, value):
        if isinstance(value, bool):
            return value
        if abs(value) > self.largest and math.isfinite(value):
            self.largest = abs(float(value))
        if not self.narrow:
            return value
        with np.errstate(all="ignore"):
            return float(np.float32(value))

    def _operation(self, kind, parts, scope):
        values = [self.value(part, scope) for part in parts]
        if any(value is ABSENT for value in values):
            return ABSENT
        result = OPERATIONS[kind](*values)
        if not self._is_index(parts, scope):
            result = self._rounded(result)
            if self._term is None:
                self.listener.operation(kind, values, result)
        return result

    def _is_index(self, parts, scope):
        """Whether an operation is on index variables and integers alone, whose result is one."""
        return all(
            isinstance(part, int)
            or (isinstance(part, str) and part in scope)
            or (isinstance(part, list) and self._is_index_tree(part, scope))
            for part in parts
        )

    def _is_index_tree(self, tree, scope):
        known = tree[0] in OPERATIONS or tree[0] == "neg"
        return known and self._is_index(tree[1:], scope)

    def _neg(self, a, scope):
        value = self.value(a, scope)
        if value is ABSENT:
            return ABSENT
        if self._term is None and not self._is_index([a], scope):
            self.listener.operation("neg", [value], -value)
        return -value

    def _not(self, a, scope):
        value = self.value(a, scope)
        return ABSENT if value is ABSENT else not value

    def _and(self, a, b, scope):
        values = [self.value(a, scope), self.value(b, scope)]
        return ABSENT if ABSENT in values else bool(values[0]) and bool(values[1])

    def _or(self, a, b, scope):
        values = [self.value(a, scope), self.value(b, scope)]
        return ABSENT if ABSENT in values else bool(values[0]) or bool(values[1])

    def _if(self, condition, a, b, scope):
        test = self.value(condition, scope)
        return ABSENT if test is ABSENT else self.value(a if test else b, scope)

    def _call(self, name, *parts):
        *parts, scope = parts
        values = [self.value(part, scope) for part in parts]
        if any(value is ABSENT for value in values):
            return ABSENT
        result = self._rounded(FUNCTIONS[name](*values))
        if self._term is None:
            self.listener.function(name, values, result)
        return result

    def _cell(self, name, indices, scope):
        array, place = self.arrays[self.names[name]], []
        for index, size in zip(indices, array.shape, strict=True):
            inner = self.value(index, scope) if isinstance(index, (int, str)) else None
            value = self._index(index, scope) if inner is None else inner
            if value is ABSENT or value != math.floor(value) or not 0 <= value < size:
                return ABSENT
            place.append(int(value))
        value = array[tuple(place)].item()
        if self._term is None:
            self.listener.cell(name, place, value)
        else:
            self._term.append((name, place, value))
        return value

    def _index(self, tree, scope):
        """The value of an index: nothing is rounded, and nobody hears of it."""
        quiet = Walk(self.names, self.arrays)
        return quiet.value(tree, scope)

    def _sum(self, body, loops, condition, scope):
        return self._looped("sum", body, loops, condition, scope)

    def _max(self, body, loops, condition, scope):
        return self._looped("max", body, loops, condition, scope)

    def _looped(self, kind, body, loops, condition, scope):
        outer, self._term = self._term, []
        terms, missing = [], 0
        for inner in _scopes(loops, scope, self.names):
            if condition is not None:
                self._term = []
                test = self.value(condition, inner)
                if test is ABSENT or not test:
                    missing += test is ABSENT
                    continue
            self._term = []
            value = self.value(body, inner)
            if value is ABSENT:
                missing += 1
            else:
                variables = [(name, inner[name]) for name, *_ in loops]
                terms.append((variables, self._term, value))
        self._term = outer
        result = self._joined(kind, [value for *_, value in terms])
        if outer is None:
            self.listener.loop(kind, terms, missing, result)
        else:
            outer += [cell for _, cells, _ in terms for cell in cells]
        return result

    def _joined(self, kind, values):
        if kind == "max":
            return max(values) if values else ABSENT
        total = 0 if not values else values[0]
        self.largest = max(self.largest, sum(abs(v) for v in values if math.isfinite(v)))
        for value in values[1:]:
            total = self._rounded(total + value)
        return total


def _scopes(loops, scope, names):
    if not loops:
        yield scope
        return
    (name, start, stop), *rest = loops
    for value in range(_bound(start, names), _bound(stop, names)):
        yield from _scopes(rest, {**scope, name: value}, names)


def _bound(value, names):
    return value if isinstance(value, int) else int(names[value])


def compute_cell(formula, arrays, cell, narrow=False, listener=None):
    """Compute one cell of a formula.

    Args:
        formula: a `Formula`.
        arrays: the arrays by name.
        cell: list of ints.
        narrow: whether every result is rounded to float32.
        listener: a `Listener`, or None.

    Returns:
        The value, and the largest number on the way to it.
    """
    walker = Walk(formula.names, arrays, narrow, listener)
    value = walker.value(formula.tree, dict(zip(formula.indices, cell, strict=True)))
    return (0.0 if value is ABSENT else float(value)), walker.largest
