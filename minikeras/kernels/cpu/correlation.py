"""Cross-correlation of a batch, prepared once and run on any part of it.

`conv` has the equations, and says why each case is computed as it is. In terms of matrices, with
`columns` the windows side by side, `(positions, taps * channels)`, `K` the kernel as a matrix
`(taps * channels, filters)`, and `g` as one, `(positions, filters)`:

    y        = columns @ K                              `Correlation`
    dx       = the same, of `g` with the flipped kernel  `Transposed`
    dkernel  = columns.T @ g                            `add_kernel_grad`
"""

import itertools
import math

from minikeras.kernels.cpu.buffers import aligned_empty, short_rows
from minikeras.kernels.cpu.columns import BLOCK_BYTES, column_blocks
from minikeras.kernels.cpu.depthwise import depthwise_input_grad, depthwise_kernel_grad
from minikeras.kernels.shared.windows import Grid, overlaps

# Filters below which a row of results is too short to add at full speed.
_NARROW = 16


class Correlation:
    """Cross-correlation with one kernel, prepared once and run on parts of a batch.

    Args:
        xp: the array module.
        kernel: array `(*window, channels // groups, filters)`.
        grid: the windows.
        groups: number of groups.
        dtype: the type of number to compute with.
        bias: array `(filters,)` or None.
        relu: whether to apply ReLU to the results.
    """

    def __init__(self, xp, kernel, grid, groups, dtype, bias=None, relu=False):
        self.xp, self.grid, self.groups, self.dtype, self.relu = xp, grid, groups, dtype, relu
        self.filters = kernel.shape[-1] // groups
        self.bias = None if bias is None else bias.astype(dtype, copy=False)
        self.run = self._from_columns
        matrix = xp.moveaxis(kernel.reshape(-1, groups, self.filters), 1, 0)
        if groups == 1 and _product_first(kernel, grid):
            if self.filters < _NARROW:
                self.run = self._shift_by_filter
                matrix = kernel.swapaxes(-1, -2).reshape(-1, kernel.shape[-2])
            else:
                self.run = self._shift
                matrix = kernel.reshape(-1, *kernel.shape[-2:])
        self.matrix = matrix.astype(dtype, copy=False)

    def _from_columns(self, x, out):
        """Multiply the columns of each block."""
        direct = self.groups == 1 and out.dtype == self.dtype and out.flags.c_contiguous
        bias = self._bias_of_a_line()
        blocks = column_blocks(self.xp, x, self.grid, self.groups, self.filters, self.dtype)
        for block, columns in blocks:
            target = out[block]
            into = target.reshape(1, -1, self.filters) if direct else None
            product = self.xp.matmul(columns, self.matrix, out=into)
            self._finish(product, bias, target.shape[-2])
            if not direct:
                product = product.reshape(self.groups, *target.shape[:-1], self.filters)
                target = target.reshape(*target.shape[:-1], self.groups, self.filters)
                self.xp.copyto(target, self.xp.moveaxis(product, 0, -2), casting="same_kind")

    def _bias_of_a_line(self):
        """As many biases as a line of output has: NumPy adds long rows faster than short ones."""
        if self.bias is None:
            return None
        rows = self.bias.reshape(self.groups, 1, self.filters)
        return self.xp.tile(rows, (1, 1, self.grid.outputs[-1]))

    def _finish(self, product, bias, line):
        """Add the bias and apply ReLU while a block is in the cache."""
        if bias is not None:
            length = line * self.filters
            lines = product.reshape(self.groups, -1, length)
            self.xp.add(lines, bias[..., :length], out=lines)
        if self.relu:
            self.xp.maximum(product, 0, out=product)

    def _shift(self, x, out):
        """Multiply by the weights of all taps first, then shift the results and add them.

            planes[t] = x @ kernel[t]
            y[o]      = sum over t of planes[t][o - low + t * dilation]

        `planes[t]` is `(images, *spatial, filters)`, `kernel[t]` is `(channels, filters)`.
        """
        xp, taps = self.xp, overlaps(x.shape[1:-1], self.grid)
        size, width = math.prod(x.shape[1:-1]), x.shape[-1]
        images = self._images_of_a_block(size * len(taps) * self.filters)
        buffer = aligned_empty(xp, (len(self.matrix), images * size, self.filters), self.dtype)
        for first in range(0, len(x), images):
            some = x[first : first + images]
            rows = some.reshape(-1, width).astype(self.dtype, copy=False)
            planes = xp.matmul(rows, self.matrix, out=buffer[:, : len(rows)])
            planes = planes.reshape(*self.grid.window, *some.shape[:-1], self.filters)
            total = xp.zeros((len(some), *self.grid.outputs, self.filters), self.dtype)
            with short_rows(xp):
                for tap, target, source in taps:
                    total[target] += planes[tap][source]
            self._finish(total, self._bias_of_a_line(), self.grid.outputs[-1])
            out[first : first + images] = total

    def _images_of_a_block(self, size):
        """How many images to compute at a time, if one takes `size` numbers."""
        return max(BLOCK_BYTES // max(size * self.dtype.itemsize, 1), 1)

    def _shift_by_filter(self, x, out):
        """As `_shift`, the filters in front of the positions."""
        xp, grid, channels = self.xp, self.grid, x.shape[-1]
        taps = overlaps(x.shape[1:-1], grid)
        images = self._images_of_a_block(math.prod(x.shape[1:-1]) * len(self.matrix))
        for first in range(0, x.shape[0], images):
            some = x[first : first + images]
            rows = some.reshape(-1, channels).astype(self.dtype, copy=False)
            planes = xp.matmul(self.matrix, rows.T)
            planes = planes.reshape(*grid.window, self.filters, *some.shape[:-1])
            total = xp.zeros((self.filters, some.shape[0], *grid.outputs), self.dtype)
            with short_rows(xp):
                for tap, target, source in taps:
                    total[(slice(None), *target)] += planes[tap][(slice(None), *source)]
            if self.bias is not None:
                total += self.bias.reshape(-1, *(1,) * (total.ndim - 1))
            if self.relu:
                xp.maximum(total, 0, out=total)
            out[first : first + images] = xp.moveaxis(total, 0, -1)


class Transposed:
    """`dx`, the gradient of a convolution with respect to its input, for any part of a batch.

        dx[b, i] = sum over the taps t that meet cell i of g[b, (i + low - t * dilation) / stride] @
                   kernel[t].T

    The cells `i` of one phase (see `_phases`) meet the same taps at consecutive outputs, so each
    phase is a `Correlation` of `g` with those taps in reverse.

    Args:
        xp: the array module.
        kernel: array `(*window, channels // groups, filters)`.
        sizes: cells of each spatial axis of the input.
        options: `(strides, padding, dilation, groups)`.
        dtype: the type of number to compute with.
    """

    def __init__(self, xp, kernel, sizes, options, dtype):
        self.xp, self.kernel, self.dtype = xp, kernel, dtype
        strides, padding, dilation, groups = options
        self.grid = Grid.over(sizes, kernel.shape[:-2], strides, padding, dilation)
        self.depthwise = kernel.shape[-2] == 1 and groups > 1
        self.parts = []
        if self.depthwise:
            return
        swapped = _swap_channels(kernel, groups)
        axes = zip(sizes, kernel.shape[:-2], strides, padding, dilation, strict=True)
        for phases in itertools.product(*(list(_phases(*axis)) for axis in axes)):
            cells, taps, lows, rates = zip(*phases, strict=True)
            counts = tuple(len(range(n)[cell]) for n, cell in zip(sizes, cells, strict=True))
            part, correlation = swapped[taps], None
            if part.size:
                grid = Grid(counts, part.shape[:-2], (1,) * len(taps), lows, rates)
                correlation = Correlation(xp, part, grid, groups, dtype)
            self.parts.append(((slice(None), *cells), correlation))

    def run(self, g, out):
        """Write `dx` `(images, *sizes, channels)` of `g` `(images, *outputs, filters)` to `out`."""
        if self.depthwise:
            depthwise_input_grad(self.xp, g, self.kernel, self.grid, out, self.dtype)
        for cells, correlation in self.parts:
            if correlation is None:
                out[cells] = 0
            else:
                correlation.run(g, out[cells])


def add_kernel_grad(xp, x, g, grid, groups, total):
    """Add `dkernel = columns.T @ g` of some images to `(groups, taps * channels, filters)`."""
    if is_depthwise(x, groups):
        depthwise_kernel_grad(xp, x, g, grid, total)
        return
    filters, part = total.shape[-1], xp.empty_like(total)
    for block, columns in column_blocks(xp, x, grid, groups, filters, total.dtype):
        rows = g[block].reshape(-1, groups, filters)
        rows = xp.moveaxis(rows, 1, 0).astype(total.dtype, copy=False)
        total += xp.matmul(columns.swapaxes(1, 2), rows, out=part)


def _product_first(kernel, grid):
    """Whether adding results tap by tap is cheaper than copying inputs tap by tap."""
    channels, filters = kernel.shape[-2:]
    least = (4 if filters < _NARROW else 2) * filters
    return math.prod(grid.window) > 1 and channels >= least and set(grid.strides) == {1}


def _swap_channels(kernel, groups):
    """Kernel `(*window, filters // groups, channels)` that carries filters back to channels."""
    *window, channels, filters = kernel.shape
    split = kernel.reshape(*window, channels, groups, filters // groups)
    return split.swapaxes(-3, -1).reshape(*window, filters // groups, groups * channels)


def _phases(size, window, stride, padding, dilation):
    """Split the cells of an axis by the taps that reach them.

    Tap `t` of output `o` reaches cell `o * stride - lo + t * dilation`, so a cell `i` meets the
    taps for which `i + lo - t * dilation` is a multiple of the stride. Cells `stride` apart meet
    the same ones, and taps of one set lie `stride / gcd(stride, dilation)` apart.

    Yields:
        `(cells, taps, low, rate)`: a slice of the axis, the slice that takes its taps out of the
        kernel in reverse, and the padding and dilation with which they run over the outputs.
    """
    common = math.gcd(stride, dilation)
    step = stride // common
    for start in range(min(stride, size)):
        cells = slice(start, None, stride)
        origin = start + padding[0]
        first = next((t for t in range(step) if (origin - t * dilation) % stride == 0), window)
        if first >= window:
            yield cells, slice(0), 0, 1
            continue
        last = first + (window - 1 - first) // step * step
        low = (last * dilation - origin) // stride
        yield cells, slice(last, first - 1 if first else None, -step), low, dilation // common


def is_depthwise(x, groups):
    """Say whether every channel is a group of its own."""
    return groups > 1 and groups == x.shape[-1]
