"""The processes that run a model in one engine each, as seen from here."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from minikeras.core.distribution import how_to_install
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
        self._python = python or sys.executable
        self._answered = False
        self._until = 0.0
        # Open as long as the process lives.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process: Any = self._started()
        self._answers = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _started(self):
        try:
            return subprocess.Popen(
                [self._python, str(PROGRAM), self.engine],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=_environment(self.engine),
            )
        except OSError as error:
            self._errors.close()
            raise WorkerError(f"{self._python} cannot be run as a Python: {error}") from None

    def _listen(self):
        """Hand on the answers; what a Python prints while it starts is none."""
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                answer = json.loads(line)
                if isinstance(answer, dict):
                    self._answers.put(answer)
        self._answers.put(None)

    def send(self, do, **request):
        """Send a request, whose answer `receive` waits for."""
        self._until = time.monotonic() + self.seconds
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
            answer = self._answers.get(timeout=max(self._until - time.monotonic(), 0.0))
        except queue.Empty:
            self.close()
            raise WorkerError(
                f"{self.engine} did not answer for {self.seconds:g} seconds: it hangs, or needs "
                "more time (--wait)"
            ) from None
        if answer is None:
            self._answers.put(None)  # so it is for every later request
            raise self._ended()
        if "error" in answer:
            error = answer["error"]
            raise WorkerError(f"{self.engine}: {_line(error)}{_advice(error)}", answer["traceback"])
        self._answered = True
        return answer

    def ask(self, do, **request):
        """Send a request and return the answer; see `receive`."""
        self.send(do, **request)
        return self.receive()

    def _ended(self):
        """The error that says how the process ended, and what it said last."""
        if self._process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
            self._process.kill()
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")
        how = f"exit status {code}" if code >= 0 else f"killed by signal {-code}"
        words = "".join(said.strip().splitlines()[-1:])
        text = f"{self.engine} ended ({how})" + (f": {_line(words)}" if words else "")
        if not self._answered and not _advice(words):
            text += f"; is {self._python} a Python with NumPy and {self.engine}?"
        return WorkerError(text + _advice(words), said)

    def close(self):
        """End the process."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent has no reader any more
                stream.close()
        self._errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def receive_all(sessions):
    """Wait for the answer of each session to its oldest request; return them in order.

    Raises:
        WorkerError: if one failed, after all have answered: what each of them says.
    """
    answers, errors = [], []
    for session in sessions:
        try:
            answers.append(session.receive())
        except WorkerError as error:
            errors.append(error)
    if errors:
        details = "\n".join(error.details for error in errors)
        raise WorkerError("; ".join(dict.fromkeys(map(str, errors))), details)
    return answers


def _line(text):
    """A message as one line that is not too long."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


_LONGEST = 800
# What an engine's process needs from other packages.
_NEEDED = ("numpy", "keras", "tensorflow", "jax", "torch", "tf_keras")


def _advice(text):
    """What to do about a message that says that an engine is not installed, else nothing."""
    if not any(f"No module named '{name}'" in text for name in _NEEDED):
        return ""
    return f". {how_to_install('parity')} Or name a Python that has it: --python PATH"


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
