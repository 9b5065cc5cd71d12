"""Dense layers and embeddings: a matrix product, and rows looked up in a table.

Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors" (1986). In all
files here `g` is the gradient of the loss with respect to the result, and `dx` that with respect to
`x`, of the shape of `x`.
"""

from numpy import sum, zeros_like


def dense(x, kernel, bias):
    """The layer without an activation; all axes but the last are one batch."""
    y = x @ kernel + bias  # (batch, inputs) @ (inputs, units) + (units,): (batch, units)
    return y


def dense_backward(g, x, kernel):
    """Gradients of `dense`."""
    dx = g @ kernel.T  # (batch, units) @ (units, inputs): (batch, inputs)
    dkernel = x.T @ g  # (inputs, batch) @ (batch, units): (inputs, units)
    dbias = sum(g, axis=0)  # (units,)
    return dx, dkernel, dbias


def embedding(table, ids):
    """The rows of the table that the ids name."""
    y = table[ids]  # (count, width)
    return y


def embedding_backward(g, table, ids):
    """Gradient of `embedding`: an id that occurs twice gets both gradients."""
    dtable = zeros_like(table)  # (size, width)
    for n, row in enumerate(ids):
        dtable[row] += g[n]
    return dtable
