"""Convolution of any rank and its gradients with respect to input, kernel and bias.

A cross-correlation of channels-last arrays. `conv` and `conv_backward` state the equations, for two
spatial axes with strides `s` and dilations `d`; the zeros of a padding are part of `x` there. With
`relu`, `y` becomes `max(y, 0)`, and the backward pass takes `g * (y > 0)` for `g`.

For any rank, let `o` be a position of the output (`p, q`), `t` a tap (`u, v`), `low` the padding
before an axis, and

    i(o, t) = o * s - low + t * d            the position of the input that tap `t` of `o` reads

The loops of the equations then are

    y[:, o] += x[:, i(o, t)] @ kernel[t]     for all o, t with i(o, t) inside the input
    dx[:, i] = sum of g[:, o] @ kernel[t].T  over the o, t with i(o, t) = i

where the sum for `dx` collects for each `i` what the equation adds to it. With groups, channels and
filters are cut into as many slices, and a filter sees the channels of its own slice alone: `kernel`
is `(*window, channels / groups, filters)`.

How each case is computed, and why:

- **Columns.** The windows of a block are copied side by side into a matrix, and one matrix product
  does the rest (Chellapilla, Puri and Simard 2006). The matrix is a buffer of cache size that every
  block reuses: a matrix for the whole batch would go out to memory and back. Padding is added block
  by block too, so no padded copy of the input exists. A bias is added while the block is in cache.
- **Few channels.** A row of the matrix is gathered in runs of (last window axis, channels). Where
  such a run is short the matrix is stored transposed, so that the copy runs along output positions.
- **1x1 windows** with stride 1 are the matrix already; nothing is copied.
- **Groups** stand in front of the block as a batch of smaller matrix products.
- **Depthwise** (one input channel a group) has a file of its own, depthwise.py.
- **Fewer filters than channels**, stride 1: the product comes first, for all taps at every input
  cell, and the results are shifted and added. They are fewer than the inputs that columns would
  copy. With very few filters the results are laid out by filter, so that rows stay long.
- **`dx`** is a convolution again, of the output's gradient with the flipped kernel. Scattering into
  overlapping windows, and adding, would touch each cell once for each tap. With a stride, the input
  cells split into `stride` interleaved phases, each with its own subset of taps and dense in the
  output's gradient: no multiplication by an inserted zero is ever made.
- **`dkernel`** sums `columns.T @ g` over the same blocks.

Half precision is computed in float32 and rounded once at the end. The batch is divided into chunks
for the threads, each with buffers of its own.
"""

import functools
import math
import operator

from minikeras.arrays.threads import OPERATIONS, chunks, each
from minikeras.kernels.cpu.buffers import working_dtype
from minikeras.kernels.cpu.correlation import (
    Correlation,
    Transposed,
    add_kernel_grad,
    is_depthwise,
)
from minikeras.kernels.cpu.depthwise import depthwise
from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.dense import column_sums, flat
from minikeras.kernels.shared.products import finish
from minikeras.kernels.shared.windows import Grid

# A block of the gradient is used three times before the next one. Smaller blocks, which would fit a
# second-level cache, cost more calls than they save.
_BLOCK_BYTES = 1 << 22


@dispatched("convolution.conv", least=1 << 10)
def conv(
    xp, x, kernel, *, strides, padding, dilation, groups=1, bias=None, relu=False, out=None
):
    """Cross-correlation of channels-last arrays with a kernel.

    Equations (convolution.conv):
        rows, columns = (output_size(x.shape[i], kernel.shape[i - 1], s, d) for i in (1, 2))
        y = zeros((len(x), rows, columns, len(bias))) + bias  # (batch, rows, columns, filters)
        for p, q in ndindex(rows, columns):
            for u, v in ndindex(kernel.shape[:2]):
                y[:, p, q] += x[:, p * s + u * d, q * s + v * d] @ kernel[u, v]  # (batch, filters)

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        kernel: Array `(*window, channels // groups, filters)`.
        strides: Steps from window to window along each spatial axis.
        padding: A pair `(lo, hi)` of zero cells for each spatial axis.
        dilation: Steps from tap to tap along each spatial axis.
        groups: Number of independent slices of the channels and of the filters.
        bias: Optional array `(filters,)` to add.
        relu: Whether to apply ReLU to the result.
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
    dtype = working_dtype(xp, out.dtype)
    parts = chunks(len(x), _work(out, kernel))
    if is_depthwise(x, groups):
        each(lambda p: depthwise(xp, x[p], kernel, grid, bias, relu, out[p], dtype), parts)
    else:
        correlation = Correlation(xp, kernel, grid, groups, dtype, bias, relu)
        each(lambda p: correlation.run(x[p], out[p]), parts)
    return out


@dispatched("convolution.conv", least=1 << 10)
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
    """Gradient of `conv` with respect to its input, `dx`: the transposed convolution.

    It is computed from `g` and `kernel` as `y` is from `x` and `kernel` here, and a padding is cut
    from it:

    Equations (convolution.conv_transpose):
        rows, columns = ((x.shape[i] - 1) * s + (kernel.shape[i - 1] - 1) * d + 1 for i in (1, 2))
        y = zeros((len(x), rows, columns, len(bias))) + bias  # (batch, rows, columns, filters)
        for p, q in ndindex(x.shape[1:3]):
            for u, v in ndindex(kernel.shape[:2]):
                y[:, p * s + u * d, q * s + v * d] += x[:, p, q] @ kernel[u, v].T

    Args:
        xp: The array module.
        g: Array `(batch, *outputs, filters)`, the gradient with respect to the output of `conv`.
        kernel: Array `(*window, channels // groups, filters)`.
        input_shape: Sizes of the spatial axes of the input of `conv`.
        strides: As for `conv`.
        padding: As for `conv`.
        dilation: As for `conv`.
        groups: As for `conv`.
        bias: Optional array `(channels,)` to add, for a transposed convolution.
        relu: Whether to apply ReLU to the result.
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
    options = (strides, padding, dilation, groups)
    transposed = Transposed(xp, kernel, input_shape, options, working_dtype(xp, out.dtype))

    def compute(part):
        transposed.run(g[part], out[part])
        finish(xp, out[part], bias, relu)

    each(compute, chunks(len(g), _work(g, kernel)))
    return out


