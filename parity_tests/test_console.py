"""Console text, log files and decisions of callbacks: Keras's and ours on the same script."""

import contextlib
import copy
import inspect
import io
import logging
import random
import sys
import time
import warnings

import keras
import numpy as np
import pytest

from minikeras import config
from minikeras.training import callbacks
from minikeras.training.progbar import Progbar

pytestmark = pytest.mark.parity

CALLBACK_NAMES = [name for name in callbacks.__all__ if name != "CallbackList"]


def printed(run, *args):
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen):
        run(*args)
    return screen.getvalue()


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(time, "time", lambda: self.now)


def logs_of(rng, names=("loss", "acc", "f1")):
    def value():
        magnitude = 10.0 ** rng.randint(-6, 6)
        return rng.choice(
            [rng.random() * magnitude, rng.randint(0, 5), float("nan"), np.float32(rng.random())]
        )

    return {name: value() for name in rng.sample(names, rng.randint(0, len(names)))}


# Progbar


def drive_bar(cls, clock, options, script):
    clock.now = 1000.0
    bar = cls(**options)
    for seconds, method, args, kwargs in script:
        clock.now += seconds
        getattr(bar, method)(*args, **kwargs)


def bar_script(rng, target):
    script, current = [], 0
    for _ in range(rng.randint(1, 8)):
        current += rng.choice([0, 1, 1, 2, rng.randint(0, target or 5)])
        values = list(logs_of(rng).items())
        kwargs = {"finalize": rng.random() < 0.3} if rng.random() < 0.2 else {}
        seconds = rng.choice([0, 1e-6, 1e-3, 0.02, 0.1, 1, 30, 5000]) * rng.random()
        call = ("update", (current, values), kwargs)
        script.append((seconds, *(call if rng.random() < 0.9 else ("add", (1, values), {}))))
    return script


@pytest.mark.parametrize("verbose", [0, 1, 2])
@pytest.mark.parametrize("target", [None, 0, 1, 5, 10, 99, 1000])
def test_progbar_is_equal_to_the_byte(target, verbose, monkeypatch):
    rng, clock = random.Random(f"{target} {verbose}"), Clock(monkeypatch)
    for _ in range(40):
        options = {
            "target": target,
            "verbose": verbose,
            "width": rng.choice([5, 20, 30]),
            "interval": rng.choice([0, 0.05, 1]),
            "unit_name": rng.choice(["step", "x"]),
        }
        options |= rng.choice([{}, {"stateful_metrics": ["loss"]}, {"stateless_metrics": ["acc"]}])
        script = bar_script(rng, target)
        theirs = printed(drive_bar, keras.utils.Progbar, clock, options, script)
        ours = printed(drive_bar, Progbar, clock, options, script)
        assert ours == theirs


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8", "utf-16", "gbk"])
def test_progbar_in_other_encodings(encoding, monkeypatch):
    clock, written = Clock(monkeypatch), []
    for cls in (keras.utils.Progbar, Progbar):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        with contextlib.redirect_stdout(out):
            drive_bar(cls, clock, {"target": 2}, [(0.5, "update", (1, [("loss", 1.0)]), {})])
        written.append(out.buffer.getvalue())
    assert written[0] == written[1]


def test_progbar_where_lines_cannot_be_redrawn(monkeypatch):
    clock = Clock(monkeypatch)
    monkeypatch.delitem(sys.modules, "posix", raising=False)
    script = [(0.5, "update", (step, [("loss", 1.0 / step)]), {}) for step in (1, 2, 3)]
    theirs, ours = (
        printed(drive_bar, cls, clock, {"target": 3}, script)
        for cls in (keras.utils.Progbar, Progbar)
    )
    assert ours == theirs
    assert "\r" not in ours


def test_progbar_without_interactive_logging(monkeypatch, caplog):
    clock, messages = Clock(monkeypatch), []
    absl = logging.getLogger("absl")
    monkeypatch.setattr(absl, "propagate", True)
    script = [(0.5, "update", (step, [("loss", 1.0 / step)]), {}) for step in (1, 2, 3)]
    for cls, package in ((keras.utils.Progbar, keras), (Progbar, config)):
        switch = getattr(package, "config", package)
        switch.disable_interactive_logging()
        try:
            with caplog.at_level(logging.INFO, "absl"), caplog.at_level(logging.INFO, "minikeras"):
                for options in ({"target": 3}, {"target": None}, {"target": 3, "verbose": 2}):
                    assert printed(drive_bar, cls, clock, options, script) == ""
        finally:
            switch.enable_interactive_logging()
        messages.append(list(caplog.messages))
        caplog.clear()
    assert messages[0] == messages[1] != []


