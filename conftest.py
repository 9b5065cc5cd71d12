"""The sample of its large tables that the everyday run takes; `make test-all` runs every row.

`@pytest.mark.sampled(rows=n, by=kind)` above a parametrized test draws `n` of its rows, and besides
one of each kind: `by` is a function from the dict of a row's parameters to its kind. All other rows
are marked as slow. The sample changes from day to day, so that in time every row has run; the
header of the run says how to repeat it.
"""

import datetime
import os
import re
import zlib

import pytest

_VARIABLE = "MINIKERAS_SAMPLE"
_ADDRESS = re.compile(r"\b(at )?0x[0-9a-f]{8,}")
# The processes of one run (pytest-xdist) inherit the seed: they agree at midnight, too.
SEED = os.environ.setdefault(_VARIABLE, f"{datetime.date.today():%Y%m%d}")


def pytest_report_header():
    """Say which rows of large tables this run takes."""
    return f"rows of large tables: a sample; {_VARIABLE}={SEED} in the environment repeats it"


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by marks
def pytest_collection_modifyitems(items):
    """Mark as slow what the sample leaves out; refuse names that change from process to process."""
    changing = [item.nodeid for item in items if _ADDRESS.search(item.nodeid)]
    if changing:
        raise pytest.UsageError(
            "The names of these tests hold an address in memory, so that the processes of a run "
            f"cannot agree on them; give their parameters `ids`: {changing[:5]}"
        )
    tables = {}
    for item in items:
        if item.get_closest_marker("sampled"):
            tables.setdefault((item.path, item.cls, item.originalname), []).append(item)
    for table in tables.values():
        options = table[0].get_closest_marker("sampled").kwargs
        drawn = sample(SEED, {item.name: item.callspec.params for item in table}, **options)
        for item in table:
            if item.name not in drawn:
                item.add_marker(pytest.mark.slow)


def sample(seed, table, rows=1, by=None):
    """Draw rows of a table: the first ones, and those of each kind, in an order of the seed's.

    Args:
        seed: a string.
        table: dict from the name of each row to its parameters.
        rows: how many are drawn, if there are as many.
        by: function from a row's parameters to its kind; one row of each kind is drawn as well.

    Returns:
        The set of the names that were drawn.
    """
    names = sorted(table, key=lambda name: zlib.crc32(f"{seed} {name}".encode()))
    of_each_kind = {by(table[name]): name for name in reversed(names)} if by else {}
    return {*names[:rows], *of_each_kind.values()}
