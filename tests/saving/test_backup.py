"""A training that is killed and started again ends as one that was never killed, bit for bit."""

import multiprocessing
import os
import random
import signal

import h5py
import numpy as np
import pytest

import minikeras as keras
from minikeras.ops.random.seeds import random_state, set_random_state
from minikeras.saving.training import training_variables
from minikeras.training.callbacks.packing import pack
from minikeras.utils.dataset import Dataset

k = keras.layers
SAMPLES, BATCH, EPOCHS = 44, 8, 5
rng = np.random.default_rng(0)
X = rng.normal(size=(SAMPLES, 6)).astype("float32")
Y = rng.normal(size=(SAMPLES, 1)).astype("float32")


class Batches(keras.utils.PyDataset):
    """Batches with noise from NumPy's global generator, which `fit` takes in any order."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        part = slice(i * BATCH, (i + 1) * BATCH)
        return X[part] + np.random.normal(size=X[part].shape).astype("float32"), Y[part]


class ShuffledBatches(keras.utils.PyDataset):
    """Batches in an order that the data set changes itself, and can tell."""

    def __init__(self):
        super().__init__()
        self.order = np.arange(SAMPLES)
        self.epochs = 0

    def __len__(self):
        return 6

    def __getitem__(self, i):
        part = self.order[i * BATCH : (i + 1) * BATCH]
        return X[part], Y[part]

    def on_epoch_begin(self):
        self.epochs += 1

    def on_epoch_end(self):
        np.random.shuffle(self.order)
        self.order = np.roll(self.order, self.epochs)

    def state_dict(self):
        return {"order": self.order, "epochs": self.epochs}

    def load_state_dict(self, state):
        self.order, self.epochs = state["order"].copy(), state["epochs"]


def samples():
    """A data set of samples, with noise of a layer that is not the model's."""
    noise = k.GaussianNoise(0.5)
    pairs = Dataset.from_tensor_slices((X, Y))
    return pairs.map(lambda x, y: (noise(x, training=True), y))


def validated():
    """Batches in new orders, and a few of others for validation."""
    shuffled = samples().shuffle(20)
    few = shuffled.skip(8).shuffle(30).batch(BATCH).repeat()
    return {"x": shuffled.batch(BATCH), "validation_data": few, "validation_steps": 2}


def kept_in_memory():
    """A cache of noisy samples in the order of their first pass, in two orders for each pass."""
    cached = samples().shuffle(20).cache().shuffle(10).shuffle(5)
    return {"x": cached.batch(BATCH).prefetch(2)}


def repeated():
    return {"x": samples().shuffle(20).repeat().batch(BATCH), "steps_per_epoch": 4}


def several_epochs_long():
    """Two epochs in one pass."""
    return {"x": samples().shuffle(20).batch(BATCH), "steps_per_epoch": 3}


def of_tensorflow():
    """As a data set of TensorFlow shows itself: it can't tell its state."""
    shuffled = samples_without_noise().shuffle(20, seed=4).batch(BATCH)

    class Foreign:
        __iter__ = as_numpy_iterator = shuffled.as_numpy_iterator

        def __len__(self):
            return len(shuffled)

    return {"x": Foreign()}


def samples_without_noise():
    return Dataset.from_tensor_slices((X, Y))


def generated():
    """Endless batches."""
    for i in range(10**6):
        start = i * 7 % (SAMPLES - BATCH)
        yield X[start : start + BATCH], Y[start : start + BATCH]


class Noisy(keras.Model):
    """A model with a step of its own, which draws numbers without a seed."""

    def __init__(self):
        super().__init__()
        self.dense = k.Dense(1)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        x = x + keras.random.normal(keras.ops.shape(x))
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred)
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self.compute_metrics(x, y, y_pred)


def stacked():
    layers = [k.Dense(8, "tanh"), k.BatchNormalization(), k.Dropout(0.5, seed=3), k.Dropout(0.1)]
    return keras.Sequential([keras.Input((6,)), *layers, k.Dense(1)])


def adam():
    return keras.optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=4)


def sgd():
    return keras.optimizers.SGD(0.01, momentum=0.9, use_ema=True)


def scaled():
    """A scale of the loss that grows within the run."""
    return keras.optimizers.LossScaleOptimizer(adam(), dynamic_growth_steps=3)


def watching():
    """Callbacks that count, and that change the rate or the weights."""
    return [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.5),
        keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
    ]


CASES = {
    "arrays": (stacked, adam, lambda: {"x": X, "y": Y, "batch_size": BATCH}, watching),
    "arrays, passes longer than epochs": (
        stacked,
        scaled,
        lambda: {"x": X, "y": Y, "batch_size": BATCH, "steps_per_epoch": 3},
        list,
    ),
    "data set": (stacked, sgd, lambda: {"x": Batches()}, watching),
    "generator": (
        stacked,
        sgd,
        lambda: {"x": generated(), "steps_per_epoch": 5, "class_weight": {0: 1.0, 1: 2.0}},
        list,
    ),
    "data set with a state": (stacked, sgd, lambda: {"x": ShuffledBatches()}, watching),
    "shuffled": (stacked, sgd, validated, watching),
    "cached": (stacked, sgd, kept_in_memory, list),
    "repeated": (stacked, adam, repeated, list),
    "passes longer than epochs": (stacked, adam, several_epochs_long, list),
    "TensorFlow's": (stacked, sgd, of_tensorflow, list),
    "own step": (Noisy, adam, lambda: {"x": X, "y": Y, "batch_size": BATCH}, list),
}


