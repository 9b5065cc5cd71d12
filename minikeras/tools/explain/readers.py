"""Which cells of a formula's array read a given cell, found by the language itself.

For each place where the formula names the array, a sum counts the terms whose indices are the
cell's, among those that are there and whose conditions hold.
"""

import numpy as np

from minikeras.tools.explain.whole import evaluate


def readers(formula, arrays, name, cell):
    """Return the cells whose formula reads a cell.

    Args:
        formula: a `Formula`.
        arrays: the arrays by name.
        name: name of the array that is read.
        cell: its indices.

    Returns:
        A list of lists of ints, in row-major order.
    """
    shape = arrays[formula.array].shape
    reads = np.zeros(shape, bool)
    for tree in _counts(formula, name, cell):
        count = _Counting(formula, tree)
        reads |= evaluate(count, arrays, shape) > 0
    return [[int(i) for i in place] for place in np.argwhere(reads)]


class _Counting:
    """A formula with another tree."""

    def __init__(self, formula, tree):
        self.indices, self.names, self.tree = formula.indices, formula.names, tree


def _counts(formula, name, cell):
    """Yield a tree that counts, for each place in the formula that names the array."""
    for local, indices, loops, conditions in _places(formula.tree, [], []):
        if formula.names.get(local) != name or len(indices) != len(cell):
            continue
        tests = [["==", index, place] for index, place in zip(indices, cell, strict=True)]
        test = None
        for part in [*conditions, *tests]:
            test = part if test is None else ["and", test, part]
        yield ["sum", 1, loops, test]


def _places(tree, loops, conditions):
    """Yield `(name, indices, loops around it, conditions on it)` of each cell in a tree."""
    if not isinstance(tree, list):
        return
    kind, *parts = tree
    if kind == "cell":
        yield parts[0], parts[1], loops, conditions
        for index in parts[1]:
            yield from _places(index, loops, conditions)
    elif kind in ("sum", "max"):
        body, inner, test = parts
        around = [*loops, *inner]
        hold = [*conditions, ["present", body]]
        yield from _places(body, around, hold if test is None else [*hold, test])
        yield from _places(test, around, conditions)
    elif kind == "if":
        test, a, b = parts
        yield from _places(test, loops, conditions)
        yield from _places(a, loops, [*conditions, test])
        yield from _places(b, loops, [*conditions, ["not", test]])
    else:
        for part in parts:
            yield from _places(part, loops, conditions)
