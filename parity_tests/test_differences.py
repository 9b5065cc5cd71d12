"""Each difference that docs/numerics.md lists is still there: a program, or a test, shows it."""

import ast
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path

import keras
import pytest

import minikeras
from minikeras.tools.differences import all_differences
from parity_tests import shown_differences
from tests.cases.differences import DIFFERENCES

pytestmark = pytest.mark.parity

HERE = Path(__file__).parent
for _, _name, _ in pkgutil.iter_modules(shown_differences.__path__):
    importlib.import_module(f"parity_tests.shown_differences.{_name}")
PROGRAMS = shown_differences.PROGRAMS
# Programs that start processes, or make large networks.
LONG = {"rfft-length-0", "stftspectrogram-cpu", "applications-nasnetlarge-without"}
SHOWN = [
    pytest.param(
        name,
        program,
        id=f"{name}-{program.__name__}",
        marks=[pytest.mark.slow] if name in LONG else [],
    )
    for name, programs in PROGRAMS.items()
    for program in programs
]
ROWS = {row.name: row for row in all_differences()}


@pytest.mark.sampled(rows=12)
@pytest.mark.parametrize(("name", "program"), SHOWN)
def test_the_two_still_differ(name, program, tmp_path):
    results = []
    for engine in (minikeras, keras):
        folder = tmp_path / engine.__name__
        folder.mkdir()
        results.append(shown_differences.outcome(program, engine, folder))
    assert repr(results[0]) != repr(results[1])


def test_every_row_is_shown():
    assert not {*PROGRAMS} - {*ROWS}
    assert not [name for name, row in ROWS.items() if not row.proof and name not in PROGRAMS]


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.proof], ids=lambda r: r.name)
def test_the_test_that_a_row_names_is_there(row):
    path, _, name = row.proof.partition("::")
    if path == "tests/cases/differences.py":
        assert name in [pattern for pattern, _, _ in DIFFERENCES]
        return
    assert name in functions(path), f"{path} has no test {name}"
    words = re.findall(r"\w{4,}", row.place)
    assert any(word in source(path) for word in words)


@cache
def source(path):
    return (HERE.parent / path).read_text()


@cache
def functions(path):
    return {n.name for n in ast.walk(ast.parse(source(path))) if isinstance(n, ast.FunctionDef)}
