"""Folding the rows that share a number into one row of a table.

Rows are sorted by their numbers; then each is joined with the one 1, 2, 4, ... places before it as
long as that has the same number, so that after `log2(count)` steps the last row of a number holds
all of them (Hillis and Steele, "Data parallel algorithms", 1986). The order of the operations is
fixed, unlike that of atomic ones, and every dtype can be folded.
"""


def reduce_rows(xp, operation, table, numbers, rows):
    """Fold the rows that share a number into one; see `cpu.segments.reduce_rows`."""
    order = xp.argsort(numbers, kind="stable")
    numbers, rows = numbers[order], rows[order]
    step = 1
    while step < len(rows):
        same = (numbers[step:] == numbers[:-step]).reshape(-1, *(1,) * (rows.ndim - 1))
        joined = xp.where(same, operation(rows[step:], rows[:-step]), rows[step:])
        rows = xp.concatenate([rows[:step], joined])
        step *= 2
    # Rows that are not the last of their number go to a place past the table, and are dropped.
    is_last = xp.concatenate([numbers[1:] != numbers[:-1], xp.ones(min(len(rows), 1), bool)])
    wider = xp.concatenate([table, table[:1]]) if len(table) else table
    wider[xp.where(is_last, numbers, len(table))] = rows
    table[...] = wider[: len(table)]
    return table
