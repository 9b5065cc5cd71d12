"""The instructions of a register tile, written for LLVM; `tiles` says what they compute.

LLVM is told the vectors outright: the sums of a loop that it vectorizes on its own do not stay in
registers. A tile is compiled once for a float type and called by its address, so that kernels
that use it stay small and compile fast.
"""

import functools

import numpy as np
from llvmlite import ir
from numba import cfunc, types
from numba.core import cgutils

from minikeras.kernels.compiled.compiler import instructions, kept_on_disk
from minikeras.kernels.compiled.products.tiles import FIELDS, TAPS, VECTOR, most_rows
from minikeras.kernels.compiled.sources import stamp_of

_I1, _I8, _I32, _I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))

# How an instruction finds the rows that share a pointer: as a multiple of the step from row to row,
# times 1, 2, 4 or 8, which costs nothing. A pointer for each row would not fit the registers.
_REACH = ((0, 1), (1, 1), (1, 2), (3, 1), (1, 4), (5, 1), (3, 2), (7, 1), (1, 8))


@functools.cache
def tile_code(dtype, kind="mixed"):
    """Compile the tile for a float type.

    Args:
        dtype: float32 or float64.
        kind: `"mixed"` for what `tile` says; `"lanewise"` if each column `v` has values of its own
            in `a`, side by side as in `b`:
            `sum over r, k of a[r, m, k, v] * b[r, k, v]` is added to `start[m, v]`;
            `"neighbours"` if each value of `a` belongs to several rows, `T` being `TAPS`:
            `sum over r, k, t of a[r, m + t, k] * b[r, T * k + t]` is added to `start[m]`.
            `most_rows(kind)` tells how large such tiles are.

    Returns:
        The address to give to `tile`, an int.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.compiled.products.tile_instructions import tile_code
        >>> tile_code(np.dtype("float32")) == tile_code(np.dtype("float32"))
        True
    """
    # The compiler's cache knows a function by what is around it, by numbers but not by functions.
    zero, stamp = np.dtype(dtype).type(0), stamp_of(__file__)
    if kind == "mixed":

        def every_tile(fields, lower_bound):
            _mixed(zero, stamp, fields, lower_bound)

    elif kind == "neighbours":

        def every_tile(fields, lower_bound):
            _neighbours(zero, stamp, fields, lower_bound)

    else:

        def every_tile(fields, lower_bound):
            _lanewise(zero, stamp, fields, lower_bound)

    signature = types.void(types.int64, types.float64)
    compiled = kept_on_disk(functools.partial(cfunc, signature), every_tile)
    _kept.append(compiled)
    return compiled.address


# Compiled code lives as long as the object that stands for it.
_kept = []


@instructions
def _mixed(context, zero, stamp, fields, lower_bound):
    """Tiles of every size, of which the first two of the integers at `fields` choose one."""
    return _every_size(_Tile, "mixed", zero, stamp, fields, lower_bound)


@instructions
def _neighbours(context, zero, stamp, fields, lower_bound):
    """As `_mixed`, with rows that are neighbours."""
    return _every_size(_NeighboursTile, "neighbours", zero, stamp, fields, lower_bound)


@instructions
def _lanewise(context, zero, stamp, fields, lower_bound):
    """As `_mixed`, with values of `a` for each column."""
    return _every_size(_LanewiseTile, "lanewise", zero, stamp, fields, lower_bound)


def _every_size(tile, kind, *arguments):
    emit = functools.partial(_emit_sizes, tile, most_rows(kind))
    return types.void(*arguments), emit


def _emit_sizes(kind, most, context, builder, signature, values):
    zero, _, address, lower_bound = values
    element = zero.type
    numbers = builder.inttoptr(address, _I64.as_pointer())
    fields = {
        name: builder.load(builder.gep(numbers, [_I64(index)])) for index, name in enumerate(FIELDS)
    }
    fields["lower_bound"] = lower_bound
    end = builder.append_basic_block("end")
    size = builder.add(builder.shl(fields["rows"], _I64(3)), fields["vectors"])
    switch = builder.switch(size, end)
    for vectors in range(1, len(most)):
        for rows in range(1, most[vectors] + 1):
            block = builder.append_basic_block(f"tile_{rows}_{vectors}")
            switch.add_case(_I64(8 * rows + vectors), block)
            builder.position_at_end(block)
            kind(builder, element, fields, rows, vectors).emit()
            builder.branch(end)
    builder.position_at_end(end)
    return context.get_dummy_value()


