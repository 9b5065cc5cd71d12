"""One changed model file after the other, loaded in a process that may take little.

    python -m tests.saving.foreign.fuzz_case SEED START STOP FOLDER

`tests.saving.fuzz_files` starts it, and goes on in a new process where this one ends.
"""

import gc
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
from minikeras.saving.training import load_training, training_variables
from tests.saving.foreign import checksums, good_files, json_mutations, mutations, watched
from tests.saving.foreign.yaml_mutations import changed_yaml

DOCUMENTED = (ValueError, TypeError, OSError, ImportError)
MOST_SECONDS = 20
_FIRST = 50
GOOD, _WORK = "good", "work"


# ---- one case


FORMS = ["archive"] * 5 + ["weights"] * 2 + ["shards", "whole"] * 2 + ["config", "training"] * 2
FORMS += ["yaml"]
WITHOUT_A_FILE = ("config", "yaml")


class Case:
    """One changed file.

    Args:
        seed: which random numbers.
        number: which of the cases of this seed.
        folder: where the good files are, and this one goes.
    """

    def __init__(self, seed, number, folder):
        self.draw = mutations.seeded(seed, number)
        is_small = self.draw.randrange(good_files.SMALL_CASES)
        self.model = self.draw.choice(good_files.SMALL if is_small else good_files.LARGE)
        self.form = self.draw.choice(FORMS)
        if self.form == "training":
            self.model = good_files.TRAINED
        self.folder = folder / _WORK
        self.good = folder / GOOD
        self.is_same = False  # whether it has checksums, so that what is loaded is what was saved

    def write(self):
        """Write the changed file; return its path."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        name = f"{self.model}{good_files.FORMATS.get(self.form, '.keras')}"
        path = self.folder / (good_files.TRAINING if self.form == "training" else name)
        if self.form == "shards":
            return self._write_shards(path)
        content = (self.good / path.name).read_bytes()
        if self.form == "config":
            path = self.folder / "config.json"
        path.write_bytes(self._changed(content))
        return path

    def _changed(self, content):
        if self.form == "config":
            return self._config(content)
        if self.draw.randrange(4) == 0:
            self.is_same = self.form == "archive"
            return mutations.changed_bytes(self.draw, content)
        if self.form == "archive":
            return mutations.changed_archive(self.draw, content)
        if self.form == "yaml":
            return changed_yaml(self.draw, content)
        if self.draw.randrange(5) == 0:
            return checksums.forged(self.draw, checksums.newer(content))
        return mutations.changed_hdf5(self.draw, content)

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


class Filled:
    """A model that files are loaded into, and all that loading may change of it."""

    def __init__(self, path):
        self.model = keras.saving.load_model(path)
        self._before = [variable.numpy() for variable in self._variables()]

    def _variables(self):
        return training_variables(self.model)

    def has_changed(self):
        """Whether a variable has other values than at first."""
        now = [variable.numpy() for variable in self._variables()]
        return not _same(now, self._before)

    def put_back(self):
        """Give all variables the values of the first time."""
        for variable, values in zip(self._variables(), self._before, strict=True):
            variable.assign(values)


def outcome_of(case, filled):
    """Load the file of a case in each way that it can be; return the outcome.

    Args:
        case: the case, whose file has been written.
        filled: the model that weights are loaded into.

    Returns:
        "loaded", the name of a documented error, or a text that begins with "WRONG".
    """
    outcomes = []
    for load in _ways(case, filled.model):
        try:
            load()
        except DOCUMENTED as error:
            outcomes.append(type(error).__name__)
            if case.form not in WITHOUT_A_FILE and case.path.stem.split(".")[0] not in _text(error):
                return f"WRONG: no file is named: {type(error).__name__}: {error!s:.400}"
        except BaseException as error:
            if isinstance(error, MemoryError) and case.form in WITHOUT_A_FILE:
                outcomes.append("MemoryError")  # without a file, a model is as large as it says
                continue
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            return f"WRONG: {type(error).__name__} at {where}: {error!s:.400}"
        else:
            outcomes.append("loaded")
            if load.__name__ in _CHANGING:
                filled.put_back()
        if filled.has_changed():
            filled.put_back()
            return "WRONG: the model has changed, though loading failed"
    return outcomes[0]


def _same(arrays, others):
    return all(np.array_equal(a, b) for a, b in zip(arrays, others, strict=True))


def _text(error):
    return f"{error} {getattr(error, 'filename', '')} {getattr(error, '__notes__', '')}"


_CHANGING = ("weights", "state", "training")


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

    def yaml():
        keras.models.model_from_yaml(case.path.read_text(errors="replace"))

    def state():
        _, restore = load_training(case.path, model)
        restore()

    def training():
        good_files.train(model, case.folder, save_freq=False)

    ways = {
        "archive": [whole, whole, weights, editor],
        "weights": [weights, weights, editor],
        "shards": [weights],
        "config": [config, text],
        "whole": [whole, weights],
        "yaml": [yaml],
        "training": [state, training],
    }[case.form]
    return dict.fromkeys(ways) if case.draw.randrange(8) == 0 else [case.draw.choice(ways)]


# ---- the process


def work(seed, start, stop, folder):
    """Run cases and write a line before and after each of them, for `supervise`."""
    warnings.simplefilter("ignore")
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    tempfile.tempdir = str(folder)
    filled = {name: Filled(folder / GOOD / f"{name}.keras") for name in good_files.MODELS}
    for number in range(_FIRST):  # so that all modules are imported
        case = Case("first", number, folder)
        case.path = case.write()
        outcome_of(case, filled[case.model])
    gc.freeze()  # what is there now stays: no collection has to look through it
    seen = watched.watch(folder)
    watched.limit_memory()
    for number in range(start, stop):
        case = Case(seed, number, folder)
        report.write(f"begin {number}\n")
        case.path = case.write()
        seen.clear()
        begin = time.monotonic()
        signal.alarm(MOST_SECONDS)
        outcome = outcome_of(case, filled[case.model])
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
