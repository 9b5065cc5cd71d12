"""Convolution of any rank and its gradients, compiled: sums of products taken where the data lie.

For two spatial axes, with strides `s` and dilations `d`; the zeros of a padding are part of `x`.
With `relu`, `y` becomes `max(y, 0)`, and the backward pass takes `g * (y > 0)` for `g`.

Equations (convolution.conv):
    rows, columns = (output_size(x.shape[i], kernel.shape[i - 1], s, d) for i in (1, 2))
    y = zeros((len(x), rows, columns, len(bias))) + bias  # (batch, rows, columns, filters)
    for p, q in ndindex(rows, columns):
        for u, v in ndindex(kernel.shape[:2]):
            y[:, p, q] += x[:, p * s + u * d, q * s + v * d] @ kernel[u, v]  # (batch, filters)

Equations (convolution.conv_backward):
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    dkernel = zeros_like(kernel)  # (height, width, channels, filters)
    for p, q in ndindex(g.shape[1:3]):
        for u, v in ndindex(kernel.shape[:2]):
            dx[:, p * s + u * d, q * s + v * d] += g[:, p, q] @ kernel[u, v].T
            dkernel[u, v] += x[:, p * s + u * d, q * s + v * d].T @ g[:, p, q]
    dbias = sum(g, axis=(0, 1, 2))  # (filters,)

No windows are copied side by side. All three large sums are the same loop, the register tile of
`tiles`, which reads the terms of its sums where they lie, with the weights laid out in panels
beside it (Georganas et al., "Anatomy of high-performance deep learning convolutions on SIMD
architectures", 2018). For three by three taps over an image with a border of zeros:

    frame: an image and its padding                panel: weights of up to four vectors of filters
                                                             filters 0 ............... 63
     0   0   0   0   0   0   0                              +-----------------------------+
     0 [ x   x   x ] x   x   0    run 0: three taps, -----> | u, v = 0, 0: channel 0, 1,..|
                                  and their channels        | u, v = 0, 1: channel 0, 1,..|
                                                            | u, v = 0, 2: channel 0, 1,..|
     0 [ x   x   x ] x   x   0    run 1 ------------------> | u, v = 1, 0: ...            |
     0 [ x   x   x ] x   x   0    run 2 ------------------> | u, v = 2, 0: ...            |
     0   0   0   0   0   0   0                              +-----------------------------+
       |--> the next output reads `step` bytes further

    tile: six outputs of a row by the 64 filters of the panel, whose sums stay in registers
            y[p, q + 0, 0 .. 63]  +=  one number of the frame  *  one line of the panel
              ...                     (of its own window)         (the same for all six)
            y[p, q + 5, 0 .. 63]

Which sum takes what for rows and columns of a tile, and what it sums over:

    y        rows are outputs of a row,       columns filters,  the sum goes over taps and channels
    dx       rows are cells of a row,         columns channels, the sum goes over taps and filters
    dkernel  rows are the terms of a run,     columns filters,  the sum goes over outputs

`plans` works out the runs of each sum, `tables` writes them down, `loops` goes through them. Only
an image with padding is copied, to a frame of zeros that stays in cache; `g` is multiplied by `y >
0` on the way to its frame, and there all three gradients read it. Where channels do not mix
(depthwise), the loops are the same, and each column has cells of its own. Windows of 3x3 cells with
many channels are computed in half the multiplications, see `winograd.conv`.
"""

import math

import numpy as np

from minikeras.arrays import threads
from minikeras.arrays.threads import OPERATIONS
from minikeras.kernels.compiled.convolution import loops
from minikeras.kernels.compiled.convolution.panels import packed
from minikeras.kernels.compiled.convolution.plans import (
    forward_plan,
    input_grad_plan,
    kernel_grad_plan,
)
from minikeras.kernels.compiled.convolution.tables import LENGTH
from minikeras.kernels.compiled.products.tile_instructions import tile_code
from minikeras.kernels.compiled.products.tiles import VECTOR
from minikeras.kernels.compiled.thread_pool import parallel_chunks
from minikeras.kernels.compiled.totals import added, each_thread
from minikeras.kernels.compiled.winograd import conv as winograd
from minikeras.kernels.cpu.buffers import aligned_empty, aligned_zeros

# Filters that leave most of a vector empty.
_FEW = 4
# How many times as long a product takes where channels do not mix: each needs a load.
_LANEWISE = 4


