"""Max and average pooling over two axes, window by window.

Arrays are `(batch, rows, columns, channels)`; a window of `n` times `n` positions moves by `s`.
"""

from numpy import max, mean, ndindex, zeros, zeros_like


def max_pool(x, n, s):
    """The largest number of each window."""
    rows, columns = ((size - n) // s + 1 for size in x.shape[1:3])
    y = zeros((len(x), rows, columns, x.shape[3]))  # (batch, rows, columns, channels)
    for p, q in ndindex(rows, columns):
        y[:, p, q] = max(x[:, p * s : p * s + n, q * s : q * s + n], axis=(1, 2))
    return y


def max_pool_backward(g, x, y, n, s):
    """Gradient of `max_pool`: to the first position, row by row, that holds the largest number."""
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    for b, p, q, c in ndindex(g.shape):
        window = x[b, p * s : p * s + n, q * s : q * s + n, c]
        u, v = next(tap for tap in ndindex(n, n) if window[tap] == y[b, p, q, c])  # first
        dx[b, p * s + u, q * s + v, c] += g[b, p, q, c]
    return dx


def average_pool(x, n, s):
    """The mean of each window."""
    rows, columns = ((size - n) // s + 1 for size in x.shape[1:3])
    y = zeros((len(x), rows, columns, x.shape[3]))  # (batch, rows, columns, channels)
    for p, q in ndindex(rows, columns):
        y[:, p, q] = mean(x[:, p * s : p * s + n, q * s : q * s + n], axis=(1, 2))
    return y


def average_pool_backward(g, x, n, s):
    """Gradient of `average_pool`: every position of a window gets its share."""
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    for p, q in ndindex(g.shape[1:3]):
        dx[:, p * s : p * s + n, q * s : q * s + n] += g[:, p, q][:, None, None] / n**2
    return dx
