"""Folding the rows that share a number into one row of a table."""


def reduce_rows(xp, operation, table, numbers, rows):
    """Write into a table, at the place that each number names, its rows folded into one.

    Args:
        xp: The array module.
        operation: The ufunc that folds: maximum, minimum or multiply.
        table: Array `(size, ...)`, which is changed; rows that no number names stay.
        numbers: Integer array `(count,)` with values from 0 to `size - 1`.
        rows: Array `(count, ...)` of the table's dtype.

    Returns:
        The table.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.cpu.segments import reduce_rows
        >>> rows = np.array([3, 5, 2])
        >>> reduce_rows(np, np.maximum, np.zeros(3, int), np.array([1, 1, 2]), rows).tolist()
        [0, 5, 2]
    """
    order = xp.argsort(numbers, kind="stable")
    places, first = xp.unique(numbers[order], return_index=True)
    if places.size:
        table[places] = operation.reduceat(rows[order], first, axis=0)
    return table
