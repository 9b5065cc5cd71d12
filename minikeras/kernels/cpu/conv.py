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
- **Fewer filters than channels**, stride 1: the product comes first, for all taps at every input
  cell, and the results are shifted and added. They are fewer than the inputs that columns would
  copy. With very few filters the results are laid out by filter, so that rows stay long.
- **Gradient by the input** is a convolution again, of the output gradient with the flipped kernel.
  Scattering into overlapping windows, and adding, would touch each cell once for each tap. With a
  stride, the input cells split into `stride` interleaved phases, each with its own subset of taps
  and dense in the output gradient: no multiplication by an inserted zero is ever made.
- **Gradient by the kernel** sums `columns^T @ g` over the same blocks.

Half precision is computed in float32 and rounded once at the end. The batch is divided among
threads, each with buffers of its own.
"""

import functools
import math
import operator

from minikeras.arrays.threads import OPERATIONS, each, pieces
from minikeras.kernels.cpu.buffers import working_dtype
from minikeras.kernels.cpu.correlation import (
    Correlation,
    Transposed,
    add_kernel_grad,
    is_depthwise,
)
from minikeras.kernels.cpu.depthwise import depthwise
from minikeras.kernels.providers import provided
from minikeras.kernels.shared.dense import column_sums, flat
from minikeras.kernels.shared.products import finish
from minikeras.kernels.shared.windows import Grid

# A chunk of the gradient is cut and used three times before the next one. Smaller chunks, which
# would fit a second-level cache, cost more calls than they save.
_CHUNK_BYTES = 1 << 22


@provided("conv", least=1 << 10)
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
    parts = pieces(len(x), _work(out, kernel))
    if is_depthwise(x, groups):
        each(lambda p: depthwise(xp, x[p], kernel, grid, bias, relu, out[p], dtype), parts)
    else:
        correlation = Correlation(xp, kernel, grid, groups, dtype, bias, relu)
        each(lambda p: correlation.run(x[p], out[p]), parts)
    return out


@provided("conv", least=1 << 10)
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
        bias: Optional array `(channels,)` to add, for a transposed convolution.
        relu: Whether to replace negative results by zero.
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

    each(compute, pieces(len(g), _work(g, kernel)))
    return out


@provided("conv", least=1 << 10)
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
    shape = (*window, x.shape[-1] // groups, g.shape[-1])
    if out is None:
        out = xp.empty(shape, xp.result_type(x, g))
    grid = Grid.over(x.shape[1:-1], window, strides, padding, dilation)
    dtype = working_dtype(xp, out.dtype)

    def add_up(part):
        total = _kernel_total(xp, shape, groups, dtype)
        add_kernel_grad(xp, x[part], g[part], grid, groups, total)
        return total

    total = functools.reduce(operator.add, each(add_up, pieces(len(x), _work(g, out))))
    xp.copyto(out, _as_kernel(xp, total, shape), casting="same_kind")
    return out


@provided("conv", least=1 << 10)
def conv_backward(xp, g, arrays, y, needs, *, strides, padding, dilation, groups=1, relu=False):
    """All gradients of `conv` in one pass over the batch.

    A chunk of the output's gradient is fetched once: where `relu` cut off results it is set to
    zero, and the gradients by the input, by the kernel and by the bias are taken from it before the
    next chunk.

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
        >>> from minikeras.kernels.cpu.conv import conv_backward
        >>> x, kernel = np.arange(3.0).reshape(1, 3, 1), np.ones((2, 1, 1))
        >>> found = conv_backward(np, np.ones((1, 2, 1)), (x, kernel, None), None, (1, 1, 0),
        ...                       strides=(1,), padding=((0, 0),), dilation=(1,))
        >>> found[0].ravel().tolist(), found[1].ravel().tolist()
        ([1.0, 2.0, 1.0], [1.0, 3.0])
    """
    x, kernel, _ = arrays
    dtype = working_dtype(xp, x.dtype)
    grid = Grid.over(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    by_input = xp.empty_like(x) if needs[0] else None
    options = (strides, padding, dilation, groups)
    transposed = Transposed(xp, kernel, x.shape[1:-1], options, dtype) if needs[0] else None

    def walk(part):
        total = _kernel_total(xp, kernel.shape, groups, dtype)
        sums = xp.zeros(kernel.shape[-1], dtype)
        for chunk in _chunks(part, g):
            some = _cut(xp, g[chunk], y[chunk]) if relu else g[chunk]
            if transposed is not None and by_input is not None:
                transposed.run(some, by_input[chunk])
            if needs[1]:
                add_kernel_grad(xp, x[chunk], some, grid, groups, total)
            if needs[2]:
                sums += column_sums(xp, flat(some))
        return total, sums

    found = each(walk, pieces(len(x), _work(g, kernel)))
    total, by_bias = (functools.reduce(operator.add, part) for part in zip(*found, strict=True))
    by_kernel = _as_kernel(xp, total, kernel.shape).astype(kernel.dtype, copy=False)
    by_bias = by_bias.astype(x.dtype, copy=False)
    return [by_input, by_kernel if needs[1] else None, by_bias if needs[2] else None]


def _work(y, kernel):
    """Nanoseconds of a convolution, from its output and its kernel."""
    return 2 * y.size * math.prod(kernel.shape[:-1]) / OPERATIONS


def _chunks(part, g):
    """Divide some images into chunks whose gradients fit the cache."""
    images = max(_CHUNK_BYTES // max(g[:1].nbytes, 1), 1)
    starts = range(part.start, part.stop, images)
    return [slice(start, min(start + images, part.stop)) for start in starts]


def _cut(xp, g, y):
    """The gradient where the output is positive, else zero."""
    return xp.multiply(g, y > 0)


def _kernel_total(xp, shape, groups, dtype):
    """Zeros for the sum of a kernel's gradient, the groups in front."""
    return xp.zeros((groups, math.prod(shape[:-1]), shape[-1] // groups), dtype)


def _as_kernel(xp, total, shape):
    return xp.moveaxis(total, 0, 1).reshape(shape)