def stage(rng, kind, batches):
    hooks = [(f"on_{kind}_begin",)]
    hooks += [(f"on_{kind}_batch_end", i, {**logs_of(rng), "of": {"x": i}}) for i in range(batches)]
    return [*hooks, (f"on_{kind}_end", {"loss": rng.random()})]


def fit_script(rng):
    hooks = [("on_train_begin",)]
    for epoch in range(rng.randint(1, 3)):
        hooks.append(("on_epoch_begin", epoch))
        hooks += [("on_train_batch_end", i, logs_of(rng)) for i in range(rng.randint(0, 4))]
        hooks += stage(rng, "test", 2) if rng.random() < 0.5 else []
        hooks.append(("on_epoch_end", epoch, logs_of(rng)))
    return [*hooks, ("on_train_end",)]


def drive_hooks(module, clock, params, script, history):
    clock.now = 1000.0
    hooks = module.CallbackList(add_history=True, add_progbar=True, model=Model(), **params)
    for seconds, (name, *args) in copy.deepcopy(script):
        clock.now += seconds
        getattr(hooks, name)(*args)
    history.update(hooks.callbacks[0].history)


@pytest.mark.parametrize("steps", [None, 1, 3])
@pytest.mark.parametrize("verbose", ["auto", 0, 1, 2])
def test_bar_and_history_of_a_run(verbose, steps, monkeypatch):
    rng, clock = random.Random(f"{verbose} {steps}"), Clock(monkeypatch)
    for _ in range(30):
        script = rng.choice([fit_script(rng), stage(rng, "test", 3), stage(rng, "predict", 2)])
        script = [(rng.choice([1e-3, 0.1, 3]) * rng.random(), hook) for hook in script]
        params = {"verbose": verbose, "epochs": rng.choice([1, 3]), "steps": steps}
        results = []
        for module in (keras.callbacks, callbacks):
            history = {}
            text = printed(drive_hooks, module, clock, params, script, history)
            results.append((text, repr(history)))
        assert results[0] == results[1]


# Decisions


class Optimizer:
    def __init__(self):
        self.variable = keras.Variable(0.01)

    @property
    def learning_rate(self):
        return self.variable

    @learning_rate.setter
    def learning_rate(self, value):
        self.variable.assign(value)


class Model:
    def __init__(self):
        self.metrics, self.stop_training, self.weights = [], False, None
        self.optimizer = Optimizer()

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save(self, filepath, overwrite):
        print("saved", filepath, overwrite)

    save_weights = save


STATE = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights", "cooldown_counter")


def drive_epochs(module, name, options, runs):
    """Everything that can be seen of a callback over some runs."""
    trace, model = [], Model()

    def run():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                callback = getattr(module, name)(**options)
                callback.set_model(model)
                for epochs in runs:
                    follow(callback, model, epochs, trace)
            except (ValueError, KeyError) as error:
                trace.append(type(error))
        trace.extend(w.category for w in caught)

    return printed(run), repr(trace)


def follow(callback, model, epochs, trace):
    model.stop_training = False
    callback.on_train_begin({})
    for epoch, logs in enumerate(copy.deepcopy(epochs)):
        model.weights = epoch
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, logs)
        state = {key: getattr(callback, key, None) for key in STATE}
        rate = float(model.optimizer.variable.numpy())
        trace.append((logs, model.stop_training, state, rate))
        if model.stop_training:
            break
    callback.on_train_end({})
    trace.append(model.weights)


def epoch_values(rng):
    def value():
        return rng.choice([rng.randint(0, 10) / 10.0, rng.random(), float("nan")])

    names = rng.sample(["loss", "val_loss", "acc"], rng.choice([2, 3, 3, 3]))
    return None if rng.random() < 0.03 else {name: value() for name in names}


def plateau_options(rng):
    return {
        "monitor": rng.choice(["loss", "val_loss", "acc"]),
        "patience": rng.randint(0, 3),
        "verbose": rng.choice([0, 1]),
        "mode": rng.choice(["auto", "min", "max", "x"]),
        "min_delta": rng.choice([0, 1e-4, 0.1, -0.1]),
    }


