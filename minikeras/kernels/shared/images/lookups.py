"""Weighted sums of a few rows of a table, and their gradients: interpolation between pixels.

A batch of tables `(batch, rows, channels)`, each the pixels of an image, is looked up at `places`,
at `nodes` rows for each place. `index` and `weights` are `(nodes, batch or 1, places)`; with 1, all
tables are looked up alike. A row whose weight is 0 is not read: so it may hold anything.

Equations (lookups.weighted_rows):
    (batch, _, channels), places = table.shape, index.shape[2]
    y = zeros((batch, places, channels))
    for k, b, n in ndindex(index.shape):
        y[b, n] += weights[k, b, n] * table[b, index[k, b, n]]

Equations (lookups.weighted_rows_backward):
    dtable, dweights = zeros(table.shape), zeros(weights.shape)
    for k, b, n in ndindex(index.shape):
        dtable[b, index[k, b, n]] += weights[k, b, n] * g[b, n]
        dweights[k, b, n] = sum(g[b, n] * table[b, index[k, b, n]])

`spread_rows` computes `dtable`, `row_products` computes `dweights`.
"""

from minikeras.kernels.per_device import scatter_add_rows
from minikeras.kernels.providers import dispatched


@dispatched("lookups")
def weighted_rows(xp, table, weights, index):
    """Add weighted rows of a table for each place.

    Args:
        xp: numpy or cupy.
        table: Float array (batch, rows, channels).
        weights: Float array (nodes, batch or 1, places).
        index: Integer array (nodes, batch or 1, places) of rows, none of them negative.

    Returns:
        An array (batch, places, channels).
    """
    y = 0
    for k in range(len(index)):
        w = weights[k][..., None]
        y += xp.where(w == 0, table.dtype.type(0), _rows(xp, table, index[k]) * w)
    return y


@dispatched("lookups")
def spread_rows(xp, g, weights, index, *, size):
    """Add weighted rows to those rows of a table that each place names.

    Args:
        xp: numpy or cupy.
        g: Float array (batch, places, channels).
        weights: Float array (nodes, batch or 1, places).
        index: Integer array (nodes, batch or 1, places) of rows, none of them negative.
        size: Int, the number of rows of the table.

    Returns:
        An array (batch, size, channels).
    """
    batch, _, channels = g.shape
    table = xp.zeros((batch * size, channels), g.dtype)
    starts = xp.arange(batch)[:, None] * size
    for k in range(len(index)):
        w = weights[k][..., None]
        rows = xp.where(w == 0, g.dtype.type(0), g * w)
        places = xp.broadcast_to(index[k] + starts, g.shape[:2])
        scatter_add_rows(xp, table, places.reshape(-1), rows.reshape(-1, channels))
    return table.reshape(batch, size, channels)


@dispatched("lookups")
def row_products(xp, g, table, index):
    """Multiply the row of each place with the rows of a table that it names.

    Args:
        xp: numpy or cupy.
        g: Float array (batch, places, channels).
        table: Float array (batch, rows, channels).
        index: Integer array (nodes, batch or 1, places) of rows, none of them negative.

    Returns:
        An array (nodes, batch, places).
    """
    return xp.stack([(g * _rows(xp, table, part)).sum(axis=-1) for part in index])


def _rows(xp, table, index):
    """The rows of each table that its index names."""
    batch, size, channels = table.shape
    if len(index) == 1:
        return table.take(index[0], axis=1)
    flat = table.reshape(batch * size, channels)
    return flat.take(index + xp.arange(batch)[:, None] * size, axis=0)
