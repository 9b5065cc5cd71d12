"""Sums that each chunk of a batch takes for itself, and that are added up in the end.

A gradient with respect to weights is a sum over a batch. Threads that take some images each need a
sum of their own; the more chunks there are, the more memory is filled and read again. So a large
sum has fewer chunks than threads would like.
"""

import numpy as np

from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.compiler import compiled
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

# Part of the work that adding up may be, and chunks for each thread where sums are small.
_SHARE, _MOST_CHUNKS = 1 / 16, 4
# Numbers that stay in the first-level cache while those of all chunks are added to them.
_AT_ONCE = 1 << 11


def each_thread(work, nbytes):
    """How many chunks for each thread are worth a sum of their own.

    Args:
        work: nanoseconds that the whole batch may take one core.
        nbytes: bytes of a sum.

    Returns:
        An int from 1 to 4, see `threads.chunks`.

    Example:
        >>> from minikeras.kernels.compiled.totals import each_thread
        >>> each_thread(1e7, 1 << 10), each_thread(1e7, 1 << 22)
        (4, 1)
    """
    extra = 3 * nbytes / BYTES  # filled, read, and the total written
    return int(min(max(_SHARE * work // max(extra, 1), 1), _MOST_CHUNKS))


def added(totals):
    """Add up the sums of all chunks, in their order.

    Args:
        totals: Array `(chunks, ...)`, contiguous.

    Returns:
        Array of the shape of one of them.
    """
    if len(totals) == 1 or not totals.size:
        return totals[0]
    rows, out = totals.reshape(len(totals), -1), np.empty(totals.shape[1:], totals.dtype)
    parallel_for(_add, out.size, totals.nbytes / BYTES, rows, out.reshape(-1))
    return out


@compiled()
def _add(pool, ends, chunk, rows, out):
    if chunk == ALL:
        return fork_join(pool, ends, (rows, out))
    begin, end = ends[chunk], ends[chunk + 1]
    for first in range(begin, end, _AT_ONCE):
        last = min(first + _AT_ONCE, end)
        total, start = out[first:last], rows[0, first:last]
        for j in range(total.size):
            total[j] = start[j]
        for i in range(1, len(rows)):
            row = rows[i, first:last]
            for j in range(total.size):
                total[j] += row[j]
