"""Pooling of any rank over channels-last arrays, in two closed pairs.

For two spatial axes, windows of `n` times `n` positions and strides `s`; one or three axes have as
many indices. Windows at the border are cut to the positions inside the array, so `n**2` is the
number of these.

Equations (pooling.max_pool):
    rows, columns = ((size - n) // s + 1 for size in x.shape[1:3])
    y = zeros((len(x), rows, columns, x.shape[3]))  # (batch, rows, columns, channels)
    for p, q in ndindex(rows, columns):
        y[:, p, q] = max(x[:, p * s : p * s + n, q * s : q * s + n], axis=(1, 2))

Equations (pooling.max_pool_backward):
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    for b, p, q, c in ndindex(g.shape):
        window = x[b, p * s : p * s + n, q * s : q * s + n, c]
        u, v = next(tap for tap in ndindex(n, n) if window[tap] == y[b, p, q, c])  # first
        dx[b, p * s + u, q * s + v, c] += g[b, p, q, c]

Equations (pooling.average_pool):
    rows, columns = ((size - n) // s + 1 for size in x.shape[1:3])
    y = zeros((len(x), rows, columns, x.shape[3]))  # (batch, rows, columns, channels)
    for p, q in ndindex(rows, columns):
        y[:, p, q] = mean(x[:, p * s : p * s + n, q * s : q * s + n], axis=(1, 2))

Equations (pooling.average_pool_backward):
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    for p, q in ndindex(g.shape[1:3]):
        dx[:, p * s : p * s + n, q * s : q * s + n] += g[:, p, q][:, None, None] / n**2

**Average.** `avg_pool` and `avg_pool_grad`, its `dx`, are linear and each other's transpose, so
each is the other's gradient.

**Maximum.** `max_pool_index` writes, for each window, the number of the tap `u, v` to which the
gradient goes. For a given index `pool_scatter`, which computes `dx`, and its transpose
`pool_gather`, which reads `x` at that tap, are linear and each other's gradient: a gradient of any
order is one of the two. Of equal numbers the first in row-major order wins, as in TensorFlow. A NaN
never wins against a number, and a padded cell never wins at all.

A window over several axes is a window over each axis in turn, for sums and maxima alike: `h + w`
operations for each output cell in place of `h * w`, most of them on long rows. A block of images is
taken through all steps while it is in cache; threads share the blocks.
"""

import math
import operator

from minikeras.arrays.threads import BYTES, chunks, each
from minikeras.kernels.cpu.buffers import short_rows, working_dtype
from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.masks import bits_where
from minikeras.kernels.shared.windows import Grid, overlaps

# Input of a block: what is made from it stays in a core's L2 cache beside it.
_BLOCK_BYTES = 1 << 20
# About how often the input's bytes are read or written.
_PASSES = 4


@dispatched("pooling.pooling")
def max_pool(xp, x, *, window, strides, padding, out=None):
    """Maximum of each window.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        window: Cells of a window along each spatial axis.
        strides: Steps from window to window along each axis.
        padding: A pair `(lo, hi)` of cells that never win, for each axis.
        out: Optional array for the result.

    Returns:
        Array `(batch, *outputs, channels)`. NaN counts as smaller than any number; a window of
        nothing but NaN or padding gives minus infinity.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.pooling import max_pool
        >>> x = np.array([1.0, 3.0, 2.0, 0.0]).reshape(1, 4, 1)
        >>> max_pool(np, x, window=(2,), strides=(2,), padding=((0, 0),))[0, :, 0]
        array([3., 2.])
    """
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if out is None:
        out = xp.empty((x.shape[0], *grid.outputs, x.shape[-1]), x.dtype)
    lowest = xp.iinfo(x.dtype).min if x.dtype.kind in "iu" else -math.inf

    def compute(images):
        out[images] = _reduce(xp, xp.fmax, lowest, x[images], grid)

    _each_block(xp, x, compute)
    return out


