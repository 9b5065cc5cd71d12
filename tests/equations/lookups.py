"""Weighted sums of rows of a table, looked up by index: interpolation between pixels."""

from numpy import ndindex, sum, zeros


def weighted_rows(table, weights, index):
    """Sum of rows `index` of each table, weighted, for each place."""
    (batch, _, channels), places = table.shape, index.shape[2]
    y = zeros((batch, places, channels))
    for k, b, n in ndindex(index.shape):
        y[b, n] += weights[k, b, n] * table[b, index[k, b, n]]
    return y


def weighted_rows_backward(g, table, weights, index):
    """Gradients of `weighted_rows`."""
    dtable, dweights = zeros(table.shape), zeros(weights.shape)
    for k, b, n in ndindex(index.shape):
        dtable[b, index[k, b, n]] += weights[k, b, n] * g[b, n]
        dweights[k, b, n] = sum(g[b, n] * table[b, index[k, b, n]])
    return dtable, dweights
