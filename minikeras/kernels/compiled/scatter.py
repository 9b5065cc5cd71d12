"""Adding rows into a table at places that may repeat, row after row, each as one vector loop.

NumPy adds number by number, each with a place of its own (`cpu/scatter.py`); here a place is read
once for its row. The order of additions is the same, so the sums are equal bit for bit.
"""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner, plain


def scatter_add_rows(table, places, rows):
    """Add every row to the row of the table that its place names; see `cpu.scatter`."""
    if not plain(table, rows) or places.ndim != 1 or places.dtype.kind != "i":
        return NotImplemented
    size = len(table)
    if places.size and (places.min() < -size or places.max() >= size):
        raise IndexError(f"A place lies outside the table of {size} rows.")
    _add_rows(table, places.astype(np.intp, copy=False), rows)
    return table


@compiled()
def _add_rows(table, places, rows):
    for i in range(places.size):
        place = places[i]
        _add(rows[i], table[place if place >= 0 else place + len(table)])


@inner()
def _add(row, out):
    for j in range(out.size):
        out[j] += row[j]
