"""Time training on one core and on two, in turns: what a second core is worth.

Usage: python benchmarks/threads.py [--rounds N] [WORKLOAD ...]
"""

import argparse
import json

import ratios
import spread
from engines import RESULTS, Worker
from run import take_turns
from stamp import stamp
from workloads import WORKLOADS

CORES = 1, 2


def main():
    """Run the workloads, print the ratios, and write `benchmarks/results/threads.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each, 2 at least")
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS), metavar="workload")
    options = parser.parse_args()
    unknown = {*options.workloads} - {*WORKLOADS}
    if unknown or options.rounds < 2:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "--rounds must be 2 or more")
    result = {"stamp": stamp(max(CORES), ("minikeras",)), "workloads": {}}
    for name in options.workloads:
        result["workloads"][name] = row = measured(name, options.rounds)
        one, two = (spread.of(turns).median for turns in row.values())
        ratio = spread.of(spread.ratios(*row.values())).median
        print(f"{name:18s} {one:8.2f} ms/step on one core {two:8.2f} on two {ratio:5.2f}x")
    path = RESULTS / "threads.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {path}")


def measured(name, rounds):
    """The turns of steps of training on one core and on two."""
    rows = take_turns({n: Worker("minikeras", n, "worker.py", name, str(rounds)) for n in CORES})
    for row in rows.values():
        if "error" in row:
            raise SystemExit(f"{name} failed: {row['error']}")
    one, two = (ratios.turns(rows[n], "fit_steps_ms") for n in CORES)
    return {"one_core_ms": one, "two_cores_ms": two}


if __name__ == "__main__":
    main()
