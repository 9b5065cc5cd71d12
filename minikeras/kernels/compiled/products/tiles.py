"""Register tile of a matrix product: the innermost loop of convolutions and of small products.

A tile computes `out = max(start + a @ b, lower_bound)` for a few rows by a few vectors of columns.
All its sums stay in registers while the loop over the terms `k` of the sum runs:

                              vectors of columns
                             b[k, 0]   b[k, 1]   ...           b_step: bytes from k to k + 1
                            +---------+---------+--------+
    a_row:      a[0, k]  x  | sum     | sum     |        |     one value of `a`, copied to all
    bytes from  a[1, k]  x  | sum     | sum     |        |     lanes of a vector, times a vector
    row to row  a[2, k]  x  | sum     | sum     | last   |     of `b`, is added to each sum
                            +---------+---------+--------+
                 a_step: bytes from k to k + 1    `last` columns of the last vector exist

Of the 32 registers of AVX-512, 24 to 28 hold sums (Goto and van de Geijn, "Anatomy of
high-performance matrix multiplication", 2008). The fewer rows and the more vectors, the fewer
values are loaded and pointers moved: six rows of four vectors are 24 products from 10 loads a step,
14 rows of two are 28 from 16, and so the wide one is faster where another thread shares the core.

What makes a tile of use beyond matrices is how it finds the terms of a sum. They come in `runs` of
`length` terms, and two tables say where each run begins in `a` and in `b`. So the windows of a
convolution are read where they lie, whatever their rank, stride and dilation, and no window is
copied.

There are three kinds of tiles (`tile_instructions` writes them, `tile_code` compiles them):

- `"mixed"`: the product of matrices above. Every column is a sum over the same values of `a`.
- `"neighbours"`: row `m + 1` reads one term further than row `m`, as neighbouring outputs of a
  convolution with stride 1 do. Then `TAPS` taps of a window share each value of `a`: 36 products
  from 18 loads, even if there is but one vector of columns.
- `"lanewise"`: each column has values of its own in `a`, as in a depthwise convolution.

All steps, offsets and addresses are in bytes.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from minikeras.kernels.compiled.compiler import fetch, inner, instructions

_I64 = ir.IntType(64)


def _vector_bytes():
    """Bytes of this processor's vectors."""
    features = llvmlite.binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx2") else 16