def conv(xp, x, kernel, *, strides, padding, dilation, groups=1, bias=None, relu=False, out=None):
    """Compute `y` from `x`, `kernel` and `bias`; arguments as in `kernels/cpu/conv.py`."""
    if not _is_supported(x, kernel, bias, out) or _has_multiplier(kernel, groups):
        return NotImplemented
    case = _case(x.shape[1:], kernel, strides, padding, dilation, groups)
    plan = forward_plan(*case)
    if not all(plan.shape):
        return NotImplemented
    if out is None:
        out = np.empty((len(x), *plan.shape, kernel.shape[-1]), x.dtype)
    start, lower_bound = _start(kernel.shape[-1], bias, x.dtype), _lower_bound(relu)
    if groups == 1 and kernel.shape[-1] <= _FEW and _has_whole_vectors(plan, x.itemsize):
        weights = np.ascontiguousarray(kernel.reshape(-1, kernel.shape[-1]).T)
        return _correlate(plan, x, weights, start, out, lower_bound, few=True)

    def direct(x, out):
        return _correlate(plan, x, packed(plan, kernel, groups), start, out, lower_bound)

    if winograd.is_faster(*case):
        weights = winograd.transformed(kernel)
        return winograd.conv(x, weights, _lows(padding), (start, lower_bound), out, direct)
    return direct(x, out)


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
    """Compute `dx` from `g` and `kernel`; arguments as in `kernels/cpu/conv.py`.

    With a bias and `relu` this is the forward pass of a transposed convolution.
    """
    if (
        not _is_supported(g, kernel, bias, out)
        or not all(input_shape)
        or _has_multiplier(kernel, groups)
    ):
        return NotImplemented
    channels = kernel.shape[-2] * groups
    case = _case((*input_shape, channels), kernel, strides, padding, dilation, groups)
    plan = input_grad_plan(*case)
    if out is None:
        out = np.empty((len(g), *input_shape, channels), g.dtype)
    start, lower_bound = _start(channels, bias, g.dtype), _lower_bound(relu)

    def direct(g, out):
        weights = packed(plan, kernel, groups, backward=True)
        return _correlate(plan, g, weights, start, out, lower_bound)

    if winograd.is_faster(*case):
        low, weights = winograd.mirrored(_lows(padding)), winograd.transformed(kernel, rotated=True)
        return winograd.conv(g, weights, low, (start, lower_bound), out, direct)
    return direct(g, out)


