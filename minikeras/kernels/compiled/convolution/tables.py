"""The tables that the loops of a convolution read: integers (int64), offsets and steps in bytes.

`conv` shows what a frame, a row, a run and a panel are. A part is a convolution whose outputs lie a
constant step apart and all read the same taps; `plans` cuts a gradient into several. Each table
has a line for each of its things, and here are the names of its columns. The loops index with
these names, since compiled code knows arrays of integers better than objects.
"""

import itertools
import math
import operator
from typing import NamedTuple

import numpy as np

from minikeras.kernels.compiled.products.tiles import TAPS, VECTOR, most_rows, panel_columns

ROW, ROW_END, RUN, RUNS, LENGTH, WIDTH, STEP, OUT_STEP, WEIGHTS, PANEL, TERM, AT_ONCE = range(12)
"""Columns of the table of parts: its first row and the one after its last; its first run, and how
many there are; the terms of a run; the outputs of a row; the steps from output to output in the
frame and in the result; where its weights begin, and the bytes of a panel of them; the step from
term to term in the frame; and how many terms a tile takes at once."""
ROW_READ, ROW_WRITE, ROW_SKIPS, ROW_RUNS = range(4)
"""Lines of the table of rows `(4, rows)`: where its first window begins in the frame; where its
first output lies in the result; how many runs it skips at the beginning, because they meet nothing
but padding; and how many it takes after these."""
PANEL_READ, PANEL_WRITE, PANEL_VECTORS, PANEL_LAST, PANEL_ROWS = range(5)
"""Columns of the table of panels: where its channels begin in a cell of the frame; where its
columns begin in an output; its vectors; the columns of the last vector; the most rows of a tile."""
IMAGE_ROW, FRAME_ROW = range(2)
"""Lines of `Frame.rows`: where a row of cells lies in the image, and where in the frame."""


class Axis(NamedTuple):
    """One part of a convolution along one axis: output `o` reads, for each tap, one cell.

    Output `o` lies at `start + o * out_step` in the result, and its tap reads cell `o * step +
    shift`.

    Attributes:
        taps: Indices of the taps that take part.
        shifts: The cell that each reads for output 0.
        count: Outputs.
        step: Cells from output to output.
        start: Position of output 0 in the result.
        out_step: Positions from output to output.
    """

    taps: tuple
    shifts: tuple
    count: int
    step: int
    start: int
    out_step: int


class Frame(NamedTuple):
    """An image with its padding.

    Attributes:
        lows: Cells of padding before each axis.
        sizes: Cells of each axis, padding counted.
        padded: Whether there is any padding.
        rows: Array `(2, rows)`: see `IMAGE_ROW`.
    """

    lows: tuple
    sizes: tuple
    padded: bool
    rows: np.ndarray


def frame_of(axes, sizes, cell):
    """The smallest frame that all parts can read from.

    Args:
        axes: For each spatial axis the list of its parts, `Axis`.
        sizes: Cells of each spatial axis of the image.
        cell: Bytes of a cell.

    Returns:
        A `Frame`.
    """
    lows, ends = [], []
    for size, parts in zip(sizes, axes, strict=True):
        reads = [(a.shifts[0], (a.count - 1) * a.step + a.shifts[-1]) for a in parts if a.taps]
        lows.append(max([0, *(-first for first, _ in reads)]))
        ends.append(max([size, *(last + 1 for _, last in reads)]))
    whole = tuple(map(operator.add, lows, ends))
    inside = [range(low, low + size) for low, size in zip(lows[:-1], sizes, strict=False)]
    in_frame = _sums(inside, steps(whole, cell))
    in_image = range(0, math.prod(sizes) * cell, sizes[-1] * cell)
    rows = [(here, there + lows[-1] * cell) for here, there in zip(in_image, in_frame, strict=True)]
    return Frame(tuple(lows), whole, whole != tuple(sizes), _columns(rows, 2))