VECTOR = _vector_bytes()
"""Bytes of a vector."""
REGISTERS = 16 if VECTOR == 32 else 32
"""Vector registers of a core: AVX2 has 16, AVX-512 and NEON have 32."""
VECTORS = 2 if REGISTERS == 16 else 4
"""Most vectors to a row of a tile."""
ROWS = (0, *(min((REGISTERS - count - 1) // count, 14) for count in range(1, VECTORS + 1)))
"""Most rows of a tile of so many vectors: one register is for each of them, and one for `a`."""
TAPS = 3
"""Taps that share a value in a tile of neighbours."""
_MOST_ROWS = {
    "mixed": ROWS,
    "neighbours": (0, *((REGISTERS - 1 - TAPS * count) // count for count in range(1, 3))),
    "lanewise": (0, ROWS[1], 6),
}

FIELDS = (
    *("rows", "vectors", "last"),
    *("a", "a_row", "a_step", "a_runs", "b", "b_step", "b_runs", "runs", "length"),
    *("start", "start_row", "out", "out_row"),
)
"""Integers that a tile is called with, in this order; `tile` explains them."""

UNBOUNDED = -np.inf
"""A lower bound that lets every result pass."""
NO_FETCH = 0, 0
"""Memory to fetch ahead: none."""
_AT_ZERO = np.zeros(1, np.int64)
_OFFSET = _AT_ZERO.itemsize  # bytes of an entry in a table of runs


def most_rows(kind):
    """Most rows of a tile of each number of vectors.

    Args:
        kind: `"mixed"`, `"neighbours"` or `"lanewise"`.

    Returns:
        A tuple; the first entry is that of no vector.

    Example:
        >>> from minikeras.kernels.compiled.products.tiles import most_rows
        >>> most_rows("lanewise")[2]
        6
    """
    return _MOST_ROWS[kind]


def panel_columns(count, size, most=VECTORS):
    """Columns of the panels into which a matrix is cut: as wide as a tile, and about even.

    Args:
        count: Columns of the matrix.
        size: Bytes of an element.
        most: Most vectors of a panel.

    Returns:
        An int, a whole number of vectors.

    Example:
        >>> from minikeras.kernels.compiled.products.tiles import VECTOR, panel_columns
        >>> panel_columns(1, 4) * 4 == VECTOR
        True
    """
    lanes = VECTOR // size
    vectors = -(-count // lanes)
    panels = -(-vectors // most)
    return -(-vectors // max(panels, 1)) * lanes


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
    lower_bound,
):
    """Write `out[m] = max(start[m] + sums[m], lower_bound)` for one tile.

    Here `sums[m]` is the sum over `r, k` of `a[r, m, k] * b[r, k]`.

    Args:
        context: Given by Numba.
        code: Address of the compiled tile, `tile_code(dtype, kind)`.
        rows: Rows of the tile, 1 to `most_rows(kind)[vectors]`.
        vectors: Vectors of columns, 1 to `VECTORS`.
        last: Columns in the last vector; those after them are neither read nor written.
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
        lower_bound: Least result, a float64: 0 for ReLU, `UNBOUNDED` otherwise. NaN stays NaN.
    """
    call = (code, *(types.int64,) * len(FIELDS), types.float64)
    signature = types.void(*call)

    def emit(context, builder, signature, values):
        numbers = cgutils.pack_array(builder, values[1:-1], _I64)
        fields = builder.ptrtoint(cgutils.alloca_once_value(builder, numbers), _I64)
        kind = ir.FunctionType(ir.VoidType(), [_I64, values[-1].type])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), [fields, values[-1]])
        return context.get_dummy_value()

    return signature, emit


@inner()
def multiply_rows(code, tiling, a, b, runs, start, out, lower_bound, sums=1, ahead=NO_FETCH):
    """Write `out = max(start + a @ b, lower_bound)` for one panel of columns, tile after tile.

    Args:
        code: Address of the compiled tile.
        tiling: How the rows are divided among tiles, from `tiling_of` or `tiling_at_most`.
        a: `(address, step from row to row, step from term to term)` of the left operand.
        b: `(address, step from term to term)` of the right operand.
        runs: `(a_runs, b_runs, count, length)`: addresses of the two tables, and how many runs of
            how many terms a sum has.
        start: `(address, step from row to row)` of what is added; it may be `out`.
        out: `(address, step from row to row)` of the result.
        lower_bound: Least result.
        sums: How many such sums, of as many runs each, make a result. Each ends in `out` before
            the next begins: short sums lose fewer digits.
        ahead: `(address, bytes)` of memory that is needed soon; each tile fetches as many of it.
    """
    (vectors, last, tiles, height, taller), (a_runs, b_runs, count, length) = tiling, runs
    (a_at, a_row, a_step), (b_at, b_step) = a, b
    (start_at, start_row), (out_at, out_row) = start, out
    (fetched, share), next_sum = ahead, count * _OFFSET
    for i in range(tiles):
        rows = height + 1 if i < taller else height
        fetch(fetched, share)
        begin, begin_row = start_at, start_row
        for n in range(sums):
            tile(
                code,
                rows=rows,
                vectors=vectors,
                last=last,
                a=a_at,
                a_row=a_row,
                a_step=a_step,
                a_runs=a_runs + n * next_sum,
                b=b_at,
                b_step=b_step,
                b_runs=b_runs + n * next_sum,
                runs=count,
                length=length,
                start=begin,
                start_row=begin_row,
                out=out_at,
                out_row=out_row,
                lower_bound=lower_bound,
            )
            begin, begin_row = out_at, out_row
        a_at += rows * a_row
        start_at += rows * start_row
        out_at += rows * out_row
        fetched += share


@inner()
def multiply(code, rows, columns, terms, a, b, start, out, lower_bound, wide, size):
    """Write `out = max(start + a @ b, lower_bound)`, one panel of columns after another.

    Args:
        code: Address of the compiled tile, of kind `"mixed"`.
        rows: Rows of the result.
        columns: Columns of the result.
        terms: Terms of each sum.
        a: As for `multiply_rows`.
        b: `(address, step from term to term, step from panel to panel)` of the right operand.
        start: As for `multiply_rows`.
        out: As for `multiply_rows`.
        lower_bound: Least result.
        wide: Columns of a panel.
        size: Bytes of an element.
    """
    (b_at, b_step, b_panel), (start_at, start_row), (out_at, out_row) = b, start, out
    at_zero = address(_AT_ZERO)
    runs = at_zero, at_zero, 1, terms
    for column in range(0, columns, wide):
        tiling, moved = tiling_of(rows, min(wide, columns - column), size), column * size
        start_here, out_here = (start_at + moved, start_row), (out_at + moved, out_row)
        multiply_rows(code, tiling, a, (b_at, b_step), runs, start_here, out_here, lower_bound)
        b_at += b_panel


@inner()
def tiling_of(rows, columns, size):
    """Divide rows of so many columns, at most those of a tile, among tiles of kind `"mixed"`."""
    lanes = VECTOR // size
    vectors = (columns + lanes - 1) // lanes
    return tiling_at_most(rows, vectors, columns - (vectors - 1) * lanes, ROWS[vectors])


@inner()
def tiling_at_most(rows, vectors, last, most):
    """Divide rows among as few tiles as will do, as evenly as possible.

    Args:
        rows: How many rows.
        vectors: Vectors of columns.
        last: Columns of the last vector.
        most: Most rows of a tile.

    Returns:
        `(vectors, last, tiles, height, taller)`: how many tiles there are, the rows of each, and
        how many of them, the first ones, have one row more. (13 rows in tiles of at most 6: three
        tiles of 4 rows, the first of which has one more.)
    """
    tiles = (rows + most - 1) // most
    height = rows // tiles
    return vectors, last, tiles, height, rows - height * tiles


@inner()
def address(array):
    """Address of an array, with a sign: Numba makes a float of int64 + uint64."""
    return np.int64(array.ctypes.data)