@dispatched("pooling.pooling")
def max_pool_index(xp, x, y, *, window, strides, padding):
    """Tap of each window that holds its maximum.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        y: The result of `max_pool` for the same arguments.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: As for `max_pool`.

    Returns:
        Array of the shape of `y` and of the narrowest unsigned type: the row-major number of the
        tap in its window, the first one where several hold the maximum, and `prod(window)` where
        none does, in a window of nothing but NaN or padding.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.pooling import max_pool, max_pool_index
        >>> x = np.array([1.0, 3.0, 2.0, 2.0]).reshape(1, 4, 1)
        >>> some = dict(window=(2,), strides=(2,), padding=((0, 0),))
        >>> max_pool_index(np, x, max_pool(np, x, **some), **some)[0, :, 0]
        array([1, 0], dtype=uint8)
    """
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    count = math.prod(window)
    index = xp.empty(y.shape, xp.min_scalar_type(count))
    taps = _numbered(x, grid)

    def compute(images):
        # The earliest of the matching taps is the one with the greatest distance to the end.
        rest = xp.zeros(y[images].shape, index.dtype)
        for number, target, source in taps:
            is_maximum = xp.equal(x[images][source], y[images][target])
            distance = xp.multiply(is_maximum, index.dtype.type(count - number))
            xp.maximum(rest[target], distance, out=rest[target])
        xp.subtract(index.dtype.type(count), rest, out=index[images])

    _each_block(xp, x, compute)
    return index


@dispatched("pooling.pooling")
def pool_gather(xp, x, index, *, window, strides, padding, out=None):
    """Pick the cell of each window that an index names.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        index: Array `(batch, *outputs, channels)` of tap numbers, from `max_pool_index`.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: As for `max_pool`.
        out: Optional array for the result.

    Returns:
        Array of the shape of `index`, 0 where the index names no cell.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.pooling import pool_gather
        >>> x = np.array([5.0, 6.0, 7.0, 8.0]).reshape(1, 4, 1)
        >>> index = np.array([1, 0], np.uint8).reshape(1, 2, 1)
        >>> pool_gather(np, x, index, window=(2,), strides=(2,), padding=((0, 0),))[0, :, 0]
        array([6., 7.])
    """
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if out is None:
        out = xp.empty(index.shape, x.dtype)
    taps = _numbered(x, grid)

    def compute(images):
        picked = xp.zeros(index[images].shape, _bits(xp, x.dtype))
        for number, target, source in taps:
            part = _where_named(xp, x[images][source], index[images][target], number)
            picked[target] |= part
        out[images] = picked.view(x.dtype)

    _each_block(xp, x, compute)
    return out


@dispatched("pooling.pooling")
def pool_scatter(xp, g, index, *, input_shape, window, strides, padding, out=None):
    """Transpose of `pool_gather`: add each `g` to the cell of its window that an index names.

    Args:
        xp: The array module.
        g: Array `(batch, *outputs, channels)`.
        index: Array of the same shape with tap numbers, from `max_pool_index`.
        input_shape: Sizes of the spatial axes of the input of the pooling.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: As for `max_pool`.
        out: Optional array for the result.

    Returns:
        Array `(batch, *input_shape, channels)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.pooling import pool_scatter
        >>> g = np.array([1.0, 2.0]).reshape(1, 2, 1)
        >>> index = np.array([1, 0], np.uint8).reshape(1, 2, 1)
        >>> pool_scatter(np, g, index, input_shape=(3,), window=(2,), strides=(1,),
        ...              padding=((0, 0),))[0, :, 0]
        array([0., 3., 0.])
    """
    grid = Grid.over(input_shape, window, strides, padding)
    if out is None:
        out = xp.empty((g.shape[0], *input_shape, g.shape[-1]), g.dtype)
    taps = _numbered(out, grid)
    disjoint = all(map(operator.le, grid.window, grid.strides))

    def compute(images):
        total = xp.zeros(out[images].shape, working_dtype(xp, g.dtype))
        for number, target, source in taps:
            part = _where_named(xp, g[images][target], index[images][target], number)
            if disjoint:
                total[source] = part.view(g.dtype)
            else:
                total[source] += part.view(g.dtype)
        out[images] = total

    _each_block(xp, out, compute)
    return out


@dispatched("pooling.pooling")
def avg_pool(xp, x, *, window, strides, padding, out=None):
    """Mean of the cells of each window that lie inside the array.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)` of floats.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: A pair `(lo, hi)` of cells that do not count, for each axis.
        out: Optional array for the result.

    Returns:
        Array `(batch, *outputs, channels)`, 0 for a window of nothing but padding.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.pooling import avg_pool
        >>> x = np.array([1.0, 3.0, 5.0]).reshape(1, 3, 1)
        >>> avg_pool(np, x, window=(2,), strides=(2,), padding=((0, 1),))[0, :, 0]
        array([2., 5.])
    """
    grid = Grid.over(x.shape[1:-1], window, strides, padding)
    if out is None:
        out = xp.empty((x.shape[0], *grid.outputs, x.shape[-1]), x.dtype)
    dtype = working_dtype(xp, x.dtype)
    counts = _counts(xp, x.shape[1:-1], grid, dtype)

    def compute(images):
        some = x[images].astype(dtype, copy=False)
        out[images] = _reduce(xp, xp.add, 0, some, grid) / counts

    _each_block(xp, x, compute)
    return out


