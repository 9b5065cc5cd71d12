"""What elementwise kernels share: flat arrays for a loop that threads divide among them."""

import numpy as np

from minikeras.kernels.compiled.compiler import plain
from minikeras.kernels.compiled.thread_pool import parallel_for

# Nanoseconds that an element takes.
_EACH = 1


def elementwise(loop, count, *inputs):
    """Call a loop on flat arrays and on new ones of their size for its results.

    Args:
        loop: Compiled function `(pool, ends, chunk, *inputs, *outputs)`.
        count: How many results it has.
        *inputs: Arrays of one shape and dtype.

    Returns:
        The result, or a list of them; `NotImplemented` for arrays that the loops do not take.
    """
    first = inputs[0]
    if type(first) is not np.ndarray or not plain(*inputs):
        return NotImplemented
    if any(array.shape != first.shape for array in inputs):
        return NotImplemented
    outputs = [np.empty_like(first) for _ in range(count)]
    flat = [array.reshape(-1) for array in (*inputs, *outputs)]
    parallel_for(loop, first.size, first.size * _EACH, *flat)
    return outputs[0] if count == 1 else outputs
