"""Time training and prediction of every workload in every engine, side by side.

Each engine is a process of its own, on the same cores with the same number of threads. The
processes of a workload take turns, epoch by epoch, so that a busy moment hits all of them alike;
the median of the turns after the first counts. Only the ratios of one run mean anything.

Usage: python benchmarks/run.py [--cores N] [--rounds N] [--engines A,B] [WORKLOAD ...]
"""

import argparse
import json
import os
import time

import ratios
import spread
from engines import ENGINES, RESULTS, Worker, installed
from stamp import stamp
from workloads import WORKLOADS

NUMPY_WORKLOADS = {engine: ("tiny_mlp", "mlp", "convnet") for engine in ("dezero", "neuralnetlib")}
IMPORTS = 3
PAUSE_S = 0.05
"""Between turns: threads that wait for work actively give up their core in less than this."""


def main():
    """Run the benchmark and write `benchmarks/results/engines-<cores>-cores.json`."""
    options = _options()
    began = time.perf_counter()
    present, missing = installed(options.engines)
    for engine in missing:
        print(f"{ENGINES[engine][0]}: not installed, so not measured (make bench-setup)")
    result = {"stamp": stamp(options.cores, present), "missing": missing}
    result["rounds"] = options.rounds
    result["imports"] = _imports(present, options.cores)
    result["workloads"] = {}
    for name in options.workloads:
        plan = WORKLOADS[name]
        result["workloads"][name] = {"about": plan.about, "steps": plan.steps}
        result["workloads"][name]["engines"] = row = _measure(name, present, options)
        _show(name, row)
    result["took_s"] = round(time.perf_counter() - began)
    for line in ratios.lines(result["workloads"]):
        print(line)
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {options.output}")


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine, 2 at least")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=list(ENGINES))
    parser.add_argument("--output", help="the name of the file in benchmarks/results")
    parser.add_argument("workloads", nargs="*", metavar="workload", help=", ".join(WORKLOADS))
    options = parser.parse_args()
    unknown = {*options.workloads} - {*WORKLOADS} | {*options.engines} - {*ENGINES}
    if unknown or options.rounds < 2:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "--rounds must be 2 or more")
    options.workloads = options.workloads or list(WORKLOADS)
    options.output = RESULTS / (options.output or f"engines-{options.cores}-cores.json")
    return options


def _imports(engines, cores):
    """The times of several imports, of every engine."""
    times = {}
    for _ in range(IMPORTS):
        for engine in engines:
            measured = Worker(engine, cores, "import_time.py").result
            if "error" in measured:
                raise SystemExit(f"{engine} cannot be imported: {measured['error']}")
            times.setdefault(engine, []).append(measured["import_s"])
    return times


def _measure(name, engines, options):
    """Let all engines take their turns at a workload; return what each measured."""
    able = [e for e in engines if name in NUMPY_WORKLOADS.get(e, WORKLOADS)]
    rounds = str(options.rounds)
    return take_turns({e: Worker(e, options.cores, "worker.py", name, rounds) for e in able})


def take_turns(workers):
    """Let workers measure one after the other, around and around; return what each found."""
    while any(worker.result is None for worker in workers.values()):
        for worker in workers.values():
            time.sleep(PAUSE_S)
            worker.turn()
    return {name: worker.result for name, worker in workers.items()}


def _show(name, engines):
    sizes = {row.get("parameters") for row in engines.values()} - {None}
    if len(sizes) > 1:
        print(f"{name}: the engines do not train the same network: {sizes} parameters")
    times = ratios.of(engines, "fit_steps_ms")
    for engine, row in engines.items():
        if "error" in row:
            print(f"{name:18s} {engine:12s} failed: {row['error']}", flush=True)
            continue
        beside = f"({spread.of(times[engine]).median:5.2f}x ours)" if engine in times else ""
        fit, predict = (spread.of(ratios.turns(row, m)).median for m in ratios.METRICS)
        print(
            f"{name:18s} {engine:16s} fit {fit:8.2f} ms/step {beside:13s}"
            f" predict {predict:7.2f}   first step {row['first_step_s']:6.2f} s"
            f"   peak {row['peak_mb']:5.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
