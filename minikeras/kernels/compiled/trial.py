"""A kernel that shows whether compiled kernels work here at all."""

import numpy as np

from minikeras.kernels.compiled.loops import compiled
from minikeras.kernels.compiled.team import ALL, shared, together


@compiled()
def _negative(team, ends, number, x, out):
    if number == ALL:
        return together(team, ends, (x, out))
    for i in range(ends[number], ends[number + 1]):
        out[i] = -x[i]


def run():
    """Compile a small kernel and run it.

    Raises:
        RuntimeError: what it computes is wrong.
        Exception: whatever else keeps Numba from compiling or running it.
    """
    x, out = np.arange(3.0), np.zeros(3)
    shared(_negative, (0, 3), x, out)
    if not np.array_equal(out, -x):
        raise RuntimeError(f"the compiled kernel computed {out} where {-x} is right")
