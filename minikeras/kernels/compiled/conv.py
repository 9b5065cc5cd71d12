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

import functools
import itertools
import math
import operator

import numpy as np

from minikeras.arrays.threads import OPERATIONS, each, pieces
from minikeras.kernels.compiled import conv_loops as loops
from minikeras.kernels.compiled import winograd
from minikeras.kernels.compiled.conv_plan import (
    forward_plan,
    input_grad_plan,
    is_lanewise,
    kernel_grad_plan,
)
from minikeras.kernels.compiled.tiles import VECTOR, tile_code
from minikeras.kernels.cpu.buffers import aligned_empty, aligned_zeros

# Filters that leave most of a vector empty.
_FEW = 4


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
        return _correlate(plan, x, _panels(plan, _split(kernel, groups)), start, out, floor)

    if winograd.suits(*case):
        return winograd.conv(x, kernel, _lows(padding), (start, floor), out, direct)
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
        weights = _panels(plan, _transposed(kernel, groups))
        return _correlate(plan, g, weights, start, out, floor)

    if winograd.suits(*case):
        low, turned = winograd.mirrored(_lows(padding)), winograd.turned(kernel)
        return winograd.conv(g, turned, low, (start, floor), out, direct)
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
            self.weights = _panels(plan, _transposed(self.kernel, case[-2][-1]))

    def run(self):
        """Return the gradients by the input, the kernel and the bias, None where not needed."""
        parts = pieces(len(self.g), _work(self.g, self.kernel))
        found = zip(*each(self._walk, parts), strict=True)
        total, sums = (functools.reduce(operator.add, part) for part in found)
        _, by_kernel, by_bias = self.needs
        return [
            self.by_input,
            (total.T if self.across else total).reshape(self.kernel.shape) if by_kernel else None,
            sums.reshape(self.g.shape[-2:]).sum(0) if by_bias else None,
        ]

    def _walk(self, part):
        """Write some images' gradient by the input; return those by the kernel and the bias."""
        filters, dtype = self.kernel.shape[-1], self.g.dtype
        _, by_kernel, by_bias = self.needs
        terms = self.kernel.size // filters
        shape = (filters, terms) if self.across else (terms, filters)
        total = aligned_empty(np, shape, dtype)[: None if by_kernel else 0]
        sums = np.empty(math.prod(self.g.shape[-2:]) if by_bias else 0, dtype)
        frame = self.input_plan.frame
        loops.backward(
            tuple(tile_code(dtype, plan.kind) for plan in (self.input_plan, self.kernel_plan)),
            _flat(self.x[part]),
            _buffer(self.kernel_plan.frame, self.x),
            self.kernel_plan.frame.rows,
            total,
            self.across,
            self.kernel_plan.tables,
            _flat(self.g[part]),
            self._nothing(2) if self.y is None else _flat(self.y[part]),
            _buffer(frame, self.g, self.framed),
            frame.rows,
            sums,
            self.weights,
            _start(self.x.shape[-1], None, dtype),
            self._nothing(2) if self.by_input is None else _flat(self.by_input[part]),
            self.input_plan.tables,
        )
        return total, sums

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

    def compute(part):
        frame = _buffer(plan.frame, x)
        given = weights, start, _flat(result[part])
        loop(code, _flat(x[part]), frame, *given, plan.frame.rows, plan.tables, floor)

    work = 2 * math.prod(out.shape[:-1]) * weights.size / OPERATIONS
    each(compute, pieces(len(x), work / len(plan.orders)))
    if result is not out:
        out[...] = result
    return out


def _panels(plan, matrix):
    """Weights `(taps, inputs, groups, outputs)` in the order in which tiles read them."""
    *lead, groups, outputs = matrix.shape
    panels = -(-outputs // plan.columns)
    if outputs % plan.columns:
        padded = np.zeros((*lead, groups, panels * plan.columns), matrix.dtype)
        padded[..., :outputs] = matrix
        matrix = padded
    by_panel = matrix.reshape(*lead, -1, plan.columns).transpose(2, 0, 1, 3)
    panels, channels, rest = len(by_panel), lead[1], lead[1] * plan.columns
    ends = list(itertools.accumulate(len(order) * panels * rest for order in plan.orders))
    packed = aligned_empty(np, (ends[-1],), matrix.dtype)
    for order, part in zip(plan.orders, np.split(packed, ends[:-1]), strict=True):
        # Taps that a tile takes at once lie side by side.
        target = part.reshape(panels, -1, channels, plan.at_once, plan.columns)
        taps = by_panel[:, order].reshape(panels, -1, plan.at_once, channels, plan.columns)
        target[...] = taps.swapaxes(2, 3)
    return packed


def _split(kernel, groups):
    """Weights `(taps, channels, groups, filters)`."""
    channels, filters = kernel.shape[-2:]
    if is_lanewise(channels * groups, filters, groups):
        groups = 1
    return kernel.reshape(-1, channels, groups, filters // groups)


def _transposed(kernel, groups):
    """Weights `(taps, filters, groups, channels)` that carry filters back to channels."""
    split = _split(kernel, groups)
    return split if split.shape[2] < groups else split.transpose(0, 3, 2, 1)


def _buffer(frame, x, wanted=None):
    """Room for the frame of one image; none if it has no padding."""
    wanted = frame.padded if wanted is None else wanted
    return aligned_empty(np, (math.prod(frame.sizes) * x.shape[-1] * wanted,), x.dtype)


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


def _work(y, kernel):
    """Nanoseconds of a convolution, from its output and its kernel."""
    return 2 * y.size * math.prod(kernel.shape[:-1]) / OPERATIONS
