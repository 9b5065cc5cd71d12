"""A kernel that shows whether compiled kernels work here at all."""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_chunks


@compiled()
def _negative(pool, ends, chunk, x, out):
    if chunk == ALL:
        return fork_join(pool, ends, (x, out))
    for i in range(ends[chunk], ends[chunk + 1]):
        out[i] = -x[i]


def run():
    """Compile a small kernel and run it.

    Raises:
        RuntimeError: what it computes is wrong.
        Exception: whatever else keeps Numba from compiling or running it.
    """
    x, out = np.arange(3.0), np.zeros(3)
    parallel_chunks(_negative, (0, 3), x, out)
    if not np.array_equal(out, -x):
        raise RuntimeError(f"the compiled kernel computed {out} where {-x} is right")
