"""Every example runs, says something, and is quick; the table of contents lists each, in order."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
PAGES = sorted(EXAMPLES.glob("[0-9]*.py"))
LONGEST = 30  # seconds of processor time, which a busy machine stretches less than wall time
SURROUNDINGS = {
    "PYTHONPATH": str(EXAMPLES.parent),
    "PYTHONIOENCODING": "utf-8",
    "OPENBLAS_NUM_THREADS": "1",  # on a busy machine several threads burn time waiting in circles
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_example_runs(page):
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-W", "error", page],
        cwd=EXAMPLES.parent,
        env={**os.environ, **SURROUNDINGS},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=20 * LONGEST,
    )
    after = os.times()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    assert used < LONGEST


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_example_says_what_one_learns(page):
    tree = ast.parse(page.read_text(encoding="utf-8"))
    docstring = " ".join((ast.get_docstring(tree) or "").split())
    assert "You learn" in docstring
    checks = [n for n in ast.walk(tree) if isinstance(n, ast.Assert)]
    checks += [n for n in ast.walk(tree) if getattr(n, "attr", "") == "assert_allclose"]
    assert checks, "an example checks itself"


def test_table_of_contents():
    listed = re.findall(r"^\| \[(\S+\.py)\]\(\1\)", (EXAMPLES / "README.md").read_text(), re.M)
    assert listed == [page.name for page in PAGES]
    assert [int(name[:2]) for name in listed] == list(range(1, len(listed) + 1))