class _Tile:
    """Writes the instructions of a tile of one size."""

    def __init__(self, builder, element, fields, rows, vectors):
        self.builder, self.element, self.fields = builder, element, fields
        self.rows, self.vectors = range(rows), range(vectors)
        self.cells = rows
        self.size = 4 if isinstance(element, ir.FloatType) else 8
        lanes = VECTOR // self.size
        self.vector = ir.VectorType(element, lanes)
        counts = ir.VectorType(_I64, lanes)
        end = self._broadcast(fields["last"], counts)
        self.mask = builder.icmp_signed("<", counts(list(range(lanes))), end)

    def emit(self):
        """Set the sums to zero, add up all runs, and write the results."""
        builder, fields = self.builder, self.fields
        zero = self.vector([0.0] * self.vector.count)
        sums = {
            (m, v): cgutils.alloca_once_value(builder, zero)
            for m in self.rows
            for v in self.vectors
        }
        steps = {m: self._opaque(self._times(m, fields["a_row"])) for m, _ in _REACH[1:]}
        hops = [self._times(m, fields["a_row"]) for m in range(0, self.cells, len(_REACH))]
        with cgutils.for_range(builder, fields["runs"]) as run:
            a = builder.add(fields["a"], self._entry(fields["a_runs"], run.index))
            b = builder.add(fields["b"], self._entry(fields["b_runs"], run.index))
            heads = [self._slot(builder.add(a, hop)) for hop in hops]
            right = self._slot(b)
            with cgutils.for_range(builder, fields["length"]):
                self._step(sums, heads, right, steps)
        self._write(sums)

    def _step(self, sums, heads, right, steps):
        """Add one product to every sum and move the pointers on."""
        builder = self.builder
        b = builder.load(right)
        columns = [self._load(b, v) for v in self.vectors]
        starts = [self._opaque(builder.load(head)) for head in heads]
        for m in self.rows:
            for v, factor in enumerate(self._factors(self._row(starts, steps, m))):
                self._add(sums[m, v], factor, columns[v])
        self._advance(heads, starts)
        builder.store(builder.gep(b, [self.fields["b_step"]]), right)

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

    def _advance(self, heads, starts):
        """Move the pointers to the next term."""
        for head, start in zip(heads, starts, strict=True):
            self.builder.store(self.builder.gep(start, [self.fields["a_step"]]), head)

    def _factors(self, place):
        """What the vectors of a row are multiplied by: one value, the same for all."""
        place = self.builder.bitcast(place, self.element.as_pointer())
        number = self.builder.load(place, align=self.size)
        return [self._broadcast(number, self.vector)] * len(self.vectors)

    def _write(self, sums):
        """Add the start, take the larger of result and lower bound, store."""
        builder, fields = self.builder, self.fields
        lower_bound = fields["lower_bound"]
        if self.size == 4:
            lower_bound = builder.fptrunc(lower_bound, self.element)
        lower_bound = self._broadcast(lower_bound, self.vector)
        for m, v in sums:
            start = builder.add(fields["start"], self._times(m, fields["start_row"]))
            out = builder.add(fields["out"], self._times(m, fields["out_row"]))
            value = builder.fadd(builder.load(sums[m, v]), self._load(self._pointer(start), v))
            value = builder.select(
                builder.fcmp_ordered("<", value, lower_bound), lower_bound, value
            )
            self._store(value, self._pointer(out), v)

    def _load(self, pointer, v):
        """Vector `v` of a row; of the last one only the columns that there are."""
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

    def _opaque(self, number):
        """The same number or pointer, of which the optimizer no longer knows how it was made."""
        kind = ir.FunctionType(number.type, [number.type])
        return self.builder.asm(kind, "", "=r,0", [number], side_effect=False)

    def _broadcast(self, number, kind):
        """Vector of one number repeated."""
        none = ir.Constant(kind, ir.Undefined)
        one = self.builder.insert_element(none, number, _I32(0))
        first = ir.Constant(ir.VectorType(_I32, kind.count), None)
        return self.builder.shuffle_vector(one, none, first)


class _NeighboursTile(_Tile):
    """A tile whose rows are neighbours, so that several taps read the same value."""

    def __init__(self, builder, element, fields, rows, vectors):
        super().__init__(builder, element, fields, rows, vectors)
        self.cells = rows + TAPS - 1
        self.next_b = self._times(TAPS, fields["b_step"])

    def _step(self, sums, heads, right, steps):
        builder, b = self.builder, self.builder.load(right)
        step = self.fields["b_step"]
        taps = [b, builder.gep(b, [step]), builder.gep(b, [builder.shl(step, _I64(1))])]
        columns = [[self._load(tap, v) for v in self.vectors] for tap in taps]
        starts = [self._opaque(builder.load(head)) for head in heads]
        for cell in range(self.cells):
            factors = self._factors(self._row(starts, steps, cell))
            for tap in range(TAPS):
                for v in self.vectors if cell - tap in self.rows else ():
                    self._add(sums[cell - tap, v], factors[v], columns[tap][v])
        self._advance(heads, starts)
        builder.store(builder.gep(b, [self.next_b]), right)


class _LanewiseTile(_Tile):
    """A tile whose columns have values of their own in `a`."""

    def _factors(self, place):
        return [self._load(place, v) for v in self.vectors]


@instructions
def transpose_square(context, like, source, source_row, target, target_row):
    """Write a square, as wide as a vector, with rows and columns exchanged; in compiled code.

    Args:
        context: Given by Numba.
        like: Array of the float type.
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
