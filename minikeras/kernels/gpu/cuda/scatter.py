"""Adding rows, sorted by their places, into a table; see `kernels/gpu/scatter.py`."""

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous

_source = Source("scatter")


def scatter_add_rows(xp, table, places, rows):
    """Add every row to the row of the table that its place names, in place."""
    if not are_floats(table, rows) or not table.flags.c_contiguous:
        return NotImplemented
    size, width = table.shape
    if not size or not rows.size:
        return table
    places = places.astype("int64", copy=False) % size  # no place lies outside
    order = xp.argsort(places, kind="stable")
    places, order, rows = contiguous(xp, places[order], order.astype("int64", copy=False), rows)
    arguments = table, places, order, rows, width, len(places), rows.size
    _source.launch(xp, "scatter_add_rows", rows.size, *arguments)
    return table