@dispatched("convolution.conv", least=1 << 10)
def conv_kernel_grad(xp, x, g, *, window, strides, padding, dilation, groups=1, out=None):
    """Gradient of `conv` with respect to its kernel: `dkernel` of `conv_backward`.

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
    shape = (*window, x.shape[-1] // groups, g.shape[-1])
    if out is None:
        out = xp.empty(shape, xp.result_type(x, g))
    grid = Grid.over(x.shape[1:-1], window, strides, padding, dilation)
    dtype = working_dtype(xp, out.dtype)

    def add_up(part):
        total = _kernel_total(xp, shape, groups, dtype)
        add_kernel_grad(xp, x[part], g[part], grid, groups, total)
        return total

    total = functools.reduce(operator.add, each(add_up, chunks(len(x), _work(g, out))))
    xp.copyto(out, _as_kernel(xp, total, shape), casting="same_kind")
    return out


@dispatched("convolution.conv", least=1 << 10)
def conv_backward(xp, g, arrays, y, needs, *, strides, padding, dilation, groups=1, relu=False):
    """All gradients of `conv` in one pass over the batch.

    A block of the output's gradient is fetched once: it is multiplied by `y > 0` for ReLU, and
    `dx`, `dkernel` and `dbias` are taken from it before the next block.

    Equations (convolution.conv_backward):
        dx = zeros_like(x)  # (batch, rows, columns, channels)
        dkernel = zeros_like(kernel)  # (height, width, channels, filters)
        for p, q in ndindex(g.shape[1:3]):
            for u, v in ndindex(kernel.shape[:2]):
                dx[:, p * s + u * d, q * s + v * d] += g[:, p, q] @ kernel[u, v].T
                dkernel[u, v] += x[:, p * s + u * d, q * s + v * d].T @ g[:, p, q]
        dbias = sum(g, axis=(0, 1, 2))  # (filters,)

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
        `[dx, dkernel, dbias]`, None where one is not needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.conv import conv_backward
        >>> x, kernel = np.arange(3.0).reshape(1, 3, 1), np.ones((2, 1, 1))
        >>> gradients = conv_backward(np, np.ones((1, 2, 1)), (x, kernel, None), None, (1, 1, 0),
        ...                       strides=(1,), padding=((0, 0),), dilation=(1,))
        >>> gradients[0].ravel().tolist(), gradients[1].ravel().tolist()
        ([1.0, 2.0, 1.0], [1.0, 3.0])
    """
    x, kernel, _ = arrays
    dtype = working_dtype(xp, x.dtype)
    grid = Grid.over(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    dx = xp.empty_like(x) if needs[0] else None
    options = (strides, padding, dilation, groups)
    transposed = Transposed(xp, kernel, x.shape[1:-1], options, dtype) if needs[0] else None

    def sums_of(chunk):
        dkernel = _kernel_total(xp, kernel.shape, groups, dtype)
        dbias = xp.zeros(kernel.shape[-1], dtype)
        for block in _blocks(chunk, g):
            upstream = _relu_gradient(xp, g[block], y[block]) if relu else g[block]
            if transposed is not None and dx is not None:
                transposed.run(upstream, dx[block])
            if needs[1]:
                add_kernel_grad(xp, x[block], upstream, grid, groups, dkernel)
            if needs[2]:
                dbias += column_sums(xp, flat(upstream))
        return dkernel, dbias

    sums = each(sums_of, chunks(len(x), _work(g, kernel)))
    dkernel, dbias = (functools.reduce(operator.add, parts) for parts in zip(*sums, strict=True))
    dkernel = _as_kernel(xp, dkernel, kernel.shape).astype(kernel.dtype, copy=False)
    dbias = dbias.astype(x.dtype, copy=False)
    return [dx, dkernel if needs[1] else None, dbias if needs[2] else None]


def _work(y, kernel):
    """Nanoseconds of a convolution, from its output and its kernel."""
    return 2 * y.size * math.prod(kernel.shape[:-1]) / OPERATIONS


def _blocks(chunk, g):
    """Divide the images of a thread's chunk into blocks whose gradients fit the cache."""
    images = max(_BLOCK_BYTES // max(g[:1].nbytes, 1), 1)
    starts = range(chunk.start, chunk.stop, images)
    return [slice(start, min(start + images, chunk.stop)) for start in starts]


def _relu_gradient(xp, g, y):
    """The gradient with respect to what ReLU was applied to."""
    return xp.multiply(g, y > 0)


def _kernel_total(xp, shape, groups, dtype):
    """Zeros `(groups, taps * channels of a group, filters of a group)` to add `dkernel` up in."""
    return xp.zeros((groups, math.prod(shape[:-1]), shape[-1] // groups), dtype)


def _as_kernel(xp, total, shape):
    return xp.moveaxis(total, 0, 1).reshape(shape)
