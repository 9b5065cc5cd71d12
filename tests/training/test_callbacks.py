"""What callbacks decide, print and write, on scripted logs and a model of a few attributes."""

from types import SimpleNamespace

import numpy as np
import pytest

from minikeras.autograd.variable import Variable
from minikeras.training import callbacks as cb


class FakeOptimizer:
    def __init__(self):
        self.rate = Variable(0.5)

    @property
    def learning_rate(self):
        return self.rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.rate.assign(value)


class FakeModel:
    """What callbacks ask of a model; its only weight is the number of the epoch."""

    def __init__(self, metrics=()):
        self.metrics = list(metrics)
        self.stop_training = False
        self.optimizer = FakeOptimizer()
        self.weights = None

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def train(callback, values, name="loss", model=None):
    """Run epochs with one metric until training is stopped; return the model and the epochs."""
    model = model or FakeModel()
    callback.set_model(model)
    callback.on_train_begin({})
    epochs = 0
    for epoch, value in enumerate(values):
        model.weights = epoch
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, {name: value})
        epochs += 1
        if model.stop_training:
            break
    callback.on_train_end({})
    return model, epochs


# EarlyStopping


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({}, [1.0, 0.5, 0.6], 3),
        ({"patience": 2}, [1.0, 1.1, 1.2, 0.1], 3),
        ({"patience": 2}, [1.0, 1.1, 0.9, 1.2, 0.8], 5),
        ({"mode": "max"}, [1.0, 1.5, 1.2, 2.0], 3),
        ({"min_delta": 0.25}, [1.0, 0.5, 0.375, 0.0], 3),
        ({"min_delta": -0.25}, [1.0, 0.5, 0.375, 0.0], 3),
        ({"baseline": 0.5, "patience": 2}, [1.0, 0.9, 1.0, 0.1], 3),
        ({"baseline": 0.5, "patience": 2}, [1.0, 0.4, 0.6, 0.3], 4),
        ({"start_from_epoch": 2}, [1.0, 2.0, 3.0, 4.0, 5.0], 4),
        ({"patience": 1}, [float("nan"), float("nan"), 0.0], 2),
    ],
)
def test_early_stopping_decides(options, values, epochs):
    assert train(cb.EarlyStopping("loss", **options), values)[1] == epochs


def test_early_stopping_restores_and_tells(capsys):
    stop = cb.EarlyStopping("loss", patience=1, restore_best_weights=True, verbose=1)
    model, _ = train(stop, [1.0, 0.5, 0.6])
    assert model.weights == 1
    assert capsys.readouterr().out == (
        "Epoch 3: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )


def test_early_stopping_begins_anew_with_each_run():
    stop = cb.EarlyStopping("loss")
    assert train(stop, [1.0, 2.0])[1] == 2
    assert train(stop, [5.0, 4.0, 4.5])[1] == 3


def test_direction_comes_from_the_compiled_metrics():
    compiled = SimpleNamespace(
        metrics=[
            SimpleNamespace(name="auc", _direction="up"),
            SimpleNamespace(name="mae", _direction="down"),
            SimpleNamespace(name="odd", _direction=None),
        ]
    )
    for name, epochs in (("val_auc", 3), ("auc", 3), ("mae", 2), ("val_loss", 2)):
        run = train(cb.EarlyStopping(name), [1.0, 2.0, 1.5], name, FakeModel([compiled]))
        assert run[1] == epochs
    for name in ("odd", "unknown"):
        with pytest.raises(ValueError, match=f"EarlyStopping callback received monitor={name}"):
            train(cb.EarlyStopping(name), [1.0], name, FakeModel([compiled]))


def test_missing_metric_warns():
    with pytest.warns(UserWarning) as caught:
        train(cb.EarlyStopping("val_loss"), [1.0])
        train(cb.ReduceLROnPlateau("val_loss"), [1.0])
    assert [str(w.message) for w in caught] == [
        "EarlyStopping waits for 'val_loss', and the logs have only ['loss']: it does nothing.",
        "ReduceLROnPlateau waits for 'val_loss', and the logs have only ['learning_rate', 'loss']: "
        "it does nothing.",
    ]


def test_unknown_mode_warns():
    with pytest.warns(UserWarning, match="no mode 'up', and takes 'auto'"):
        assert cb.EarlyStopping(mode="up").mode == "auto"


# Learning rates


def test_reduce_lr_on_plateau(capsys):
    slower = cb.ReduceLROnPlateau("loss", factor=0.5, patience=1, cooldown=1, min_lr=0.2, verbose=1)
    model, _ = train(slower, [1.0, 1.0, 1.0, 1.0, 1.0])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.2)
    assert capsys.readouterr().out == (
        "\nEpoch 2: ReduceLROnPlateau reducing learning rate to 0.25.\n"
        "\nEpoch 3: ReduceLROnPlateau reducing learning rate to 0.2.\n"
    )