class Tables:
    """The tables of a convolution, filled part by part.

    Args:
        frame: The `Frame` of the input.
        shapes: `(sizes, window, results)`: cells of each spatial axis of the image, taps along
            each axis, and spatial sizes of the result.
        widths: `(inputs, outputs, groups)`: channels read, channels written, and their groups.
        size: Bytes of an element.
        kind: Kind of the tiles, see `tiles`.
    """

    def __init__(self, frame, shapes, widths, size, kind):
        self.sizes, window, results = shapes
        inputs, outputs, groups = widths
        self.frame, self.tap_steps, self.size = frame, steps(window, 1), size
        self.kind, self.lanewise = kind, kind == "lanewise"
        self.at_once = TAPS if kind == "neighbours" else 1
        self.channels, self.groups = inputs // groups, groups
        outputs_of_a_group = inputs if self.lanewise else outputs // groups
        self.cells = steps(frame.sizes, inputs * size)
        self.positions = steps(results, outputs * size)
        self.columns = panel_columns(outputs_of_a_group, size, len(most_rows(kind)) - 1)
        self.weight_row = self.columns * size
        self.panels = self._panels(outputs_of_a_group, size)
        self.parts, self.rows, self.a_runs, self.b_runs = [], [], [], []
        self.taps, self.weights = [], 0

    def _panels(self, outputs, size):
        """The table of panels."""
        lanes, table = VECTOR // size, []
        for group in range(1 if self.lanewise else self.groups):
            for first in range(0, outputs, self.columns):
                count = min(outputs - first, self.columns)
                vectors = -(-count // lanes)
                last = count - (vectors - 1) * lanes
                write = (group * outputs + first) * size
                read = write if self.lanewise else group * self.channels * size
                table.append((read, write, vectors, last, most_rows(self.kind)[vectors]))
        return table

    def add(self, part):
        """Add a part to the tables.

        Args:
            part: An `Axis` for each spatial axis.
        """
        last = part[-1]
        taps = itertools.product(*(axis.taps for axis in part))
        taps = [sum(map(operator.mul, tap, self.tap_steps)) for tap in taps]
        shifts = [
            [shift + low for shift in axis.shifts]
            for axis, low in zip(part, self.frame.lows, strict=True)
        ]
        taps_of_a_run = self._taps_of_a_run(last.shifts)
        runs = _sums(shifts, self.cells)[::taps_of_a_run]
        length = taps_of_a_run * self.channels
        width, rows = _joined(self._rows(part, len(runs)), last, self.cells[-1], self.positions[-1])
        panel = len(taps) * self.channels * self.weight_row
        self.parts.append(
            {
                ROW: len(self.rows),
                ROW_END: len(self.rows) + len(rows),
                RUN: len(self.a_runs),
                RUNS: len(runs),
                LENGTH: length,
                WIDTH: width,
                STEP: last.step * self.cells[-1],
                OUT_STEP: last.out_step * self.positions[-1],
                WEIGHTS: self.weights,
                PANEL: panel,
                TERM: self._term(last.shifts),
                AT_ONCE: self.at_once,
            }
        )
        self.rows += rows
        self.a_runs += runs
        self.b_runs += [run * length * self.weight_row for run in range(len(runs))]
        self.taps += taps
        self.weights += panel * len(self.panels)

    def _taps_of_a_run(self, shifts):
        """How many taps along the last axis are one run: all that lie side by side."""
        adjacent = all(b - a == 1 for a, b in itertools.pairwise(shifts))
        joins = self.lanewise or (adjacent and self.groups == 1)
        return max(len(shifts), 1) if joins else 1

    def _term(self, shifts):
        """Step from one term of a run to the next."""
        if not self.lanewise:
            return self.size
        return (shifts[1] - shifts[0] if len(shifts) > 1 else 0) * self.cells[-1]

    def _rows(self, part, runs):
        """The table of rows, for one part."""
        reads = [[axis.step * o for o in range(axis.count)] for axis in part[:-1]]
        writes = [[axis.start + axis.out_step * o for o in range(axis.count)] for axis in part[:-1]]
        first = part[-1].start * self.positions[-1]
        writes = [write + first for write in _sums(writes, self.positions)]
        reads = _sums(reads, self.cells)
        skips, takes = self._runs_inside(part, len(writes), runs)
        return list(zip(reads, writes, skips, takes, strict=True))

    def _runs_inside(self, part, rows, runs):
        """For each row the first run that may meet cells inside the image, and how many there are.

        The first axis counts alone: runs are in its order, so those to leave out are at the ends.
        """
        axis, size = part[0], self.sizes[0]
        if len(part) == 1 or not axis.taps:
            return [0] * rows, [runs] * rows
        first, count = [], []
        for o in range(axis.count):
            cells = [shift + o * axis.step for shift in axis.shifts]
            above = sum(cell < 0 for cell in cells)
            inside = sum(0 <= cell < size for cell in cells)
            same, runs_of_a_tap = rows // axis.count, runs // len(cells)
            first += [above * runs_of_a_tap] * same
            count += [inside * runs_of_a_tap] * same
        return first, count

    def terms_are_columns(self, widths):
        """Whether the terms of a run fill more vectors than the filters, or these half of one.

        Args:
            widths: `(channels, filters, groups)`.

        Returns:
            A bool.
        """
        _, filters, groups = widths
        by_terms = panel_columns(self.parts[0][LENGTH], self.size)
        return groups == 1 and (filters <= VECTOR // self.size // 2 or by_terms > self.columns)

    def arrays(self):
        """Return the tables of parts, rows, runs in `a`, runs in `b`, and panels."""
        parts = [[part[column] for column in range(AT_ONCE + 1)] for part in self.parts]
        runs = as_table(self.a_runs), as_table(self.b_runs)
        panels = as_table(self.panels, PANEL_ROWS + 1)
        return as_table(parts, AT_ONCE + 1), _columns(self.rows, ROW_RUNS + 1), *runs, panels


def _joined(rows, axis, cell, position):
    """Outputs of a row, and the rows: those that each go on where the one before ends are one."""
    width = axis.count
    whole = width * axis.step * cell, width * axis.out_step * position
    moves = {(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(rows)}
    if moves == {whole} and len({row[2:] for row in rows}) == 1:
        return width * len(rows), rows[:1]
    return width, rows


def steps(sizes, unit):
    """Step along each axis of a C-contiguous array whose cells take `unit`.

    Args:
        sizes: Cells of each axis.
        unit: Bytes of a cell.

    Returns:
        A list of as many ints.

    Example:
        >>> from minikeras.kernels.compiled.convolution.tables import steps
        >>> steps((5, 4), 8)
        [32, 8]
    """
    return [math.prod(sizes[axis + 1 :]) * unit for axis in range(len(sizes))]


def as_table(numbers, columns=None):
    """An array of int64, of so many columns.

    Args:
        numbers: List of ints, or of lines of them.
        columns: Columns of a table that may have no lines; None for a list.

    Returns:
        The array.
    """
    table = np.array(numbers, np.int64)
    return table.reshape(-1, columns) if columns else table


def _columns(rows, count):
    """A table of rows, column after column."""
    return np.ascontiguousarray(as_table(rows, count).T)


def _sums(indices, hops):
    """`sum of index * out_step` for all combinations of indices of the axes, in row-major order."""
    every = itertools.product(*indices)
    return [sum(map(operator.mul, combination, hops)) for combination in every]
