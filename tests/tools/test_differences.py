"""The differences from Keras as data: the page says what they say, and findings are matched."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from minikeras.tools.check.items import Item
from minikeras.tools.differences import PAGE, TABLES, all_differences, known, table
from minikeras.tools.differences.__main__ import written

ROOT = Path(__file__).parents[2]


def test_the_page_is_written_from_the_tables(tmp_path):
    page = (ROOT / PAGE).read_text()
    assert written(page) == page
    (tmp_path / "docs").mkdir()
    (tmp_path / PAGE).write_text(re.sub(r"^\| `.*\n", "", page, flags=re.M))
    command = [sys.executable, "-m", "minikeras.tools.differences"]
    subprocess.run(command, cwd=tmp_path, check=True, env={"PYTHONPATH": str(ROOT)})
    rows = [line for line in page.splitlines() if "| `cbrt` at 0 |" in line or 'id="cbrt"' in line]
    assert rows and rows[0] in (tmp_path / PAGE).read_text()


def test_a_page_without_a_table_is_refused():
    with pytest.raises(ValueError, match="should have the tables"):
        written("nothing")


def test_rows_are_whole():
    rows = all_differences()
    names = [row.name for row in rows]
    assert len(names) == len(set(names)) > 150
    assert not [row.name for row in rows if not (row.place and row.here and row.there)]
    assert all(len(table(name).columns) == 4 for name in TABLES)


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (Item("gradients", "pool#0", "din0", "MaxPooling3D", 0.5), "max-pooling-3d"),
        (Item("forward", "pool#0", "out0", "MaxPooling3D", 0.5), None),
        (Item("gradients", "block/hypot_3#1", "din0", "OpCall", float("inf")), "hypot"),
        (Item("forward", "gelu#0", "out0", "OpCall", 3e-8), "float64-constants"),
        (Item("forward", "gelu#0", "out0", "OpCall", 3e-3), None),
        (Item("forward", "scale#0", "out0", "Normalization", 3e-8), "given-statistics"),
        (Item("forward", "bn#0", "out0", "BatchNormalization", 3e-3), None),
    ],
)
def test_what_is_known(item, name):
    row = known(item)
    assert (row and row.name) == name
    assert known(item, "minikeras") is None
