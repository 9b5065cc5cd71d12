"""Callbacks that save, swap and send, against Keras's: files, messages, requests, numbers."""

import contextlib
import io
import json
import os
import tempfile
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from parity_tests.scenario import same

pytestmark = pytest.mark.parity

LENGTH = 40 * 6
_rng = np.random.default_rng(0)
X = _rng.normal(size=(40, 6)).astype("float32")
Y = _rng.normal(size=(40, 2)).astype("float32")


def model(k, optimizer="sgd"):
    m = k.Sequential([k.Input((6,)), k.layers.Dense(5, activation="tanh"), k.layers.Dense(2)])
    m.compile(optimizer, "mse", metrics=["mae"], jit_compile=False)
    return m


def fit(m, *callbacks, **options):
    options = {"verbose": 0, "epochs": 3, "batch_size": 8, **options}
    return m.fit(X, Y, callbacks=list(callbacks), **options).history


# ModelCheckpoint

CHECKPOINTS = {
    "each epoch": ("{epoch:02d}-{val_loss:.1f}.keras", {"verbose": 1}),
    "a folder that is made": ("a/b/model.h5", {"verbose": 1}),
    "weights": ("{epoch}.weights.h5", {"save_weights_only": True, "verbose": 1}),
    "best": ("best.keras", {"save_best_only": True, "verbose": 1}),
    "best of a metric": (
        "{mae:.1f}.keras",
        {"save_best_only": True, "verbose": 1, "monitor": "mae"},
    ),
    "largest": ("m.keras", {"save_best_only": True, "verbose": 1, "mode": "max"}),
    "better than a threshold": (
        "m.keras",
        {"save_best_only": True, "verbose": 1, "initial_value_threshold": 0.01},
    ),
    "batches": ("{epoch}-{batch}.keras", {"save_freq": 3, "verbose": 1}),
    "best of batches": (
        "{epoch}-{batch}.keras",
        {"save_freq": 15, "save_best_only": True, "verbose": 1, "monitor": "loss"},
    ),
    "no such metric": ("m.keras", {"save_best_only": True, "monitor": "acc", "mode": "max"}),
}


def checkpoints(k, name, options):
    """The names of the files that a run leaves, what it prints and warns, and the best value."""
    m, calls, printed = model(k), [], io.StringIO()

    def save(kind):
        def write(path, overwrite):
            calls.append((kind, os.path.relpath(path, folder), overwrite))
            open(path, "w").close()

        return write

    m.save, m.save_weights = save("model"), save("weights")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(printed):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            callback = k.callbacks.ModelCheckpoint(os.path.join(folder, name), **options)
            fit(m, callback, validation_data=(X, Y))
        text = printed.getvalue().replace(folder, "FOLDER")
    heard = sum("best model" in str(w.message) for w in caught)
    return calls, text, heard, callback.best


@pytest.mark.sampled(rows=4)
@pytest.mark.parametrize("case", CHECKPOINTS)
def test_model_checkpoint(case):
    same(lambda k: checkpoints(k, *CHECKPOINTS[case]), LENGTH)


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        (("m.txt",), ValueError),
        (("m.keras", "loss", 0, False, True), ValueError),
        (("m.keras", "loss", 0, False, False, "auto", 1.5), ValueError),
    ],
)
def test_model_checkpoint_refuses(args, kind):
    def scenario(k):
        with pytest.raises(kind, match="filepath|save_freq") as error:
            k.callbacks.ModelCheckpoint(*args)
        return type(error.value).__name__

    same(scenario)


def test_a_field_that_is_no_metric():
    def scenario(k):
        m = model(k)
        with pytest.raises(KeyError, match="filepath|path of a checkpoint"):
            fit(m, k.callbacks.ModelCheckpoint("{val_acc:.1f}.keras"))

    same(scenario)


