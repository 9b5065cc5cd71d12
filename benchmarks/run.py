"""Time training and prediction side by side with Keras, and keep the result with its stamp.

Each measurement is a process of its own; engines take turns, so that a busy machine hits all of
them alike. Only the ratios of one run mean anything.

Usage: python benchmarks/run.py [--cores N] [--rounds N] [WORKLOAD ...]
"""

import argparse
import importlib.util
import json
import math
import os
import platform
import subprocess
import sys
from datetime import date
from importlib import metadata
from pathlib import Path

from workloads import WORKLOADS

HERE = Path(__file__).parent
ENGINES = {"minikeras": "minikeras", "tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def main():
    """Run the benchmark and write benchmarks/results/fit-<cores>-cores.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS))
    options = parser.parse_args()
    present = [e for e, module in ENGINES.items() if importlib.util.find_spec(module)]
    for missing in set(ENGINES) - set(present):
        print(f"{missing}: not installed, so not measured")
    results = {}
    for name in options.workloads:
        results[name] = _measure(name, present, options)
        _show(name, results[name])
    stamp = _stamp(options.cores, present)
    path = HERE / "results" / f"fit-{options.cores}-cores.json"
    path.write_text(json.dumps({"stamp": stamp, "results": results}, indent=1) + "\n")
    for engine in present[1:]:
        ratios = [
            r[engine]["fit_step_ms"] / r["minikeras"]["fit_step_ms"] for r in results.values()
        ]
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"fit, {engine} / minikeras: geometric mean {mean:.2f}, least {min(ratios):.2f}")
    print(f"written: {path.relative_to(HERE.parent)}")


def _measure(name, engines, options):
    """The best of several interleaved rounds, for every engine."""
    best = {}
    for _ in range(options.rounds):
        for engine in engines:
            found = _one(engine, name, options.cores)
            kept = best.setdefault(engine, found)
            best[engine] = {key: min(kept[key], found[key]) for key in found}
    return best


def _one(engine, name, cores):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
    environment.update(dict.fromkeys(THREADS, str(cores)))
    cpus = ",".join(str(c) for c in sorted(os.sched_getaffinity(0))[:cores])
    command = ["taskset", "-c", cpus, sys.executable, str(HERE / "engine.py"), engine, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine} failed on {name}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _show(name, row):
    ours = row["minikeras"]
    for engine, found in row.items():
        ratio = found["fit_step_ms"] / ours["fit_step_ms"]
        print(
            f"{name:16s} {engine:11s} fit {found['fit_step_ms']:8.2f} ms/step ({ratio:5.2f}x ours)"
            f"   predict {found['predict_step_ms']:7.2f}   first {found['first_step_s']:6.2f} s"
            f"   import {found['import_s']:5.2f} s   peak {found['peak_mb']:6.0f} MB",
            flush=True,
        )


def _stamp(cores, engines):
    packages = ["numpy", "keras", "tensorflow-cpu", "tensorflow", "jax", "torch"]
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": str(date.today()),
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cores": cores,
        "python": platform.python_version(),
        "engines": engines,
        "versions": versions,
    }


def _cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((li.split(":")[1].strip() for li in lines if li.startswith("model name")), "")


if __name__ == "__main__":
    main()
