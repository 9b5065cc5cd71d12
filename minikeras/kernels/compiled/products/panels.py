"""Products of many small matrices with the same right-hand side, from within compiled loops.

A matrix that a loop multiplies by again and again is copied once into panels, each as wide as a
tile of `tiles`, so that the tile reads it line after line; a recurrent kernel then stays in the
core's second-level cache for the whole sequence. BLAS would have to be called, and would copy, at
each step.
"""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner
from minikeras.kernels.compiled.products import tiles
from minikeras.kernels.compiled.products.tile_instructions import tile_code
from minikeras.kernels.compiled.products.tiles import panel_columns


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
        >>> from minikeras.kernels.compiled.products.panels import panels
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
    return tile_code(matrix.dtype), copy, width, np.zeros(width, matrix.dtype)


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
    code, copy, width, _ = by
    terms, wide = copy.shape[1:]
    size = copy.itemsize
    tiles.multiply(
        code,
        rows=rows,
        columns=width,
        terms=terms,
        a=(np.int64(a), a_row, size),
        b=(tiles.address(copy), wide * size, terms * wide * size),
        start=(np.int64(start), start_row),
        out=(np.int64(out), out_row),
        lower_bound=tiles.UNBOUNDED,
        wide=wide,
        size=size,
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