class Tell(keras.callbacks.Callback):
    """Tells the test that another moment of the training has come."""

    def __init__(self, moments):
        super().__init__()
        self.moments = moments

    def on_train_batch_begin(self, batch, logs=None):
        self.moments.release()

    def on_epoch_end(self, epoch, logs=None):
        self.moments.release()

    def on_train_end(self, logs=None):
        self.moments.release()


def trained(case, folder, save_freq, watcher):
    """The script: it seeds, makes the model, and trains; return all numbers that it ends with."""
    make, optimizer, data, callbacks = CASES[case]
    keras.utils.set_random_seed(5)
    model = make()
    model(X[:1])
    model.compile(optimizer(), "mse", metrics=["mae"])
    backup = keras.callbacks.BackupAndRestore(folder, save_freq, double_checkpoint=True)
    history = model.fit(
        **{"validation_data": (X, Y), **data()},
        epochs=EPOCHS,
        verbose=0,
        callbacks=[backup, *callbacks(), watcher],
    )
    values = [np.array(v.array) for v in training_variables(model)]
    return values + [np.array(series) for _, series in sorted(history.history.items())]


def train(case, folder, save_freq, result, moments):
    """Run the script in a process that may be killed; what it ends with goes into a file."""
    numbers = trained(case, folder, save_freq, Tell(moments))
    temporary = result.with_suffix(".tmp.npz")
    np.savez(temporary, *numbers)
    os.rename(temporary, result)


def ends(result):
    with np.load(result) as file:
        return [file[name].tobytes() for name in file.files]


def started(*args):
    """A process that trains, and a semaphore that goes up at each moment."""
    fork = multiprocessing.get_context("fork")
    moments = fork.Semaphore(0)
    process = fork.Process(target=train, args=(*args, moments))
    process.start()
    return process, moments


def is_killed(process, moments, draw):
    """Kill a process at a random moment; say whether it was still running."""
    for _ in range(draw.randrange(EPOCHS * 7)):
        while process.is_alive() and not moments.acquire(timeout=0.1):
            pass
    process.join(draw.uniform(0, 0.01))  # a step with a backup takes about so long
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def check_kills(case, save_freq, folder, kills):
    """Kill the training so many times in all, and compare whenever it has come to its end."""
    never, result = folder / "never.npz", folder / "result.npz"
    started(case, folder / "whole", save_freq, never)[0].join()
    expected, draw = ends(never), random.Random(f"{case} {save_freq}")
    while kills:
        result.unlink(missing_ok=True)
        while kills and not result.exists():
            kills -= is_killed(*started(case, folder / "killed", save_freq, result), draw)
        if not result.exists():
            process = started(case, folder / "killed", save_freq, result)[0]
            process.join()
            assert process.exitcode == 0
        assert ends(result) == expected
    assert not (folder / "killed").exists()


