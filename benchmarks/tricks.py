"""What each trick of the kernels is worth: networks trained with it and without it.

Each way is a process of its own; they take turns, epoch by epoch, as the engines do in `run.py`.

Usage: python benchmarks/tricks.py [--cores N] [--rounds N] [WORKLOAD ...]
"""

import argparse
import json
import os

import ratios
import spread
from engines import RESULTS, Worker
from run import take_turns
from stamp import stamp

# The name of each way, and the environment variables that switch its trick off.
WAYS = {
    "all tricks": {},
    "nothing compiled": {"MINIKERAS_COMPILED": "0"},
    "steps as written": {"MINIKERAS_RECORDED": "0"},
    "no fused kernels": {"MINIKERAS_FUSED": "0"},
    "one thread, BLAS too": {"MINIKERAS_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    "memory given back": {"MINIKERAS_KEEP_MEMORY": "0"},
}
WORKLOADS = ("tiny_mlp", "mlp", "convnet", "resnet", "text_lstm", "transformer")


def main():
    """Run the comparison and write `benchmarks/results/tricks-<cores>-cores.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("workloads", nargs="*", default=WORKLOADS)
    options = parser.parse_args()
    result = {"stamp": stamp(options.cores), "rounds": options.rounds, "workloads": {}}
    for name in options.workloads:
        arguments = ("minikeras", options.cores, "worker.py", name, str(options.rounds))
        rows = take_turns({way: Worker(*arguments, **changes) for way, changes in WAYS.items()})
        steps = {way: ratios.turns(row, "fit_steps_ms") for way, row in rows.items()}
        result["workloads"][name] = steps
        shown = ", ".join(f"{way} {spread.of(ms).median:.2f}" for way, ms in steps.items())
        print(f"{name}: ms a step: {shown}", flush=True)
    path = RESULTS / f"tricks-{options.cores}-cores.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {path}")


if __name__ == "__main__":
    main()
