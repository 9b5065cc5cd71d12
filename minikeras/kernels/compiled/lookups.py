"""Weighted sums of rows of a table, compiled: each place in one pass over its nodes.

`images.lookups` has the equations. Places are shared among threads; where rows are added to a
table, the tables are, so that no two threads add to one row and sums round alike on every run.
"""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, plain
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

# Nanoseconds for one row of a node, and for one of its numbers.
_ROW, _NUMBER = 2.0, 0.5


def weighted_rows(xp, table, weights, index):
    """Weighted sum of rows for each place; see `images.lookups`."""
    if not _is_supported(table, weights, index):
        return NotImplemented
    batch, _, channels = table.shape
    places = index.shape[2]
    y = np.empty((batch, places, channels), table.dtype)
    parallel_for(_weighted_rows, batch * places, _work(index, y), table, weights, index, y)
    return y


def spread_rows(xp, g, weights, index, *, size):
    """Transpose of `weighted_rows`; see `images.lookups`."""
    if not _is_supported(g, weights, index):
        return NotImplemented
    table = np.zeros((len(g), size, g.shape[2]), g.dtype)
    parallel_for(_spread_rows, len(g), _work(index, g), g, weights, index, table)
    return table


def row_products(xp, g, table, index):
    """Product of the row of each place with rows of a table; see `images.lookups`."""
    if not _is_supported(g, table, index):
        return NotImplemented
    batch, places, _ = g.shape
    out = np.empty((len(index), batch, places), g.dtype)
    parallel_for(_row_products, batch * places, _work(index, g), g, table, index, out)
    return out


def _is_supported(rows, others, index):
    return plain(rows, others) and index.dtype == np.int32 and index.flags.c_contiguous


def _work(index, rows):
    return len(index) * (rows.size // max(rows.shape[2], 1) * _ROW + rows.size * _NUMBER)


@compiled()
def _weighted_rows(pool, ends, chunk, table, weights, index, y):
    if chunk == ALL:
        return fork_join(pool, ends, (table, weights, index, y))
    zero, channels, places = table.dtype.type(0), y.shape[2], y.shape[1]
    for place in range(ends[chunk], ends[chunk + 1]):
        b, n = place // places, place % places
        for c in range(channels):
            y[b, n, c] = zero
        for k in range(len(index)):
            w = weights[k, b if weights.shape[1] > 1 else 0, n]
            row = index[k, b if index.shape[1] > 1 else 0, n]
            if w != zero:
                for c in range(channels):
                    y[b, n, c] += table[b, row, c] * w


@compiled()
def _spread_rows(pool, ends, chunk, g, weights, index, table):
    if chunk == ALL:
        return fork_join(pool, ends, (g, weights, index, table))
    zero, channels = g.dtype.type(0), g.shape[2]
    for b in range(ends[chunk], ends[chunk + 1]):
        for k in range(len(index)):
            for n in range(g.shape[1]):
                w = weights[k, b if weights.shape[1] > 1 else 0, n]
                row = index[k, b if index.shape[1] > 1 else 0, n]
                if w != zero:
                    for c in range(channels):
                        table[b, row, c] += g[b, n, c] * w


@compiled()
def _row_products(pool, ends, chunk, g, table, index, out):
    if chunk == ALL:
        return fork_join(pool, ends, (g, table, index, out))
    channels, places = g.shape[2], g.shape[1]
    for place in range(ends[chunk], ends[chunk + 1]):
        b, n = place // places, place % places
        for k in range(len(index)):
            row = index[k, b if index.shape[1] > 1 else 0, n]
            total = g.dtype.type(0)
            for c in range(channels):
                total += g[b, n, c] * table[b, row, c]
            out[k, b, n] = total
