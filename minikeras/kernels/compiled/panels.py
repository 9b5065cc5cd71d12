"""Products of many small matrices with the same right-hand side, from within compiled loops.

A matrix that a loop multiplies by again and again is copied once into panels, each as wide as a
tile of `tiles`, so that the tile reads it line after line; a recurrent kernel then stays in the
core's second-level cache for the whole sequence. BLAS would have to be called, and would copy, at
each step.
"""

import numpy as np

from minikeras.kernels.compiled.loops import compiled, inner
from minikeras.kernels.compiled.tiles import ROWS, VECTOR, panel_columns, tile, tile_code

_ONE_RUN = np.zeros(1, np.int64)
_NO_FLOOR = -np.inf


def panels(matrix):
    """Copy a matrix into panels.

    Args:
        matrix: Array `(terms, width)` of float32 or float64, contiguous, or the transpose of one
            that is.

    Returns:
        What `multiply` takes: an address, the array `(panels, terms, columns)`, the width, and a
        row of zeros.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.compiled.panels import panels
        >>> panels(np.ones((3, 5)))[2]
        5
    """
    terms, width = matrix.shape
    columns = panel_columns(width, matrix.itemsize)
    copy = np.empty((-(-width // columns), terms, columns), matrix.dtype)
    if matrix.flags.c_contiguous:
        _copy_rows(matrix, copy)
    else:
        _copy_columns(np.ascontiguousarray(matrix.T), copy)
    return tile_code(matrix.dtype), copy, width, _ONE_RUN, np.zeros(width, matrix.dtype)


@inner()
def multiply(by, a, a_row, start, start_row, out, out_row, rows):
    """Write `out = start + a @ matrix`; for use in compiled code.

    Args:
        by: What `panels` made of the matrix.
        a: Address of the left operand, whose rows are contiguous.
        a_row: Bytes from a row of it to the next.
        start: Address of what is added.
        start_row: Bytes from a row of it to the next, 0 for one that all rows share.
        out: Address of the result; it may be `start`.
        out_row: Bytes from a row of it to the next.
        rows: How many rows.
    """
    code, copy, width, run, _ = by
    count, terms, columns = copy.shape
    size, runs = copy.itemsize, run.ctypes.data
    lanes = VECTOR // size
    for p in range(count):
        wide = min(columns, width - p * columns)
        vectors = (wide + lanes - 1) // lanes
        last = wide - (vectors - 1) * lanes
        tiles = (rows + ROWS[vectors] - 1) // ROWS[vectors]
        panel, moved = copy[p].ctypes.data, p * columns * size
        for i in range(tiles):
            first = rows * i // tiles
            tile(
                code,
                rows * (i + 1) // tiles - first,
                vectors,
                last,
                a + first * a_row,
                a_row,
                size,
                runs,
                panel,
                columns * size,
                runs,
                1,
                terms,
                start + first * start_row + moved,
                start_row,
                out + first * out_row + moved,
                out_row,
                _NO_FLOOR,
            )


@compiled()
def _copy_rows(matrix, copy):
    columns = copy.shape[2]
    for p in range(copy.shape[0]):
        for k in range(copy.shape[1]):
            row, place = matrix[k, p * columns : (p + 1) * columns], copy[p, k]
            for j in range(row.size):
                place[j] = row[j]


@compiled()
def _copy_columns(transposed, copy):
    columns = copy.shape[2]
    for j in range(transposed.shape[0]):
        for k in range(transposed.shape[1]):
            copy[j // columns, k, j % columns] = transposed[j, k]
