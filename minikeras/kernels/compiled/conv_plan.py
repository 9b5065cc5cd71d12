"""Where a correlation reads and writes, worked out once for a shape: tables of byte offsets.

Along each spatial axis, output `o` of a correlation is at `start + o * hop` and its tap reads the
cell `o * step + shift`. A convolution is one such part, with `shift = tap * dilation - low`. Its
gradient by the input is several: the cells of the input split into `stride` interleaved phases, and
a cell `start + q * stride` meets the taps for which `start + low - tap * dilation` is a multiple of
the stride; each reads the output's gradient at `q` plus that multiple. So nothing is scattered and
no inserted zero is multiplied.

Cells outside the array are zeros of a frame, a buffer that holds one image with its padding. Taps
that lie side by side along the last axis make one run of `taps * channels` numbers.
"""

import functools
import itertools
import math
import operator
from typing import NamedTuple

import numpy as np

from minikeras.kernels.compiled.tiles import TAPS, VECTOR, most_rows, panel_columns
from minikeras.kernels.shared.windows import Grid

PART = 12
"""Numbers that describe a part."""


class Axis(NamedTuple):
    """One part of a correlation along one axis.

    Attributes:
        taps: Numbers of the taps that take part.
        shifts: The cell that each reads for output 0.
        count: Outputs.
        step: Cells from output to output.
        start: Place of output 0 in the result.
        hop: Places from output to output.
    """

    taps: tuple
    shifts: tuple
    count: int
    step: int
    start: int
    hop: int


class Frame(NamedTuple):
    """An image with its padding.

    Attributes:
        lows: Cells of padding before each axis.
        sizes: Cells of each axis, padding counted.
        padded: Whether there is any padding.
        rows: Array `(2, rows)`: where each row of cells lies in the image, and where in the frame.
    """

    lows: tuple
    sizes: tuple
    padded: bool
    rows: np.ndarray


class Plan(NamedTuple):
    """Everything that the compiled loops need to know about a shape.

    Attributes:
        shape: Spatial sizes of the result.
        frame: The frame of the input.
        taps: Array (int64): for each part the numbers of its taps, in the order of its weights.
        kind: Kind of the tiles, see `tile_code`.
        at_once: Taps that such a tile takes at once.
        columns: Columns of a panel of weights.
        terms_are_columns: For a gradient by the kernel, whether terms make better columns of a tile
            than filters do.
        tables: `(parts, rows, a_runs, b_runs, panels)`, arrays of int64. Of a part: its first row
            and the one behind its last, its first run and how many there are, the terms of a run,
            the outputs of a row, the steps between them in the frame and in the result, where its
            weights begin and how large a panel of them is, the step between terms, and the terms
            that a tile takes at once. Of rows `(4, rows)`: where they read, where they write, how
            many runs they skip because those meet nothing but padding, and how many they take. Of
            a panel: where it reads and writes, its vectors, the columns of the last, and the most
            rows of a tile.
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
        size: Bytes of a number.

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
    """Plan of the gradient of a convolution by its kernel.

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
    """Plan of the gradient of a convolution by its input; arguments as for `forward_plan`."""
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
    frame = _frame(axes, sizes, widths[0] * size)
    tables = _Tables(frame, (sizes, window, results), widths, size, kind)
    for part in itertools.product(*axes):
        tables.add(part)
    return Plan(
        tuple(results),
        frame,
        _table(tables.taps),
        kind,
        tables.at_once,
        tables.columns,
        tables.terms_are_columns(widths),
        tables.finished(),
    )


