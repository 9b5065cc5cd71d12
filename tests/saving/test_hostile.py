"""Foreign files are refused: nothing runs, nothing else is read or written, memory stays flat.

Each attack of `attacks` makes its files and loads them in every way, in one process that is watched
(`watched`) and may take little memory.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.saving.foreign.attacks import ATTACKS, HUGE
from tests.saving.foreign.configs import GADGETS, LIES, POSITIONS

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 300
MOST_SECONDS_EACH = 10
MOST_MIB = 64
# Ways in which no file is named, because there is none: text and dicts in the program's memory.
WITHOUT_A_FILE = ("json", "deserialize", "extract")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The outcome of each way of each attack, and the state of the files outside."""
    folder = tmp_path_factory.mktemp("hostile") / "folder"
    run = subprocess.run(
        [sys.executable, "-m", "tests.saving.foreign.hostile_process", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0, f"{lines[-1:]} {run.stderr[-2000:]}"
    return lines


@pytest.mark.parametrize("name", ATTACKS)
def test_refused(reports, name):
    of_this = [report for report in reports if report.get("attack") == name]
    assert of_this
    for report in of_this:
        assert not report["seen"], report
        assert report["outcome"] != "loaded", report
        assert not report["outcome"].startswith("!"), f"an undocumented error: {report}"
        assert report["grown"] < MOST_MIB and report["seconds"] < MOST_SECONDS_EACH, report


@pytest.mark.parametrize("name", ATTACKS)
def test_the_error_says_why(reports, name):
    reasons = ATTACKS[name][1]
    for report in reports:
        if report.get("attack") == name:
            assert len(report["message"]) > 10, report
            for reason in reasons:
                assert re.search(reason, report["message"]), report


@pytest.mark.parametrize(
    "way", ["load_model", "load_weights", "weights", "shards", "editor", "old"]
)
def test_the_error_names_the_file(reports, way):
    of_this = [r for r in reports if r.get("way", "").split(": ")[-1] == way]
    assert of_this
    for report in of_this:
        assert re.search(r"/attacked/tmp\w+/.*(model|good|shards|old)", report["message"]), report


def test_the_error_names_the_member(reports):
    for report in reports:
        if report.get("way", "").endswith("load_model") and report["attack"].startswith("gadget"):
            assert "config.json" in report["message"], report


def test_nothing_else_was_touched(reports):
    assert reports[-1] == {"untouched": True, "run": False}


def test_every_position_and_kind_was_tried(reports):
    pairs = {(r["attack"], r["way"].split(": ")[0]) for r in reports[:-1]}
    assert {(f"gadget: {g}", p) for g in GADGETS for p in POSITIONS} <= pairs
    assert {("configs_that_contradict_themselves", name) for name in LIES} <= pairs
    assert {("layers_that_are_huge", name) for name in HUGE} <= pairs
