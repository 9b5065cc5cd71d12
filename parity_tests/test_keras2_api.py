"""The public surface of Keras 2.2.4 and 1.2.2: every name is there, and is called alike.

The names come from the packages' own syntax trees (`parity_tests/old_keras`); one row a module.
What is left out or different on purpose stands in `parity_tests/keras2_tables.py`, with the reason;
a row that is not needed there fails, too. What is not built yet stands in `old_keras/missing.txt`,
which may only become shorter; `python -m parity_tests.old_keras --missing` prints the signatures.
"""

from functools import cache

import pytest

from parity_tests import keras2_tables
from parity_tests.old_keras import archives, gaps
from parity_tests.old_keras.release import keras_1, keras_2
from parity_tests.surface import idle_rows

pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(
        not archives.is_fetched(),
        reason="old Keras is not in the cache: `python -m parity_tests.old_keras --fetch`",
    ),
]


@cache
def all_gaps():
    """Every gap, whether or not a table gives a reason."""
    return [*gaps.of_keras_2(keras_2()), *gaps.of_keras_1(keras_1(), keras_2())]


def test_what_is_missing_is_what_is_listed():
    """Nothing else is missing, and what has been built since is taken off the list."""
    missing = set(gaps.lines(gap for gap in all_gaps() if keras2_tables.why(gap) is None))
    listed = set(gaps.LISTED.read_text().splitlines())
    assert missing - listed == set(), "these are missing, too"
    assert listed - missing == set(), "take these off: python -m parity_tests.old_keras --write"


@pytest.mark.parametrize("table", keras2_tables.TABLES, ids=lambda kinds: "-".join(kinds))
def test_every_exception_is_needed(table):
    paths = [gap.path for gap in all_gaps() if gap.kind in table]
    assert not idle_rows(keras2_tables.TABLES[table], paths)
