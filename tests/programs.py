"""Runs programs of the examples, each in a process of its own, and holds them to be quick."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 30  # seconds of processor time, which a busy machine stretches less than wall time
SURROUNDINGS = {
    "PYTHONPATH": str(ROOT),
    "PYTHONIOENCODING": "utf-8",
    "OPENBLAS_NUM_THREADS": "1",  # on a busy machine several threads burn time waiting in circles
}


def run(program, *arguments, folder):
    """Run a program, for which a warning is an error.

    Args:
        program: path of the script.
        *arguments: its arguments.
        folder: where it runs.

    Returns:
        What it printed.
    """
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-W", "error", program, *arguments],
        cwd=folder,
        env={**os.environ, **SURROUNDINGS},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=20 * LONGEST,
    )
    after = os.times()
    assert done.returncode == 0, done.stderr
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    assert used < LONGEST
    return done.stdout
