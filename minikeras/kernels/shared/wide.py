"""Elementwise functions of large arrays, shared by threads.

A core alone cannot fetch and store as fast as the memory could deliver; two cores come nearer. And
where a function has several steps, it runs on blocks that fit the cache, so that only its operands
and its result travel to the memory. Small arrays go straight to the function.
"""

import numpy as np

from minikeras.arrays.threads import BYTES, chunks, each
from minikeras.kernels.providers import dispatched

# Elements from which on an array is large.
_LARGE = 1 << 17
# Elements of a block: some of them fit the second-level cache of a core.
_BLOCK = 1 << 17


def _is_large(least, args):
    first = args[2]
    return type(first) is np.ndarray and first.size >= least


@dispatched("wide", least=_LARGE, is_large=_is_large)
def wide(xp, function, *operands):
    """Apply a function of arrays element by element.

    Args:
        xp: The array module.
        function: Function of the operands, whose result has their common shape.
        *operands: The arrays, and numbers.

    Returns:
        What the function returns.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.wide import wide
        >>> wide(np, np.add, np.ones(2), 1.0)
        array([2., 2.])
    """
    first = operands[0]
    if xp is not np or first.size < _LARGE or not first.ndim:
        return function(*operands)
    if not all(_fits(v, first.shape) for v in operands):
        return function(*operands)
    along = [np.ndim(v) == first.ndim and len(v) == len(first) for v in operands]

    def cut(rows):
        return [v[rows] if long else v for v, long in zip(operands, along, strict=True)]

    out = np.empty(first.shape, function(*cut(slice(0, 0))).dtype)
    length = max(_BLOCK * len(first) // first.size, 1)

    def write(part):
        if isinstance(function, np.ufunc):
            function(*cut(part), out=out[part])
            return
        for start in range(part.start, part.stop, length):
            rows = slice(start, min(start + length, part.stop))
            out[rows] = function(*cut(rows))

    each(write, chunks(len(first), 3 * first.nbytes / BYTES))
    return out


def _fits(value, shape):
    """Whether a value broadcasts to the shape of the first operand."""
    own = np.shape(value)
    return len(own) <= len(shape) and all(
        a in (1, b) for a, b in zip(reversed(own), reversed(shape), strict=False)
    )
