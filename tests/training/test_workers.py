"""PyDataset with threads and processes that compute batches ahead."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import minikeras as keras

BATCHES = 6
OPTIONS = {
    "no worker": {"workers": 0},
    "one thread": {"workers": 1},
    "threads": {"workers": 3},
    "a process": {"workers": 1, "use_multiprocessing": True},
    "processes": {"workers": 2, "use_multiprocessing": True, "max_queue_size": 2},
}


class Data(keras.utils.PyDataset):
    """Batch `i` holds the number `i`, the epoch, and the process that computed it."""

    def __init__(self, fails_at=None, endless=False, **kwargs):
        super().__init__(**kwargs)
        self.epoch, self.fails_at, self.endless = 0, fails_at, endless

    @property
    def num_batches(self):
        return None if self.endless else BATCHES

    def __getitem__(self, i):
        if i == self.fails_at:
            raise KeyError(f"no batch {i}")
        row = [i, self.epoch, os.getpid() % 100_000]
        return np.array([row, row], "float32"), np.zeros((2, 1), "float32")

    def on_epoch_end(self):
        self.epoch += 1


class Seen(keras.Model):
    """A model that writes down what it is trained on."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.rows = []
        self.compile("sgd", "mse", run_eagerly=True)

    def call(self, x):
        return self.dense(x * 0)

    def train_step(self, data):
        self.rows.append(np.asarray(data[0])[0].astype(int).tolist())
        return super().train_step(data)


@pytest.mark.parametrize("kind", OPTIONS)
def test_batches_arrive_in_order_with_what_the_epoch_has_changed(kind):
    m, data = Seen(), Data(**OPTIONS[kind])
    m.fit(data, epochs=2, shuffle=False, verbose=0)
    first = m.rows[0][1]  # `fit` ends an epoch of preparation before the first one, as in Keras
    wanted = [[i, epoch] for epoch in (first, first + 1) for i in range(BATCHES)]
    assert [row[:2] for row in m.rows] == wanted
    ours = {row[2] == os.getpid() % 100_000 for row in m.rows}
    assert ours == {not OPTIONS[kind].get("use_multiprocessing", False)}
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_an_endless_data_set_goes_on_where_it_was(kind):
    m = Seen()
    m.fit(Data(endless=True, **OPTIONS[kind]), epochs=2, steps_per_epoch=4, verbose=0)
    assert [row[0] for row in m.rows] == list(range(8))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("kind", OPTIONS)
def test_exceptions_of_workers_are_raised_with_their_traceback(kind):
    m = Seen()
    with pytest.raises(KeyError, match="no batch 3") as caught:
        m.fit(Data(fails_at=3, **OPTIONS[kind]), shuffle=False, verbose=0)
    shown = str(caught.getrepr(chain=True))
    if OPTIONS[kind].get("use_multiprocessing"):
        shown = str(caught.value.__cause__)
    assert "raise KeyError" in shown
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_who_stops_in_the_middle_leaves_no_process(method):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt("now")

        on_test_batch_end = on_predict_batch_end = on_train_batch_end

    with pytest.raises(KeyboardInterrupt, match="now") as caught:
        getattr(Seen(), method)(Data(**OPTIONS["processes"]), verbose=0, callbacks=[Stop()])
    assert caught.tb is not None  # the traceback keeps the frames alive, and yet
    assert not multiprocessing.active_children()


def test_no_more_is_computed_ahead_than_was_asked_for():
    computed = []

    class Counting(Data):
        def __getitem__(self, i):
            computed.append(i)
            return super().__getitem__(i)

    m = Seen()
    m.fit(Counting(endless=True, workers=2, max_queue_size=2), steps_per_epoch=3, verbose=0)
    assert max(computed) <= 3 + 2


def test_a_data_set_can_be_iterated_over():
    assert [int(x[0, 0]) for x, _ in Data(workers=3)] == list(range(BATCHES))


def test_a_constructor_that_forgets_the_base_class_is_told_so():
    class Forgetful(Data):
        def __init__(self):
            self.epoch, self.fails_at, self.endless = 0, None, False

    with pytest.warns(UserWarning, match="should call `super"):
        Seen().fit(Forgetful(), verbose=0)


# Tests that run in the background of a shell, and what they start, have interrupts ignored.
SCRIPT = """
import os, signal, sys, time
import numpy as np
import minikeras as keras

class Slow(keras.utils.PyDataset):
    def __len__(self):
        return 1000
    def __getitem__(self, i):
        time.sleep(0.02)
        return np.ones((2, 3)), np.ones((2, 1))

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    m = keras.Sequential([keras.layers.Dense(1)])
    m.compile("sgd", "mse")
    class Tell(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                print(os.getpid(), flush=True)
    m.fit(Slow(workers=2, use_multiprocessing=True), verbose=0, callbacks=[Tell()])
"""


@pytest.mark.skipif(not shutil.which("ps"), reason="asks the system for its processes")
@pytest.mark.parametrize("sent", ["SIGINT", "SIGKILL"])
def test_no_process_outlives_an_interrupted_training(sent, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT))
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline().strip()
        if sent == "SIGINT":
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
        else:
            process.kill()
        errors = process.communicate(timeout=60)[1]
        for _ in range(100):
            alive = subprocess.run(
                ["ps", "-o", "pid=", "-s", str(process.pid)], capture_output=True
            )
            if not alive.stdout.split():
                break
            time.sleep(0.05)
        assert not alive.stdout.split()
        if sent == "SIGINT":
            assert errors.count("KeyboardInterrupt") == 1, errors
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


class Dying(Data):
    """A data set whose process ends as if the system had killed it."""

    def __getitem__(self, i):
        if i == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(i)


def test_a_process_that_is_killed_ends_the_training():
    with pytest.raises(RuntimeError, match="terminated abruptly"):
        Seen().fit(Dying(**OPTIONS["processes"]), shuffle=False, verbose=0)
    assert not multiprocessing.active_children()