def test_reduce_lr_waits_while_cooling_down():
    slower = cb.ReduceLROnPlateau("loss", factor=0.5, patience=2, cooldown=2)
    model, _ = train(slower, [1.0] * 5)
    assert float(model.optimizer.learning_rate) == 0.25
    assert slower.in_cooldown() is False and slower.wait == 1


def test_reduce_lr_puts_the_rate_into_the_logs():
    slower, logs = cb.ReduceLROnPlateau("loss"), {"loss": 1.0}
    slower.set_model(FakeModel())
    slower.on_epoch_end(0, logs)
    assert logs == {"loss": 1.0, "learning_rate": 0.5}


def test_reduce_lr_needs_a_factor_below_one():
    with pytest.raises(ValueError, match="factor=1.0"):
        cb.ReduceLROnPlateau(factor=1.0)


@pytest.mark.parametrize("schedule", [lambda epoch: 0.5**epoch, lambda epoch, lr: lr * 2.0])
def test_scheduler(schedule, capsys):
    schedule_callback = cb.LearningRateScheduler(schedule, verbose=1)
    model, _ = train(schedule_callback, [1.0])
    assert float(model.optimizer.learning_rate) == 1.0
    assert capsys.readouterr().out == (
        "\nEpoch 1: LearningRateScheduler setting learning rate to 1.0.\n"
    )
    logs = {}
    schedule_callback.on_epoch_end(0, logs)
    assert logs == {"learning_rate": 1.0}


def test_scheduler_refuses_what_is_no_float():
    with pytest.raises(ValueError, match="must return a float. Received: 1 "):
        train(cb.LearningRateScheduler(lambda epoch: 1), [1.0])
    scheduler = cb.LearningRateScheduler(lambda epoch: 1.0)
    scheduler.set_model(SimpleNamespace(optimizer=object()))
    with pytest.raises(ValueError, match="learning_rate"):
        scheduler.on_epoch_begin(0)


# TerminateOnNaN


@pytest.mark.parametrize("loss", [float("nan"), float("-inf"), np.float32("nan")])
def test_terminate_on_nan(loss, capsys):
    guard, model = cb.TerminateOnNaN(), FakeModel()
    guard.set_model(model)
    guard.on_train_batch_end(0, {"loss": 1.0})
    guard.on_train_batch_end(1, None)
    assert not model.stop_training
    guard.on_train_batch_end(3, {"loss": loss})
    assert model.stop_training
    assert capsys.readouterr().out == "Batch 3: Invalid loss, terminating training\n"
    with pytest.raises(RuntimeError, match="batch 4"):
        cb.TerminateOnNaN(raise_error=True).on_batch_end(4, {"loss": loss})


# CSVLogger


def write_log(path, epochs, **options):
    log = cb.CSVLogger(path, **options)
    log.on_train_begin()
    for epoch, logs in enumerate(epochs):
        log.on_epoch_end(epoch, logs)
    log.on_train_end()
    return path.read_bytes()


def test_csv_columns_and_missing_values(tmp_path):
    written = write_log(tmp_path / "log.csv", [{"b": 1.5, "a": 2}, {"a": 3, "val_a": 4, "c": 5}])
    assert written == b"epoch,a,b,val_a,val_b\r\n0,2,1.5,NA,NA\r\n1,3,NA,4,NA\r\n"


def test_csv_values(tmp_path):
    logs = {"a": np.arange(2), "b": np.array(3.0), "c": "x;y", "val_d": [1, 2.5]}
    written = write_log(tmp_path / "log.csv", [logs], separator=";")
    assert written == (b'epoch;a;b;c;val_d\r\n0;"""[0, 1]""";3.0;"x;y";"""[1, 2.5]"""\r\n')


def test_csv_append(tmp_path):
    path = tmp_path / "log.csv"
    first = write_log(path, [{"a": 1, "val_a": 2}], append=True)
    assert first == b"epoch,a,val_a\r\n0,1,2\r\n"
    assert write_log(path, [{"a": 3, "val_a": 4}], append=True) == first + b"0,3,4\r\n"
    assert write_log(path, [{"a": 5, "val_a": 6}]) == b"epoch,a,val_a\r\n0,5,6\r\n"


# CallbackList and what it adds


def test_list_adds_history_and_bar_once():
    model = FakeModel()
    hooks = cb.CallbackList(
        None, add_history=True, add_progbar=True, model=model, verbose=0, epochs=1, steps=None
    )
    assert [type(c) for c in hooks.callbacks] == [cb.History, cb.ProgbarLogger]
    assert model.history is hooks.callbacks[0]
    callbacks = [cb.ProgbarLogger(), [cb.History()]]
    hooks = cb.CallbackList(callbacks, add_history=True, add_progbar=True, model=model)
    assert hooks.callbacks == [callbacks[0], callbacks[1][0]]
    assert model.history is callbacks[1][0]


