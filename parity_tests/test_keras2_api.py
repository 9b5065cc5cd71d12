"""The public surface of Keras 2.2.4 and 1.2.2: every name is there, and is called alike.

The names come from the packages' own syntax trees (`parity_tests/old_keras`); one row a module.
What is left out or different on purpose stands in `parity_tests/keras2_tables.py`, with the reason;
a row that is not needed there fails, too. `python -m parity_tests.old_keras --missing` prints the
rest by module.
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


incomplete = pytest.mark.xfail(reason="keras2 is not complete yet: see --missing", strict=True)


@cache
def all_gaps():
    """Every gap, whether or not a table gives a reason."""
    return [*gaps.of_keras_2(keras_2()), *gaps.of_keras_1(keras_1(), keras_2())]


def without_reason(*kinds):
    return [gap for gap in all_gaps() if gap.kind in kinds and keras2_tables.why(gap) is None]


@incomplete
def test_every_module_and_name_is_there():
    assert not [gap.path for gap in without_reason("module", "name")]


@incomplete
def test_functions_and_classes_are_called_alike():
    assert not without_reason("parameters")


@incomplete
def test_methods_are_there_and_called_alike():
    assert not without_reason("method")


@incomplete
def test_arguments_of_keras_1_are_taken():
    assert not [gap.path for gap in without_reason("argument")]


@pytest.mark.parametrize("table", keras2_tables.TABLES, ids=lambda kinds: "-".join(kinds))
def test_every_exception_is_needed(table):
    paths = [gap.path for gap in all_gaps() if gap.kind in table]
    assert not idle_rows(keras2_tables.TABLES[table], paths)
