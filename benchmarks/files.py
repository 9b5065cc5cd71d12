"""Time saving and loading of models beside Keras, and measure the memory that loading takes.

Usage: python benchmarks/files.py [--rounds N] [--model NAME] [--folder PATH]
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import spread
from engines import ENGINES, RESULTS, Worker, installed
from files_models import MODELS
from stamp import stamp

BOUND = 1.2
"""How much memory `load_model` may take for large weights, as a multiple of them."""
LARGE = 100e6
"""From how many bytes on weights are large: of smaller models, the objects take more."""


def main():
    """Run the benchmark on one core, and write `benchmarks/results/files.json`.

    The exit status is 1 if loading took more memory than the bound.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine")
    parser.add_argument("--model", choices=MODELS, action="append", help="by default all")
    parser.add_argument("--folder", help="where the files go; by default the system's")
    options = parser.parse_args()
    present, missing = installed(("minikeras", "tensorflow"))
    for engine in missing:
        print(f"{ENGINES[engine][0]}: not installed, so not measured (make bench-setup)")
    path = RESULTS / "files.json"
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {}
    for name in options.model or MODELS:
        before = {"stamp": stamp(1, present), "command": " ".join(sys.argv), "missing": missing}
        results[name] = before | measured(name, present, options)
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written: {path}")
    for name, result in results.items():
        above, weights = (result["memory"]["minikeras"].get(k, 0) for k in ("above", "weights"))
        if weights > LARGE and above > BOUND * weights:
            sys.exit(f"{name}: loading took {above / weights:.2f} times the memory of the weights")


def measured(name, engines, options):
    """Return the seconds of each engine and operation, and the memory of loading."""
    with tempfile.TemporaryDirectory(dir=options.folder) as parent:
        folders = {engine: Path(parent, engine) for engine in engines}
        for folder in folders.values():
            folder.mkdir()
        workers = {
            engine: Worker(
                engine, 1, "files_times.py", name, str(folder), "times", str(options.rounds)
            )
            for engine, folder in folders.items()
        }
        while any(worker.result is None for worker in workers.values()):
            for worker in workers.values():
                worker.turn()
        seconds = {engine: worker.result for engine, worker in workers.items()}
        memory = {
            engine: Worker(engine, 1, "files_times.py", name, str(folder), "memory").result
            for engine, folder in folders.items()
        }
    show(name, seconds, memory)
    return {"seconds": seconds, "memory": memory}


def show(name, seconds, memory):
    """Print what was measured of a model."""
    for engine, result in seconds.items():
        for what, turns in result.items():
            figure = spread.text(turns, 3, " s") if isinstance(turns, list) else turns
            print(f"{name:14s} {engine:12s} {what:30s} {figure}", flush=True)
    for engine, result in memory.items():
        ratio = result["above"] / result["weights"] if "above" in result else None
        figure = result if ratio is None else f"{ratio:.2f} times the weights"
        print(f"{name:14s} {engine:12s} {'memory of load .keras':30s} {figure}", flush=True)


if __name__ == "__main__":
    main()
