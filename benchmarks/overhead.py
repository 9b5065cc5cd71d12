"""Measure what one eager call costs on small data, beside Keras: an op, a layer, a training step.

Usage: python benchmarks/overhead.py [--seconds S]
"""

import argparse
import json

import spread
from engines import ENGINES, RESULTS, Worker, installed
from stamp import stamp

CALLS = {
    "add": "`ops.add` of two tensors (32, 64)",
    "add_recorded": "the same of a variable and a tensor, recorded for a gradient",
    "dense_call": "a call of `Dense(64)` on (32, 64)",
    "train_on_batch": "`train_on_batch` of 20-64-64-10, batch 32",
    "predict_on_batch": "`predict_on_batch` of the same",
}
KERAS = ("minikeras", "tensorflow", "jax", "torch")


def main():
    """Run the benchmark on one core, and write `benchmarks/results/overhead.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each engine and call")
    options = parser.parse_args()
    present, missing = installed(KERAS)
    for engine in missing:
        print(f"{ENGINES[engine][0]}: not installed, so not measured (make bench-setup)")
    result = {"stamp": stamp(1, present), "missing": missing, "microseconds": {}}
    for engine in present:
        costs = Worker(engine, 1, "overhead_times.py", str(options.seconds)).result
        result["microseconds"][engine] = costs
        for call, cost in costs.items():
            known = isinstance(cost, list)
            figure = f"{spread.of(cost).median:10.1f} us" if known else cost or "no tape"
            print(f"{engine:12s} {CALLS.get(call, call):64s} {figure}", flush=True)
    path = RESULTS / "overhead.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {path}")


if __name__ == "__main__":
    main()