@dispatched("pooling.pooling")
def avg_pool_grad(xp, g, *, input_shape, window, strides, padding, out=None):
    """Transpose of `avg_pool`: give each cell of a window the same part of `g`.

    Args:
        xp: The array module.
        g: Array `(batch, *outputs, channels)` of floats.
        input_shape: Sizes of the spatial axes of the input of `avg_pool`.
        window: As for `max_pool`.
        strides: As for `max_pool`.
        padding: As for `avg_pool`.
        out: Optional array for the result.

    Returns:
        Array `(batch, *input_shape, channels)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.pooling import avg_pool_grad
        >>> g = np.array([2.0, 5.0]).reshape(1, 2, 1)
        >>> avg_pool_grad(np, g, input_shape=(3,), window=(2,), strides=(2,),
        ...               padding=((0, 1),))[0, :, 0]
        array([1., 1., 5.])
    """
    grid = Grid.over(input_shape, window, strides, padding)
    if out is None:
        out = xp.empty((g.shape[0], *input_shape, g.shape[-1]), g.dtype)
    dtype = working_dtype(xp, g.dtype)
    counts = _counts(xp, input_shape, grid, dtype)

    def compute(images):
        spread = g[images] / counts
        for axis in reversed(range(len(input_shape))):
            spread = _spread_axis(xp, spread, axis, input_shape[axis], grid)
        out[images] = spread

    _each_block(xp, out, compute)
    return out


def _reduce(xp, operation, start, x, grid):
    """Fold the windows of `x` with an operation, axis by axis."""
    for axis in range(len(grid.window)):
        shape = [*x.shape]
        shape[axis + 1] = grid.outputs[axis]
        folded = xp.empty(shape, x.dtype)
        taps = list(_axis_taps(axis, x.ndim, x.shape[axis + 1], grid))
        if taps and folded[taps[0][1]].shape == folded.shape:
            operation(x[taps.pop(0)[2]], x.dtype.type(start), out=folded)
        else:
            folded[...] = start
        for _, target, source in taps:
            operation(folded[target], x[source], out=folded[target])
        x = folded
    return x


def _spread_axis(xp, g, axis, size, grid):
    """Transpose of one step of `_reduce` with addition."""
    shape = [*g.shape]
    shape[axis + 1] = size
    spread = xp.zeros(shape, g.dtype)
    for _, source, target in _axis_taps(axis, g.ndim, size, grid):
        spread[target] += g[source]
    return spread


def _axis_taps(axis, rank, size, grid):
    """`overlaps` of the window along one axis alone, as slices of the whole array."""
    alone = Grid(*((field[axis],) for field in grid))
    before, after = (slice(None),) * (axis + 1), (slice(None),) * (rank - axis - 2)
    for tap, out, inside in overlaps((size,), alone):
        yield tap, (*before, out[1], *after), (*before, inside[1], *after)


def _counts(xp, sizes, grid, dtype):
    """Cells inside each window, `(*outputs, 1)`, at least 1 so that an empty window divides."""
    ones = xp.ones((1, *sizes, 1), dtype)
    return xp.maximum(_reduce(xp, xp.add, 0, ones, grid)[0], 1)


def _numbered(x, grid):
    """`overlaps` with row-major tap numbers in place of tap indices."""
    hops = [math.prod(grid.window[axis + 1 :]) for axis in range(len(grid.window))]
    return [
        (sum(t * hop for t, hop in zip(tap, hops, strict=True)), target, source)
        for tap, target, source in overlaps(x.shape[1:-1], grid)
    ]


def _where_named(xp, values, index, number):
    """Bits of `values` where `index` is `number`, else 0."""
    return bits_where(xp, values, xp.equal(index, index.dtype.type(number)))


def _bits(xp, dtype):
    """The signed integer as wide as a type of number."""
    return xp.dtype(f"i{dtype.itemsize}")


def _each_block(xp, x, compute):
    """Call a function of a slice of the batch for blocks that fit the cache, shared by threads."""
    images = max(_BLOCK_BYTES // max(math.prod(x.shape[1:]) * x.dtype.itemsize, 1), 1)

    def compute_blocks(part):
        with short_rows(xp):
            for first in range(part.start, part.stop, images):
                compute(slice(first, min(first + images, part.stop)))

    each(compute_blocks, chunks(len(x), _PASSES * x.nbytes / BYTES))
