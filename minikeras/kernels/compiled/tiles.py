"""Register tile of a matrix product: the innermost loop of convolutions and of small products.

A tile is a few rows by a few vectors of columns, all of whose sums stay in registers while the loop
runs: one number of `a` for each row, spread over a vector, times a vector of `b`. Of the registers
of AVX-512, 24 to 28 hold sums (Goto and van de Geijn, "Anatomy of high-performance matrix
multiplication", 2008). The fewer rows and the more vectors, the fewer numbers are loaded and
pointers moved: six rows of four vectors are 24 products from 10 loads a step, 14 rows of two are 28
from 16, and so the wide one is faster where another thread shares the core.

Two more kinds of tile are for convolutions. Where the rows are neighbours, as along a line of an
image, three taps of a window share each number of `a`: 36 products from 18 loads, even if there is
but one vector of columns. And where channels do not mix, each column has numbers of its own in `a`.

What makes a tile of use beyond matrices is how it walks through memory. The sum goes over `runs` of
`length` steps, and two tables say where each run begins in `a` and in `b`. So the windows of a
convolution are read where they lie, whatever their rank, stride and dilation, and nothing is
copied side by side.

LLVM is told the vectors outright: the sums of a loop that it vectorizes by itself do not stay in
registers. A tile is compiled once for a type of number and called by its address, so that kernels
that use it stay small and compile fast. All steps, offsets and addresses are in bytes. (Numba does
not notice that a file has changed which a cached kernel was compiled from, unless it is the
kernel's own: after an edit here, `__pycache__` must go.)
"""

import functools

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import cfunc, types
from numba.core import cgutils

from minikeras.kernels.compiled.loops import instructions, kept_on_disk

_I1, _I8, _I32, _I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))


def _vector_bytes():
    """Bytes of this processor's vectors."""
    features = llvmlite.binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx2") else 16