def test_params_and_model_reach_all():
    inner = cb.Callback()
    hooks = cb.CallbackList([inner], model="model", epochs=2)
    assert inner.params == hooks.params == {"epochs": 2}
    assert inner.model == hooks.model == "model"


def test_batch_logs_are_made_plain_only_where_somebody_reads_them():
    class Untouchable:
        def __float__(self):
            raise AssertionError("no callback asked for this value")

    class Reader(cb.Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.seen = batch, logs

    reader = Reader()
    hooks = cb.CallbackList([reader, cb.History()])
    hooks.on_train_batch_end(0, {"loss": Untouchable()})
    hooks.on_test_batch_end(1, {"loss": np.float32(0.5), "by": {"acc": 1}, "a": np.ones(2)})
    batch, logs = reader.seen
    assert batch == 1 and list(logs) == ["a", "acc", "loss"]
    assert (logs["acc"], logs["loss"]) == (1.0, 0.5) and type(logs["loss"]) is float


def test_old_names_of_batch_hooks_are_called():
    calls = []
    old = cb.LambdaCallback(
        on_batch_begin=lambda batch, logs: calls.append(("begin", batch)),
        on_batch_end=lambda batch, logs: calls.append(("end", batch, logs)),
    )
    hooks = cb.CallbackList([old])
    hooks.on_train_batch_begin(2)
    hooks.on_train_batch_end(2, {"loss": 1})
    hooks.on_test_batch_end(3)
    assert calls == [("begin", 2), ("end", 2, {"loss": 1.0})]


def test_end_without_begin():
    hooks = cb.CallbackList([])
    with pytest.raises(ValueError, match="`on_test_end` was called without `on_test_begin`"):
        hooks.on_test_end()
    hooks.on_test_begin()
    hooks.on_test_end()


def test_history_gathers_over_runs():
    history, model = cb.History(), FakeModel()
    for _ in range(2):
        train(history, [2.0, 1.0], model=model)
    assert history.history == {"loss": [2.0, 1.0, 2.0, 1.0]}
    assert history.epoch == [0, 1]
    assert model.history is history


def test_lambda_callback_calls_what_it_was_given():
    calls = []
    hooks = cb.CallbackList(
        [
            cb.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: calls.append(("epoch", epoch, logs)),
                on_train_end=lambda logs: calls.append(("end", logs)),
                on_predict_batch_end=lambda batch, logs: calls.append(("predict", batch)),
            )
        ]
    )
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)
    hooks.on_predict_batch_end(5)
    hooks.on_train_end({"loss": 1.0})
    assert calls == [("epoch", 0, {}), ("predict", 5), ("end", {"loss": 1.0})]


# ProgbarLogger


def run_fit(verbose, steps, epochs=2):
    hooks = cb.CallbackList([], add_progbar=True, verbose=verbose, epochs=epochs, steps=steps)
    hooks.on_train_begin()
    for epoch in range(epochs):
        hooks.on_epoch_begin(epoch)
        for batch in range(3):
            hooks.on_train_batch_end(batch, {"loss": 3.0 - batch})
        hooks.on_test_begin()
        hooks.on_test_batch_end(0, {"loss": 9.0})
        hooks.on_test_end({"loss": 9.0})
        hooks.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 9.0})
    hooks.on_train_end()


@pytest.mark.parametrize("steps", [3, None])
def test_bar_of_fit(steps, capsys):
    run_fit(2, steps)
    lines = capsys.readouterr().out.splitlines()
    assert lines[::2] == ["Epoch 1/2", "Epoch 2/2"]
    for line in lines[1::2]:
        assert line.startswith("3/3 - 0s - ")
        assert line.endswith("/step - loss: 1.0000 - val_loss: 9.0000")


def test_bar_of_fit_redrawn(capsys):
    run_fit("auto", None)
    first, second = capsys.readouterr().out.split("Epoch ")[1:]
    assert first.startswith("1/2\n\r      1/Unknown ") and "\x1b[1m3/3\x1b[0m" in first
    assert "Unknown" not in second
    assert second.endswith(" - loss: 1.0000 - val_loss: 9.0000\n")


def test_bar_of_fit_silent_or_of_one_epoch(capsys):
    run_fit(0, 3)
    assert capsys.readouterr().out == ""
    run_fit(2, 3, epochs=1)
    assert capsys.readouterr().out.startswith("3/3 - ")


def test_bar_of_predict_shows_no_outputs(capsys):
    hooks = cb.CallbackList([], add_progbar=True, verbose=2, epochs=1, steps=None)
    hooks.on_predict_begin()
    hooks.on_predict_batch_end(0, {"outputs": np.ones(3)})
    hooks.on_predict_end()
    assert capsys.readouterr().out.endswith("/step\n")
