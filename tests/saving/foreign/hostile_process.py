"""Loads hostile files in a process that may take little, and reports on each in a line of JSON.

python -m tests.saving.foreign.hostile_process FOLDER [NAME ...]
"""

import json
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

from tests.saving.foreign import watched
from tests.saving.foreign.attack_files import SECRET
from tests.saving.foreign.attacks import ATTACKS


def main(folder, names):
    """Run attacks, by default all."""
    warnings.simplefilter("ignore")
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    work = folder / "attacked"
    work.mkdir(parents=True)
    (folder / "beyond.txt").write_bytes(SECRET)
    (folder / "beyond").mkdir()
    tempfile.tempdir = str(work)
    ATTACKS["configs_that_contradict_themselves"][0](_fresh(work))
    seen = watched.watch(work)
    for name in names or ATTACKS:
        ways = ATTACKS[name][0](_fresh(work))
        watched.limit_memory()
        for way, load in ways.items():
            result = {"attack": name, "way": way, **_outcome(load, seen)}
            result["seen"] = list(seen)
            report.write(json.dumps(result) + "\n")
        watched.unlimit_memory()
    untouched = (folder / "beyond.txt").read_bytes() == SECRET and not os.listdir(folder / "beyond")
    is_run = any(folder.rglob("beyond_was_run"))
    report.write(json.dumps({"untouched": untouched, "run": is_run}) + "\n")


def _fresh(work):
    """A new folder below the one that may be used."""
    return Path(tempfile.mkdtemp(dir=work))


def _outcome(load, seen):
    Path("/proc/self/clear_refs").write_text("5")  # the highest amount of memory is that of now
    before, start = _most_memory(), time.monotonic()
    outcome, message = "loaded", ""
    seen.clear()
    try:
        load()
    except BaseException as error:
        outcome, message = type(error).__name__, f"{error} {getattr(error, 'filename', '')}"
        outcome = outcome if isinstance(error, (ValueError, TypeError, OSError)) else f"!{outcome}"
    seconds = time.monotonic() - start
    grown = (_most_memory() - before) >> 10
    return {"outcome": outcome, "message": message[:3000], "grown": grown, "seconds": seconds}


def _most_memory():
    """The highest amount of memory that the process has had, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
