"""Check that a long training run does not grow in memory.

Trains the tiny network for 5,000 steps, and compares the resident memory after 500 steps with that
at the end. Exit status 1 if it grew by more than the bound: a leak of one kilobyte a step is more.

Usage: python benchmarks/memory.py
"""

import json
import os
import sys
from pathlib import Path

from engines import RESULTS
from stamp import stamp
from workloads import WORKLOADS

import minikeras as keras

EARLY, LATE = 500, 5000
BOUND_MB = 4.0


class Resident(keras.callbacks.Callback):
    """Notes the resident memory in MB after each epoch, by the number of steps so far."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps
        self.resident_mb = {}

    def on_epoch_end(self, epoch, logs=None):
        """Note the memory."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.resident_mb[(epoch + 1) * self.steps] = pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main():
    """Train, print what was found, and write `benchmarks/results/memory.json`."""
    before = stamp(len(os.sched_getaffinity(0)))
    plan = WORKLOADS["tiny_mlp"]
    x, y = plan.data()
    resident = Resident(plan.steps)
    plan.model(keras).fit(
        x, y, plan.batch_size, epochs=LATE // plan.steps, verbose=0, callbacks=[resident]
    )
    early, late = resident.resident_mb[EARLY], resident.resident_mb[LATE]
    print(f"resident after {EARLY} steps {early:.1f} MB, after {LATE} steps {late:.1f} MB")
    result = {"stamp": before, "workload": "tiny_mlp", "bound_mb": BOUND_MB}
    result |= {"resident_mb": {str(steps): mb for steps, mb in resident.resident_mb.items()}}
    path = RESULTS / "memory.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {path}")
    if late - early > BOUND_MB:
        sys.exit(f"grew by {late - early:.1f} MB; the bound is {BOUND_MB} MB")


if __name__ == "__main__":
    main()