VECTOR = _vector_bytes()
"""Bytes of a vector."""
REGISTERS = 16 if VECTOR == 32 else 32
"""Vectors that a core has room for: AVX2 has 16 registers, AVX-512 and NEON have 32."""
VECTORS = 2 if REGISTERS == 16 else 4
"""Most vectors to a row of a tile."""
ROWS = (0, *(min((REGISTERS - count - 1) // count, 14) for count in range(1, VECTORS + 1)))
"""Most rows of a tile of so many vectors: one register is for each of them, and one for `a`."""
TAPS = 3
"""Taps that share a number in a tile of neighbours."""
_MOST_ROWS = {
    "mixed": ROWS,
    "neighbours": (0, *((REGISTERS - 1 - TAPS * count) // count for count in range(1, 3))),
    "lanewise": (0, ROWS[1], 6),
}


def most_rows(kind):
    """Most rows of a tile of each number of vectors.

    Args:
        kind: `"mixed"`, `"neighbours"` or `"lanewise"`, see `tile_code`.

    Returns:
        A tuple; the first entry is that of no vector.

    Example:
        >>> from minikeras.kernels.compiled.tiles import most_rows
        >>> most_rows("lanewise")[2]
        6
    """
    return _MOST_ROWS[kind]


# The walk's numbers, in the order in which a tile takes them.
_FIELDS = (
    *("rows", "vectors", "last"),
    *("a", "a_row", "a_step", "a_runs", "b", "b_step", "b_runs", "runs", "length"),
    *("start", "start_row", "out", "out_row"),
)
# How an instruction finds the rows that share a pointer: as a multiple of the step from row to row,
# times 1, 2, 4 or 8, which costs nothing. A pointer for each row would not fit the registers.
_REACH = ((0, 1), (1, 1), (1, 2), (3, 1), (1, 4), (5, 1), (3, 2), (7, 1), (1, 8))


@instructions
def tile(
    context,
    code,
    rows,
    vectors,
    last,
    a,
    a_row,
    a_step,
    a_runs,
    b,
    b_step,
    b_runs,
    runs,
    length,
    start,
    start_row,
    out,
    out_row,
    floor,
):
    """Write `out[m] = max(start[m] + sum over r, k of a[r, m, k] * b[r, k], floor)` for one tile.

    Args:
        context: Given by Numba.
        code: Address of the compiled tile, `tile_code(dtype)`.
        rows: Rows of the tile, 1 to `ROWS[vectors]`.
        vectors: Vectors of columns, 1 to `VECTORS`.
        last: Columns in the last vector; those behind are neither read nor written.
        a: Address of the left operand.
        a_row: Step from a row to the next.
        a_step: Step from a term of the sum to the next.
        a_runs: Address of a table (int64), where each run begins, counted from `a`.
        b: Address of the right operand, whose columns lie side by side.
        b_step: As `a_step`.
        b_runs: As `a_runs`.
        runs: How many runs.
        length: Terms of a run.
        start: Address of what is added to the sums.
        start_row: Step from a row of it to the next, 0 for one that all rows share.
        out: Address of the results.
        out_row: Step from a row of them to the next.
        floor: Least result, a float64; minus infinity lets everything pass. NaN stays NaN.
    """
    walk = (code, *(types.int64,) * len(_FIELDS), types.float64)
    signature = types.void(*walk)

    def emit(context, builder, signature, values):
        numbers = cgutils.pack_array(builder, values[1:-1], _I64)
        walk = builder.ptrtoint(cgutils.alloca_once_value(builder, numbers), _I64)
        kind = ir.FunctionType(ir.VoidType(), [_I64, values[-1].type])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), [walk, values[-1]])
        return context.get_dummy_value()

    return signature, emit


@instructions
def transpose_square(context, like, source, source_row, target, target_row):
    """Write a square, as wide as a vector, with rows and columns exchanged; in compiled code.

    Args:
        context: Given by Numba.
        like: Array of the type of number.
        source: Address of the square.
        source_row: Step from a row of it to the next.
        target: Address of the result.
        target_row: Step from a row of it to the next.
    """

    def emit(context, builder, signature, values):
        _, source, source_row, target, target_row = values
        element = context.get_value_type(like.dtype)
        size = 4 if isinstance(element, ir.FloatType) else 8
        kind = ir.VectorType(element, VECTOR // size)

        def place(start, row, i):
            address = builder.add(start, builder.mul(_I64(i), row))
            return builder.inttoptr(address, kind.as_pointer())

        rows = [builder.load(place(source, source_row, i), align=size) for i in range(kind.count)]
        for i, row in enumerate(_transposed(builder, rows, kind.count)):
            builder.store(row, place(target, target_row, i), align=size)
        return context.get_dummy_value()

    return types.void(like, *(types.int64,) * 4), emit


def _transposed(builder, rows, count):
    """Exchange rows and columns: shuffle the two halves into each other as often as it takes."""
    shuffled = [
        [number for i in half for number in (i, i + count)]
        for half in (range(count // 2), range(count // 2, count))
    ]
    shuffled = [ir.Constant(ir.VectorType(_I32, count), lanes) for lanes in shuffled]
    for _ in range(count.bit_length() - 1):
        pairs = zip(rows[: count // 2], rows[count // 2 :], strict=True)
        rows = [builder.shuffle_vector(a, b, lanes) for a, b in pairs for lanes in shuffled]
    return rows


def panel_columns(count, size, most=VECTORS):
    """Columns of the panels into which a matrix is cut: as wide as a tile, and about even.

    Args:
        count: Columns of the matrix.
        size: Bytes of a number.
        most: Most vectors of a panel.

    Returns:
        An int, a whole number of vectors.

    Example:
        >>> from minikeras.kernels.compiled.tiles import VECTOR, panel_columns
        >>> panel_columns(1, 4) * 4 == VECTOR
        True
    """
    lanes = VECTOR // size
    vectors = -(-count // lanes)
    panels = -(-vectors // most)
    return -(-vectors // max(panels, 1)) * lanes


@functools.cache
def tile_code(dtype, kind="mixed"):
    """Compile the tile for a type of number.

    Args:
        dtype: float32 or float64.
        kind: `"mixed"` for what `tile` says; `"lanewise"` if each column has numbers of its own in
            `a`, side by side as in `b`:
            `out[m, v] = max(start[m, v] + sum over r, k of a[r, m, k, v] * b[r, k, v], floor)`;
            `"neighbours"` if each number of `a` belongs to several rows, `TAPS` being `T`:
            `out[m] = max(start[m] + sum over r, k, t of a[r, m + t, k] * b[r, T * k + t], floor)`.
            `most_rows(kind)` tells how large such tiles are.

    Returns:
        The address to give to `tile`, an int.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.compiled.tiles import tile_code
        >>> tile_code(np.dtype("float32")) == tile_code(np.dtype("float32"))
        True
    """
    zero = np.dtype(dtype).type(0)
    # The compiler's cache knows a function by what is around it, by numbers but not by functions.
    if kind == "mixed":

        def every_tile(walk, floor):
            _mixed(zero, walk, floor)

    elif kind == "neighbours":

        def every_tile(walk, floor):
            _neighbours(zero, walk, floor)

    else:

        def every_tile(walk, floor):
            _lanewise(zero, walk, floor)

    signature = types.void(types.int64, types.float64)
    compiled = kept_on_disk(functools.partial(cfunc, signature), every_tile)
    _kept.append(compiled)
    return compiled.address


# Compiled code lives as long as the object that stands for it.
_kept = []


@instructions
def _mixed(context, zero, walk, floor):
    """Tiles of every size, of which the first two of the numbers at `walk` choose one."""
    return _every_size(_Tile, "mixed", zero, walk, floor)


@instructions
def _neighbours(context, zero, walk, floor):
    """As `_mixed`, with rows that are neighbours."""
    return _every_size(_NeighboursTile, "neighbours", zero, walk, floor)


@instructions
def _lanewise(context, zero, walk, floor):
    """As `_mixed`, with columns that do not mix."""
    return _every_size(_LanewiseTile, "lanewise", zero, walk, floor)


def _every_size(tile, kind, *arguments):
    emit = functools.partial(_emit_sizes, tile, most_rows(kind))
    return types.void(*arguments), emit


def _emit_sizes(kind, most, context, builder, signature, values):
    element, walk, floor = values[0].type, *values[1:]
    numbers = builder.inttoptr(walk, _I64.as_pointer())
    given = {
        name: builder.load(builder.gep(numbers, [_I64(place)]))
        for place, name in enumerate(_FIELDS)
    }
    given["floor"] = floor
    end = builder.append_basic_block("end")
    size = builder.add(builder.shl(given["rows"], _I64(3)), given["vectors"])
    switch = builder.switch(size, end)
    for vectors in range(1, len(most)):
        for rows in range(1, most[vectors] + 1):
            block = builder.append_basic_block(f"tile_{rows}_{vectors}")
            switch.add_case(_I64(8 * rows + vectors), block)
            builder.position_at_end(block)
            kind(builder, element, given, rows, vectors).emit()
            builder.branch(end)
    builder.position_at_end(end)
    return context.get_dummy_value()


class _Tile:
    """Writes the instructions of a tile of one size."""

    def __init__(self, builder, element, given, rows, vectors):
        self.builder, self.element, self.given = builder, element, given
        self.rows, self.vectors = range(rows), range(vectors)
        self.cells = rows
        self.size = 4 if isinstance(element, ir.FloatType) else 8
        lanes = VECTOR // self.size
        self.vector = ir.VectorType(element, lanes)
        counts = ir.VectorType(_I64, lanes)
        behind = self._spread(given["last"], counts)
        self.mask = builder.icmp_signed("<", counts(list(range(lanes))), behind)

    def emit(self):
        """Set the sums to zero, walk through the runs, and write the results."""
        builder, given = self.builder, self.given
        zero = self.vector([0.0] * self.vector.count)
        sums = {
            (m, v): cgutils.alloca_once_value(builder, zero)
            for m in self.rows
            for v in self.vectors
        }
        steps = {m: self._hidden(self._times(m, given["a_row"])) for m, _ in _REACH[1:]}
        hops = [self._times(m, given["a_row"]) for m in range(0, self.cells, len(_REACH))]
        with cgutils.for_range(builder, given["runs"]) as run:
            a = builder.add(given["a"], self._entry(given["a_runs"], run.index))
            b = builder.add(given["b"], self._entry(given["b_runs"], run.index))
            heads = [self._slot(builder.add(a, hop)) for hop in hops]
            right = self._slot(b)
            with cgutils.for_range(builder, given["length"]):
                self._step(sums, heads, right, steps)
        self._write(sums)

    def _step(self, sums, heads, right, steps):
        """Add one product to every sum and go on."""
        builder = self.builder
        b = builder.load(right)
        columns = [self._load(b, v) for v in self.vectors]
        starts = [self._hidden(builder.load(head)) for head in heads]
        for m in self.rows:
            for v, factor in enumerate(self._factors(self._row(starts, steps, m))):
                self._add(sums[m, v], factor, columns[v])
        self._go_on(heads, starts)
        builder.store(builder.gep(b, [self.given["b_step"]]), right)

    def _add(self, total, factor, column):
        """Add a product to a sum, as one instruction where the processor has it."""
        product = self.builder.fmul(factor, column, flags=("contract",))
        added = self.builder.fadd(product, self.builder.load(total), flags=("contract",))
        self.builder.store(added, total)

    def _row(self, starts, steps, m):
        """Pointer to a row of `a`."""
        head, place = divmod(m, len(_REACH))
        if not place:
            return starts[head]
        step, scale = _REACH[place]
        units = self.builder.bitcast(starts[head], ir.IntType(8 * scale).as_pointer())
        return self.builder.bitcast(self.builder.gep(units, [steps[step]]), _I8.as_pointer())

    def _go_on(self, heads, starts):
        """Move the pointers to the next term."""
        for head, start in zip(heads, starts, strict=True):
            self.builder.store(self.builder.gep(start, [self.given["a_step"]]), head)

    def _factors(self, place):
        """What the vectors of a row are multiplied with: one number, the same for all."""
        place = self.builder.bitcast(place, self.element.as_pointer())
        number = self.builder.load(place, align=self.size)
        return [self._spread(number, self.vector)] * len(self.vectors)

    def _write(self, sums):
        """Add the start, cut off below the floor, store."""
        builder, given = self.builder, self.given
        floor = given["floor"]
        if self.size == 4:
            floor = builder.fptrunc(floor, self.element)
        floor = self._spread(floor, self.vector)
        for m, v in sums:
            start = builder.add(given["start"], self._times(m, given["start_row"]))
            out = builder.add(given["out"], self._times(m, given["out_row"]))
            value = builder.fadd(builder.load(sums[m, v]), self._load(self._pointer(start), v))
            value = builder.select(builder.fcmp_ordered("<", value, floor), floor, value)
            self._store(value, self._pointer(out), v)

    def _load(self, pointer, v):
        """Vector `v` behind a pointer; of the last one only the columns that there are."""
        place = self._place(pointer, v)
        if v < self.vectors[-1]:
            return self.builder.load(place, align=self.size)
        kinds = [place.type, _I32, self.mask.type, self.vector]
        load = self._masked("load", ir.FunctionType(self.vector, kinds))
        none = ir.Constant(self.vector, None)
        return self.builder.call(load, [place, _I32(self.size), self.mask, none])

    def _store(self, value, pointer, v):
        place = self._place(pointer, v)
        if v < self.vectors[-1]:
            self.builder.store(value, place, align=self.size)
            return
        kinds = [self.vector, place.type, _I32, self.mask.type]
        store = self._masked("store", ir.FunctionType(ir.VoidType(), kinds))
        self.builder.call(store, [value, place, _I32(self.size), self.mask])

    def _masked(self, what, kind):
        name = f"llvm.masked.{what}.v{self.vector.count}f{8 * self.size}.p0"
        return cgutils.get_or_insert_function(self.builder.module, kind, name)

    def _place(self, pointer, v):
        moved = self.builder.gep(pointer, [_I64(v * VECTOR)])
        return self.builder.bitcast(moved, self.vector.as_pointer())

    def _entry(self, table, index):
        """Number in a table of int64."""
        place = self.builder.add(table, self.builder.shl(index, _I64(3)))
        return self.builder.load(self.builder.inttoptr(place, _I64.as_pointer()))

    def _slot(self, address):
        """Variable that holds a pointer."""
        return cgutils.alloca_once_value(self.builder, self._pointer(address))

    def _pointer(self, address):
        return self.builder.inttoptr(address, _I8.as_pointer())

    def _times(self, count, step):
        return self.builder.mul(_I64(count), step)

    def _hidden(self, number):
        """The same number or pointer, of which the optimizer no longer knows how it was made."""
        kind = ir.FunctionType(number.type, [number.type])
        return self.builder.asm(kind, "", "=r,0", [number], side_effect=False)

    def _spread(self, number, kind):
        """Vector of one number repeated."""
        none = ir.Constant(kind, ir.Undefined)
        one = self.builder.insert_element(none, number, _I32(0))
        first = ir.Constant(ir.VectorType(_I32, kind.count), None)
        return self.builder.shuffle_vector(one, none, first)


class _NeighboursTile(_Tile):
    """A tile whose rows are neighbours, so that several taps meet the same cell."""

    def __init__(self, builder, element, given, rows, vectors):
        super().__init__(builder, element, given, rows, vectors)
        self.cells = rows + TAPS - 1
        self.next_b = self._times(TAPS, given["b_step"])

    def _step(self, sums, heads, right, steps):
        builder, b = self.builder, self.builder.load(right)
        step = self.given["b_step"]
        taps = [b, builder.gep(b, [step]), builder.gep(b, [builder.shl(step, _I64(1))])]
        columns = [[self._load(tap, v) for v in self.vectors] for tap in taps]
        starts = [self._hidden(builder.load(head)) for head in heads]
        for cell in range(self.cells):
            factors = self._factors(self._row(starts, steps, cell))
            for tap in range(TAPS):
                for v in self.vectors if cell - tap in self.rows else ():
                    self._add(sums[cell - tap, v], factors[v], columns[tap][v])
        self._go_on(heads, starts)
        builder.store(builder.gep(b, [self.next_b]), right)


class _LanewiseTile(_Tile):
    """A tile whose columns do not mix."""

    def _factors(self, place):
        return [self._load(place, v) for v in self.vectors]
