"""Depthwise convolution and its gradients: one input channel to a group, any rank.

For two spatial axes, with strides `s` and dilations `d`; the zeros of a padding are part of `x`:

Equations (convolution.depthwise_conv):
    rows, columns = (output_size(x.shape[i], kernel.shape[i - 1], s, d) for i in (1, 2))
    y = zeros((len(x), rows, columns, *kernel.shape[2:]))  # (..., channels, multiplier)
    for p, q in ndindex(rows, columns):
        for u, v in ndindex(kernel.shape[:2]):
            y[:, p, q] += x[:, p * s + u * d, q * s + v * d, :, None] * kernel[u, v]
    y = y.reshape(len(x), rows, columns, -1)  # (batch, rows, columns, channels * multiplier)

Equations (convolution.depthwise_conv_backward):
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    dkernel = zeros_like(kernel)  # (height, width, channels, multiplier)
    g = g.reshape(*g.shape[:3], *kernel.shape[2:])  # (..., channels, multiplier)
    for p, q in ndindex(g.shape[1:3]):
        for u, v in ndindex(kernel.shape[:2]):
            inputs = x[:, p * s + u * d, q * s + v * d, :, None]  # (batch, channels, 1)
            dx[:, p * s + u * d, q * s + v * d] += sum(g[:, p, q] * kernel[u, v], axis=-1)
            dkernel[u, v] += sum(inputs * g[:, p, q], axis=0)

One or three axes have as many indices. The filters of all channels lie side by side here: `filters
= channels * multiplier`, and the kernel is `(*window, 1, filters)`.

There is too little arithmetic to a cell for a matrix product to pay for copying windows, so each
tap is one multiply-add over a whole block of images. NumPy runs it at full speed only over one long
contiguous stretch, which the layout provides:

- The padded input is split into one plane for each phase of the strides. In the plane of its phase
  a tap reads consecutive cells for consecutive outputs.
- The output is computed with the plane's own row length, so that a tap is one shift of the whole
  flat plane. The few cells at the end of each row mix two rows and are dropped.
- The weights of a tap are repeated to a line some thousands of numbers long.

In these planes a tap is an offset: `y += plane[offset:] * weight` forward, `plane[offset:] += g *
weight` for `dx`, and the sum of `plane[offset:] * g` for `dkernel`.
"""

import itertools
import math
import operator
from typing import NamedTuple

from minikeras.kernels.cpu.buffers import aligned_empty, aligned_zeros, short_rows
from minikeras.kernels.shared.windows import Grid, overlaps

# Bytes of one plane: the plane, the sum and the products of a block share a core's L2 cache.
_PLANE_BYTES = 1 << 19
# Numbers to a line of weights: long enough to hide the cost of starting a loop.
_LINE = 4096


class _Layout(NamedTuple):
    """Planes of an input and where each tap reads them.

    `cells` are a plane's spatial sizes; `spots` lists `(phase, cells, inside)`, the slices of a
    plane and of the input that hold the same numbers; `taps` lists `(tap, phase, offset)`, with
    the largest offset last.
    """

    cells: tuple
    spots: list
    taps: list


def depthwise(xp, x, kernel, grid, bias, relu, out, dtype):
    """Write `y` to `out`.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        kernel: Array `(*window, 1, filters)`, `filters` a multiple of `channels`.
        grid: The windows.
        bias: Array `(filters,)` or `None`.
        relu: Whether to apply ReLU to the result.
        out: Array `(batch, *outputs, filters)`.
        dtype: The type of number to compute with.
    """
    layout = _layout(x.shape[1:-1], grid)
    lines = _lines(xp, kernel, dtype)
    for images, planes, total, y in _blocks(xp, out, layout, grid, dtype):
        _to_planes(x[images], planes, layout)
        flat = total.reshape(-1, lines.shape[-1])
        product = aligned_empty(xp, flat.shape, dtype)
        flat[...] = 0
        with short_rows(xp):
            for tap, phase, offset in layout.taps:
                part = planes[phase][offset : offset + len(total)].reshape(flat.shape)
                flat += xp.multiply(part, lines[tap], out=product)
        if bias is not None:
            total += bias
        if relu:
            xp.maximum(total, 0, out=total)
        out[images] = y


def depthwise_input_grad(xp, g, kernel, grid, out, dtype):
    """Write `dx` to `out`.

    Args:
        xp: The array module.
        g: Array `(batch, *outputs, filters)`.
        kernel: Array `(*window, 1, filters)`.
        grid: The windows.
        out: Array `(batch, *spatial, channels)`.
        dtype: The type of number to compute with.
    """
    layout = _layout(out.shape[1:-1], grid)
    lines = _lines(xp, kernel, dtype)
    out[...] = 0
    for images, planes, total, y in _blocks(xp, g, layout, grid, dtype):
        y[...] = g[images]
        planes[...] = 0
        flat = total.reshape(-1, lines.shape[-1])
        product = aligned_empty(xp, flat.shape, dtype)
        with short_rows(xp):
            for tap, phase, offset in layout.taps:
                part = planes[phase][offset : offset + len(total)].reshape(flat.shape)
                part += xp.multiply(flat, lines[tap], out=product)
        _from_planes(planes, out[images], layout)


