"""Convolution with windows of 3x3 cells in half the multiplications.

Four outputs in a row of a filter with three taps need twelve multiplications, or six: those of
a polynomial product that is known from its values at six points (Winograd, "Arithmetic complexity
of computations", 1980). For a tile of four outputs `y` and the six cells `x` that they see, with
weights `w`,

    y = A.T @ ((G @ w) * (B.T @ x))          A (6, 4), G (6, 3), B (6, 6): `transforms`

where `A` has powers of the points, `B` coefficients of polynomials that are zero at all points but
one, and `G` is what makes them one there. With channels and three rows of taps, each of the six
points `p` is a product of matrices that sums over both (Lavin and Gray, "Fast algorithms for
convolutional neural networks", 2016). `n` counts the tiles of a line, `l` the lines, `r` the rows
of taps:

    U[p, r, c, f]      = sum over t of G[p, t] * kernel[r, t, c, f]
    V[p, l, n, c]      = sum over j of B[j, p] * x[l - low, 4 * n + j - low, c]
    M[p, l, n, f]      = sum over r, c of V[p, l + r, n, c] * U[p, r, c, f]
    y[l, 4 * n + k, f] = max(bias[f] + sum over p of A[p, k] * M[p, l, n, f], lower_bound)

With `g` the gradient with respect to `y`, times `y > 0` for ReLU, the kernel's gradient goes the
same way back, and the input's is a convolution of `g` with the kernel rotated by 180 degrees,
channels and filters exchanged:

    dM[p, l, n, f]       = sum over k of A[p, k] * g[l, 4 * n + k, f]
    dU[p, r, c, f]       = sum over images, l, n of V[p, l + r, n, c] * dM[p, l, n, f]
    dkernel[r, t, c, f]  = sum over p of G[p, t] * dU[p, r, c, f]

- **One dimension only.** A tile of 2x2 outputs needs 16 multiplications, one of 4x1 needs 18. But
  it writes 1.5 numbers for each of the cells and of the products where the other writes 4, and the
  transforms with their way through the cache are what takes the time where channels are few.
- **Exactness.** With the points 0, 3/4, -3/4, 3/2, -3/2 and infinity all numbers of `A` and `B` are
  exact (Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution for
  deep neural networks", 2020), and each row of taps is summed separately: sums of a ninth of the
  terms make up for what the transforms lose. In float32 the error is that of direct sums or less.
  Not so in `dkernel`, which sums over all outputs either way: there it is twice as much, as much as
  in one long sum, and sums that are short are left to the direct loops.

Cells that are not finite spread over a tile, as do sums that overflow. So images with such results
are computed again, directly.
"""

import itertools
import math

import numpy as np

from minikeras.arrays import threads
from minikeras.arrays.threads import BYTES, OPERATIONS
from minikeras.kernels.compiled.products.tile_instructions import tile_code
from minikeras.kernels.compiled.products.tiles import VECTOR, panel_columns
from minikeras.kernels.compiled.thread_pool import parallel_chunks, parallel_for
from minikeras.kernels.compiled.totals import added, each_thread
from minikeras.kernels.compiled.winograd import loops
from minikeras.kernels.compiled.winograd.loops import POINTS, RESULTS, TAPS
from minikeras.kernels.compiled.winograd.transforms import WEIGHTS
from minikeras.kernels.cpu.buffers import aligned_empty

# The products must be so many times fewer than those of direct sums, and so much longer than the
# transforms, that there is something to win: bytes of the channels and of the filters of a cell.
_LEAST_SAVED, _LEAST_BYTES = 1.4, 96
# Terms from which a sum for `dkernel` is long.
_LEAST_SUMMED = 1 << 12
# Bytes of the transformed weights that stay in a second-level cache.
_MOST_WEIGHTS = 1 << 21
# Most bytes of the transformed cells and products of a block; terms of a sum make longer ones.
_BLOCK, _LONG_BLOCK = 1 << 18, 1 << 19
# Bytes of gradients that are gone through at a time.
_AT_ONCE = 1 << 18
# Nanoseconds that a transformed weight takes.
_NANOSECONDS = 0.5


