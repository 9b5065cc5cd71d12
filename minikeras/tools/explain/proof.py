"""Whether formulas give what the run computed: tried before they are shown.

Of each array that the run has written down, some cells are computed by the formula in float64. A
layer whose formulas give anything else, since an option changes what it does, is shown without.
"""

from math import prod

import numpy as np

from minikeras.tools.explain.cells import compute_cell

SAMPLE, LEAST, EFFORT = 16, 2, 10_000
"""Cells of an array that are tried, at most and at least; and terms of all of them together."""

BOUND = {"float64": 1e-9, "float32": 2e-4, "float16": 2e-2}
"""How far a cell may be from the formula's, in parts of the largest numbers on the way to it."""


class NoView(Exception):
    """A layer's options are beyond what its view can write; the message says which."""


class Unproved(Exception):
    """A formula does not give what the run computed; the message names the array."""


def prove(formulas, arrays):
    """Try formulas.

    Args:
        formulas: list of `Formula`.
        arrays: dict of the arrays by name.

    Raises:
        Unproved: if one of them gives another number than the run.
    """
    for formula in formulas:
        array = arrays[formula.array]
        if not array.size or array.dtype.kind != "f":
            continue
        bound = BOUND.get(array.dtype.name, 2e-2)
        scale = float(np.nanmax(np.abs(array), initial=0.0, where=np.isfinite(array)))
        draw = np.random.default_rng(0)
        count = min(array.size, max(LEAST, min(SAMPLE, EFFORT // _terms(formula.tree))))
        for flat in draw.choice(array.size, count, replace=False):
            cell = np.unravel_index(flat, array.shape)
            stored = float(array[cell])
            value, size = compute_cell(formula, arrays, [int(i) for i in cell])
            if not np.isfinite(stored) and not np.isfinite(value):
                continue
            if not abs(value - stored) <= bound * max(scale, size, 1e-6):
                raise Unproved(f"the formula of {formula.array} gives other numbers")


def _terms(tree) -> int:
    """How many terms a formula has for a cell, about."""
    if not isinstance(tree, list) or tree[0] == "cell":
        return 1
    if tree[0] in ("sum", "max"):
        sizes = [b - a for _, a, b in tree[2] if isinstance(a, int) and isinstance(b, int)]
        return prod(sizes) * _terms(tree[1])
    return max(1, sum(_terms(part) for part in tree[1:] if isinstance(part, list)))
