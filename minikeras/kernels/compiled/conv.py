"""Convolution of any rank and its gradients, compiled: sums of products taken where the data lie.

`kernels/cpu/conv.py` says what is computed. Here no windows are copied side by side: the register
tile of `tiles` walks through the input itself, row by row of the window, with the weights laid out
in panels beside it (Georganas et al., "Anatomy of high-performance deep learning convolutions on
SIMD architectures", 2018). All three sums are the same loop:

- forward: rows of the tile are outputs, columns filters; the sum goes over taps and channels;
- gradient by the input: rows are cells, columns channels; the sum goes over taps and filters;
- gradient by the kernel: rows are taps and channels, columns filters; the sum goes over outputs.

Only an image with padding is copied, to a frame of zeros that stays in cache. The gradient by the
output is cut off where `relu` did so on the way to its frame, and there all three gradients use it.
Where channels do not mix (depthwise), the walks are the same, and each column has cells of its own.
Windows of 3x3 cells with many channels are computed in half the multiplications, see `winograd`.
"""

import math

import numpy as np

from minikeras.arrays import threads
from minikeras.arrays.threads import OPERATIONS
from minikeras.kernels.compiled import conv_loops as loops
from minikeras.kernels.compiled import winograd
from minikeras.kernels.compiled.conv_plan import (
    forward_plan,
    input_grad_plan,
    kernel_grad_plan,
)
from minikeras.kernels.compiled.team import divided, shared
from minikeras.kernels.compiled.tiles import VECTOR, tile_code
from minikeras.kernels.compiled.totals import added, each_thread
from minikeras.kernels.cpu.buffers import aligned_empty, aligned_zeros

# Filters that leave most of a vector empty.
_FEW = 4
# What a product takes more where channels do not mix.
_LANEWISE = 4
# Nanoseconds that it takes to copy a weight.
_NANOSECONDS = 1


def conv(xp, x, kernel, *, strides, padding, dilation, groups=1, bias=None, relu=False, out=None):
    """Cross-correlation of channels-last arrays; arguments as in `kernels/cpu/conv.py`."""
    if not _suit(x, kernel, bias, out) or _multiplies(kernel, groups):
        return NotImplemented
    case = _case(x.shape[1:], kernel, strides, padding, dilation, groups)
    plan = forward_plan(*case)
    if not all(plan.shape):
        return NotImplemented
    if out is None:
        out = np.empty((len(x), *plan.shape, kernel.shape[-1]), x.dtype)
    start, floor = _start(kernel.shape[-1], bias, x.dtype), _floor(relu)
    if groups == 1 and kernel.shape[-1] <= _FEW and _whole_vectors(plan, x.itemsize):
        weights = np.ascontiguousarray(kernel.reshape(-1, kernel.shape[-1]).T)
        return _correlate(plan, x, weights, start, out, floor, few=True)

    def direct(x, out):
        return _correlate(plan, x, _panels(plan, kernel, groups), start, out, floor)

    if winograd.suits(*case):
        weights = winograd.transformed(kernel)
        return winograd.conv(x, weights, _lows(padding), (start, floor), out, direct)
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
    """Gradient of `conv` by its input; arguments as in `kernels/cpu/conv.py`."""
    if not _suit(g, kernel, bias, out) or not all(input_shape) or _multiplies(kernel, groups):
        return NotImplemented
    channels = kernel.shape[-2] * groups
    case = _case((*input_shape, channels), kernel, strides, padding, dilation, groups)
    plan = input_grad_plan(*case)
    if out is None:
        out = np.empty((len(g), *input_shape, channels), g.dtype)
    start, floor = _start(channels, bias, g.dtype), _floor(relu)

    def direct(g, out):
        weights = _panels(plan, kernel, groups, back=True)
        return _correlate(plan, g, weights, start, out, floor)

    if winograd.suits(*case):
        low, weights = winograd.mirrored(_lows(padding)), winograd.transformed(kernel, turned=True)
        return winograd.conv(g, weights, low, (start, floor), out, direct)
    return direct(g, out)