@pytest.mark.sampled(rows=3, by=lambda row: row["save_freq"])
@pytest.mark.parametrize("save_freq", ["epoch", 3])
@pytest.mark.parametrize("case", CASES)
def test_a_training_that_is_killed(case, save_freq, tmp_path):
    check_kills(case, save_freq, tmp_path, kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("save_freq", ["epoch", 3])
@pytest.mark.parametrize("case", CASES)
def test_a_training_that_is_killed_often(case, save_freq, tmp_path):
    check_kills(case, save_freq, tmp_path, kills=30)


class Interrupt(keras.callbacks.Callback):
    """Counts the stages of the training that callbacks hear of, and ends it at one of them."""

    def __init__(self, last=None):
        super().__init__()
        self.count, self.last = 0, last

    def tell(self, *_, **__):
        self.count += 1
        if self.count == self.last:
            raise Crash("interrupted")

    on_train_begin = on_epoch_begin = on_epoch_end = tell
    on_train_batch_begin = on_train_batch_end = tell
    on_test_begin = on_test_end = on_test_batch_begin = on_test_batch_end = tell


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize("save_freq", ["epoch", 1, 3])
@pytest.mark.parametrize("case", CASES)
def test_a_training_that_is_interrupted_at_any_stage(case, save_freq, tmp_path):
    """Between two backups at every second stage, from the first to the last."""
    whole = Interrupt()
    expected = [n.tobytes() for n in trained(case, tmp_path / "whole", save_freq, whole)]
    for last in range(1, whole.count, 2):
        folder = tmp_path / str(last)
        with pytest.raises(Crash, match="interrupted"):
            trained(case, folder, save_freq, Interrupt(last))
        resumed = trained(case, folder, save_freq, Interrupt())
        assert [n.tobytes() for n in resumed] == expected, f"interrupted at stage {last}"


# What does not fit, and what is left


class Crash(Exception):
    pass


class CrashAt(keras.callbacks.Callback):
    """Ends the training by an exception after so many steps in all."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_begin(self, batch, logs=None):
        self.steps -= 1
        if self.steps < 0:
            raise Crash("interrupted")


def run(folder, *callbacks, units=8, samples=SAMPLES, save_freq=3, **options):
    """Train a small model with a backup; return it."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((6,)), k.Dense(units), k.Dense(1)])
    model.compile("adam", "mse")
    backup = keras.callbacks.BackupAndRestore(folder, save_freq, **options)
    data = X[:samples], Y[:samples]
    model.fit(*data, batch_size=BATCH, epochs=2, verbose=0, callbacks=[backup, *callbacks])
    return model


def interrupt(folder, steps=4, **options):
    with pytest.raises(Crash, match="interrupted"):
        run(folder, CrashAt(steps), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 9}, r"does not fit this model: variable '.*kernel' is of shape \(6, 9\)"),
        ({"samples": 20}, "Expected the 6 batches of the run that is to be resumed.*received 3"),
        ({"samples": SAMPLES - 1}, "Expected the 44 samples of the run .* but received 43"),
    ],
)
def test_a_backup_that_does_not_fit(options, message, tmp_path):
    """All or nothing: what the model and the random numbers were, they are."""
    interrupt(tmp_path)
    keras.utils.set_random_seed(5)
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: seen.append([w.tolist() for w in look.model.get_weights()])
    )
    with pytest.raises(ValueError, match=message):
        run(tmp_path, look, CrashAt(0), **options)
    with pytest.raises(Crash, match="interrupted"):
        run(tmp_path / "other", look, CrashAt(0), **options)
    assert seen[0] == seen[1]
    assert (tmp_path / "latest.training.h5").exists()


def test_another_number_of_variables(tmp_path):
    interrupt(tmp_path)
    model = keras.Sequential([keras.Input((6,)), k.Dense(1)])
    model.compile("adam", "mse")
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(ValueError, match="does not fit this model: it has .* the model"):
        model.fit(X, Y, verbose=0, callbacks=[backup])


def test_another_file(tmp_path):
    h5py.File(tmp_path / "latest.training.h5", "w").close()
    with pytest.raises(ValueError, match="Expected a file of the format 'minikeras training 1'"):
        run(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"no HDF5", None])
def test_a_damaged_backup(damage, tmp_path):
    """The one before it is taken, if it was kept; else an error, and no training from nothing."""
    whole = [np.array(w) for w in run(tmp_path / "whole").get_weights()]
    for double in (False, True):
        folder = tmp_path / str(double)
        interrupt(folder, steps=7, double_checkpoint=double)
        latest = folder / "latest.training.h5"
        latest.write_bytes(latest.read_bytes()[:-2000] if damage is None else damage)
        if not double:
            with pytest.raises(OSError, match="latest.training.h5|truncated|signature"):
                run(folder)
            continue
        model = run(folder, double_checkpoint=True)
        for mine, expected in zip(model.get_weights(), whole, strict=True):
            assert (mine == expected).all()


def test_what_is_left_in_the_folder(tmp_path):
    names = lambda: sorted(path.name for path in tmp_path.iterdir())  # noqa: E731
    interrupt(tmp_path, steps=7)
    assert names() == ["latest.training.h5"]
    run(tmp_path, double_checkpoint=True, delete_checkpoint=False)
    assert names() == ["latest.training.h5", "previous.training.h5"]
    (tmp_path / "other").touch()
    run(tmp_path)
    assert names() == ["other"]


def test_no_backup_is_made(tmp_path):
    interrupt(tmp_path / "never", steps=8, save_freq=False)
    assert not (tmp_path / "never").exists()


def test_history_and_early_stopping_go_on(tmp_path):
    """What callbacks have counted is part of a backup, unlike in Keras."""

    def train_for(epochs, *callbacks):
        keras.utils.set_random_seed(5)
        model = stacked()
        model.compile("adam", "mse")
        stop = keras.callbacks.EarlyStopping("loss", patience=3, min_delta=100)
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        return model.fit(
            X, Y, BATCH, epochs, verbose=0, callbacks=[backup, stop, *callbacks]
        ).history["loss"]

    whole = train_for(9)
    assert len(whole) == 4
    with pytest.raises(Crash, match="interrupted"):
        train_for(9, CrashAt(6 * 2 + 1))
    assert train_for(9) == whole


def test_a_state_that_cannot_be_kept():
    with pytest.raises(TypeError, match="Expected plain values and arrays to keep"):
        pack({"what": object()})


def test_random_states_go_on():
    kept = random_state()
    keras.random.normal((2,))
    with_generator = random_state()

    def draws():
        return random.random(), np.random.normal(), keras.random.normal((2,)).tolist()

    first = draws()
    set_random_state(with_generator)
    assert draws() == first
    set_random_state(kept)
    keras.random.normal((2,))
    assert draws()[:2] == first[:2]
