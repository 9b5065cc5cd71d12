"""An axis outside the rank is refused by every op that takes one, on values and on placeholders."""

import inspect

import pytest

from minikeras import ops
from minikeras.autograd.symbolic import KerasTensor
from minikeras.autograd.tensor import Tensor
from tests.cases import CASES

OUTSIDE = (9, -10)

# How an axis outside the rank is passed, by the parameter's name, and what goes with it.
GIVEN = {
    "axis": lambda bad: {"axis": bad},
    "axis1": lambda bad: {"axis1": bad, "axis2": 0},
    "axis2": lambda bad: {"axis1": 0, "axis2": bad},
    "source": lambda bad: {"source": bad, "destination": 0},
    "destination": lambda bad: {"source": 0, "destination": bad},
    "axes": lambda bad: {"axes": (0, bad)},
}


def parameters_of(case):
    return list(inspect.signature(case.function(ops)).parameters)


def _rows():
    """The first row of each op for each of its parameters that names axes."""
    rows = {}
    for case in CASES:
        if not case.is_public or case.raises is not None or case.call is not None:
            continue
        for name in set(parameters_of(case)) & set(GIVEN):
            rows.setdefault((case.name, name), (case, name))
    return [rows[key] for key in sorted(rows)]


@pytest.mark.parametrize(("case", "name"), _rows(), ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("bad", OUTSIDE)
@pytest.mark.parametrize("symbolic", [False, True], ids=["values", "placeholders"])
def test_an_axis_outside_the_rank_is_refused(case, name, bad, symbolic):
    arrays = case.draw()
    values = [KerasTensor(a.shape, a.dtype.name) if symbolic else Tensor(a) for a in arrays]
    arguments = GIVEN[name](bad)
    positional = parameters_of(case)[: len(case.inputs)]
    inputs = [value for value, p in zip(case.inputs, positional, strict=True) if p not in arguments]
    row = case.but(inputs=inputs, kwargs={**case.kwargs, **arguments})
    with pytest.raises(ValueError, match="axis|axes|rank"):
        row.apply(ops, values)


def test_the_table_names_every_op_with_an_axis():
    with_axes = {case.name for case, _ in _rows()}
    assert {"roll", "argsort", "argpartition", "glu", "tensordot", "softmax", "norm"} <= with_axes
    assert len(with_axes) > 60
