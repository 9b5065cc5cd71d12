"""What ModelCheckpoint, SwapEMAWeights and RemoteMonitor save, swap and send."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest

import minikeras as keras
from minikeras.training import callbacks as cb

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X[:, :1]


def model(optimizer="sgd", save=None):
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    net.compile(optimizer, "mse")
    net.save = net.save_weights = save
    return net


def fit(net, *callbacks, epochs=2):
    return net.fit(X, Y, 5, epochs, verbose=0, validation_data=(X, Y), callbacks=list(callbacks))


# ModelCheckpoint


@pytest.mark.parametrize(
    "field",
    ["{", "}", "{epoch", "{}", "{0}", "{epoch:x.y}", "{epoch:s}", "{loss:q}", "{epoch.none}"]
    + ["{epoch[0]}", "{epoch!x}", "{epoch:{loss}}", "{:02d}"],
)
def test_a_path_that_no_number_fits_into_is_refused_before_training(field):
    with pytest.raises(ValueError, match="Expected a filepath with fields such as"):
        cb.ModelCheckpoint(f"a{field}.keras")


@pytest.mark.parametrize(
    "field", ["", "{{}}", "{epoch}", "{epoch:02d}", "{loss:.2f}", "{steps:03d}", "{val_top-5:.1e}"]
)
def test_other_paths_are_taken(field):
    cb.ModelCheckpoint(f"a{field}.keras")


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ({"filepath": "{epoch}.keras"}, ["1.keras", "2.keras"]),
        ({"filepath": "a/{epoch}.h5"}, ["a/1.h5", "a/2.h5"]),
        (
            {"filepath": "{epoch}.weights.h5", "save_weights_only": True},
            ["1.weights.h5", "2.weights.h5"],
        ),
        ({"filepath": "{epoch}-{batch}.keras", "save_freq": 3}, ["1-3.keras", "2-2.keras"]),
        ({"filepath": "{epoch}.keras", "save_best_only": True, "mode": "max"}, ["1.keras"]),
        (
            {"filepath": "m.keras", "save_best_only": True, "initial_value_threshold": 0.0},
            [],
        ),
    ],
)
def test_files_of_checkpoints(options, files, tmp_path, monkeypatch):
    """The folder of a file is there when the model is to be saved."""
    monkeypatch.chdir(tmp_path)
    saved = []

    def save(path, overwrite):
        assert overwrite
        Path(path).touch()
        saved.append(path)

    fit(model(save=save), cb.ModelCheckpoint(**options))
    assert saved == files


def test_a_folder_in_the_place_of_a_checkpoint(tmp_path):
    path = tmp_path / "m.keras"
    path.mkdir()
    net = model(save=lambda path, overwrite: Path(path).write_bytes(b""))
    with pytest.raises(IsADirectoryError, match="a folder is there: .*m.keras"):
        fit(net, cb.ModelCheckpoint(path))


def test_checkpoints_of_metrics_that_are_no_scalars(tmp_path):
    best, saved = cb.ModelCheckpoint("m.keras", "f1", save_best_only=True, mode="max"), []
    best.set_model(model(save=lambda path, overwrite: saved.append(path)))
    with pytest.warns(UserWarning, match="is an array of shape .* without comparing"):
        best.on_epoch_end(0, {"f1": np.ones(2)})
    with pytest.warns(UserWarning, match="found by 'f1'.* without comparing"):
        best.on_epoch_end(1)
    assert saved == ["m.keras"] * 2


# SwapEMAWeights


def test_averages_are_swapped_to_the_bit():
    net, seen = model(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)), []

    def state():
        averages = net.optimizer._averages
        return [np.array(v.array).tobytes() for v in [*net.trainable_weights, *averages]]

    look = cb.LambdaCallback()
    look.on_train_batch_end = lambda batch, logs=None: seen.append(("train", state()))
    look.on_test_batch_end = lambda batch, logs=None: seen.append(("test", state()))
    look.on_epoch_end = lambda epoch, logs=None: seen.append(("end", state()))
    fit(net, cb.SwapEMAWeights(), look, epochs=1)
    trained = [state for stage, state in seen if stage == "train"][-1]
    tested = [state for stage, state in seen if stage == "test"][-1]
    assert trained != tested == [*trained[2:], *trained[:2]]
    assert seen[-1] == ("end", trained)


def test_averages_stay_after_the_last_epoch():
    net = model(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    fit(net, cb.SwapEMAWeights(swap_on_epoch=True))
    weights = net.get_weights()
    for weight, average in zip(weights, net.optimizer._averages, strict=True):
        assert (weight == average.array).all()


def test_the_weights_come_back_after_an_evaluation_that_was_interrupted():
    class Stop(cb.Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.trained = [np.array(v.array) for v in self.model.optimizer._averages]
            raise KeyboardInterrupt("now")

    net = model(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    swap, stop, seen = cb.SwapEMAWeights(), Stop(), []
    with pytest.raises(KeyboardInterrupt, match="now"):
        fit(net, swap, stop)
    look = cb.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(net.get_weights()))
    fit(net, swap, look, epochs=1)
    for weight, trained in zip(seen[0], stop.trained, strict=True):
        np.testing.assert_array_equal(weight, trained)


@pytest.mark.parametrize("optimizer", ["sgd", None])
def test_there_are_no_averages(optimizer):
    net = model(optimizer)
    swap = cb.SwapEMAWeights()
    swap.set_model(net)
    with pytest.raises(ValueError, match="an optimizer with `use_ema=True` keeps"):
        swap.on_test_begin()


# RemoteMonitor


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("as_json", [False, True])
def test_metrics_are_sent(status, as_json):
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, self.headers["Content-Type"], self.headers["X"], body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        root = f"http://127.0.0.1:{server.server_port}"
        options = {"field": "values", "headers": {"X": "1"}, "send_as_json": as_json}
        cb.RemoteMonitor(root, **options).on_epoch_end(3, {"loss": np.float32(0.5)})
        server.shutdown()
        thread.join()
    [(path, kind, header, body)] = received
    assert (path, header) == ("/publish/epoch/end/", "1")
    assert kind == f"application/{'json' if as_json else 'x-www-form-urlencoded'}"
    text = body if as_json else parse_qs(body)["values"][0]
    assert json.loads(text) == {"epoch": 3, "loss": 0.5}


@pytest.mark.parametrize("root", ["http://127.0.0.1:9", "no address"])
def test_a_server_that_is_not_reached(root):
    with pytest.warns(UserWarning, match="RemoteMonitor got no answer from"):
        cb.RemoteMonitor(root).on_epoch_end(0, {"loss": 1.0})
