"""docs/performance.md is what the report writes from the stored results, and no figure is copied.

The report runs in a process of its own: benchmarks are programs, whose modules have short names.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
BLOCK = re.compile(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", re.S)
CODE = re.compile(r"```.*?```|`[^`\n]*`|\[[^\]]*\]\([^)]*\)", re.S)
# Digits, and how prose tells of a measured figure in words.
FIGURE = re.compile(
    r"(?<![A-Za-z_\d])\d[\d.,]*|%|\b(?:half|twice|thrice|third|quarter|fifth|sixth|tenth)s?\b|"
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|fifty|hundred|thousand)s?"
    r"(?: times| (?:to|or) \w+ times| (?:micro|milli)?seconds?)\b"
)


def run(code, *arguments):
    """Run Python code beside the benchmarks; return the finished process."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks")))
    environment = os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


REPORT = "import report, sys; sys.exit(report.main(sys.argv[1:]))"


def test_the_report_gives_the_page_that_is_there():
    done = run(REPORT, "--check")
    assert not done.returncode, f"make bench-report would change {PAGE}\n{done.stderr}"


def test_the_report_writes_what_is_missing_and_mends_what_was_changed(tmp_path):
    """From the prose alone comes the whole page; a changed figure is noticed."""
    text = PAGE.read_text()
    page = tmp_path / "page.md"
    page.write_text(BLOCK.sub(r"<!-- \1: begin -->old<!-- \1: end -->", text))
    code = """
import pathlib, sys
import report
report.PICTURES = pathlib.Path(sys.argv[1])
report._draw = lambda function, result, about, path: path.write_text(about)
sys.exit(report.main(["--page", sys.argv[2]]))
"""
    done = run(code, tmp_path, page)
    assert not done.returncode, done.stderr
    assert page.read_text() == text
    named = {name for name in re.findall(r"\(performance/([^)]+\.svg)\)", text)}
    assert {path.name for path in tmp_path.glob("*.svg")} == named
    assert {path.name for path in (PAGE.parent / "performance").iterdir()} == named
    page.write_text(re.sub(r"(\d)x \(", r"\g<1>1x (", text, count=1))
    assert run(REPORT, "--check", "--page", page).returncode == 1


@pytest.mark.parametrize("page", [PAGE, ROOT / "docs" / "kernels.md"], ids=lambda page: page.stem)
def test_prose_holds_no_measured_figure(page):
    prose = CODE.sub("", BLOCK.sub("", page.read_text()))
    lines = [line for line in prose.splitlines() if FIGURE.search(line)]
    assert not lines, "figures belong into result files and generated blocks:\n" + "\n".join(lines)


@pytest.mark.parametrize("words", ["1.3 times", "40 %", "two thirds of it", "five milliseconds"])
def test_what_is_a_figure(words):
    assert FIGURE.search(f"It takes {words}, or so.")


def test_lines_are_short():
    long = [line for line in PAGE.read_text().splitlines() if len(line) >= 120]
    assert not long


TURNS = """
import rates, ratios, spread, tables
assert spread.of([3.0, 1.0, 2.0, 9.0]) == (2.5, 1.0, 9.0)
assert spread.of(4.0) == (4.0, 4.0, 4.0)
assert spread.text([3.0, 1.0, 2.0]) == "2.00 (1.00–3.00)"
assert spread.text([0.01234, 1234.4, 56.78], 4, "x") == "56.8x (0.0123–1234)"
assert spread.in_turns([1, 2, 3, 10, 20, 30, 4, 4, 4, 5]) == [1.5, 6.5, 25, 4, 4.5]
assert spread.in_turns([1, 2]) == [1, 2]

rows = {
    "minikeras": {"fit_steps_ms": [9, 1, 2, 4]},
    "jax": {"fit_steps_ms": [9, 2, 2, 2]},
    "torch": {"error": "no"},
    "tensorflow": {"fit_steps_ms": [1, 4, 2, 16]},
}
found = ratios.of(rows, "fit_steps_ms")
assert found == {"jax": [2, 1, 0.5], "tensorflow": [4, 1, 4]}, found
assert ratios.fastest(found) == "jax" and ratios.fastest({}) is None
over = ratios.summary({"a": {"engines": rows}}, "fit_steps_ms")
assert over["fastest"] == {"mean": 1.0, "least": 1.0, "at": "a", "workloads": 1}
assert list(over) == ["jax", "tensorflow", "fastest"]
assert ratios.of({"minikeras": {"error": "no"}, "jax": rows["jax"]}, "fit_steps_ms") == {}
assert ratios.below("tensorflow", "least", 1.2) == 1.3
assert ratios.below("tensorflow", "least", 1.4) is None

limits = {"sgemm_gflops": 10.0, "copy_gb_s": 100.0}
figures = {"ms": [1.0, 2.0, 4.0], "flop": 1e7, "bytes": 1e8}
found = rates.of(figures, limits)
assert found == {"gflops": 5.0, "gb_s": 50.0, "share": 0.5, "bound_by": "memory"}, found
result = {"limits": limits, "kernels": {"relu": {"forward": figures}}}
assert "| relu | forward | 2.00 (1.00–4.00) | 5.0 | 50.0 | 50% | memory |" in tables.kernels(result)
"""


def test_the_statistic():
    done = run(TURNS)
    assert not done.returncode, done.stderr
