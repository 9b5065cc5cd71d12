"""Write the table of the largest differences from Keras into docs/numerics.md.

For every op of the case table: the result in float32 on both sides, and ours in float64 as the
truth. An error is counted in units of the last place of the largest number of the result.

Usage: python -m parity_tests.measure
"""

import os
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as in the tests: see conftest.py

import keras
import numpy as np
import tensorflow as tf

from minikeras import ops
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from tests.cases import CASES

PAGE = Path(__file__).parent.parent / "docs" / "numerics.md"
BEGIN = "<!-- measured: begin -->"
END = "<!-- measured: end -->"
SHOWN = 30


def main():
    """Measure every row and put the largest differences into the page."""
    differences, compared = {}, 0
    for case in CASES:
        if not case.is_public or not case.public(keras.ops) or case.raises or case.differs:
            continue
        errors = _errors(case)
        if errors is None:
            continue
        compared += 1
        if errors[0] > differences.get(case.name, (0.0,))[0]:
            differences[case.name] = (*errors, case.id)
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    PAGE.write_text(head + BEGIN + "\n" + _table(differences, compared) + END + tail)


def _errors(case):
    """The largest difference, our error and Keras's, in ulps; None if nothing is in float32."""
    arrays = case.draw()
    ours = _floats(case.apply(ops, [Tensor(a) for a in arrays]))
    theirs = _floats(case.apply(keras.ops, [tf.constant(a) for a in arrays]))
    truth = _floats(case.apply(ops, [Tensor(a) for a in case.draw("float64")]))
    worst = None
    for a, b, exact in zip(ours, theirs, truth, strict=True):
        if a.dtype != "float32" or exact.dtype != "float64" or not np.isfinite(exact).all():
            continue
        scale = max(np.abs(exact).max(initial=0.0), np.finfo("float32").tiny)
        ulp = float(np.spacing(np.float32(min(scale, 3e38))))
        row = [
            np.abs(x.astype("float64") - y).max(initial=0.0) / ulp
            for x, y in ((a, b), (a, exact), (b, exact))
        ]
        worst = row if worst is None or row[0] > worst[0] else worst
    return worst


def _floats(result):
    leaves = [leaf for leaf in trees.flatten(result) if hasattr(leaf, "dtype")]
    return [np.asarray(leaf) for leaf in leaves]


def _table(differences, compared):
    rows = sorted(differences.items(), key=lambda item: -item[1][0])
    nearer = {"ours": 0, "Keras": 0, "equal": 0}
    for _, (_, ours, theirs, _) in rows:
        nearer["equal" if ours == theirs else "ours" if ours < theirs else "Keras"] += 1
    lines = [
        f"{compared} calls compared. Of the {len(rows)} ops with any difference, ours is nearer to",
        f"float64 in {nearer['ours']}, Keras in {nearer['Keras']}, equally near in "
        f"{nearer['equal']}. The largest differences, in units of the last place:",
        "",
        "| call | difference | our error | Keras's error | nearer |",
        "|---|---|---|---|---|",
    ]
    for _, (gap, ours, theirs, call) in rows[:SHOWN]:
        side = "equal" if ours == theirs else "ours" if ours < theirs else "Keras"
        shown = call.replace("|", "\\|")
        lines.append(f"| `{shown}` | {gap:.2f} | {ours:.2f} | {theirs:.2f} | {side} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