class _Tables:
    """Tables of a plan, filled part by part."""

    def __init__(self, frame, shapes, widths, size, kind):
        self.sizes, window, results = shapes
        inputs, outputs, groups = widths
        self.frame, self.hops, self.size = frame, steps(window, 1), size
        self.kind, self.lanewise = kind, kind == "lanewise"
        self.at_once = TAPS if kind == "neighbours" else 1
        self.channels, self.groups = inputs // groups, groups
        outputs_of_a_group = inputs if self.lanewise else outputs // groups
        self.cells = steps(frame.sizes, inputs * size)
        self.places = steps(results, outputs * size)
        self.columns = panel_columns(outputs_of_a_group, size, len(most_rows(kind)) - 1)
        self.weight_row = self.columns * size
        self.panels = self._panels(outputs_of_a_group, size)
        self.parts, self.rows, self.a_runs, self.b_runs = [], [], [], []
        self.taps, self.weights = [], 0

    def _panels(self, outputs, size):
        """Where each panel of columns reads and writes, its vectors, the last's columns, rows."""
        lanes, table = VECTOR // size, []
        for group in range(1 if self.lanewise else self.groups):
            for first in range(0, outputs, self.columns):
                count = min(outputs - first, self.columns)
                vectors = -(-count // lanes)
                last = count - (vectors - 1) * lanes
                place = (group * outputs + first) * size
                source = place if self.lanewise else group * self.channels * size
                table.append((source, place, vectors, last, most_rows(self.kind)[vectors]))
        return _table(table, 5)

    def add(self, part):
        """Add one combination of the axes' parts."""
        every = itertools.product(*(axis.taps for axis in part))
        order = [sum(map(operator.mul, tap, self.hops)) for tap in every]
        shifts = [
            [shift + low for shift in axis.shifts]
            for axis, low in zip(part, self.frame.lows, strict=True)
        ]
        together = self._together(part[-1].shifts)
        reads = _sums(shifts, self.cells)[::together]
        length = together * self.channels
        lines = self._lines(part, len(reads))
        width, lines = _joined(lines, part[-1], self.cells[-1], self.places[-1])
        steps = part[-1].step * self.cells[-1], part[-1].hop * self.places[-1]
        panel = len(order) * self.channels * self.weight_row
        rows, runs = len(self.rows), len(self.a_runs)
        begins = self.weights, panel
        numbers = (rows, rows + len(lines), runs, len(reads), length, width, *steps, *begins)
        self.parts.append((*numbers, self._term(part[-1].shifts), self.at_once))
        self.rows += lines
        self.a_runs += reads
        self.b_runs += [run * length * self.weight_row for run in range(len(reads))]
        self.taps += order
        self.weights += panel * len(self.panels)

    def _together(self, shifts):
        """How many taps along the last axis are one run."""
        adjacent = all(b - a == 1 for a, b in itertools.pairwise(shifts))
        joins = self.lanewise or (adjacent and self.groups == 1)
        return max(len(shifts), 1) if joins else 1

    def _term(self, shifts):
        """Step from one term of a run to the next."""
        if not self.lanewise:
            return self.size
        return (shifts[1] - shifts[0] if len(shifts) > 1 else 0) * self.cells[-1]

    def _lines(self, part, runs):
        """Where each line of results begins to read, where it is written, and the runs it takes."""
        reads = [[axis.step * o for o in range(axis.count)] for axis in part[:-1]]
        writes = [[axis.start + axis.hop * o for o in range(axis.count)] for axis in part[:-1]]
        first = part[-1].start * self.places[-1]
        writes = [write + first for write in _sums(writes, self.places)]
        return list(
            zip(
                _sums(reads, self.cells),
                writes,
                *self._reached(part, len(writes), runs),
                strict=True,
            )
        )

    def _reached(self, part, lines, runs):
        """For each line the first run that may meet cells inside the image, and how many there are.

        The first axis counts alone: runs are in its order, so those to leave out are at the ends.
        """
        axis, size = part[0], self.sizes[0]
        if len(part) == 1 or not axis.taps:
            return [0] * lines, [runs] * lines
        first, count = [], []
        for o in range(axis.count):
            cells = [shift + o * axis.step for shift in axis.shifts]
            outside = sum(cell < 0 for cell in cells)
            inside = sum(0 <= cell < size for cell in cells)
            same, each = lines // axis.count, runs // len(cells)
            first += [outside * each] * same
            count += [inside * each] * same
        return first, count

    def terms_are_columns(self, widths):
        """Whether the terms of a run fill more vectors than the filters, or these half of one."""
        _, filters, groups = widths
        by_terms = panel_columns(self.parts[0][4], self.size)
        return groups == 1 and (filters <= VECTOR // self.size // 2 or by_terms > self.columns)

    def finished(self):
        """The tables as arrays."""
        runs = _table(self.a_runs), _table(self.b_runs)
        return _table(self.parts, PART), _columns(self.rows, 4), *runs, self.panels


def _joined(lines, axis, cell, place):
    """Lines that go on where the one before ends are one long line."""
    width = axis.count
    whole = width * axis.step * cell, width * axis.hop * place
    moves = {(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(lines)}
    if moves == {whole} and len({line[2:] for line in lines}) == 1:
        return width * len(lines), lines[:1]
    return width, lines


def _frame(axes, sizes, cell):
    """The frame that all parts can read from."""
    lows, ends = [], []
    for size, parts in zip(sizes, axes, strict=True):
        reads = [(a.shifts[0], (a.count - 1) * a.step + a.shifts[-1]) for a in parts if a.taps]
        lows.append(max([0, *(-first for first, _ in reads)]))
        ends.append(max([size, *(last + 1 for _, last in reads)]))
    whole = tuple(map(operator.add, lows, ends))
    spots = [range(low, low + size) for low, size in zip(lows[:-1], sizes, strict=False)]
    inside = _sums(spots, steps(whole, cell))
    image = range(0, math.prod(sizes) * cell, sizes[-1] * cell)
    rows = [(here, there + lows[-1] * cell) for here, there in zip(image, inside, strict=True)]
    return Frame(tuple(lows), whole, whole != tuple(sizes), _columns(rows, 2))


def is_lanewise(inputs, outputs, groups):
    """Whether each channel has one filter of its own, so that channels never mix.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the result.
        groups: Groups of channels.

    Returns:
        A bool.

    Example:
        >>> from minikeras.kernels.compiled.conv_plan import is_lanewise
        >>> is_lanewise(8, 8, 8), is_lanewise(8, 16, 8)
        (True, False)
    """
    return groups > 1 and inputs == outputs == groups


def steps(sizes, unit):
    """Step along each axis of a C-contiguous array whose cells take `unit`.

    Args:
        sizes: Cells of each axis.
        unit: Bytes of a cell.

    Returns:
        A list of as many ints.

    Example:
        >>> from minikeras.kernels.compiled.conv_plan import steps
        >>> steps((5, 4), 8)
        [32, 8]
    """
    return [math.prod(sizes[axis + 1 :]) * unit for axis in range(len(sizes))]


def _sums(places, hops):
    """`sum of place * hop` for all combinations of places along the axes, in row-major order."""
    every = itertools.product(*places)
    return [sum(map(operator.mul, combination, hops)) for combination in every]


def _columns(rows, count):
    """Table of rows, column after column."""
    return np.ascontiguousarray(_table(rows, count).T)


def _table(numbers, columns=None):
    table = np.array(numbers, np.int64)
    return table.reshape(-1, columns) if columns else table
