"""Batch and layer normalization, forward and backward, each pass over blocks that fit the cache.

The variance is the mean of squared distances from the mean (two passes): the mean of squares less
the square of the mean would lose all digits where the mean is large. See Ioffe and Szegedy, "Batch
Normalization" (2015), section 3, and Ba, Kiros and Hinton, "Layer Normalization" (2016).
"""

import math
from typing import Any

import numpy as np

from minikeras.arrays.threads import BYTES, chunks, each
from minikeras.kernels.providers import dispatched

# About how often a pass reads or writes its array, and the bytes of a float32 number.
_PASSES, _BYTES_EACH = 3, 4
# Elements in a block: three float32 blocks (input, output, scratch) fit the L2 cache of a core.
_BLOCK = 1 << 17
# Elements in a line, many channels side by side: NumPy works on long lines faster.
_LINE = 1 << 10


@dispatched("normalization.batch_norm", cuda="norm")
def batch_norm(xp, x, gamma=None, beta=None, *, axis=-1, epsilon=1e-3, save=False):
    """Normalize each channel over all other axes.

    Equations (normalization.batch_norm):
        mean = x.mean(axis=0)  # (channels,)
        variance = ((x - mean) ** 2).mean(axis=0)  # (channels,)
        z = (x - mean) / sqrt(variance + epsilon)  # (rows, channels)
        y = z * gamma + beta

    Args:
        xp: The array module.
        x: Float array.
        gamma: Optional array `(channels,)` to multiply by.
        beta: Optional array `(channels,)` to add.
        axis: The axis of the channels.
        epsilon: What to add to the variance.
        save: Whether a backward pass will follow.

    Returns:
        `(y, mean, variance)`, and what the backward pass wants to know.

    Raises:
        ValueError: If `gamma` or `beta` has another shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.normalization.norm import batch_norm
        >>> (y, mean, variance), _ = batch_norm(np, np.array([[1.0], [5.0]]), epsilon=0.0)
        >>> y.ravel(), mean, variance
        (array([-1.,  1.]), array([3.]), array([4.]))
    """
    check_factors(x.shape[axis : axis + 1 or None], gamma, beta)
    channels = _Channels(xp, x.shape, axis)
    cells, y = channels.view(x), xp.empty(x.shape, x.dtype)
    results = channels.view(y)
    mean = channels.add_up(lambda block: channels.total(cells[block]))
    mean = (mean / channels.count).astype(x.dtype)
    centre = channels.spread(mean)

    def squares(block):
        centred = cells[block] - centre
        centred *= centred
        return channels.total(centred)

    variance = channels.add_up(squares) / channels.count
    inverse = 1.0 / xp.sqrt(variance + epsilon)
    scale = channels.spread((inverse if gamma is None else inverse * gamma).astype(x.dtype))
    shift = None if beta is None else channels.spread(beta)

    def normalize(block):
        result = xp.subtract(cells[block], centre, out=results[block])
        result *= scale
        if shift is not None:
            result += shift

    channels.for_each(normalize)
    return (y, mean, variance.astype(x.dtype)), (mean, inverse) if save else None


@dispatched("normalization.batch_norm", cuda="norm")
def batch_norm_backward(xp, gradients, arrays, saved, needs, *, axis=-1, epsilon=1e-3):
    """Gradients of `batch_norm`.

    Rearranged, since `z = (x - mean) * inverse` with `inverse = 1 / sqrt(variance + epsilon)`:
    `dx = a * g + b * (x - mean) + c` with `a = gamma * inverse`. The gradients with respect to the
    results `mean` and `variance` add `dmean / count` to `c` and `2 * dvariance / count` to `b`.

    Equations (normalization.batch_norm_backward):
        dgamma = sum(g * z, axis=0)  # (channels,)
        dbeta = sum(g, axis=0)  # (channels,)
        dz = g * gamma  # (rows, channels)
        dx = (dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0)) / sqrt(variance + epsilon)

    Args:
        xp: The array module.
        gradients: The gradients with respect to `y`, `mean` and `variance`.
        arrays: `(x, gamma, beta)`.
        saved: What `batch_norm` saved.
        needs: Three bools.
        axis: The axis of the channels.
        epsilon: As for `batch_norm`.

    Returns:
        The gradients with respect to `x`, `gamma` and `beta`, None where none is needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.normalization.norm import batch_norm, batch_norm_backward
        >>> x = np.array([[1.0], [5.0]])
        >>> saved = batch_norm(np, x, save=True)[1]
        >>> gradients = (np.ones((2, 1)), np.zeros(1), np.zeros(1))
        >>> batch_norm_backward(np, gradients, (x, None, None), saved, (True, False, False))[0]
        array([[0.],
               [0.]])
    """
    (x, gamma, _), (mean, inverse) = arrays, saved
    channels = _Channels(xp, x.shape, axis)
    cells, g = channels.view(x), channels.view(gradients[0])
    centre = channels.spread(mean)

    def sums(block):
        product = cells[block] - centre
        product *= g[block]
        return xp.stack([channels.total(g[block]), channels.total(product)])

    total, moment = channels.add_up(sums, 2)
    dx = None
    if needs[0]:
        a = inverse if gamma is None else inverse * gamma
        b = 2 * gradients[2] - a * inverse**2 * moment
        c = gradients[1] - a * total
        factors = (a, b / channels.count, c / channels.count)
        dx = _combined(xp, channels, g, cells, centre, factors)
    return [
        dx,
        (moment * inverse).astype(x.dtype) if needs[1] else None,
        total.astype(x.dtype) if needs[2] else None,
    ]