def depthwise_kernel_grad(xp, x, g, grid, total):
    """Add `dkernel` to a sum.

    Args:
        xp: The array module.
        x: Array `(batch, *spatial, channels)`.
        g: Array `(batch, *outputs, filters)`.
        grid: The windows.
        total: Array `(channels, taps, filters // channels)`, whose type of number is computed with.
    """
    layout = _layout(x.shape[1:-1], grid)
    sums = xp.zeros((*grid.window, g.shape[-1]), total.dtype)
    for images, planes, outputs, y in _blocks(xp, g, layout, grid, total.dtype):
        _to_planes(x[images], planes, layout)
        y[...] = g[images]
        for tap, phase, offset in layout.taps:
            part = planes[phase][offset : offset + len(outputs)]
            sums[tap] += xp.einsum("nf,nf->f", part, outputs)
    groups, taps, filters = total.shape
    total += xp.moveaxis(sums.reshape(taps, groups, filters), 1, 0)


def _layout(sizes, grid):
    """Plan the planes: `phase, shift = tap * dilation mod stride, tap * dilation // stride`."""
    axes = zip(grid.window, grid.dilation, grid.strides, strict=True)
    moves = [[divmod(tap * rate, stride) for tap in range(n)] for n, rate, stride in axes]
    cells = tuple(n + move[-1][0] for n, move in zip(grid.outputs, moves, strict=True))
    hops = [math.prod(cells[axis + 1 :]) for axis in range(len(cells))]
    taps = []
    for tap in itertools.product(*map(range, grid.window)):
        shifts, phase = zip(*(move[t] for move, t in zip(moves, tap, strict=True)), strict=True)
        taps.append((tap, phase, sum(map(operator.mul, shifts, hops))))
    planes = Grid(cells, grid.strides, grid.strides, grid.lows, (1,) * len(cells))
    return _Layout(cells, overlaps(sizes, planes), taps)


def _blocks(xp, y, layout, grid, dtype):
    """Yield a slice of the batch and the buffers for its images, all zero the first time.

    They are the planes `(*strides, positions, filters)`; a sum `(whole lines, filters)` in the
    same layout, which ends where the last tap would read past its plane; and a view of the
    outputs `(images, *outputs, filters)` in that sum.
    """
    batch, filters = y.shape[0], y.shape[-1]
    if not y.size:
        return
    size = math.prod(layout.cells)
    images = min(max(_PLANE_BYTES // (size * filters * dtype.itemsize), 1), batch)
    line = _line_positions(filters)
    held = None
    for first in range(0, batch, images):
        count = min(images, batch - first)
        if count != held:
            held = count
            planes = aligned_zeros(xp, (*grid.strides, count * size + line, filters), dtype)
            total = aligned_zeros(xp, planes.shape[-2:], dtype)
            lines = -(-(count * size - layout.taps[-1][2]) // line)
            outputs = total[: count * size].reshape(count, *layout.cells, filters)
            outputs = outputs[(slice(None), *map(slice, grid.outputs))]
        yield slice(first, first + count), planes, total[: lines * line], outputs


def _line_positions(filters):
    return max(_LINE // filters, 1)


def _lines(xp, kernel, dtype):
    """Weights `(*window, line)`, those of each tap repeated to the length of a line."""
    weights = kernel[..., 0, None, :]
    *window, _, filters = weights.shape
    lines = aligned_empty(xp, (*window, _line_positions(filters), filters), dtype)
    lines[...] = weights
    return lines.reshape(*window, -1)


def _to_planes(x, planes, layout):
    """Copy images to the planes of their phases, each channel once for each of its filters."""
    for phase, cells, inside in layout.spots:
        _plane_channels(planes[phase], x.shape, layout)[cells] = x[inside][..., None]


def _from_planes(planes, out, layout):
    """Transpose of `_to_planes`: collect the planes, adding the filters of each channel."""
    for phase, cells, inside in layout.spots:
        part = _plane_channels(planes[phase], out.shape, layout)[cells]
        out[inside] = part[..., 0] if part.shape[-1] == 1 else part.sum(axis=-1)


def _plane_channels(plane, shape, layout):
    """View of a plane as `(images, *cells, channels, filters // channels)`."""
    images, channels = shape[0], shape[-1]
    plane = plane[: images * math.prod(layout.cells)]
    return plane.reshape(images, *layout.cells, channels, plane.shape[-1] // channels)
