"""Convolution of any rank and its gradients with respect to input, kernel and bias.

The equations are those of `kernels/cpu/conv.py`. On a GPU few large calls are best, so all of them
are products of matrices. With `columns = im2col(x)`, the windows of many images side by side
`(positions, taps * channels)`, `K` the kernel as a matrix `(taps * channels, filters)`, and `g`,
`y` as matrices `(positions, filters)`:

    y        = columns @ K + bias
    dcolumns = g @ K.T,  dx = col2im(dcolumns)     each cell adds what its copies in columns get
    dK       = columns.T @ g
    dbias    = sum of g over positions

- **Columns** (Chellapilla, Puri and Simard 2006) are made in columns.py. As many images are taken
  at a time as keep the matrix within a workspace of fixed size.
- **1x1 windows** with stride 1 are the matrix already; nothing is copied.
- **Groups** are a batch of smaller products.
- **Depthwise** (one input channel a group) has a file of its own, depthwise.py.

Half precision is computed in float32 and rounded once at the end.
"""

import math

from minikeras.kernels.gpu.columns import col2im, im2col
from minikeras.kernels.gpu.depthwise import (
    depthwise,
    depthwise_input_grad,
    depthwise_kernel_grad,
)
from minikeras.kernels.gpu.working import working_dtype
from minikeras.kernels.shared.dense import column_sums, flat, where_positive
from minikeras.kernels.shared.products import finish
from minikeras.kernels.shared.windows import Grid

# Columns of one block: large enough to fill the GPU, small beside its memory.
_BLOCK_BYTES = 1 << 28


def conv(
    xp, x, kernel, *, strides, padding, dilation, groups=1, bias=None, relu=False, out=None
):
    """Cross-correlation of channels-last arrays with a kernel; see `cpu.conv.conv`."""
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
            _multiply(xp, columns, matrix, out[block])
    return finish(xp, out, bias, relu)


def conv_input_grad(
    xp,
    g,
    kernel,
    *,
    input_shape,
    strides,
    padding,
    dilation,
    groups=1,
    bias=None,
    relu=False,
    out=None,
):
    """Compute `dx`, the transposed convolution; see `cpu.conv.conv_input_grad`."""
    channels = kernel.shape[-2] * groups
    if out is None:
        out = xp.empty((g.shape[0], *input_shape, channels), xp.result_type(g, kernel))
    grid = Grid.over(input_shape, kernel.shape[:-2], strides, padding, dilation)
    dtype = working_dtype(xp, out.dtype)
    if kernel.shape[-2] == 1 and groups > 1:
        depthwise_input_grad(xp, g, kernel, grid, out, dtype)
        return finish(xp, out, bias, relu)
    matrix = _by_group(xp, kernel, groups, dtype).swapaxes(1, 2)
    for block in _blocks(g.shape[0], grid, channels, dtype):
        rows = _by_group(xp, g[block], groups, dtype)
        if _is_matrix(grid, input_shape):
            _multiply(xp, rows, matrix, out[block])
        else:
            out[block] = col2im(xp, _products(xp, rows, matrix), grid, out[block].shape)
    return finish(xp, out, bias, relu)


def conv_kernel_grad(xp, x, g, *, window, strides, padding, dilation, groups=1, out=None):
    """Compute `dkernel`; see `cpu.conv.conv_kernel_grad`."""
    if out is None:
        shape = (*window, x.shape[-1] // groups, g.shape[-1])
        out = xp.empty(shape, xp.result_type(x, g))
    grid = Grid.over(x.shape[1:-1], window, strides, padding, dilation)
    dtype = working_dtype(xp, out.dtype)
    if _is_depthwise(x, groups):
        depthwise_kernel_grad(xp, x, g, grid, out, dtype)
        return out
    total = 0
    for block, columns in _column_blocks(xp, x, grid, groups, dtype):
        part = _products(xp, columns.swapaxes(1, 2), _by_group(xp, g[block], groups, dtype))
        total = part if block.start == 0 else total + part
    out[...] = _joined(xp, total, out.shape) if len(x) else 0
    return out


def conv_backward(xp, g, arrays, y, needs, *, strides, padding, dilation, groups=1, relu=False):
    """Compute `[dx, dkernel, dbias]`; see `cpu.conv.conv_backward`."""
    x, kernel, _ = arrays
    sizes, window = x.shape[1:-1], kernel.shape[:-2]
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    if relu:
        g = where_positive(xp, g, y)
    return [
        conv_input_grad(xp, g, kernel, input_shape=sizes, **options) if needs[0] else None,
        conv_kernel_grad(xp, x, g, window=window, **options) if needs[1] else None,
        column_sums(xp, flat(g)) if needs[2] else None,
    ]


def _by_group(xp, array, groups, dtype):
    """View `(..., width)` as matrices `(groups, rows, width // groups)`."""
    split = array.reshape(-1, groups, array.shape[-1] // groups)
    return xp.moveaxis(split, 1, 0).astype(dtype, copy=False)


def _products(xp, a, b):
    """Products of matrices `(groups, rows, columns)`; CuPy copies transposed ones but in rank 2."""
    return xp.matmul(a[0], b[0])[None] if len(a) == 1 else xp.matmul(a, b)


def _multiply(xp, a, b, out):
    """Write products of matrices side by side into an array `(..., groups * columns)`."""
    if len(a) == 1 and out.dtype == a.dtype and out.flags.c_contiguous:
        xp.matmul(a[0], b[0], out=out.reshape(-1, out.shape[-1]))
    else:
        out[...] = _joined(xp, xp.matmul(a, b), out.shape)


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
        if _is_matrix(grid, x.shape[1:-1]):
            yield block, _by_group(xp, x[block], groups, dtype)
        else:
            yield block, im2col(xp, x[block], grid, groups, dtype)


def _is_matrix(grid, sizes):
    """Whether each window is one cell and each cell has a window: the input is the matrix."""
    ones = (1,) * len(sizes)
    return grid.window == grid.strides == ones and not any(grid.lows) and grid.outputs == sizes


def _is_depthwise(x, groups):
    return groups > 1 and groups == x.shape[-1]