def conv_kernel_grad(xp, x, g, *, window, strides, padding, dilation, groups=1, out=None):
    """Compute `dkernel` from `x` and `g`; arguments as in `kernels/cpu/conv.py`."""
    if not _is_supported(x, g, out):
        return NotImplemented
    if out is None:
        out = np.empty((*window, x.shape[-1] // groups, g.shape[-1]), x.dtype)
    if _has_multiplier(out, groups):
        return NotImplemented
    case = _case(x.shape[1:], out, strides, padding, dilation, groups)
    out[...] = _backward(case, g, (x, out), None, (False, True, False))[1]
    return out


def conv_backward(xp, g, arrays, y, needs, *, strides, padding, dilation, groups=1, relu=False):
    """Compute `dx`, `dkernel` and `dbias` in one pass; arguments as in `kernels/cpu/conv.py`."""
    x, kernel, _ = arrays
    if not _is_supported(g, x, kernel, y if relu else None) or _has_multiplier(kernel, groups):
        return NotImplemented
    case = _case(x.shape[1:], kernel, strides, padding, dilation, groups)
    return _backward(case, g, (x, kernel), y if relu else None, needs)


def _correlate(plan, x, weights, start, out, lower_bound, few=False):
    """Run the forward loops on all images."""
    code = tile_code(x.dtype, "lanewise" if few else plan.kind)
    loop = loops.forward_few if few else loops.forward
    x, result = np.ascontiguousarray(x), out
    if not out.flags.c_contiguous:
        result = np.empty_like(out, order="C")
    work = 2 * math.prod(out.shape[:-1]) * weights.size / OPERATIONS / len(plan.tables[0])
    ends = threads.ends(len(x), work * _slowness(plan))
    frames = _frames(len(ends) - 1, plan.frame, x)
    arrays = _flat(x), frames, weights, start, _flat(result)
    parallel_chunks(loop, ends, code, *arrays, plan.frame.rows, plan.tables, lower_bound)
    if result is not out:
        out[...] = result
    return out


def _backward(case, g, arrays, y, needs):
    """`[dx, dkernel, dbias]`, in fewer multiplications where that is possible."""
    x, kernel = arrays

    def direct(images, needs):
        result = None if y is None else y[images]
        return _Backward(case, g[images], (x[images], kernel), result, needs).run()

    if winograd.is_faster_backward(case, g, needs):
        low = _lows(case[-2][1])
        return winograd.Backward(low, arrays, g, y, needs, direct).run()
    return direct(slice(None), needs)


class _Backward:
    """The backward pass of one convolution: what its loops need, made once for all threads."""

    def __init__(self, case, g, arrays, y, needs):
        self.g, self.needs = np.ascontiguousarray(g), needs
        self.x, self.kernel = np.ascontiguousarray(arrays[0]), arrays[1]
        self.y = None if y is None else np.ascontiguousarray(y)
        plan = self.input_plan = input_grad_plan(*case)
        self.framed = y is not None or (needs[0] and plan.frame.padded)
        self.kernel_plan = kernel_grad_plan(*case, self.framed)
        self.is_transposed = self.kernel_plan.terms_are_columns
        self.dx, self.weights = None, self._empty(1)
        if needs[0]:
            self.dx = np.empty_like(self.x)
            self.weights = packed(plan, self.kernel, case[-2][-1], backward=True)

    def run(self):
        """Return `[dx, dkernel, dbias]`, None where not needed."""
        work, dtype = self._work(), self.g.dtype
        ends = threads.ends(len(self.g), work, each_thread(work, self.kernel.nbytes))
        chunks = len(ends) - 1
        dkernel = self._kernel_sums(chunks)
        row = math.prod(self.g.shape[-2:])
        dbias = np.empty((chunks, row if self.needs[2] else 0), dtype)
        codes = tuple(tile_code(dtype, plan.kind) for plan in (self.input_plan, self.kernel_plan))
        arguments = self._for_kernel(dkernel), self._gradient(dbias), self._for_input()
        parallel_chunks(loops.backward, ends, codes, *arguments)
        return [self.dx, self._joined_kernel(dkernel), self._joined_bias(dbias)]

    def _work(self):
        """Nanoseconds of a gradient; the same whatever is needed, and so are the chunks."""
        work = 2 * self.g.size * math.prod(self.kernel.shape[:-1]) / OPERATIONS
        return work * _slowness(self.input_plan)

    def _kernel_sums(self, chunks):
        """A buffer for each chunk's part of `dkernel`, `(terms, filters)` or the transpose."""
        filters = self.kernel.shape[-1]
        terms = self.kernel.size // filters
        rows, columns = (filters, terms) if self.is_transposed else (terms, filters)
        return aligned_empty(np, (chunks, rows * bool(self.needs[1]), columns), self.g.dtype)

    def _joined_kernel(self, sums):
        if not self.needs[1]:
            return None
        total = added(sums)
        return (total.T if self.is_transposed else total).reshape(self.kernel.shape)

    def _joined_bias(self, sums):
        """`dbias` from sums of whole rows `(positions of a row, filters)`."""
        return added(sums).reshape(self.g.shape[-2:]).sum(0) if self.needs[2] else None

    def _for_kernel(self, dkernel):
        """What the loops need for `dkernel` besides `g`."""
        plan = self.kernel_plan
        frames = _frames(len(dkernel), plan.frame, self.x, plan.frame.padded and self.needs[1])
        return _flat(self.x), frames, plan.frame.rows, dkernel, self.is_transposed, plan.tables

    def _gradient(self, dbias):
        """`g`, the output if ReLU was applied to it, and buffers for the frames of `g`."""
        frame = self.input_plan.frame
        frames = _frames(len(dbias), frame, self.g, self.framed)
        y = self._empty(2) if self.y is None else _flat(self.y)
        return _flat(self.g), y, frames, frame.rows, dbias

    def _for_input(self):
        """What the loops need for `dx` besides `g`."""
        dx = self._empty(2) if self.dx is None else _flat(self.dx)
        zeros = _start(self.x.shape[-1], None, self.g.dtype)
        return self.weights, zeros, dx, self.input_plan.tables

    def _empty(self, rank):
        return np.empty((0,) * rank, self.g.dtype)


def _is_supported(*arrays):
    """Whether all arrays that are not None have elements, and one dtype that the loops know."""
    first, *others = (array for array in arrays if array is not None)
    return first.dtype in (np.float32, np.float64) and all(
        array.size and array.dtype == first.dtype for array in (first, *others)
    )


def _has_multiplier(kernel, groups):
    """Whether each channel has several filters of its own: narrow sums, left to NumPy."""
    return groups > 1 and kernel.shape[-2] == 1 and kernel.shape[-1] > groups


def _case(shape, kernel, strides, padding, dilation, groups):
    """Arguments of a plan."""
    options = tuple(strides), tuple(map(tuple, padding)), tuple(dilation), groups
    *sizes, channels = shape
    window, filters = kernel.shape[:-2], kernel.shape[-1]
    return tuple(sizes), window, channels, filters, options, kernel.itemsize


def _has_whole_vectors(plan, size):
    """Whether the runs of a plan fill vectors."""
    return plan.tables[0][0, LENGTH] * size % VECTOR == 0


def _frames(count, frame, x, wanted=None):
    """Buffers for the frames of some images; empty if they have no padding."""
    wanted = frame.padded if wanted is None else wanted
    lanes = VECTOR // x.itemsize
    vectors = -(-math.prod(frame.sizes) * x.shape[-1] // lanes)
    return aligned_empty(np, (count, vectors * lanes * wanted), x.dtype)


def _start(count, bias, dtype):
    """What the sums are added to: a bias, or zeros."""
    start = aligned_zeros(np, (count,), dtype)
    if bias is not None:
        start[...] = bias
    return start


def _lows(padding):
    """Cells of padding before each axis."""
    return tuple(low for low, _ in padding)


def _lower_bound(relu):
    """Least result: 0 for ReLU."""
    return 0.0 if relu else -math.inf


def _flat(x):
    """One row for each image."""
    return x.reshape(len(x), -1)


def _slowness(plan):
    """How many times as long as others tiles take that fetch a cell for each product."""
    return _LANEWISE if plan.kind == "lanewise" else 1