# SwapEMAWeights


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("swap_on_epoch", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_swap_ema_weights(swap_on_epoch, scaled):
    """Keras on TensorFlow swaps by sums and differences: equal but for the last bits."""

    def scenario(k):
        optimizer = k.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.5)
        if scaled:
            optimizer = k.optimizers.LossScaleOptimizer(optimizer)
        m, seen = model(k, optimizer), []

        class Look(k.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                seen.append(self.model.get_weights())

        swap = k.callbacks.SwapEMAWeights(swap_on_epoch)
        history = fit(m, swap, Look(), validation_data=(X, Y))
        swapped = k.callbacks.SwapEMAWeights()
        results = m.evaluate(X, Y, callbacks=[swapped], verbose=0)
        predicted = m.predict(X, callbacks=[swapped], verbose=0)
        return history, seen, results, predicted, m.get_weights()

    same(scenario, LENGTH)


def test_swap_without_averages():
    def scenario(k):
        with pytest.raises(ValueError, match="SwapEMAWeights .*`use_ema=True`"):
            fit(model(k), k.callbacks.SwapEMAWeights(), validation_data=(X, Y))

    same(scenario)


# RemoteMonitor


@contextlib.contextmanager
def server(status):
    """A server on this machine that keeps what it is sent."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            kinds = self.headers["Content-Type"], self.headers["X-Run"]
            received.append((self.path, *kinds, body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", received
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"send_as_json": True},
        {"path": "/log", "field": "values", "headers": {"X-Run": "7"}},
        {"send_as_json": True, "headers": {"X-Run": "7"}},
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_remote_monitor(options, status):
    def scenario(k):
        with server(status) as (root, received):
            monitor = k.callbacks.RemoteMonitor(root, **options)
            monitor.on_epoch_end(0, {"loss": np.float32(0.5), "acc": np.array([0.25]), "n": 3})
            monitor.on_epoch_end(1)
        if options.get("send_as_json"):
            return [(*head, json.loads(body)) for *head, body in received]
        return received

    same(scenario)


@pytest.mark.parametrize(
    ("root", "value"),
    [("http://127.0.0.1:9", 1.0), ("nowhere", 1.0), ("http://127.0.0.1:9", float("nan"))],
)
def test_a_server_that_is_not_reached(root, value):
    def scenario(k):
        monitor = k.callbacks.RemoteMonitor(root, send_as_json=True)
        with pytest.warns(UserWarning, match="RemoteMonitor") as caught:
            monitor.on_epoch_end(0, {"loss": value})
        return [root in str(w.message) for w in caught]

    same(scenario)


# BackupAndRestore


class Crash(Exception):
    pass


def crash(k, epoch, batch):
    class Crashing(k.callbacks.Callback):
        epoch = None

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_begin(self, step, logs=None):
            if (self.epoch, step) == (epoch, batch):
                raise Crash("interrupted")

    return Crashing()


@pytest.mark.parametrize("delete", [True, False])
def test_backup_and_restore(delete):
    """An interrupt at the beginning of an epoch, where Keras ends as without it as well."""

    def scenario(k):
        def run(folder, *callbacks):
            k.utils.set_random_seed(3)
            m = model(k, k.optimizers.Adam(0.01))
            backup = k.callbacks.BackupAndRestore(folder, delete_checkpoint=delete)
            history = fit(m, backup, *callbacks, shuffle=False)
            return m.get_weights(), history["loss"][-1]

        with tempfile.TemporaryDirectory() as parent:
            folder = os.path.join(parent, "backup")
            with pytest.raises(Crash, match="interrupted"):
                run(folder, crash(k, 2, 0))
            between = os.path.exists(folder)
            return between, run(folder), os.path.exists(folder)

    same(scenario, LENGTH)


@pytest.mark.parametrize("args", [("",), ("folder", "batch"), ("folder", 1.5)])
def test_backup_and_restore_refuses(args):
    def scenario(k):
        with pytest.raises(ValueError, match="backup_dir|save_freq"):
            k.callbacks.BackupAndRestore(*args)

    same(scenario)