def conv_kernel_grad(xp, x, g, *, window, strides, padding, dilation, groups=1, out=None):
    """Gradient of `conv` by its kernel; arguments as in `kernels/cpu/conv.py`."""
    if not _suit(x, g, out):
        return NotImplemented
    if out is None:
        out = np.empty((*window, x.shape[-1] // groups, g.shape[-1]), x.dtype)
    if _multiplies(out, groups):
        return NotImplemented
    case = _case(x.shape[1:], out, strides, padding, dilation, groups)
    out[...] = _backward(case, g, (x, out), None, (False, True, False))[1]
    return out


def conv_backward(xp, g, arrays, y, needs, *, strides, padding, dilation, groups=1, relu=False):
    """All gradients of `conv` in one pass; arguments as in `kernels/cpu/conv.py`."""
    x, kernel, _ = arrays
    if not _suit(g, x, kernel, y if relu else None) or _multiplies(kernel, groups):
        return NotImplemented
    case = _case(x.shape[1:], kernel, strides, padding, dilation, groups)
    return _backward(case, g, (x, kernel), y if relu else None, needs)


def _backward(case, g, arrays, y, needs):
    """The gradients by input, kernel and bias, in fewer multiplications where that is possible."""
    x, kernel = arrays

    def direct(images, needs):
        cut = None if y is None else y[images]
        return _Backward(case, g[images], (x[images], kernel), cut, needs).run()

    if winograd.suits_gradients(case, g, needs):
        low = _lows(case[-2][1])
        return winograd.Backward(low, arrays, g, y, needs, direct).run()
    return direct(slice(None), needs)


class _Backward:
    """What the backward pass needs, made ready once for all threads."""

    def __init__(self, case, g, arrays, y, needs):
        self.g, self.needs = np.ascontiguousarray(g), needs
        self.x, self.kernel = np.ascontiguousarray(arrays[0]), arrays[1]
        self.y = None if y is None else np.ascontiguousarray(y)
        plan = self.input_plan = input_grad_plan(*case)
        self.framed = y is not None or (needs[0] and plan.frame.padded)
        self.kernel_plan = kernel_grad_plan(*case, self.framed)
        self.across = self.kernel_plan.terms_are_columns
        self.by_input, self.weights = None, self._nothing(1)
        if needs[0]:
            self.by_input = np.empty_like(self.x)
            self.weights = _panels(plan, self.kernel, case[-2][-1], back=True)

    def run(self):
        """Return the gradients by the input, the kernel and the bias, None where not needed."""
        count, work, dtype = len(self.g), self._work(), self.g.dtype
        _, by_kernel, by_bias = self.needs
        each = each_thread(work, self.kernel.nbytes)
        ends = threads.ends(count, work, each)
        parts = len(ends) - 1
        totals = self._totals(parts)
        sums = np.empty((parts, math.prod(self.g.shape[-2:]) if by_bias else 0), dtype)
        codes = tuple(tile_code(dtype, plan.kind) for plan in (self.input_plan, self.kernel_plan))
        given = self._left(totals), self._gradient(sums), self._back()
        shared(loops.backward, ends, codes, *given)
        total = added(totals)
        return [
            self.by_input,
            (total.T if self.across else total).reshape(self.kernel.shape) if by_kernel else None,
            added(sums).reshape(self.g.shape[-2:]).sum(0) if by_bias else None,
        ]

    def _work(self):
        """Nanoseconds of a gradient; the same whatever is needed, and so are the pieces."""
        work = 2 * self.g.size * math.prod(self.kernel.shape[:-1]) / OPERATIONS
        return work * _slower(self.input_plan)

    def _totals(self, parts):
        """For each piece room for a gradient by the kernel."""
        filters = self.kernel.shape[-1]
        terms = self.kernel.size // filters
        rows, columns = (filters, terms) if self.across else (terms, filters)
        return aligned_empty(np, (parts, rows * bool(self.needs[1]), columns), self.g.dtype)

    def _left(self, totals):
        """What the gradient by the kernel needs besides that by the output."""
        plan = self.kernel_plan
        wanted = plan.frame.padded and self.needs[1]
        frames = _buffers(len(totals), plan.frame, self.x, wanted)
        return _flat(self.x), frames, plan.frame.rows, totals, self.across, plan.tables

    def _gradient(self, sums):
        """The gradient by the output and what becomes of it on its way."""
        frame = self.input_plan.frame
        frames = _buffers(len(sums), frame, self.g, self.framed)
        y = self._nothing(2) if self.y is None else _flat(self.y)
        return _flat(self.g), y, frames, frame.rows, sums

    def _back(self):
        """What the gradient by the input needs besides."""
        out = self._nothing(2) if self.by_input is None else _flat(self.by_input)
        zeros = _start(self.x.shape[-1], None, self.g.dtype)
        return self.weights, zeros, out, self.input_plan.tables

    def _nothing(self, rank):
        return np.empty((0,) * rank, self.g.dtype)


def _suit(*arrays):
    """Whether the arrays, those that there are, are such as the loops were made for."""
    first, *others = (array for array in arrays if array is not None)
    return first.dtype in (np.float32, np.float64) and all(
        array.size and array.dtype == first.dtype for array in (first, *others)
    )


def _multiplies(kernel, groups):
    """Whether each channel has several filters of its own: narrow sums, left to NumPy."""
    return groups > 1 and kernel.shape[-2] == 1 and kernel.shape[-1] > groups


def _case(shape, kernel, strides, padding, dilation, groups):
    """Arguments of a plan."""
    options = tuple(strides), tuple(map(tuple, padding)), tuple(dilation), groups
    *sizes, channels = shape
    window, filters = kernel.shape[:-2], kernel.shape[-1]
    return tuple(sizes), window, channels, filters, options, kernel.itemsize


def _whole_vectors(plan, size):
    """Whether the runs of a plan fill vectors."""
    return plan.tables[0][0, 4] * size % VECTOR == 0


def _correlate(plan, x, weights, start, out, floor, few=False):
    """Run the forward loops on all images."""
    code = tile_code(x.dtype, "lanewise" if few else plan.kind)
    loop = loops.forward_few if few else loops.forward
    x, result = np.ascontiguousarray(x), out
    if not out.flags.c_contiguous:
        result = np.empty_like(out, order="C")
    work = 2 * math.prod(out.shape[:-1]) * weights.size / OPERATIONS / len(plan.tables[0])
    work *= _slower(plan)
    ends = threads.ends(len(x), work)
    frames = _buffers(len(ends) - 1, plan.frame, x)
    given = weights, start, _flat(result), plan.frame.rows, plan.tables, floor
    shared(loop, ends, code, _flat(x), frames, *given)
    if result is not out:
        out[...] = result
    return out


def _panels(plan, kernel, groups, back=False):
    """Weights in the order in which tiles read them; `back` from filters to channels."""
    channels, filters = kernel.shape[-2:]
    lanewise = plan.kind == "lanewise"
    # A kernel is an array `(taps, channels, groups, filters)` as far as it matters here.
    sizes = channels, 1 if lanewise else groups, filters if lanewise else filters // groups
    steps = filters, sizes[2], 1
    if back and not lanewise:
        sizes, steps = sizes[::-1], steps[::-1]
    inputs, groups, outputs = sizes
    panels = groups * -(-outputs // plan.columns)
    packed = aligned_empty(np, (len(plan.taps), panels * inputs * plan.columns), kernel.dtype)
    given = plan.taps, plan.tables[0], plan.at_once, plan.columns, sizes, steps
    work = packed.size * _NANOSECONDS
    weights = np.ascontiguousarray(kernel).reshape(-1, channels * filters)
    divided(loops.pack, inputs, work, weights, *given, packed.reshape(-1))
    return packed.reshape(-1)


def _buffers(count, frame, x, wanted=None):
    """Room for the frames of some images; none if they have no padding."""
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


def _floor(relu):
    return 0.0 if relu else -math.inf


def _flat(x):
    """One row for each image."""
    return x.reshape(len(x), -1)


def _slower(plan):
    """How many times as long as others tiles take that fetch a cell for each product."""
    return _LANEWISE if plan.kind == "lanewise" else 1
