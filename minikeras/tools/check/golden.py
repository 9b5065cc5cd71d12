"""Golden files: what the other engine measured, in an `.npz`, to be compared with where it is not.

A recorded session writes down each request and its answer, with the arrays of both. A replayed
session answers the same requests from the file; before that it puts the arrays that were asked
about then in the place of those that are asked about now, so that minikeras gets the same ones.

`np.load` reads the file, without pickle. It holds

    check/about                        the options, as JSON
    check/requests                     requests and answers, as JSON, one in each element
    in/DIGEST/NAME                     arrays that were asked about, each file of them once
    out/NUMBER/FILE/NAME               arrays of the answer to the request of that number
    x, y, ...                          the user's data, if there were any
"""

import hashlib
import json
import os
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from minikeras.tools.check.session import WorkerError
from minikeras.tools.check.sources import NotComparable

_FOLDER = "{folder}"  # stands for the temporary folder of a check
_FORM = 1  # of the files that this module writes
# What a check that uses a golden file takes from it.
_OPTIONS = ("against", "batches", "batch_size", "steps", "seed")


class Recorded:
    """A session whose requests and answers are written into a golden file.

    Args:
        session: the `Session`.
        path: of the file; it is there once `finish` was called.
    """

    def __init__(self, session, path):
        self.session = session
        self.engine, self.folder = session.engine, session.folder
        self.path = Path(path)
        self._part = self.path.with_name(self.path.name + ".part")
        try:
            self._file = zipfile.ZipFile(self._part, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        except OSError as error:
            raise NotComparable(f"{path} cannot be written: {error}") from error
        self._requests, self._asked, self._written = [], [], set()

    def send(self, do, **request):
        """Send a request, and keep the arrays that it names."""
        inputs = {file: self._keep_inputs(file) for file in _files_in(request)}
        text = _relative({"do": do, **request}, self.folder)
        kept = {_relative(file, self.folder): digest for file, digest in inputs.items()}
        self._asked.append((text, kept, request.get("to")))
        self.session.send(do, **request)

    def receive(self):
        """Wait for the answer, and keep its arrays."""
        answer = self.session.receive()
        text, inputs, to = self._asked.pop(0)
        number = len(self._requests)
        for file in sorted(Path(to).glob("*.npz")) if to else ():
            self._keep(f"out/{number}/{file.stem}", file)
        new = {"request": text, "inputs": inputs, "answer": _relative(answer, self.folder)}
        self._requests.append(json.dumps(new))
        return answer

    def ask(self, do, **request):
        """Send a request and return the answer."""
        self.send(do, **request)
        return self.receive()

    def _keep_inputs(self, file):
        digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
        if digest not in self._written:
            self._written.add(digest)
            self._keep(f"in/{digest}", file)
        return digest

    def _keep(self, prefix, file):
        with np.load(file) as arrays:
            for name in arrays.files:
                self._put(f"{prefix}/{name}", arrays[name])

    def _put(self, name, array):
        with self._file.open(name + ".npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)

    def finish(self, options, batches):
        """Complete the file.

        Args:
            options: the `checking.Options` of this check.
            batches: how many batches were measured.
        """
        if options.data is not None:
            with np.load(options.data) as arrays:
                for name in arrays.files:
                    self._put(name, arrays[name])
        about = {name: getattr(options, name) for name in _OPTIONS}
        about.update(form=_FORM, batches=max(batches, 1), has_data=options.data is not None)
        self._put("check/requests", np.array(self._requests))
        self._put("check/about", np.array(json.dumps(about)))
        self._file.close()
        os.replace(self._part, self.path)

    def close(self):
        """End the session; a file that is not complete is removed."""
        self.session.close()
        self._file.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Golden:
    """A golden file that was opened.

    Args:
        path: of the file.

    Raises:
        NotComparable: if it is none.
    """

    def __init__(self, path):
        try:
            self.arrays = np.load(path)
            self.about = json.loads(str(self.arrays["check/about"]))
            self.requests = [json.loads(str(text)) for text in self.arrays["check/requests"]]
            if self.about["form"] != _FORM:
                raise ValueError(f"form {self.about['form']}")
        except FileNotFoundError:
            raise NotComparable(f"There is no file {path}.") from None
        except Exception as error:  # whatever a foreign file leads to
            message = f"{path} is no file that `minikeras check --record` wrote ({error!r:.100})"
            raise NotComparable(message) from None
        self.path = path

    def options(self):
        """Return the options of the check that was recorded, a dict: they count again."""
        options = {name: self.about[name] for name in _OPTIONS}
        data = self.path if self.about["has_data"] else None
        return {**options, "data": data, "seconds": float("inf")}


class Replayed:
    """A session that answers from a golden file, as the engine did when it was recorded.

    Args:
        golden: the `Golden`.
        folder: a `Path`, where arrays are put.
    """

    def __init__(self, golden, folder):
        self.engine = golden.about["against"]
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._arrays = golden.arrays
        self._members = defaultdict(list)
        for name in golden.arrays.files:
            self._members[name.rpartition("/")[0]].append(name)
        self._left = defaultdict(list)
        for number, entry in enumerate(golden.requests):
            self._left[_asked(entry["request"])].append((number, entry))
        self._answers = []

    def send(self, do, **request):
        """Look for a request, and put the arrays there that it was asked about."""
        left = self._left[_asked(_relative({"do": do, **request}, self.folder))]
        self._answers.append((do, left.pop(0) if left else None))
        if self._answers[-1][1] is not None:
            for file, digest in self._answers[-1][1][1]["inputs"].items():
                path = Path(file.replace(_FOLDER, str(self.folder.parent)))
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez(path, **self._of(f"in/{digest}"))

    def receive(self):
        """Return the answer of that time, once its arrays are where it says.

        Raises:
            WorkerError: if that was not asked when the file was recorded.
        """
        do, entry = self._answers.pop(0)
        if entry is None:
            raise WorkerError(
                f"the golden file has no answer to {do!r}: it was recorded of another model, or "
                "by another version of minikeras; record it again"
            )
        number, kept = entry
        request, answer = (self._absolute(kept[key]) for key in ("request", "answer"))
        prefix = f"out/{number}/"
        for group in [name for name in self._members if name.startswith(prefix)]:
            folder = Path(request["to"])
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(folder / f"{group.removeprefix(prefix)}.npz", **self._of(group))
        return answer

    def ask(self, do, **request):
        """Send a request and return the answer."""
        self.send(do, **request)
        return self.receive()

    def _of(self, group):
        return {name.rpartition("/")[2]: self._arrays[name] for name in self._members[group]}

    def _absolute(self, text):
        return json.loads(text.replace(_FOLDER, json.dumps(str(self.folder.parent))[1:-1]))

    def close(self):
        """Close the file."""
        self._arrays.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _relative(value, folder):
    """A value as JSON, without the temporary folder; a text as it is, without it."""
    place = str(Path(folder).parent)
    if isinstance(value, str):
        return value.replace(place, _FOLDER)
    return json.dumps(value).replace(json.dumps(place)[1:-1], _FOLDER)


def _asked(text):
    """What makes two requests the same: where the model's file lies does not count."""
    request = json.loads(text)
    request.pop("source", None)
    return json.dumps(request, sort_keys=True)


def _files_in(value):
    """Yield the files of arrays that a request names."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _files_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _files_in(inner)
    elif isinstance(value, str) and value.endswith(".npz") and os.path.isfile(value):
        yield value
