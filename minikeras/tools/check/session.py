"""The processes that run a model in one engine each, as seen from here."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np

from minikeras.tools.run import STAND_INS

PROGRAM = Path(__file__).parents[1] / "worker" / "__main__.py"


class WorkerError(Exception):
    """A worker could not do what it was asked for; `details` holds its traceback."""

    def __init__(self, message, details=""):
        super().__init__(message)
        self.details = details


class Session:
    """One process with one engine.

    Args:
        engine: name; see `worker.engines.engine_of`.
        folder: a `Path`, where arrays are put.
        python: path of the Python to run; this one by default.
        seconds: float, how long an answer may take.
    """

    def __init__(self, engine, folder, python=None, seconds=600.0):
        self.engine = engine
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.seconds = seconds
        # Open as long as the process lives.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process: Any = subprocess.Popen(
            [python or sys.executable, str(PROGRAM), engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            env=_environment(engine),
        )
        self._answers = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(None)

    def send(self, do, **request):
        """Send a request, whose answer `receive` waits for."""
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended, which `receive` finds out

    def receive(self):
        """Wait for the answer to the oldest request.

        Raises:
            WorkerError: if the worker failed, has ended, or takes too long.
        """
        try:
            line = self._answers.get(timeout=self.seconds)
        except queue.Empty:
            self.close()
            raise WorkerError(
                f"{self.engine} did not answer for {self.seconds:g} seconds"
            ) from None
        if line is None:
            raise WorkerError(f"{self.engine} ended: {self._last_words()}", self._said())
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"], answer["traceback"])
        return answer

    def ask(self, do, **request):
        """Send a request and return the answer; see `receive`."""
        self.send(do, **request)
        return self.receive()

    def _said(self):
        self._process.wait(timeout=10)
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def _last_words(self):
        lines = self._said().strip().splitlines()
        code = self._process.returncode
        return lines[-1] if lines else f"exit status {code}"

    def close(self):
        """End the process."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            stream.close()
        self._errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _environment(engine):
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    environment.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    if engine == "minikeras":
        # A module that makes a model imports `keras`: there, that is minikeras.
        folders = [str(STAND_INS), str(Path(__file__).parents[3]), environment.get("PYTHONPATH")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    return environment


def write_arrays(path, arrays):
    """Write a list of arrays as `0`, `1`, ...; return the path as text."""
    np.savez(path, **{str(i): a for i, a in enumerate(arrays)})
    return str(path)
