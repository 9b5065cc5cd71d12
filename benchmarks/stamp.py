"""The stamp on every result: on which machine, with which versions, how busy it was."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from engines import HERE, environment, interpreter

PACKAGES = (
    "numba",
    "numpy",
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "jaxlib",
    "torch",
    "dezero",
    "neuralnetlib",
)


def stamp(cores, engines=("minikeras",)):
    """Return what a reader needs to judge a result; call it before measuring.

    Args:
        cores: on how many cores the engines run.
        engines: their names.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "cpu": _cpu_model(),
        "machine_cores": os.cpu_count(),
        "cores": cores,
        "caches": _caches(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "minikeras": _commit(),
        "blas": _blas(cores),
        "versions": {engine: _versions(engine) for engine in engines},
    }


def versions_here():
    """Return the versions of the packages that matter, as installed for this Python."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _versions(engine):
    """The versions in an engine's environment."""
    code = "import json, stamp; print(json.dumps(stamp.versions_here()))"
    done = subprocess.run(
        [interpreter(engine), "-c", code], capture_output=True, text=True, check=True, cwd=HERE
    )
    versions = json.loads(done.stdout)
    own = {
        "minikeras": ("numpy", "numba"),
        "minikeras_numpy": ("numpy",),
        "dezero": ("numpy", "dezero"),
        "neuralnetlib": ("numpy", "neuralnetlib"),
    }
    return {name: v for name, v in versions.items() if name in own.get(engine, versions)}


def _cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((li.split(":")[1].strip() for li in lines if li.startswith("model name")), "")


def _caches():
    """The sizes of the first core's caches."""
    sizes = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / n).read_text().strip() for n in ("level", "type", "size"))
        sizes[f"L{level} {kind.lower()}"] = size
    return sizes


def _commit():
    """The commit of the working tree, marked if the package has changed since."""
    commit = _git("rev-parse", "--short", "HEAD")
    if not commit:
        return "unknown"
    return f"{commit} and changes" if _git("status", "--porcelain", "--", "minikeras") else commit


def _git(*arguments):
    line = ["git", "-C", str(HERE.parent), *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip()


def _blas(cores):
    """NumPy's BLAS, its threads in the measured processes, and the vector units NumPy found."""
    config = np.show_config(mode="dicts")
    library = config["Build Dependencies"]["blas"]
    return {
        "library": library["name"],
        "version": library["version"],
        "threads": int(environment("minikeras", cores)["OPENBLAS_NUM_THREADS"]),
        "vector_units": config["SIMD Extensions"]["found"],
    }
