"""Convolution of any rank, its gradient by the input and its gradient by the kernel.

`y[b, o, f] = sum over t, c of x[b, o * stride - lo + t * dilation, c] * kernel[t, c, f]`: a
cross-correlation over channels-last arrays. It is linear in `x` and in `kernel`, so its two
gradients are two more contractions of the same index relation, and the gradients of each of the
three are the other two.

How each case is computed, and why:

- **Columns.** The windows of a block are copied side by side into a matrix, and one matrix product
  does the rest (Chellapilla, Puri and Simard 2006). The matrix is a buffer of cache size that every
  block reuses: a matrix for the whole batch would go out to memory and back. Padding is added block
  by block too, so no padded copy of the input exists. A bias is added while the block is in cache.
- **Few channels.** A row of the matrix is gathered in runs of (last window axis, channels). Where
  such a run is short the matrix is stored transposed, so that the copy runs along output positions.
- **1x1 windows** with stride 1 are the matrix already; nothing is copied.
- **Groups** stand in front of the block as a batch of smaller matrix products.
- **Depthwise** (one input channel a group) has a room of its own, depthwise.py.
- **Few filters**, stride 1: the product comes first, for all taps at every input cell, and the
  results are shifted and added. They are fewer than the inputs that columns would copy.
- **Gradient by the input** is a convolution again, of the output gradient with the flipped kernel.
  Scattering into overlapping windows, and adding, would touch each cell once for each tap. With a
  stride, the input cells split into `stride` interleaved phases, each with its own subset of taps
  and dense in the output gradient: no multiplication by an inserted zero is ever made.
- **Gradient by the kernel** sums `columns^T @ g` over the same blocks.

Half precision is computed in float32 and rounded once at the end. Blocks share nothing but the
buffer, so they may be given to several threads.
"""

import itertools
import math
import operator

from minikeras.kernels.cpu.buffers import aligned_empty, aligned_zeros, short_rows, working_dtype
from minikeras.kernels.cpu.depthwise import (
    depthwise,
    depthwise_input_grad,
    depthwise_kernel_grad,
)
from minikeras.kernels.shared.windows import Grid, overlaps, window_view

# A column matrix that fits the L2 cache of a core beside the block of output made from it.
_BLOCK_BYTES = 3 << 19
# Fewer rows than this would leave a matrix product waiting for its right operand.
_LEAST_ROWS = 256
# Channels to a filter above which a kernel counts as one with few filters.
_FEW = 4
# Elements in a run below which copying costs more by the run than by the element.
_SHORT_RUN = 16


