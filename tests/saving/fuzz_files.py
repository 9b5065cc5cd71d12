"""Good model files, changed at random, and what loading them may come to.

    python -m tests.saving.fuzz_files [COUNT] [SEED]

Each case loads a changed file in a process that may take little memory and time. Loading gives a
model, or raises one of the documented errors, which name the file; a model whose weights could not
be loaded is as it was. All else is reported with the number of the case, and its file is kept.
"""

import argparse
import collections
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.saving.foreign import good_files
from tests.saving.foreign.fuzz_case import GOOD, keep

_MEMORY = Path("/dev/shm")


def supervise(count, seed, folder, start=0, seconds=math.inf):
    """Run cases in another process, and go on in a new one when that ends.

    Args:
        count: how many.
        seed: which.
        folder: a folder for the files.
        start: the number of the first.
        seconds: after how long to stop, even if there are more.

    Returns:
        A dict of `(form, outcome)` to the number of cases, a list of lines on what is wrong, and
        the longest time with the number of its case.
    """
    (folder / GOOD).mkdir(parents=True, exist_ok=True)
    good_files.write_all(folder / GOOD)
    counts, wrong, slowest = collections.Counter(), [], (0.0, -1)
    number, stop, end = start, start + count, time.monotonic() + seconds
    while number < stop and time.monotonic() < end:
        begun, results, code = _run(seed, number, stop, folder, end)
        for result in results:
            counts[result["form"], _short(result["outcome"])] += 1
            slowest = max(slowest, (result["seconds"], result["number"]))
            if result["outcome"].startswith("WRONG"):
                wrong.append(f"{result['number']} ({result['form']}): {result['outcome']}")
        if code:
            wrong.append(f"{begun}: the process ended with {code}")
            keep(folder, seed, begun)
        number = begun + 1
    return counts, wrong, slowest


def _run(seed, start, stop, folder, end):
    """Run cases in one process.

    Returns:
        The number of the last case that was begun, the results of all that ended, and the code
        with which the process ended, 0 if it was time to end.
    """
    command = [sys.executable, "-m", "tests.saving.foreign.fuzz_case"]
    command += [str(seed), str(start), str(stop), str(folder)]
    begun, results = None, []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("begin "):
                begun = int(line.split()[1])
                continue
            results.append(json.loads(line))
            if results[-1]["outcome"].startswith("WRONG"):
                print(line, end="", flush=True)
            if time.monotonic() > end:
                process.kill()
                return begun, results, 0
    if begun is None:
        raise RuntimeError("The process that loads files has ended before its first case.")
    return begun, results, process.returncode


def _short(outcome):
    return "WRONG" if outcome.startswith("WRONG") else outcome


def main():
    """Run as many cases as the command line says; return whether nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=1000, help="how many cases")
    parser.add_argument("seed", type=int, nargs="?", default=0, help="which random numbers")
    parser.add_argument("--start", type=int, default=0, help="the number of the first case")
    parser.add_argument("--seconds", type=float, default=math.inf, help="after how long to stop")
    arguments = parser.parse_args()
    # In memory, if there is such a folder: nothing waits for the disk.
    folder = Path(tempfile.mkdtemp(prefix="fuzz_files_", dir=_MEMORY if _MEMORY.is_dir() else None))
    counts, wrong, slowest = supervise(folder=folder, **vars(arguments))
    print(f"{sum(counts.values())} cases")
    for (form, outcome), count in sorted(counts.items()):
        print(f"{form:8} {outcome:24} {count}")
    print(f"slowest: {slowest[0]:.1f} s, case {slowest[1]}")
    print("\n".join(wrong) or "nothing is wrong")
    if wrong:
        print(f"The files of these cases are in {folder}.")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