def options_of(name, rng):
    if name == "EarlyStopping":
        return plateau_options(rng) | {
            "baseline": rng.choice([None, None, 0.5]),
            "restore_best_weights": rng.random() < 0.5,
            "start_from_epoch": rng.choice([0, 0, 2]),
        }
    if name == "ReduceLROnPlateau":
        return plateau_options(rng) | {
            "factor": rng.choice([0.1, 0.5, 0.9, 1.2]),
            "cooldown": rng.randint(0, 2),
            "min_lr": rng.choice([0, 0.002]),
        }
    if name == "ModelCheckpoint":
        only_weights = rng.random() < 0.3
        stem = rng.choice(["m", "{epoch:03d}", "{loss:.1f}"])
        return {
            "filepath": stem + (".weights.h5" if only_weights else rng.choice([".keras", ".h5"])),
            "monitor": rng.choice(["loss", "val_loss", "acc"]),
            "mode": rng.choice(["auto", "min", "max", "x"]),
            "save_best_only": rng.random() < 0.7,
            "save_weights_only": only_weights,
            "verbose": rng.choice([0, 1]),
            "initial_value_threshold": rng.choice([None, 0.5]),
        }
    schedules = [
        lambda e: 0.1 / (e + 1),
        lambda e, lr: lr * 0.9,
        lambda e, lr: 1,
        lambda e, lr: np.float32(lr) * 2,
    ]
    return {"schedule": rng.choice(schedules), "verbose": rng.choice([0, 1])}


@pytest.mark.sampled(by=lambda row: row["name"])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "name", ["EarlyStopping", "ReduceLROnPlateau", "LearningRateScheduler", "ModelCheckpoint"]
)
def test_decisions_messages_and_warnings(name, seed):
    rng = random.Random(f"{name} {seed}")
    for _ in range(40):
        options = options_of(name, rng)
        runs = [[epoch_values(rng) for _ in range(rng.randint(1, 9))] for _ in range(2)]
        if name == "ModelCheckpoint":  # Keras's cannot do without logs
            runs = [[values or {} for values in epochs] for epochs in runs]
        theirs = drive_epochs(keras.callbacks, name, options, runs)
        ours = drive_epochs(callbacks, name, options, runs)
        assert ours == theirs, options


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1.0, None, np.float32("nan")])
def test_terminate_on_nan(loss):
    seen = []
    for module in (keras.callbacks, callbacks):
        guard, model = module.TerminateOnNaN(), Model()
        guard.set_model(model)
        text = printed(guard.on_train_batch_end, 3, {"loss": loss})
        seen.append((text, model.stop_training))
    assert seen[0] == seen[1]


# CSVLogger

CELLS = [
    1.0,
    2,
    np.float32(0.1),
    None,
    "x",
    "a,b",
    'q"',
    np.arange(3),
    [1, 2.5],
    np.ones((2, 2)),
    np.array(3.0),
    (1,),
    float("nan"),
    True,
    1e-10,
    range(2),
]


def write_csv(module, path, before, options, runs):
    path.unlink(missing_ok=True)
    if before is not None:
        path.write_text(before)
    log = module.CSVLogger(str(path), **options)
    log.set_model(Model())
    for epochs in runs:
        log.on_train_begin()
        for epoch, logs in enumerate(epochs):
            log.on_epoch_end(epoch, logs)
        log.on_train_end()
    return path.read_bytes()


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("before", [None, "", "epoch,a\n0,5\n", "epoch,a\n0,5", "\n"])
def test_csv_files_are_equal(before, append, tmp_path):
    rng = random.Random(f"{before} {append}")
    for _ in range(40):
        names = ["a", "b", "val_a", "zz"]
        runs = [
            [
                {name: rng.choice(CELLS) for name in rng.sample(names, rng.randint(0, 4))}
                for _ in range(rng.randint(0, 4))
            ]
            for _ in range(rng.choice([1, 2]))
        ]
        options = {"append": append, "separator": rng.choice(",;")}
        theirs, ours = (
            write_csv(module, tmp_path / "log.csv", before, options, runs)
            for module in (keras.callbacks, callbacks)
        )
        assert ours == theirs


# Interfaces

# What is left out: `TensorBoard.summary` is TensorFlow's module of that name.
LEFT_OUT = {"TensorBoard": {"summary"}}


@pytest.mark.parametrize("name", [*CALLBACK_NAMES, "CallbackList"])
def test_signatures_and_hooks(name):
    theirs, ours = getattr(keras.callbacks, name), getattr(callbacks, name)
    assert list_parameters(ours) == list_parameters(theirs)
    public = {method for method in dir(theirs) if not method.startswith("_")}
    assert public - set(dir(ours)) == LEFT_OUT.get(name, set())


def list_parameters(cls):
    parameters = inspect.signature(cls.__init__).parameters.values()
    return [(p.name, p.default, p.kind) for p in parameters]


def test_progbar_signature():
    assert list_parameters(Progbar) == list_parameters(keras.utils.Progbar)
