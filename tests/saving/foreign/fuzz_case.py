"""One changed model file after the other, loaded in a process that may take little.

    python -m tests.saving.foreign.fuzz_case SEED START STOP FOLDER

`tests.saving.fuzz_files` starts it, and goes on in a new process where this one ends.
"""

import io
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path

import numpy as np

import minikeras as keras
from tests.saving.foreign import good_files, json_mutations, mutations, watched

DOCUMENTED = (ValueError, TypeError, OSError, ImportError)
MOST_SECONDS = 20
GOOD, _WORK = "good", "work"


# ---- one case


class Case:
    """One changed file.

    Args:
        seed: which random numbers.
        number: which of the cases of this seed.
        folder: where the good files are, and this one goes.
    """

    def __init__(self, seed, number, folder):
        self.draw = mutations.seeded(seed, number)
        self.model = self.draw.choice(list(good_files.MODELS))
        self.form = self.draw.choice(["archive"] * 3 + ["weights", "shards", "whole", "config"])
        self.folder = folder / _WORK
        self.good = folder / GOOD
        self.is_same = False  # whether it has checksums, so that what is loaded is what was saved

    def write(self):
        """Write the changed file; return its path."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        ending = good_files.FORMATS.get(self.form, ".keras")
        path = self.folder / f"{self.model}{ending}"
        content = (self.good / path.name).read_bytes()
        if self.form == "shards":
            return self._write_shards(path)
        if self.form == "config":
            content = self._config(content)
            path = self.folder / "config.json"
        elif self.draw.randrange(4) == 0:
            content = mutations.changed_bytes(self.draw, content)
            self.is_same = self.form == "archive"
        elif self.form == "archive":
            content = mutations.changed_archive(self.draw, content)
        else:
            content = mutations.changed_hdf5(self.draw, content)
        path.write_bytes(content)
        return path

    def _config(self, content):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return json.dumps(
                json_mutations.changed_json(self.draw, json.loads(archive.read("config.json")))
            ).encode()

    def _write_shards(self, path):
        stem = path.name.removesuffix(".weights.json")
        shards = sorted(self.good.glob(f"{stem}_*.weights.h5"))
        for file in (self.good / path.name, *shards):
            shutil.copy(file, self.folder)
        changed = self.draw.choice([path, self.folder / self.draw.choice(shards).name])
        content = changed.read_bytes()
        if self.draw.randrange(3) == 0:
            content = mutations.changed_bytes(self.draw, content)
        elif changed == path:
            content = json_mutations.changed_json_text(self.draw, content)
        else:
            content = mutations.changed_hdf5(self.draw, content)
        changed.write_bytes(content)
        return path


def outcome_of(case, models, before):
    """Load the file of a case in each way that it can be; return the outcome.

    Args:
        case: the case, whose file has been written.
        models: dict of name to a model that weights are loaded into.
        before: dict of name to the weights that it has.

    Returns:
        "loaded", the name of a documented error, or a text that begins with "WRONG".
    """
    outcomes = []
    for load in _ways(case, models[case.model]):
        try:
            load()
        except DOCUMENTED as error:
            outcomes.append(type(error).__name__)
            if case.form != "config" and case.path.stem.split(".")[0] not in _text(error):
                return f"WRONG: no file is named: {type(error).__name__}: {error!s:.400}"
        except BaseException as error:
            if isinstance(error, MemoryError) and case.form == "config":
                outcomes.append("MemoryError")  # without a file, a model is as large as it says
                continue
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            return f"WRONG: {type(error).__name__} at {where}: {error!s:.400}"
        else:
            outcomes.append("loaded")
            if load.__name__ == "weights":
                models[case.model].set_weights(before[case.model])
        now = models[case.model].get_weights()
        if not _same(now, before[case.model]):
            models[case.model].set_weights(before[case.model])
            return "WRONG: the model has changed, though loading failed"
    return outcomes[0]


def _same(weights, others):
    return all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


def _text(error):
    return f"{error} {getattr(error, 'filename', '')} {getattr(error, '__notes__', '')}"


def _ways(case, model):
    """Functions without arguments that load the file of a case."""

    def whole():
        loaded = keras.saving.load_model(case.path)
        if case.is_same:
            assert loaded.get_config() == model.get_config()
            assert _same(loaded.get_weights(), model.get_weights())

    def weights():
        model.load_weights(case.path)

    def editor():
        copy = case.folder / f"{case.path.stem}_again.weights.h5"
        keras.saving.KerasFileEditor(case.path).save(copy)
        keras.saving.KerasFileEditor(copy)

    def config():
        keras.saving.deserialize_keras_object(json.loads(case.path.read_bytes()))

    def text():
        keras.models.model_from_json(case.path.read_text())

    ways = {
        "archive": [whole, weights, editor],
        "weights": [weights, editor],
        "shards": [weights],
        "config": [config, text],
        "whole": [whole, weights],
    }[case.form]
    return ways[:1] if len(ways) == 3 and case.draw.randrange(3) else ways


# ---- the process


def work(seed, start, stop, folder):
    """Run cases and write a line before and after each of them, for `supervise`."""
    warnings.simplefilter("ignore")
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    tempfile.tempdir = str(folder)
    models = {n: keras.saving.load_model(folder / GOOD / f"{n}.keras") for n in good_files.MODELS}
    before = {name: model.get_weights() for name, model in models.items()}
    for form in ("archive", "weights"):  # so that all modules are imported
        for name, model in models.items():
            model.load_weights(folder / GOOD / f"{name}{good_files.FORMATS[form]}")
            model.set_weights(before[name])
    keras.saving.KerasFileEditor(folder / GOOD / "image.keras")
    seen = watched.watch(folder)
    watched.limit_memory()
    for number in range(start, stop):
        case = Case(seed, number, folder)
        report.write(f"begin {number}\n")
        case.path = case.write()
        seen.clear()
        begin = time.monotonic()
        signal.alarm(MOST_SECONDS)
        outcome = outcome_of(case, models, before)
        signal.alarm(0)
        if seen:
            outcome = f"WRONG: {seen!r:.500}"
        seconds = time.monotonic() - begin
        line = {"number": number, "form": case.form, "outcome": outcome, "seconds": seconds}
        report.write(json.dumps(line) + "\n")
        if outcome.startswith("WRONG"):
            keep(folder, seed, number)


def keep(folder, seed, number):
    """Keep the files of a case."""
    target = folder / f"wrong_{seed}_{number}"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder / _WORK, target)


if __name__ == "__main__":
    work(*map(int, sys.argv[1:4]), Path(sys.argv[4]))