def is_faster(sizes, window, channels, filters, options, size):
    """Whether a convolution takes less time this way.

    Args:
        sizes: Cells of each spatial axis of the input.
        window: Taps along each axis.
        channels: Channels of the input.
        filters: Filters of the output.
        options: `(strides, padding, dilation, groups)`.
        size: Bytes of an element.

    Returns:
        A bool.

    Example:
        >>> from minikeras.kernels.compiled.winograd.conv import is_faster
        >>> widths_and_options = 64, 64, ((1, 1), ((1, 1), (1, 1)), (1, 1), 1), 4
        >>> is_faster((28, 28), (3, 3), *widths_and_options)
        True
        >>> is_faster((28, 28), (5, 5), *widths_and_options)
        False
    """
    strides, padding, dilation, groups = options
    if window != (TAPS, TAPS) or (*strides, *dilation, groups) != (1, 1, 1, 1, 1):
        return False
    height, width = (
        cells + sum(pair) - TAPS + 1 for cells, pair in zip(sizes, padding, strict=True)
    )
    if height < 1 or width < 1 or POINTS * TAPS * channels * filters * size > _MOST_WEIGHTS:
        return False
    saved = TAPS * width / (POINTS * -(-width // RESULTS))
    return saved >= _LEAST_SAVED and min(channels, filters) * size >= _LEAST_BYTES


def is_faster_backward(case, g, needs):
    """Whether the gradients of a convolution take less time this way, and are as exact.

    Args:
        case: Arguments of `is_faster`.
        g: Array `(batch, height, width, filters)`, the gradient with respect to the output.
        needs: Three bools: whether `dx`, `dkernel` and `dbias` are needed.

    Returns:
        A bool.
    """
    summed = g.size // g.shape[-1]
    return is_faster(*case) and (needs[0] or needs[1]) and (not needs[1] or summed >= _LEAST_SUMMED)


def conv(x, weights, low, finish, out, direct):
    """Cross-correlation of images with a kernel of 3x3 cells, stride 1.

    Args:
        x: Array `(batch, height, width, channels)`.
        weights: `transformed` kernel.
        low: Cells of padding above and left; where negative, cells are left out.
        finish: An array `(filters,)` to add, and the least result.
        out: Array for the result.
        direct: Function of some images and an array for their results that computes them in
            another way, for those that are not finite.

    Returns:
        `out`.
    """
    x, result = np.ascontiguousarray(x), out
    if not out.flags.c_contiguous:
        result = np.empty_like(out, order="C")
    case, (bias, lower_bound) = _Case(x, result, _BLOCK), finish
    nonfinite = np.zeros(len(x), bool)

    ends = threads.ends(len(x), _work(out, x))
    arguments = tile_code(x.dtype), _lines(x), low, weights, bias, _lines(result), case.sizes
    parallel_chunks(
        loops.forward, ends, *arguments, case.buffers(len(ends) - 1), lower_bound, nonfinite
    )
    if nonfinite.any():
        result[nonfinite] = direct(x[nonfinite], np.empty_like(result[nonfinite]))
    if result is not out:
        out[...] = result
    return out


class Backward:
    """The backward pass of one convolution: what its loops need, made once for all threads."""

    def __init__(self, low, arrays, g, y, needs, direct):
        """Allocate the results, and transform the kernel.

        Args:
            low: Cells of padding above and left.
            arrays: `(x, kernel)`, the inputs of the convolution.
            g: Array `(batch, height, width, filters)`, the gradient with respect to the output.
            y: The output, if ReLU was applied to it, else None.
            needs: Three bools: whether to compute `dx`, `dkernel` and `dbias`.
            direct: Function of `(images, needs)` that returns the gradients in another way.
        """
        self.x, self.g = (np.ascontiguousarray(array) for array in (arrays[0], g))
        self.y = None if y is None else np.ascontiguousarray(y)
        self.kernel, self.low, self.needs, self.direct = arrays[1], low, needs, direct
        self.case = self.back = _Case(self.x, self.g, _LONG_BLOCK)
        self.nonfinite = np.zeros(len(g), bool)
        self.dx, self.weights = self._empty(4), self._empty(5)
        if needs[0]:
            self.dx = np.empty_like(self.x)
            self.weights = transformed(self.kernel, rotated=True)
            self.back = _Case(self.g, self.x, _BLOCK)

    def run(self):
        """Return `[dx, dkernel, dbias]`, None where not needed."""
        count, work, dtype = len(self.g), _work(self.g, self.x), self.g.dtype
        _, needs_kernel, needs_bias = self.needs
        shape = TAPS, *self.kernel.shape[2:]
        each = each_thread(work, POINTS * math.prod(shape) * dtype.itemsize)
        ends = threads.ends(count, work, each)
        chunks = len(ends) - 1
        totals = aligned_empty(np, (chunks, POINTS if needs_kernel else 0, *shape), dtype)
        sums = np.empty((chunks, self.g[0, 0].size if needs_bias else 0), dtype)
        for_kernel = _lines(self.x), self.low, totals, self.case.sizes, self.case.buffers(chunks)
        arguments = self._gradient(sums), for_kernel, self._for_input(chunks)
        parallel_chunks(loops.backward, ends, tile_code(dtype), *arguments)
        if self.nonfinite.any():
            self.dx[self.nonfinite] = self._directly(0, self.nonfinite)
        return [
            self.dx if self.needs[0] else None,
            self._dkernel(totals) if needs_kernel else None,
            added(sums).reshape(self.g.shape[-2:]).sum(0) if needs_bias else None,
        ]

    def _dkernel(self, totals):
        """`dkernel` from `dU` of all chunks."""
        dkernel = joined(totals)
        return dkernel if np.isfinite(dkernel).all() else self._directly(1, slice(None))

    def _directly(self, which, images):
        return self.direct(images, [which == number for number in range(3)])[which]

    def _gradient(self, sums):
        """`g`, the output if ReLU was applied to it, and buffers for `g * (y > 0)`."""
        g, at_once = _lines(self.g), min(max(_AT_ONCE // self.g[0].nbytes, 1), len(self.g))
        y, line = self._empty(3), (0, 0)
        if self.y is not None:
            y, line = _lines(self.y), g.shape[1:]
        return g, y, aligned_empty(np, (len(sums), at_once, *line), self.g.dtype), sums

    def _for_input(self, chunks):
        """Arguments of the loops for `dx`."""
        out = _lines(self.dx) if self.needs[0] else self._empty(3)
        zeros = np.zeros(self.x.shape[-1], self.x.dtype)
        rest = self.back.sizes, self.back.buffers(chunks), self.nonfinite
        return mirrored(self.low), self.weights, zeros, out, *rest

    def _empty(self, rank):
        return np.empty((0,) * rank, self.g.dtype)


class _Case:
    """Sizes and buffers of the loops.

    Attributes:
        sizes: Channels, filters, tiles of a line, images and lines of a block, columns of a panel.
    """

    def __init__(self, x, y, block):
        channels, filters = x.shape[-1], y.shape[-1]
        height, wide = y.shape[1], -(-y.shape[2] // RESULTS)
        self.dtype, self.lanes = x.dtype, VECTOR // x.itemsize
        self.widths = [-(-count // self.lanes) * self.lanes for count in (channels, filters)]
        lines = max(block // (POINTS * wide * sum(self.widths) * x.itemsize), 1)
        images = min(max(lines // (height + TAPS - 1), 1), len(x))
        rows = height if images > 1 else _even(height, lines)
        self.sizes = channels, filters, wide, images, rows, panel_columns(filters, x.itemsize)

    def buffers(self, chunks):
        """Allocate the buffers of each chunk, in a row of one array.

        Args:
            chunks: For how many chunks.

        Returns:
            The array; where in a row end two matrices with a row for each point, for the
            transformed cells and for the products of a block, a line of cells, one of results, one
            of zeros, and a buffer for a tile; and how many runs a sum has at most.
        """
        channels, filters, wide, images, rows, columns = self.sizes
        # A vector more, or the points would meet in the same lines of the first-level cache.
        left, right = (
            POINTS * (images * height * wide * width + self.lanes)
            for height, width in zip((rows + TAPS - 1, rows), self.widths, strict=True)
        )
        line, results = (RESULTS * wide + TAPS - 1) * channels, RESULTS * wide * filters
        sizes = left, right, line, results, max(line, columns), RESULTS * filters
        ends = itertools.accumulate(-(-size // self.lanes) * self.lanes for size in sizes)
        *_, whole = ends = tuple(ends)
        return aligned_empty(np, (chunks, whole), self.dtype), ends, max(images, TAPS)


def transformed(kernel, rotated=False):
    """The transformed kernel `U` as the loops read it.

    Args:
        kernel: Array `(3, 3, channels, filters)`.
        rotated: Whether to turn it by 180 degrees and exchange channels and filters: so it carries
            gradients of the output back.

    Returns:
        Array `(6, panels, 3, channels, columns)`.
    """
    channels, filters = kernel.shape[:1:-1] if rotated else kernel.shape[2:]
    columns = panel_columns(filters, kernel.itemsize)
    shape = POINTS, -(-filters // columns), TAPS, channels, columns
    out = aligned_empty(np, shape, kernel.dtype)
    work = out.size * _NANOSECONDS
    parallel_for(
        loops.transform_weights, channels, work, np.ascontiguousarray(kernel), rotated, out
    )
    return out


def joined(totals):
    """`dkernel` from the sums `dU` of all chunks.

    Args:
        totals: Array `(chunks, 6, 3, channels, filters)`.

    Returns:
        Array `(3, 3, channels, filters)`.
    """
    channels, filters = totals.shape[3:]
    out = np.empty((TAPS, TAPS, channels, filters), totals.dtype)
    factors = WEIGHTS.astype(totals.dtype)
    parallel_for(loops.join, channels, totals.nbytes / BYTES, totals, factors, out)
    return out


def mirrored(low):
    """Padding before the output's gradient, where `low` is that before the input."""
    return tuple(TAPS - 1 - cells for cells in low)


def _even(count, most):
    """Lines of a block, so that `count` lines are about evenly divided."""
    return -(-count // -(-count // most))


def _lines(x):
    """The images, line by line."""
    return x.reshape(*x.shape[:2], -1)


def _work(y, x):
    """Nanoseconds of a convolution."""
    return y.size * TAPS * POINTS / RESULTS * x.shape[-1] / OPERATIONS
