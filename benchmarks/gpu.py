"""Measure a GPU: each kernel against its limits, each workload beside the CPU and other engines.

Kernels run on NumPy arrays and on CuPy's; the limits are the rates of a large copy and of a large
product of matrices, measured on the GPU in the same run. Workloads are trained by minikeras on the
CPU and on the GPU, and by Keras on PyTorch and on JAX on the same GPU where they are installed in
their environments (`make bench-setup`; builds for CUDA must be put there by hand).

All engines multiply float32 matrices in float32, or all of them in TF32 (`--tf32`): by themselves
PyTorch takes TF32 for convolutions, JAX for every product, and minikeras for none.

Usage: python benchmarks/gpu.py [--seconds S] [--rounds N] [--kernels "A;B"] [--tf32] [WORKLOAD ...]
"""

import argparse
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rates
import ratios
import spread
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
# NVIDIA's libraries, JAX and PyTorch each have a word of their own for the precision of products.
PRECISION = {
    "float32": {"NVIDIA_TF32_OVERRIDE": "0", "JAX_DEFAULT_MATMUL_PRECISION": "float32"},
    "tf32": {
        "MINIKERAS_TF32": "1",
        "JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32",
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
    },
}
# JAX takes three quarters of the memory at its start, which the engines share here.
SHARED = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.25"}
CORES = 4
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
    result = {"stamp": stamp(options.cores, ("minikeras", *present)), "missing": missing}
    result |= {"precision": options.precision, **kernels(options), "workloads": {}}
    name = f"gpu-{slug(result['device'])}{'-tf32' if options.tf32 else ''}.json"
    path = options.output or RESULTS / name
    path.parent.mkdir(exist_ok=True)
    _write(path, result)
    for name in options.workloads:
        result["workloads"][name] = workload(name, present, options)
        _write(path, result)  # what has been measured is kept, whatever comes
    print(f"written: {path}")
    return 0


def _write(path, result):
    path.write_text(json.dumps(result, indent=1) + "\n")


def _options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--cores", type=int, default=cores, help="of the CPU")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each kernel and pass")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine, 2 at least")
    parser.add_argument("--kernels", type=_listed, default=[*CASES, ADAM], help='"A;B", or ""')
    parser.add_argument("--tf32", action="store_true", help="products of all engines in TF32")
    parser.add_argument("--shrink", default="1", help="measure the limits on so much less")
    parser.add_argument("--output", type=Path, help="the file to write")
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS), metavar="workload")
    options = parser.parse_args(arguments)
    unknown = {*options.workloads} - {*WORKLOADS} | {*options.kernels} - {*CASES, ADAM}
    if unknown or options.rounds < 2:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "--rounds must be 2 or more")
    options.precision = "tf32" if options.tf32 else "float32"
    return options


def _listed(text):
    return [name for name in text.split(";") if name]


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
    cores = min(CORES, options.cores)
    measured = _checked(Worker("minikeras", cores, *arguments, **variables).result)
    for name, passes in measured["kernels"].items():
        for which, figures in passes.items():
            figures["cpu_ms"] = cpu["kernels"][name][which]["ms"]
            on_cpu = f"   CPU {spread.of(figures['cpu_ms']).median:9.3f} ms"
            print(rates.line(name, which, figures, measured["limits"]) + on_cpu, flush=True)
    return measured


def _checked(result):
    if "error" in result:
        raise SystemExit(result["error"])
    return result


def workload(name, present, options):
    """Let the engines take their turns at a workload, minikeras on the GPU and on the CPU."""
    cores = min(CORES, options.cores)
    variables = PRECISION[options.precision] | SHARED
    engines = {
        "minikeras": ("minikeras", cores, variables | ON_GPU),
        "minikeras on the CPU": ("minikeras", options.cores, {}),
        **{engine: (engine, cores, variables) for engine in present},
    }

    def start(arguments):
        engine, cores, variables = arguments
        return Worker(engine, cores, "worker.py", name, str(options.rounds), **variables)

    with ThreadPoolExecutor() as pool:  # importing and compiling take longer than the turns
        workers = dict(zip(engines, pool.map(start, engines.values()), strict=True))
    rows = take_turns(workers)
    for engine, row in rows.items():
        if "error" in row:
            print(f"{name:18s} {engine:22s} failed: {row['error']}", flush=True)
            continue
        fit, predict = (spread.of(ratios.turns(row, m)).median for m in ratios.METRICS)
        print(
            f"{name:18s} {engine:22s} fit {fit:8.2f} ms/step   predict {predict:7.2f}"
            f"   first step {row['first_step_s']:6.2f} s",
            flush=True,
        )
    return {"about": WORKLOADS[name].about, "engines": rows}


def slug(device):
    """The name of a device as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", device.split("(")[0].lower()).strip("-")


if __name__ == "__main__":
    sys.exit(main())
