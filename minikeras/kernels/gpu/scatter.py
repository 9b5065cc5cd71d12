"""Adding rows into a table at places that may repeat: the backward pass of every look-up.

CuPy's own function adds atomically, in no fixed order: sums of float numbers may differ in their
last bits from run to run. The CUDA kernel, which takes floats first, sorts the places instead.
"""

from minikeras.kernels.providers import dispatched


@dispatched(cuda="scatter")
def scatter_add_rows(xp, table, places, rows):
    """Add every row to the row of the table that its place names, in place.

    Places are not looked through: asking whether one lies outside would wait for the GPU.

    Args:
        xp: The array module.
        table: array `(size, width)`, which is changed.
        places: integer array `(count,)` with values from `-size` to `size - 1`.
        rows: array `(count, width)` of the table's dtype.

    Returns:
        The table.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.scatter import scatter_add_rows
        >>> scatter_add_rows(np, np.zeros((2, 1)), np.array([1, 1]), np.ones((2, 1))).tolist()
        [[0.0], [2.0]]
    """
    if table.dtype.itemsize >= 4:
        xp.add.at(table, places, rows)
        return table
    wide = table.astype("float32" if table.dtype.kind == "f" else table.dtype.kind + "4")
    xp.add.at(wide, places, rows.astype(wide.dtype))
    table[...] = wide.astype(table.dtype)
    return table
