"""A convolution and its gradients as parts: what each output reads, worked out once for a shape.

Along each spatial axis, tap `t` of output `o` of a convolution reads the cell

    i = o * stride - low + t * dilation                          (of the input, `low` the padding)

so there is one part, whose tap `t` has `shift = t * dilation - low` and whose outputs are `stride`
cells apart. Its gradient with respect to the input turns the relation round: cell `i` gets
something from tap `t` of the outputs

    o = (i + low - t * dilation) / stride                        where that is a whole number

The cells split into `stride` interleaved phases, `i = start + q * stride`. All cells of a phase
meet the same taps, those with `start + low - t * dilation` a multiple of the stride, and tap `t`
reads the output's gradient at `q + (start + low - t * dilation) / stride`. So each phase is a part
with stride 1: nothing is scattered, and no inserted zero is multiplied. (For stride 2 and three
taps: even cells meet taps 0 and 2, odd cells meet tap 1, if `low` is 0.)

Cells outside the array are zeros of a frame, a buffer that holds one image with its padding. Taps
that lie side by side along the last axis make one run of `taps * channels` terms. `tables`
writes all of this down.
"""

import functools
import itertools
from typing import NamedTuple

import numpy as np

from minikeras.kernels.compiled.convolution.tables import Axis, Frame, Tables, as_table, frame_of
from minikeras.kernels.compiled.products.tiles import TAPS
from minikeras.kernels.shared.windows import Grid


class Plan(NamedTuple):
    """Everything that the compiled loops need to know about a shape.

    Attributes:
        shape: Spatial sizes of the result.
        frame: The frame of the input.
        taps: Array (int64): for each part the indices of its taps, in the order of its weights.
        kind: Kind of the tiles, see `tiles`.
        at_once: Taps that such a tile takes at once.
        columns: Columns of a panel of weights.
        terms_are_columns: For a gradient with respect to the kernel, whether terms make better
            columns of a tile than filters do.
        tables: `(parts, rows, a_runs, b_runs, panels)`, arrays of int64. `tables` names the
            columns of parts, rows and panels; the others say where each run begins, counted from
            a row's first window and from a panel of a part.
    """

    shape: tuple
    frame: Frame
    taps: np.ndarray
    kind: str
    at_once: int
    columns: int
    terms_are_columns: bool
    tables: tuple


@functools.lru_cache(maxsize=512)
def forward_plan(sizes, window, channels, filters, options, size):
    """Plan of a convolution.

    Args:
        sizes: Cells of each spatial axis of the input.
        window: Taps along each axis.
        channels: Channels of the input.
        filters: Filters of the output.
        options: `(strides, padding, dilation, groups)`.
        size: Bytes of an element.

    Returns:
        A `Plan`.
    """
    strides, padding, dilation, groups = options
    grid = Grid.over(sizes, window, strides, padding, dilation)
    axes = _windows(grid, (0,) * len(window))
    widths = channels, filters, groups
    return _plan(axes, sizes, window, grid.outputs, widths, size, _kind(axes, widths))


@functools.lru_cache(maxsize=512)
def kernel_grad_plan(sizes, window, channels, filters, options, size, framed):
    """Plan of the gradient of a convolution with respect to its kernel.

    Args:
        sizes: As for `forward_plan`.
        window: As for `forward_plan`.
        channels: As for `forward_plan`.
        filters: As for `forward_plan`.
        options: As for `forward_plan`.
        size: As for `forward_plan`.
        framed: Whether the output's gradient lies in the frame of `input_grad_plan`.

    Returns:
        The `Plan` of the convolution, as if it wrote to where the output's gradient is read.
    """
    strides, padding, dilation, groups = options
    grid = Grid.over(sizes, window, strides, padding, dilation)
    lows, results = (0,) * len(window), grid.outputs
    if framed:
        frame = input_grad_plan(sizes, window, channels, filters, options, size).frame
        lows, results = frame.lows, frame.sizes
    axes = _windows(grid, lows)
    widths = channels, filters, groups
    kind = "lanewise" if is_lanewise(*widths) else "mixed"
    return _plan(axes, sizes, window, results, widths, size, kind)


@functools.lru_cache(maxsize=512)
def input_grad_plan(sizes, window, channels, filters, options, size):
    """Plan of the gradient of a convolution with respect to its input.

    Args:
        sizes: As for `forward_plan`.
        window: As for `forward_plan`.
        channels: As for `forward_plan`.
        filters: As for `forward_plan`.
        options: As for `forward_plan`.
        size: As for `forward_plan`.

    Returns:
        A `Plan`.
    """
    strides, padding, dilation, groups = options
    grid = Grid.over(sizes, window, strides, padding, dilation)
    axes = [
        [_phase(start, *axis) for start in range(min(stride, axis[0]))]
        for stride, *axis in zip(
            strides, sizes, window, strides, grid.lows, grid.dilation, strict=True
        )
    ]
    widths = filters, channels, groups
    return _plan(axes, grid.outputs, window, sizes, widths, size, _kind(axes, widths))


def _windows(grid, starts):
    """The one part of a convolution along each axis, its results from `starts` on."""
    return [
        [Axis(tuple(range(n)), tuple(t * rate - low for t in range(n)), count, step, start, 1)]
        for count, n, step, low, rate, start in zip(*grid, starts, strict=True)
    ]


def _phase(start, cells, window, stride, low, rate):
    """The taps that meet every `stride`-th cell from `start` on, those with small shifts first."""
    origin = start + low
    taps = tuple(t for t in reversed(range(window)) if (origin - t * rate) % stride == 0)
    shifts = tuple((origin - t * rate) // stride for t in taps)
    return Axis(taps, shifts, len(range(start, cells, stride)), 1, start, stride)


def _kind(axes, widths):
    """The kind of tile: neighbours share cells where each output is one cell further."""
    if is_lanewise(*widths):
        return "lanewise"
    *_, last = axes
    ones = range(TAPS)
    neighbours = all(
        axis.step == 1 and [shift - axis.shifts[0] for shift in axis.shifts] == [*ones]
        for axis in last
        if axis.taps
    )
    return "neighbours" if neighbours and widths[2] == 1 else "mixed"


def _plan(axes, sizes, window, results, widths, size, kind):
    """Plan of all combinations of the axes' parts."""
    frame = frame_of(axes, sizes, widths[0] * size)
    tables = Tables(frame, (sizes, window, results), widths, size, kind)
    for part in itertools.product(*axes):
        tables.add(part)
    return Plan(
        shape=tuple(results),
        frame=frame,
        taps=as_table(tables.taps),
        kind=kind,
        at_once=tables.at_once,
        columns=tables.columns,
        terms_are_columns=tables.terms_are_columns(widths),
        tables=tables.arrays(),
    )


def is_lanewise(inputs, outputs, groups):
    """Whether each channel has one filter of its own, so that channels never mix.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the result.
        groups: Groups of channels.

    Returns:
        A bool.

    Example:
        >>> from minikeras.kernels.compiled.convolution.plans import is_lanewise
        >>> is_lanewise(8, 8, 8), is_lanewise(8, 16, 8)
        (True, False)
    """
    return groups > 1 and inputs == outputs == groups
