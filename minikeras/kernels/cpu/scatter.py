"""Adding rows into a table at places that may repeat: the backward pass of every look-up.

Rows are added one after the other in the order in which they come, so that sums round alike on
every run. NumPy has a fast loop for scattering single numbers but not for rows, hence the flat
places. (One scatter of flat places was faster than sorting and adding runs, than `bincount`, than
`np.add.at` on rows, and than a product with a one-hot matrix, from 32 x 16 to 65,536 x 64 rows.)
"""

import numpy as np

from minikeras.kernels.providers import dispatched

_BLOCK = 1 << 17
"""Numbers per block: their places take 1 MiB, instead of twice the memory of all rows."""


@dispatched("scatter")
def scatter_add_rows(table, places, rows):
    """Add every row to the row of the table that its place names, in place.

    Args:
        table: contiguous array `(size, width)`, which is changed.
        places: integer array `(count,)` with values from `-size` to `size - 1`.
        rows: array `(count, width)` of the table's dtype.

    Returns:
        The table.

    Raises:
        IndexError: if a place lies outside the table.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.scatter import scatter_add_rows
        >>> scatter_add_rows(np.zeros((2, 1)), np.array([1, 1]), np.ones((2, 1))).tolist()
        [[0.0], [2.0]]
    """
    size, width = table.shape
    if places.size and (places.min() < -size or places.max() >= size):
        raise IndexError(f"A place lies outside the table of {size} rows.")
    flat = table.reshape(-1)
    columns = np.arange(width)
    step = max(1, _BLOCK // max(width, 1))
    for start in range(0, len(places), step):
        block = slice(start, start + step)
        cells = places[block, None].astype(np.intp) * width + columns
        np.add.at(flat, cells.reshape(-1), rows[block].reshape(-1))
    return table
