"""Measure how long a fresh process takes to import an engine; `run.py` starts it.

Usage: python benchmarks/import_time.py ENGINE
"""

import importlib
import sys
import time

MODULES = {
    "minikeras": "minikeras",
    "minikeras_numpy": "minikeras",
    "dezero": "with_dezero",  # gives NumPy what DeZero misses in it
    "neuralnetlib": "neuralnetlib.models",  # the package itself imports nothing
}


def main(engine):
    """Import an engine, and say how long that took."""
    began = time.perf_counter()
    importlib.import_module(MODULES.get(engine, "keras"))
    took = time.perf_counter() - began
    print(f'@result {{"import_s": {took}}}')


if __name__ == "__main__":
    main(sys.argv[1])