@dispatched("normalization.layer_norm", cuda="norm")
def layer_norm(xp, x, gamma=None, beta=None, *, axes=1, epsilon=1e-3, save=False):
    """Normalize over the last axes, for each place along the others.

    Equations (normalization.layer_norm):
        mean = x.mean(axis=1, keepdims=True)  # (rows, 1)
        variance = ((x - mean) ** 2).mean(axis=1, keepdims=True)  # (rows, 1)
        z = (x - mean) / sqrt(variance + epsilon)  # (rows, features)
        y = z * gamma + beta

    Args:
        xp: The array module.
        x: Float array.
        gamma: Optional array of the shape of the last axes, to multiply by.
        beta: Optional array of that shape, to add.
        axes: How many axes at the end are normalized together.
        epsilon: What to add to the variance.
        save: Whether a backward pass will follow.

    Returns:
        The normalized array, and what the backward pass wants to know.

    Raises:
        ValueError: If `gamma` or `beta` has another shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.normalization.norm import layer_norm
        >>> layer_norm(np, np.array([[1.0, 5.0]]), epsilon=0.0)[0]
        array([[-1.,  1.]])
    """
    check_factors(x.shape[x.ndim - axes :], gamma, beta)
    rows, width = _rows(x, axes)
    y = xp.empty(x.shape, x.dtype)
    results, ones = y.reshape(rows.shape), xp.ones(width, x.dtype)
    mean, inverse = xp.empty((2, len(rows), 1), x.dtype)
    gamma, beta = (None if v is None else v.reshape(-1) for v in (gamma, beta))

    def normalize(block):
        mean[block, 0] = rows[block] @ ones / width
        result = xp.subtract(rows[block], mean[block], out=results[block])
        variance = xp.einsum("ij,ij->i", result, result) / width
        inverse[block, 0] = 1 / xp.sqrt(variance + epsilon)
        result *= inverse[block]
        if gamma is not None:
            result *= gamma
        if beta is not None:
            result += beta

    _walk(xp, rows.shape, _rows_of_a_block(width), normalize)
    return y, (mean, inverse) if save else None


@dispatched("normalization.layer_norm", cuda="norm")
def layer_norm_backward(xp, g, arrays, saved, needs, *, axes=1, epsilon=1e-3):
    """Gradients of `layer_norm`; `inverse`, which is saved, is `1 / sqrt(variance + epsilon)`.

    Equations (normalization.layer_norm_backward):
        dgamma = sum(g * z, axis=0)  # (features,)
        dbeta = sum(g, axis=0)  # (features,)
        dz = g * gamma  # (rows, features)
        across = dz.mean(axis=1, keepdims=True) + z * (dz * z).mean(axis=1, keepdims=True)
        dx = (dz - across) / sqrt(variance + epsilon)

    Args:
        xp: The array module.
        g: The gradient with respect to the result.
        arrays: `(x, gamma, beta)`.
        saved: What `layer_norm` saved.
        needs: Three bools.
        axes: As for `layer_norm`.
        epsilon: As for `layer_norm`.

    Returns:
        The gradients with respect to `x`, `gamma` and `beta`, None where none is needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.normalization.norm import layer_norm, layer_norm_backward
        >>> x = np.array([[1.0, 5.0]])
        >>> saved = layer_norm(np, x, save=True)[1]
        >>> layer_norm_backward(np, np.ones((1, 2)), (x, None, None), saved, (True, 0, 0))[0]
        array([[0., 0.]])
    """
    (x, gamma, _), (mean, inverse) = arrays, saved
    rows, width = _rows(x, axes)
    g = g.reshape(rows.shape)
    gain = xp.ones(width, x.dtype) if gamma is None else gamma.reshape(-1)
    dx = xp.empty(rows.shape, x.dtype) if needs[0] else None
    dgamma, dbeta = xp.zeros((2, width))
    length = _rows_of_a_block(width)
    for block in (slice(i, i + length) for i in range(0, len(rows), length)):
        upstream = g[block]
        ones = xp.ones(len(upstream), x.dtype)
        if needs[2]:
            dbeta += ones @ upstream
        if not needs[0] and not needs[1]:
            continue
        z = rows[block] - mean[block]
        z *= inverse[block]
        product = upstream * z
        if needs[1]:
            dgamma += ones @ product
        if dx is not None:
            z *= (product @ gain / width)[:, None]
            z += (upstream @ gain / width)[:, None]
            result = xp.multiply(upstream, gain, out=dx[block])
            result -= z
            result *= inverse[block]
    shape = x.shape[x.ndim - axes :]
    return [
        None if dx is None else dx.reshape(x.shape),
        dgamma.astype(x.dtype).reshape(shape) if needs[1] else None,
        dbeta.astype(x.dtype).reshape(shape) if needs[2] else None,
    ]


