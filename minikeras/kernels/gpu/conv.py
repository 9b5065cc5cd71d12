"""Convolution of any rank, its gradient by the input and its gradient by the kernel.

The definitions are those of `kernels/cpu/conv.py`. On a GPU few large calls are best:

- **Columns.** The windows of many images are copied side by side into one matrix, and one product
  with the kernel does the rest (Chellapilla, Puri and Simard 2006).
- **Gradient by the input.** The product with the transposed kernel gives the columns' gradients;
  then each tap adds its share, one addition of strided slices for each.
- **Gradient by the kernel** is `columns^T @ g`.
- **Groups** are a batch of smaller products.
- **Depthwise** (one input channel a group) has a room of its own, depthwise.py.

Half precision is computed in float32 and rounded once at the end.
"""

import math

from minikeras.kernels.gpu.depthwise import (
    depthwise,
    depthwise_input_grad,
    depthwise_kernel_grad,
)
from minikeras.kernels.gpu.working import working_dtype
from minikeras.kernels.shared.dense import column_sums, flat
from minikeras.kernels.shared.windows import Grid, overlaps, window_view

# Columns of one block: large enough to fill the GPU, small beside its memory.
_BLOCK_BYTES = 1 << 28


def conv(
    xp, x, kernel, *, strides, padding, dilation, groups=1, bias=None, relu=False, out=None
):
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
        relu: Whether to replace negative results by zero.
        out: Optional array for the result.

    Returns:
        Array `(batch, *outputs, filters)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.conv import conv
        >>> x = np.arange(4.0).reshape(1, 4, 1)
        >>> kernel = np.array([1.0, 10.0]).reshape(2, 1, 1)
        >>> conv(np, x, kernel, strides=(1,), padding=((0, 0),), dilation=(1,))[0, :, 0]
        array([10., 21., 32.])
    """
    grid = Grid.over(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    if out is None:
        shape = (x.shape[0], *grid.outputs, kernel.shape[-1])
        out = xp.empty(shape, xp.result_type(x, kernel))
    dtype = working_dtype(xp, out.dtype)
    if _is_depthwise(x, groups):
        depthwise(xp, x, kernel, grid, out, dtype)
    else:
        matrix = _by_group(xp, kernel, groups, dtype)
        for block, columns in _column_blocks(xp, x, grid, groups, dtype):
            out[block] = _joined(xp, xp.matmul(columns, matrix), out[block].shape)
    if bias is not None:
        out += bias
    return xp.maximum(out, 0, out=out) if relu else out


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
        >>> from minikeras.kernels.gpu.conv import conv_input_grad
        >>> g = np.array([1.0, 2.0]).reshape(1, 2, 1)
        >>> kernel = np.array([1.0, 10.0]).reshape(2, 1, 1)
        >>> conv_input_grad(np, g, kernel, input_shape=(5,), strides=(2,), padding=((0, 0),),
        ...                 dilation=(1,))[0, :, 0]
        array([ 1., 10.,  2., 20.,  0.])
    """
    channels = kernel.shape[-2] * groups
    if out is None:
        out = xp.empty((g.shape[0], *input_shape, channels), xp.result_type(g, kernel))
    grid = Grid.over(input_shape, kernel.shape[:-2], strides, padding, dilation)
    dtype = working_dtype(xp, out.dtype)
    if kernel.shape[-2] == 1 and groups > 1:
        depthwise_input_grad(xp, g, kernel, grid, out, dtype)
        return out
    matrix = _by_group(xp, kernel, groups, dtype).swapaxes(1, 2)
    taps = overlaps(input_shape, grid)
    for block in _blocks(g.shape[0], grid, channels, dtype):
        part = g[block]
        columns = xp.matmul(_by_group(xp, part, groups, dtype), matrix)
        shape = (groups, *part.shape[:-1], *grid.window, channels // groups)
        columns = xp.moveaxis(columns.reshape(shape), 0, -2)
        out[block] = _added_up(xp, columns, taps, out[block].shape, dtype)
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
        >>> from minikeras.kernels.gpu.conv import conv_kernel_grad
        >>> x = np.arange(4.0).reshape(1, 4, 1)
        >>> g = np.array([1.0, 1.0, 2.0]).reshape(1, 3, 1)
        >>> conv_kernel_grad(np, x, g, window=(2,), strides=(1,), padding=((0, 0),),
        ...                  dilation=(1,))[:, 0, 0]
        array([5., 9.])
    """
    if out is None:
        shape = (*window, x.shape[-1] // groups, g.shape[-1])
        out = xp.empty(shape, xp.result_type(x, g))
    grid = Grid.over(x.shape[1:-1], window, strides, padding, dilation)
    dtype = working_dtype(xp, out.dtype)
    if _is_depthwise(x, groups):
        depthwise_kernel_grad(xp, x, g, grid, out, dtype)
        return out
    total = xp.zeros((groups, math.prod(out.shape[:-1]), g.shape[-1] // groups), dtype)
    for block, columns in _column_blocks(xp, x, grid, groups, dtype):
        total += xp.matmul(columns.swapaxes(1, 2), _by_group(xp, g[block], groups, dtype))
    out[...] = _joined(xp, total, out.shape)
    return out


def conv_backward(xp, g, arrays, y, needs, *, strides, padding, dilation, groups=1, relu=False):
    """All gradients of `conv`.

    Args:
        xp: The array module.
        g: Array `(batch, *outputs, filters)`, the gradient with respect to the output of `conv`.
        arrays: `(x, kernel, bias)`, the inputs of `conv`.
        y: The output of `conv`; only read with `relu`.
        needs: Three bools, which gradients to compute.
        strides: As for `conv`.
        padding: As for `conv`.
        dilation: As for `conv`.
        groups: As for `conv`.
        relu: As for `conv`.

    Returns:
        A list of three arrays, None where none is needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.conv import conv_backward
        >>> x, kernel = np.arange(3.0).reshape(1, 3, 1), np.ones((2, 1, 1))
        >>> found = conv_backward(np, np.ones((1, 2, 1)), (x, kernel, None), None, (1, 1, 0),
        ...                       strides=(1,), padding=((0, 0),), dilation=(1,))
        >>> found[0].ravel().tolist(), found[1].ravel().tolist()
        ([1.0, 2.0, 1.0], [1.0, 3.0])
    """
    x, kernel, _ = arrays
    sizes, window = x.shape[1:-1], kernel.shape[:-2]
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    if relu:
        g = g * (y > 0)
    return [
        conv_input_grad(xp, g, kernel, input_shape=sizes, **options) if needs[0] else None,
        conv_kernel_grad(xp, x, g, window=window, **options) if needs[1] else None,
        column_sums(xp, flat(g)) if needs[2] else None,
    ]


def _by_group(xp, array, groups, dtype):
    """View `(..., width)` as matrices `(groups, rows, width // groups)`."""
    split = array.reshape(-1, groups, array.shape[-1] // groups)
    return xp.moveaxis(split, 1, 0).astype(dtype, copy=False)


def _joined(xp, matrices, shape):
    """Undo `_by_group`."""
    return xp.moveaxis(matrices, 0, 1).reshape(shape)


def _blocks(batch, grid, channels, dtype):
    """Yield slices of the batch whose columns stay within a block."""
    image = math.prod(grid.outputs) * math.prod(grid.window) * channels * dtype.itemsize
    step = max(_BLOCK_BYTES // max(image, 1), 1)
    for first in range(0, batch, step):
        yield slice(first, min(first + step, batch))


def _column_blocks(xp, x, grid, groups, dtype):
    """Yield blocks of images with their windows as matrices `(groups, positions, taps)`."""
    for block in _blocks(x.shape[0], grid, x.shape[-1], dtype):
        cells = window_view(xp, _framed(xp, x[block], grid, dtype), grid)
        cells = cells.reshape(*cells.shape[:-1], groups, x.shape[-1] // groups)
        cells = xp.moveaxis(cells, -2, 0)
        taps = math.prod(cells.shape[len(grid.window) + 2 :])
        positions = cells.shape[1] * math.prod(grid.outputs)
        yield block, cells.reshape(groups, positions, taps)


def _framed(xp, x, grid, dtype):
    """The cells that windows read, padding included; nothing is copied where none is missing."""
    sizes = x.shape[1:-1]
    axes = zip(grid.lows, grid.extents, sizes, strict=True)
    inside = [slice(max(-low, 0), max(min(end - low, size), 0)) for low, end, size in axes]
    x = x[(slice(None), *inside)].astype(dtype, copy=False)
    if x.shape[1:-1] == grid.extents:
        return x
    frame = xp.zeros((x.shape[0], *grid.extents, x.shape[-1]), dtype)
    starts = [max(low, 0) for low in grid.lows]
    target = [slice(a, a + size) for a, size in zip(starts, x.shape[1:-1], strict=True)]
    frame[(slice(None), *target)] = x
    return frame


def _added_up(xp, columns, taps, shape, dtype):
    """Add the columns' gradients `(batch, *outputs, *window, groups, channels)` to their cells."""
    total = xp.zeros(shape, dtype)
    columns = columns.reshape(*columns.shape[:-2], shape[-1])
    rank = len(shape) - 2
    for tap, outputs, inside in taps:
        total[inside] += columns[(*outputs[: rank + 1], *tap)]
    return total


def _is_depthwise(x, groups):
    return groups > 1 and groups == x.shape[-1]