def conv(xp, x, kernel, *, strides, padding, dilation, groups=1, bias=None, out=None):
    """Cross-correlation of channels-last arrays with a kernel.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        kernel: Array `(*window, channels // groups, filters)`.
        strides: Steps from window to window along each spatial axis.
        padding: A pair `(lo, hi)` of zero cells for each spatial axis.
        dilation: Steps from tap to tap along each spatial axis.
        groups: Number of independent slices of the channels and of the filters.
        bias: Optional array `(filters,)` to add.
        out: Optional array for the result.

    Returns:
        Array `(batch, *outputs, filters)`, with
        `outputs = (spatial + lo + hi - (window - 1) * dilation - 1) // strides + 1`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.conv import conv
        >>> x = np.arange(4.0).reshape(1, 4, 1)
        >>> kernel = np.array([1.0, 10.0]).reshape(2, 1, 1)
        >>> conv(np, x, kernel, strides=(1,), padding=((0, 0),), dilation=(1,))[0, :, 0]
        array([10., 21., 32.])
    """
    grid = Grid.over(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    if out is None:
        shape = (x.shape[0], *grid.outputs, kernel.shape[-1])
        out = xp.empty(shape, xp.result_type(x, kernel))
    if _is_depthwise(x, groups):
        depthwise(xp, x, kernel, grid, bias, out, working_dtype(xp, out.dtype))
    else:
        _correlate(xp, x, kernel, grid, groups, bias, out)
    return out


def conv_input_grad(
    xp, g, kernel, *, input_shape, strides, padding, dilation, groups=1, out=None
):
    """Gradient of `conv` with respect to its input: the transposed convolution.

    Args:
        xp: The array module.
        g: Array `(batch, *outputs, filters)`, the gradient with respect to the output of `conv`.
        kernel: Array `(*window, channels // groups, filters)`.
        input_shape: Sizes of the spatial axes of the input of `conv`.
        strides: As for `conv`.
        padding: As for `conv`.
        dilation: As for `conv`.
        groups: As for `conv`.
        out: Optional array for the result.

    Returns:
        Array `(batch, *input_shape, channels)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.conv import conv_input_grad
        >>> g = np.array([1.0, 2.0]).reshape(1, 2, 1)
        >>> kernel = np.array([1.0, 10.0]).reshape(2, 1, 1)
        >>> conv_input_grad(np, g, kernel, input_shape=(5,), strides=(2,), padding=((0, 0),),
        ...                 dilation=(1,))[0, :, 0]
        array([ 1., 10.,  2., 20.,  0.])
    """
    channels = kernel.shape[-2] * groups
    if out is None:
        out = xp.empty((g.shape[0], *input_shape, channels), xp.result_type(g, kernel))
    if kernel.shape[-2] == 1 and groups > 1:
        grid = Grid.over(input_shape, kernel.shape[:-2], strides, padding, dilation)
        depthwise_input_grad(xp, g, kernel, grid, out, working_dtype(xp, out.dtype))
        return out
    swapped = _swap_channels(kernel, groups)
    axes = zip(input_shape, kernel.shape[:-2], strides, padding, dilation, strict=True)
    for phases in itertools.product(*(list(_phases(*axis)) for axis in axes)):
        cells, taps, lows, rates = zip(*phases, strict=True)
        target = out[(slice(None), *cells)]
        part = swapped[taps]
        if part.size:
            grid = Grid(target.shape[1:-1], part.shape[:-2], (1,) * len(taps), lows, rates)
            _correlate(xp, g, part, grid, groups, None, target)
        else:
            target[...] = 0
    return out


def conv_kernel_grad(xp, x, g, *, window, strides, padding, dilation, groups=1, out=None):
    """Gradient of `conv` with respect to its kernel.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`, the input of `conv`.
        g: Array `(batch, *outputs, filters)`, the gradient with respect to the output of `conv`.
        window: Sizes of the spatial axes of the kernel.
        strides: As for `conv`.
        padding: As for `conv`.
        dilation: As for `conv`.
        groups: As for `conv`.
        out: Optional array for the result.

    Returns:
        Array `(*window, channels // groups, filters)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.conv import conv_kernel_grad
        >>> x = np.arange(4.0).reshape(1, 4, 1)
        >>> g = np.array([1.0, 1.0, 2.0]).reshape(1, 3, 1)
        >>> conv_kernel_grad(np, x, g, window=(2,), strides=(1,), padding=((0, 0),),
        ...                  dilation=(1,))[:, 0, 0]
        array([5., 9.])
    """
    filters = g.shape[-1]
    if out is None:
        shape = (*window, x.shape[-1] // groups, filters)
        out = xp.empty(shape, xp.result_type(x, g))
    grid = Grid.over(x.shape[1:-1], window, strides, padding, dilation)
    dtype = working_dtype(xp, out.dtype)
    if _is_depthwise(x, groups):
        depthwise_kernel_grad(xp, x, g, grid, out, dtype)
        return out
    total = xp.zeros((groups, math.prod(out.shape[:-1]), filters // groups), dtype)
    part = xp.empty_like(total)
    for block, columns in _column_blocks(xp, x, grid, groups, filters // groups, dtype):
        rows = g[block].reshape(-1, groups, filters // groups)
        rows = xp.moveaxis(rows, 1, 0).astype(dtype, copy=False)
        total += xp.matmul(columns.swapaxes(1, 2), rows, out=part)
    xp.copyto(out, xp.moveaxis(total, 0, 1).reshape(out.shape), casting="same_kind")
    return out


def _correlate(xp, x, kernel, grid, groups, bias, out):
    """Write the cross-correlation with a kernel `(*window, channels // groups, filters)`."""
    if groups == 1 and _few_filters(kernel, grid):
        _shifted_sum(xp, x, kernel, grid, bias, out)
        return
    dtype = working_dtype(xp, out.dtype)
    filters = kernel.shape[-1] // groups
    matrix = kernel.reshape(-1, groups, filters)
    matrix = xp.moveaxis(matrix, 1, 0).astype(dtype, copy=False)
    if bias is not None:
        # A row of biases as long as a row of output: NumPy adds long rows faster than short ones.
        bias = xp.tile(bias.reshape(groups, 1, filters).astype(dtype), (1, 1, grid.outputs[-1]))
    direct = groups == 1 and out.dtype == dtype and out.flags.c_contiguous
    for block, columns in _column_blocks(xp, x, grid, groups, filters, dtype):
        target = out[block]
        if direct:
            product = xp.matmul(columns, matrix, out=target.reshape(1, -1, filters))
        else:
            product = xp.matmul(columns, matrix)
        if bias is not None:
            length = target.shape[-2] * filters
            lines = product.reshape(groups, -1, length)
            xp.add(lines, bias[..., :length], out=lines)
        if not direct:
            product = product.reshape(groups, *target.shape[:-1], filters)
            target = target.reshape(*target.shape[:-1], groups, filters)
            xp.copyto(target, xp.moveaxis(product, 0, -2), casting="same_kind")


def _few_filters(kernel, grid):
    """Whether adding results tap by tap is cheaper than copying inputs tap by tap."""
    channels, filters = kernel.shape[-2:]
    taps = math.prod(grid.window)
    return taps > 1 and channels >= _FEW * filters and all(step == 1 for step in grid.strides)


def _shifted_sum(xp, x, kernel, grid, bias, out):
    """`_correlate` for stride 1: multiply by the weights of all taps first, then shift and add."""
    dtype = working_dtype(xp, out.dtype)
    channels, filters = kernel.shape[-2:]
    matrix = kernel.swapaxes(-1, -2).reshape(-1, channels).astype(dtype, copy=False)
    taps = overlaps(x.shape[1:-1], grid)
    image_bytes = max(math.prod(x.shape[1:-1]) * len(matrix) * dtype.itemsize, 1)
    images = max(_BLOCK_BYTES // image_bytes, 1)
    for first in range(0, x.shape[0], images):
        some = x[first : first + images]
        rows = some.reshape(-1, channels).astype(dtype, copy=False)
        planes = xp.matmul(matrix, rows.T).reshape(*grid.window, filters, *some.shape[:-1])
        total = xp.zeros((filters, some.shape[0], *grid.outputs), dtype)
        with short_rows(xp):
            for tap, target, source in taps:
                total[(slice(None), *target)] += planes[tap][(slice(None), *source)]
        if bias is not None:
            total += bias.reshape(-1, *(1,) * (total.ndim - 1))
        out[first : first + images] = xp.moveaxis(total, 0, -1)


def _column_blocks(xp, x, grid, groups, filters, dtype):
    """Yield the windows of an array, block by block, as matrices.

    A block is some whole images, or some lines of one image. With it comes an array
    `(groups, positions, taps * channels)` that the next block overwrites.
    """
    x = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)
    crop = tuple(slice(max(-low, 0), None) for low in grid.lows)
    x = xp.moveaxis(x, -2, 0)[(slice(None), slice(None), *crop)]
    lows = tuple(max(low, 0) for low in grid.lows)
    batch, sizes, channels = x.shape[1], x.shape[2:-1], x.shape[-1]
    row = groups * (math.prod(grid.window) * channels + filters)
    images, lines = _block_sizes(batch, grid.outputs, row * dtype.itemsize)
    rows = images * lines * math.prod(grid.outputs[1:])
    buffer = aligned_empty(xp, (groups * rows * math.prod(grid.window) * channels,), dtype)
    frame = None
    if any(lows) or x.dtype != dtype or any(map(operator.gt, grid.extents, sizes)):
        frame = aligned_zeros(xp, (groups, images, *grid.extents, channels), dtype)
    for first in range(0, batch if rows else 0, images):
        block = slice(first, min(first + images, batch))
        source = x[:, block]
        if frame is not None:
            source = _framed(frame, source, lows)
        cells = window_view(xp, source, grid)
        for line in range(0, grid.outputs[0], lines):
            some = slice(line, min(line + lines, grid.outputs[0]))
            yield (block, some), _columns(xp, cells[:, :, some], len(sizes), buffer)


def _block_sizes(batch, outputs, row_bytes):
    """Images, and lines of each, to a block: all lines, unless one image is too much."""
    positions = math.prod(outputs)
    rows = max(_BLOCK_BYTES // row_bytes, _LEAST_ROWS)
    if rows >= positions:
        return max(min(rows // max(positions, 1), batch), 1), outputs[0]
    return 1, max(rows * outputs[0] // positions, 1)


def _framed(frame, x, lows):
    """Copy images into a frame of zeros, whose border no call ever writes."""
    frame = frame[:, : x.shape[1]]
    inside = frame[(slice(None), slice(None), *(slice(low, None) for low in lows))]
    common = tuple(slice(min(pair)) for pair in zip(inside.shape, x.shape, strict=True))
    inside[common] = x[common]
    return frame


def _columns(xp, cells, rank, buffer):
    """Lay windows `(groups, images, *outputs, *window, channels)` side by side in a matrix."""
    groups, rows, taps = cells.shape[0], cells.shape[1 : rank + 2], cells.shape[rank + 2 :]
    height, width = math.prod(rows), math.prod(taps)
    if width == taps[-1]:
        return cells.reshape(groups, height, width)
    flat = buffer[: cells.size]
    if taps[-1] * taps[-2] >= _SHORT_RUN:
        xp.copyto(flat.reshape(cells.shape), cells)
        return flat.reshape(groups, height, width)
    order = (0, *range(rank + 2, cells.ndim), *range(1, rank + 2))
    xp.copyto(flat.reshape(groups, *taps, *rows), cells.transpose(order))
    return flat.reshape(groups, width, height).swapaxes(1, 2)


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


def _is_depthwise(x, groups):
    return groups > 1 and groups == x.shape[-1]
