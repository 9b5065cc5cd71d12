"""The table of ops: one row for each way to call one, in families."""

import pytest

from tests.cases import (
    ops_activation,
    ops_control,
    ops_creation,
    ops_ctc,
    ops_elementwise,
    ops_image,
    ops_indexing,
    ops_internal,
    ops_linalg,
    ops_nn,
    ops_reduction,
    ops_shaping,
    ops_signal,
)
from tests.cases.differences import annotate

_ROWS = [
    *ops_elementwise.CASES,
    *ops_activation.CASES,
    *ops_reduction.CASES,
    *ops_shaping.CASES,
    *ops_linalg.CASES,
    *ops_indexing.CASES,
    *ops_creation.CASES,
    *ops_control.CASES,
    *ops_nn.CASES,
    *ops_ctc.CASES,
    *ops_image.CASES,
    *ops_signal.CASES,
    *ops_internal.CASES,
]

CASES = [annotate(case) for case in _ROWS]


def rows(cases):
    """Run a test on these rows; in the everyday run, on a row of each op."""
    one_an_op = pytest.mark.sampled(by=lambda row: row["case"].name)
    every_row = pytest.mark.parametrize("case", cases, ids=lambda case: case.id)
    return lambda test: one_an_op(every_row(test))
