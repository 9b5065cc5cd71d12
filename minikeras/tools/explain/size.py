"""How large a page becomes, and what is left out of one that would be too large."""

LIMIT = 5_000_000
"""Bytes of a page, at most."""

SHARE = 0.78
"""How much of a page the arrays may take; formulas, sources and the program take the rest."""


def leave_out(document, arrays, limit=LIMIT):
    """Choose the arrays that a page holds: the largest are left out first.

    Args:
        document: the `Document`, whose first layers are the last to lose weights and outputs.
        arrays: dict of the arrays by name.
        limit: bytes of the page.

    Returns:
        `(kept, left_out)`: a set of names, and a dict of names to why not.
    """
    sizes = {name: _bytes(a) for name, a in arrays.items()}
    kept, total, left_out = set(arrays), sum(sizes.values()), {}
    # What would fill a page alone is no exception: all else would be left out for it.
    first = {n for n in _of_first_layers(document) if sizes.get(n, 0) < limit * SHARE / 3}
    for name in sorted(sizes, key=lambda n: (n in first, -sizes[n])):
        if total <= limit * SHARE:
            break
        kept.discard(name)
        total -= sizes[name]
        left_out[name] = f"{arrays[name].size:,} numbers would make the page larger than 5 MB"
    return kept, left_out


def _bytes(array):
    each = 1 if array.dtype == bool else 4
    return 4 * (array.size * each + 2) // 3 + 60


def _of_first_layers(document, count=4):
    """What the view of the first layers shows: their inputs, weights and outputs."""
    keys = list(document.sheets)[:count]
    entries = [entry for key in keys for entry in document.sheets[key].entries]
    return {e["name"] for e in entries if e["role"] in ("input", "weight", "output")}
