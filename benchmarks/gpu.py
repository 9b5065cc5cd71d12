"""Measure a GPU: each kernel against its limits, each workload beside the CPU and other engines.

Kernels run on NumPy arrays and on CuPy's; the limits are the rates of a large copy and of a large
product of matrices, measured on the GPU in the same run. Workloads are trained by minikeras on the
CPU and on the GPU, and by Keras on PyTorch and on JAX on the same GPU where they are installed in
their environments (`make bench-setup`; builds for CUDA must be put there by hand).

Usage: python benchmarks/gpu.py [--seconds S] [--rounds N] [--kernels A,B] [WORKLOAD ...]
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import ratios
from engines import ENGINES, RESULTS, Worker, installed, interpreter
from gpu_times import ADAM
from kernel_cases import CASES
from run import take_turns
from stamp import stamp
from workloads import WORKLOADS

from minikeras.arrays import gpu

# What the processes that compute on the GPU get in their environment.
ON_GPU = {"MINIKERAS_DEVICE": "gpu"}
# How an engine is asked whether it sees the GPU.
SEES_GPU = {
    "torch": "import torch; assert torch.cuda.is_available()",
    "jax": "import jax; assert jax.default_backend() == 'gpu'",
}
CORES = 1
"""For what the CPU does beside the GPU; the CPU's own figures are taken on all cores."""


def main(arguments=None):
    """Run the benchmark and write `benchmarks/results/gpu-<name of the GPU>.json`."""
    options = _options(arguments)
    try:
        gpu.count()
    except (ImportError, RuntimeError) as error:
        print(f"no CUDA device: {error}", file=sys.stderr)
        return 2
    present, missing = others()
    for engine, why in missing.items():
        print(f"{ENGINES[engine][0]}: {why}, so not measured")
    found = {"stamp": stamp(options.cores, ("minikeras", *present)), "missing": missing}
    found |= kernels(options)
    found["workloads"] = {name: workload(name, present, options) for name in options.workloads}
    path = RESULTS / f"gpu-{slug(found['device'])}.json" if not options.output else options.output
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
    print(f"written: {path}")
    return 0


def _options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--cores", type=int, default=cores, help="of the CPU")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each kernel and pass")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine, 2 at least")
    parser.add_argument("--kernels", type=lambda text: text.split(";"), default=[*CASES, ADAM])
    parser.add_argument("--shrink", default="1", help="measure the limits on so much less")
    parser.add_argument("--output", type=Path, help="the file to write")
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS), metavar="workload")
    options = parser.parse_args(arguments)
    unknown = {*options.workloads} - {*WORKLOADS} | {*options.kernels} - {*CASES, ADAM}
    if unknown or options.rounds < 2:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "--rounds must be 2 or more")
    return options


def others():
    """Return the other engines that see the GPU, and for each of the rest why it is left out."""
    here, absent = installed(SEES_GPU)
    missing = dict.fromkeys(absent, "not installed")
    for engine in here:
        command = [interpreter(engine), "-c", SEES_GPU[engine]]
        if subprocess.run(command, capture_output=True).returncode:
            missing[engine] = "installed, but it sees no GPU"
    return [engine for engine in here if engine not in missing], missing


def kernels(options):
    """Measure the kernels on the CPU, then on the GPU; return device, limits and figures."""
    arguments = "gpu_times.py", "cpu", str(options.seconds), *options.kernels
    cpu = _checked(Worker("minikeras", options.cores, *arguments).result)
    arguments = "gpu_times.py", "gpu", str(options.seconds), *options.kernels
    variables = ON_GPU | {"GPU_BENCH_SHRINK": options.shrink}
    found = _checked(Worker("minikeras", CORES, *arguments, **variables).result)
    for name, passes in found["kernels"].items():
        for which, figures in passes.items():
            figures["cpu_ms"] = cpu["kernels"][name][which]["ms"]
            print(
                f"{name:46s} {which:9s}{figures['ms']:9.4f} ms {figures['gflops']:9.1f} GFLOP/s"
                f"{figures['gb_s']:8.1f} GB/s {figures['share']:6.1%} of {figures['bound_by']}"
                f"   CPU {figures['cpu_ms']:9.3f} ms",
                flush=True,
            )
    return found


def _checked(result):
    if "error" in result:
        raise SystemExit(result["error"])
    return result


def workload(name, present, options):
    """Let the engines take their turns at a workload; ratios are to minikeras on the GPU."""
    rounds = str(options.rounds)
    workers = {
        "minikeras": Worker("minikeras", CORES, "worker.py", name, rounds, **ON_GPU),
        "minikeras on the CPU": Worker("minikeras", options.cores, "worker.py", name, rounds),
        **{engine: Worker(engine, CORES, "worker.py", name, rounds) for engine in present},
    }
    rows = take_turns(workers)
    found = {"about": WORKLOADS[name].about, "engines": rows, "ratios": ratios.of(rows)}
    for engine, row in rows.items():
        if "error" in row:
            print(f"{name:18s} {engine:22s} failed: {row['error']}", flush=True)
            continue
        print(
            f"{name:18s} {engine:22s} fit {row['fit_step_ms']:8.2f} ms/step   predict "
            f"{row['predict_step_ms']:7.2f}   first step {row['first_step_s']:6.2f} s",
            flush=True,
        )
    return found


def slug(device):
    """The name of a device as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", device.split("(")[0].lower()).strip("-")


if __name__ == "__main__":
    sys.exit(main())
