"""Weighted sums of rows of a table: three ops, of which each has the other two for its gradients.

They are the derivatives of one function, `L = sum(g * y)` with `y` as in `images.lookups`,
with respect to `g`, `table` and `weights`. It is linear in each of them, so any order of gradient
is made of the same three kernels.
"""

from minikeras.autograd.base_ops import sum_to
from minikeras.autograd.families import Family, as_they_are, same
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.kernels.shared.images import lookups as kernels

_looked_up = Family(as_they_are, same, None)


@primitive(_looked_up)
def weighted_rows(xp, table, weights, index):
    """`y`: the weighted sum of rows for each place."""
    return kernels.weighted_rows(xp, table, weights, index)


@weighted_rows.vjp("table")
def _(g, weights, index, table_shape):
    return spread_rows(g, weights, index, size=table_shape[1])


@weighted_rows.vjp("weights")
def _(g, table, index, weights_shape):
    return sum_to(row_products(g, table, index), shape=weights_shape)


@weighted_rows.shape_rule
def _(table, weights, index):
    return Abstract((table.shape[0], index.shape[2], table.shape[2]), table.dtype)


@primitive(_looked_up)
def spread_rows(xp, g, weights, index, *, size):
    """`dtable`: the gradient of `weighted_rows` with respect to the table."""
    return kernels.spread_rows(xp, g, weights, index, size=size)


@spread_rows.vjp("g")
def _(upstream, weights, index):
    return weighted_rows(upstream, weights, index)


@spread_rows.vjp("weights")
def _(upstream, g, index, weights_shape):
    return sum_to(row_products(g, upstream, index), shape=weights_shape)


@spread_rows.shape_rule
def _(g, weights, index, *, size):
    return Abstract((g.shape[0], size, g.shape[2]), g.dtype)


@primitive(_looked_up)
def row_products(xp, g, table, index):
    """`dweights`: the gradient of `weighted_rows` with respect to the weights, for each table."""
    return kernels.row_products(xp, g, table, index)


@row_products.vjp("g")
def _(upstream, table, index):
    return weighted_rows(table, upstream, index)


@row_products.vjp("table")
def _(upstream, g, index, table_shape):
    return spread_rows(g, upstream, index, size=table_shape[1])


@row_products.shape_rule
def _(g, table, index):
    return Abstract((index.shape[0], *g.shape[:2]), g.dtype)
