"""Measure each kernel alone against what the machine can do, measured in the same run.

The limit of arithmetic is the rate of a large product of matrices, the limit of memory the rate of
a large copy; a kernel's share is the least time that these allow, over the median time it takes.
Williams et al., "Roofline: an Insightful Visual Performance Model" (2009).

Usage: python benchmarks/kernels.py [--cores N] [--seconds S]
"""

import argparse
import json
import os

import rates
from engines import RESULTS, Worker
from stamp import stamp


def main():
    """Run the benchmark and write `benchmarks/results/kernels-<cores>-cores.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=0.5, help="for each kernel and pass")
    options = parser.parse_args()
    result = {"stamp": stamp(options.cores)}
    arguments = str(options.cores), str(options.seconds)
    result |= Worker("minikeras", options.cores, "kernel_times.py", *arguments).result
    if "error" in result:
        raise SystemExit(result["error"])
    print("sgemm {sgemm_gflops:.1f} GFLOP/s, copy {copy_gb_s:.1f} GB/s".format(**result["limits"]))
    for name, passes in result["kernels"].items():
        for which, figures in passes.items():
            print(rates.line(name, which, figures, result["limits"]))
    path = RESULTS / f"kernels-{options.cores}-cores.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {path}")


if __name__ == "__main__":
    main()
