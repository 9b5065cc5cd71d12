"""The table of ops has a row for everything: a new op cannot come without one."""

import importlib
import pkgutil
import re

import pytest

from minikeras import ops
from minikeras.autograd.fused import Fused
from minikeras.autograd.primitive import Primitive
from tests.cases import CASES, differences

NAMES = [module.name for module in pkgutil.walk_packages(ops.__path__, "minikeras.ops.")]
MODULES = [importlib.import_module(name) for name in NAMES]
FUSED = {value for module in MODULES for value in vars(module).values() if isinstance(value, Fused)}
IDS = [case.id for case in CASES]


PUBLIC = [*ops.__all__, *(f"image.{name}" for name in ops.image.__all__)]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_op_has_a_row(name):
    assert any(case.name == name for case in CASES), f"write a row for {name} in tests/cases"


def test_every_fused_op_has_a_row():
    rows = {case.function(ops) for case in CASES if not case.call}
    missing = sorted(op.name for op in FUSED if op not in rows)
    assert not missing


def test_every_float_op_has_a_row_with_gradients():
    """An op with a vjp has a row that checks it at a smooth place."""
    checked = {case.name for case in CASES if case.has_gradient and case.smooth}
    primitives = [n for n in ops.__all__ if isinstance(getattr(ops, n), Primitive)]
    missing = [n for n in primitives if getattr(ops, n).differentiable and n not in checked]
    assert not missing


def test_row_ids_are_unique():
    assert len(IDS) == len(set(IDS))


PATTERNS = [entry[0] for entry in (*differences.DIFFERENCES, *differences.MISSING)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_stated_difference_is_of_some_row(pattern):
    assert any(re.fullmatch(pattern, row) for row in IDS)