def check_factors(shape, *factors):
    """Raise a ValueError for an array (not None) that has another shape.

    Args:
        shape: The shape of what is normalized together.
        *factors: Arrays, or None.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.normalization.norm import check_factors
        >>> check_factors((2,), np.ones(2), None)
    """
    for factor in factors:
        if factor is not None and factor.shape != shape:
            raise ValueError(f"Expected factors of shape {shape}. Received: {factor.shape}")


def _combined(xp, channels, g, cells, centre, factors):
    """`a * g + b * (x - centre) + c`, with one number of each factor to a channel."""
    a, b, c = (channels.spread(v.astype(g.dtype)) for v in factors)
    dx = xp.empty(channels.shape, g.dtype)
    results = channels.view(dx)

    def combine(block):
        result = xp.subtract(cells[block], centre, out=results[block])
        result *= b
        result += g[block] * a
        result += c

    channels.for_each(combine)
    return dx


class _Channels:
    """An array seen as blocks of channels, whichever axis they lie on.

    Channels on the last axis lie in lines of several positions side by side; otherwise the view
    is `(outer, channels, inner)`. Sums are kept in float64 from block to block.
    """

    def __init__(self, xp, shape, axis):
        axis %= len(shape)
        self.xp, self.shape, self.channels = xp, shape, shape[axis]
        outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        self.count = max(outer * inner, 1)
        if inner == 1:
            most = 1 << max(_LINE // max(self.channels, 1), 1).bit_length() - 1
            self.repeats = math.gcd(outer, most) or 1
            self.line = (outer // self.repeats, self.repeats * self.channels)
        else:
            self.repeats = 0
            self.line = (outer, self.channels, inner)
        self.length = min(max(_BLOCK // max(math.prod(self.line[1:]), 1), 1), self.line[0])

    def view(self, array):
        return array.reshape(self.line)

    def for_each(self, function):
        """Call a function of every block; threads share the blocks."""
        _walk(self.xp, self.line, self.length, function)

    def add_up(self, function, rows=None) -> Any:
        """Sum a function of a block over all of them: one number, or several rows, a channel."""
        totals = []
        self.for_each(lambda block: totals.append((block.start, function(block))))
        shape = self.channels if rows is None else (rows, self.channels)
        # In the order of the blocks, whichever thread was first, so that the sum is repeatable.
        return sum((part for _, part in sorted(totals, key=_first)), self.xp.zeros(shape))

    def spread(self, vector):
        """One scalar of each channel in the form that broadcasts with a block."""
        return self.xp.tile(vector, self.repeats) if self.repeats else vector[:, None]

    def total(self, block):
        """Sum a block for each channel: products with ones, which BLAS does faster."""
        xp = self.xp
        if self.repeats:
            sums = xp.ones(len(block), block.dtype) @ block
            return sums.reshape(self.repeats, self.channels).sum(axis=0, dtype=xp.float64)
        sums = block.reshape(-1, block.shape[-1]) @ xp.ones(block.shape[-1], block.dtype)
        return sums.reshape(-1, self.channels).sum(axis=0, dtype=xp.float64)


def _first(pair):
    return pair[0]


def _walk(xp, shape, length, function):
    """Call a function of slices of `length` rows; on a CPU threads share them."""
    rows, width = shape[0], math.prod(shape[1:])

    def sum_part(part):
        for start in range(part.start, part.stop, max(length, 1)):
            function(slice(start, min(start + length, part.stop)))

    parts = [slice(0, rows)]
    if xp is np:
        parts = chunks(rows, _PASSES * rows * width * _BYTES_EACH / BYTES)
    each(sum_part, parts)


def _rows(x, axes):
    """A matrix with what is normalized together in each row, and the length of a row."""
    width = math.prod(x.shape[x.ndim - axes :])
    return x.reshape(math.prod(x.shape[: x.ndim - axes]), width), width


def _rows_of_a_block(width):
    return max(_BLOCK // max(width, 1), 1)
