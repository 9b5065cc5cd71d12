"""The engines, where each one is installed, and how a process of each is started.

minikeras runs in the Python that runs the benchmark; each of the others has a virtual environment
of its own under `.venv-bench` (`make bench-setup`), so that none sees another's libraries.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = Path(os.environ.get("BENCH_VENV", HERE.parent / ".venv-bench"))
RESULTS = HERE / "results"

# Each engine's title, and the environment that it lives in: None for the running Python.
ENGINES = {
    "minikeras": ("minikeras", None),
    "minikeras_numpy": ("minikeras, nothing compiled", None),
    "tensorflow": ("Keras on TensorFlow", "tensorflow"),
    "jax": ("Keras on JAX", "jax"),
    "torch": ("Keras on PyTorch", "torch"),
    "dezero": ("DeZero", "numpy"),
    "neuralnetlib": ("neuralnetlib", "numpy"),
}

# TensorFlow's threads between ops are left as they are: with a single one its input pipeline and
# its steps wait for each other, and a tiny step takes twice as long. `taskset` holds the cores.
COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "NPROC",  # XLA's pool, where it does not go by the cores that the process may use
)


def interpreter(engine):
    """Return the path of the Python in which an engine is installed, or None."""
    home = ENGINES[engine][1]
    if home is None:
        return sys.executable
    path = ENVIRONMENTS / home / "bin" / "python"
    package = any(ENVIRONMENTS.glob(f"{home}/lib/*/site-packages/{engine}/__init__.py"))
    return str(path) if package else None


def installed(names):
    """Divide names of engines into those that are installed and those that are not."""
    present = [name for name in names if interpreter(name)]
    return present, [name for name in names if name not in present]


def command(engine, cores, script, *arguments):
    """Return the command line that runs a script of this folder in an engine's environment."""
    cpus = ",".join(str(cpu) for cpu in cpus_for(cores))
    return ["taskset", "-c", cpus, interpreter(engine), str(HERE / script), engine, *arguments]


def cpus_for(cores):
    """Return the numbers of the cores that a measurement on `cores` cores may use."""
    available = sorted(os.sched_getaffinity(0))
    if cores > len(available):
        raise SystemExit(f"{cores} cores asked for, but this process may use {len(available)}")
    return available[:cores]


def environment(engine, cores):
    """Return the environment variables that hold every library to `cores` threads."""
    values = {**os.environ, **dict.fromkeys(COUNTS, str(cores)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    values["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if cores > 1 else 'false'}"
    values["KERAS_BACKEND"] = engine
    values["PYTHONPATH"] = str(HERE.parent)
    values["MINIKERAS_COMPILED"] = "0" if engine == "minikeras_numpy" else "1"
    return values


class Worker:
    """A process of an engine that measures when it is told to, and says when it is done.

    It writes lines that begin with `@`: `@ready` when it waits for its turn, `@result` and JSON at
    the end. Whatever else it prints is not looked at. Keywords are environment variables.
    """

    def __init__(self, engine, cores, script, *arguments, **variables):
        # A file, since a pipe that nobody empties would block the process.
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the worker
        self.process = subprocess.Popen(
            command(engine, cores, script, *arguments),
            env=environment(engine, cores) | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.result = self._listen()

    def turn(self):
        """Let it take its turn, and wait until that is over."""
        if self.result is None:
            with contextlib.suppress(BrokenPipeError):  # it died: listening will tell
                self.process.stdin.write("\n")
                self.process.stdin.flush()
            self.result = self._listen()

    def _listen(self):
        """Wait for the next word: None while there is more to do, or the result."""
        for line in self.process.stdout:
            if line.startswith("@ready"):
                return None
            if line.startswith("@result"):
                self.process.communicate()
                return json.loads(line.removeprefix("@result"))
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines() or ["no message"]
        return {"error": f"{lines[-1]} (exit status {self.process.returncode})"}
