"""Saving and loading whole models: all of it happens or none of it, whatever goes wrong."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import minikeras as keras

ENDINGS = {
    "archive": "model.keras",
    "folder": "model",
    "weights": "model.weights.h5",
    "shards": "model.weights.json",
}
SHARD = 20_000 / 2**30
"""Gigabytes in a shard: less than the model of the tests has."""


@keras.saving.register_keras_serializable("durable")
class Faulty(keras.layers.Layer):
    """A layer with a weight and an asset, of which one method can be told to raise."""

    raised = None
    fails_in = None

    def build(self, input_shape):
        """Make two weights, so that loading can stop between them."""
        self.first = self.add_weight(shape=(2,), initializer="ones")
        self.second = self.add_weight(shape=(2,), initializer="ones")

    def call(self, inputs):
        """Return the inputs, scaled by what the weights are."""
        return inputs * keras.ops.sum(self.first + self.second)

    def _perhaps(self, method):
        if type(self).fails_in == method:
            raise type(self).raised

    def get_config(self):
        """Describe the layer."""
        self._perhaps("get_config")
        return super().get_config()

    def save_own_variables(self, store):
        """Write the first weight, and the second one."""
        store["first"] = self.first
        self._perhaps("save_own_variables")
        store["second"] = self.second

    def load_own_variables(self, store):
        """Read the first weight, and the second one."""
        self.first.assign(store["first"])
        self._perhaps("load_own_variables")
        self.second.assign(store["second"])

    def save_assets(self, inner_path):
        """Write a file."""
        self._perhaps("save_assets")
        Path(inner_path, "words.txt").write_text("words")

    def load_assets(self, inner_path):
        """Do nothing."""


@pytest.fixture
def failing(monkeypatch):
    """Let a method of `Faulty` raise."""

    def fail(method, error):
        monkeypatch.setattr(Faulty, "fails_in", method)
        monkeypatch.setattr(Faulty, "raised", error)

    return fail


def make_model(units=50, faulty=True):
    """A trained model, so that its optimizer has state."""
    layers = [keras.Input((50,)), keras.layers.Dense(units), keras.layers.Dropout(0.5, seed=1)]
    layers += [Faulty()] if faulty else []
    model = keras.Sequential([*layers, keras.layers.Dense(50), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((4, 50), "float32"), np.ones((4, 2), "float32"))
    return model


def save(model, path, kind):
    """Save in one of the formats."""
    if kind == "weights":
        model.save_weights(path)
    elif kind == "shards":
        model.save_weights(path, max_shard_size=SHARD)
    else:
        model.save(path, zipped=kind == "archive")


def content(folder):
    """All names below a folder, with the bytes of the files."""
    return {
        str(name.relative_to(folder)): name.read_bytes() if name.is_file() else None
        for name in folder.rglob("*")
    }


def state(model):
    """Everything that loading may change, and what the model makes of it."""
    outputs = model(np.linspace(-1, 1, 200, dtype="float32").reshape(4, 50)).numpy()
    variables = [*model.variables, *model.optimizer.variables]
    return [outputs, *(variable.numpy() for variable in variables)]


def assert_same_state(model, before):
    """Compare bit for bit."""
    after = state(model)
    assert len(after) == len(before)
    for one, other in zip(before, after, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=True)


# ---- saves that fail

WHOLE, WEIGHTS = ("archive", "folder"), ("weights", "shards")
FAILURES = [(kind, "save_own_variables") for kind in ENDINGS]
FAILURES += [(kind, method) for kind in WHOLE for method in ("get_config", "save_assets")]


@pytest.mark.parametrize("error", [ValueError("no"), OSError("no"), KeyboardInterrupt("no")])
@pytest.mark.parametrize(("kind", "method"), FAILURES)
@pytest.mark.parametrize("existed", [True, False])
def test_a_layer_that_raises_while_it_is_saved(tmp_path, failing, kind, method, error, existed):
    model = make_model()
    path = tmp_path / ENDINGS[kind]
    if existed:
        save(model, path, kind)
    model.layers[0].kernel.assign_add(np.ones((50, 50), "float32"))
    before, files = state(model), content(tmp_path)
    failing(method, error)
    with pytest.raises(type(error), match="no"):
        save(model, path, kind)
    assert content(tmp_path) == files
    assert_same_state(model, before)
    failing(None, None)
    save(model, path, kind)
    model.load_weights(path)
    assert_same_state(model, before)


FULL_DISK = """
import resource, signal, sys
from tests.saving.test_durable_models import make_model, save

model = make_model()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
try:
    save(model, sys.argv[1], sys.argv[2])
except OSError as error:
    assert "is still there, unchanged" in "".join(error.__notes__), error.__notes__
    print("refused:", error)
"""


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("kind", ENDINGS)
def test_a_full_disk(tmp_path, kind):
    path = tmp_path / ENDINGS[kind]
    save(make_model(units=3), path, kind)
    files = content(tmp_path)
    command = [sys.executable, "-c", FULL_DISK, str(path), kind]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused:")
    assert content(tmp_path) == files


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_folder_that_may_not_be_written(kind):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, path = make_model(), folder / ENDINGS[kind]
        save(model, path, kind)
        files = content(folder)
        folder.chmod(0o555)
        user = os.geteuid()  # root may write everywhere, so somebody else must try
        try:
            os.seteuid(65534 if user == 0 else user)
            with pytest.raises(PermissionError, match="model"):
                save(model, path, kind)
        finally:
            os.seteuid(user)
            folder.chmod(0o755)
        assert content(folder) == files


@pytest.mark.parametrize("kind", ["archive", "weights", "shards"])
def test_a_folder_where_a_file_is_to_be(tmp_path, kind):
    path = tmp_path / ENDINGS[kind]
    path.mkdir()
    with pytest.raises(IsADirectoryError, match=path.name):
        save(make_model(), path, kind)
    assert content(tmp_path) == {path.name: None}


def test_a_file_where_a_folder_is_to_be(tmp_path):
    path = tmp_path / "model"
    path.write_text("mine")
    with pytest.raises(NotADirectoryError, match="model"):
        save(make_model(), path, "folder")
    assert content(tmp_path) == {"model": b"mine"}


# ---- processes that are killed, and several at once

# The two versions differ in their config and in all weights, so that a mixture of them shows.
VERSIONS = {"relu": 1.0, "tanh": 2.0}

WRITER = """
import itertools, os, random, signal, sys, time
from tests.saving.test_durable_models import make_versions, check, save

path, kind, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
versions = make_versions()
moments = random.Random(0)
save(versions[0], path, kind)
for number in range(times):
    child = os.fork()
    if not child:
        for model in itertools.cycle(versions):
            save(model, path, kind)
    time.sleep(moments.uniform(0, 0.15))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    check(path, kind)
save(versions[0], path, kind)
check(path, kind)
print(sorted(os.listdir(os.path.dirname(path))))
"""


def make_version(activation):
    """One of two models, each of which has one number everywhere."""
    dense = [keras.layers.Dense(60, activation=activation) for _ in range(3)]
    model = keras.Sequential([keras.Input((60,)), *dense])
    for variable in model.variables:
        variable.assign(np.full(variable.shape, VERSIONS[activation], "float32"))
    return model


def make_versions():
    """Both models."""
    return [make_version(activation) for activation in VERSIONS]


def check(path, kind):
    """Load what is on the disk, and see that it is one of the two versions."""
    if kind in WEIGHTS:
        model = make_version("relu")
        model.load_weights(path)
        expected = VERSIONS.values()
    else:
        model = keras.models.load_model(path)
        expected = [VERSIONS[model.layers[0].activation.__name__]]
    numbers = {number for variable in model.variables for number in np.unique(variable.numpy())}
    assert len(numbers) == 1 and numbers <= set(expected), f"two saves are mixed: {numbers}"


def kill_while_saving(folder, kind, times):
    """Kill a process that saves, again and again, and look at what it leaves each time."""
    command = [sys.executable, "-c", WRITER, str(folder / ENDINGS[kind]), kind, str(times)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if kind != "shards":  # of which those of a killed save stay, under names that nobody reads
        assert done.stdout.strip() == str([ENDINGS[kind]])


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("kind", ENDINGS)
def test_killed_while_saving(tmp_path, kind):
    kill_while_saving(tmp_path, kind, 10)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ENDINGS)
def test_killed_while_saving_often(tmp_path, kind):
    kill_while_saving(tmp_path, kind, 300)


ONE_OF_TWO = """
import sys
from tests.saving.test_durable_models import make_version, save

model = make_version(sys.argv[3])
for _ in range(12):
    save(model, sys.argv[1], sys.argv[2])
"""


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("kind", ENDINGS)
def test_two_writers_and_a_reader(tmp_path, kind):
    path = tmp_path / ENDINGS[kind]
    save(make_version("relu"), path, kind)
    writers = [
        subprocess.Popen([sys.executable, "-c", ONE_OF_TWO, str(path), kind, activation])
        for activation in VERSIONS
    ]
    try:
        while any(writer.poll() is None for writer in writers):
            check(path, kind)
    finally:
        for writer in writers:
            writer.wait()
    assert [writer.returncode for writer in writers] == [0, 0]
    if kind != "shards":
        assert os.listdir(tmp_path) == [path.name]


# ---- loads that fail


def weights_file(path, kind):
    """The HDF5 file that has the last layer's weights."""
    if kind == "shards":
        names = json.loads(path.read_text())["weight_map"][f"/{LAST}"]
        return path.with_name(names)
    return path / "model.weights.h5" if kind == "folder" else path


LAST = "layers/dense_2/vars"
# How the file is spoiled, and what of it the error says.
SPOILED = {
    "missing": (lambda file: file.__delitem__(f"{LAST}/1"), "dense_2.*weight 1.*missing"),
    "surplus": (
        lambda file: file.__setitem__(f"{LAST}/7", np.zeros((3, 4))),
        r"dense_2.*'7' of shape \(3, 4\)",
    ),
    "misshapen": (
        lambda file: replace(file, f"{LAST}/0", np.zeros((50, 3), "float32")),
        r"dense_2.*weight 0.*\(50, 2\).*\(50, 3\)",
    ),
    "dtype": (
        lambda file: replace(file, f"{LAST}/0", np.zeros((50, 2), "complex64")),
        "dense_2.*weight 0.*float32.*complex64",
    ),
    "several": (
        lambda file: (
            replace(file, f"{LAST}/0", np.zeros((50, 3), "float32")),
            file.__delitem__(f"{LAST}/1"),
        ),
        r"(?s)weight 0.*\(50, 2\).*\(50, 3\).*weight 1.*\(2,\).*missing",
    ),
    "surplus layer": (
        lambda file: file.__setitem__("layers/dense_9/vars/0", np.zeros((5, 6))),
        r"layers/dense_9.*\(5, 6\)",
    ),
}


def replace(file, name, array):
    """Put another array in the place of one."""
    del file[name]
    file[name] = array


def spoiled(folder, kind, fault):
    """Save a model, spoil a weights file, and return the path."""
    path = folder / ENDINGS[kind]
    # An archive's member is spoiled as a folder's file, and packed again.
    written = "folder" if kind == "archive" else kind
    source = folder / ENDINGS[written]
    save(make_model(), source, written)
    with h5py.File(weights_file(source, written), "r+") as file:
        SPOILED[fault][0](file)
    if kind == "archive":
        pack(source, path)
    return path


def pack(folder, path):
    """Make an archive of a folder."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(folder.rglob("*")):
            archive.write(name, name.relative_to(folder))


@pytest.mark.parametrize("fault", SPOILED)
@pytest.mark.parametrize("kind", ENDINGS)
def test_a_file_that_does_not_fit(tmp_path, kind, fault):
    if (kind, fault) == ("shards", "surplus layer"):
        pytest.skip("the index says which groups there are")
    path = spoiled(tmp_path, kind, fault)
    model = make_model()
    before = state(model)
    with pytest.raises(ValueError, match=SPOILED[fault][1]) as caught:
        model.load_weights(path)
    assert path.name in str(caught.value)
    assert_same_state(model, before)
    if kind in WHOLE:
        with pytest.raises(ValueError, match=SPOILED[fault][1]):
            keras.models.load_model(path)


def different_files(folder, kind):
    """Files of a model of the same kind whose first layer is larger."""
    path = folder / ENDINGS[kind]
    save(make_model(units=60), path, kind)
    return path


@pytest.mark.parametrize("kind", ENDINGS)
def test_all_that_does_not_fit_is_named(tmp_path, kind):
    path = different_files(tmp_path, kind)
    model = make_model()
    before = state(model)
    with pytest.raises(ValueError, match="do not fit the model") as caught:
        model.load_weights(path)
    message = str(caught.value)
    for line in ("(50, 50), in the file (50, 60)", "(50,), in the file (60,)"):
        assert line in message
    assert "(50, 50), in the file (60, 50)" in message
    assert_same_state(model, before)


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("error", [ValueError("half-way"), KeyboardInterrupt("half-way")])
def test_a_layer_that_raises_while_it_is_loaded(tmp_path, failing, kind, error):
    model = make_model()
    path = tmp_path / ENDINGS[kind]
    save(model, path, kind)
    model.train_on_batch(np.ones((4, 50), "float32"), np.zeros((4, 2), "float32"))
    before = state(model)
    failing("load_own_variables", error)
    with pytest.raises(type(error), match="half-way"):
        model.load_weights(path)
    assert_same_state(model, before)
    failing(None, None)
    model.load_weights(path)
    assert not np.array_equal(model.layers[0].kernel.numpy(), before[1])


def test_a_layer_that_raises_is_skipped_whole(tmp_path, failing):
    model = make_model()
    path = tmp_path / "model.weights.h5"
    save(model, path, "weights")
    model.train_on_batch(np.ones((4, 50), "float32"), np.zeros((4, 2), "float32"))
    first = model.layers[2].first.numpy()
    failing("load_own_variables", ValueError("half-way"))
    with pytest.warns(UserWarning, match="half-way"):
        model.load_weights(path, skip_mismatch=True)
    assert np.array_equal(model.layers[2].first.numpy(), first)


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("moment", [1, 4, 9])
def test_an_interrupt_while_values_are_put_in_place(tmp_path, monkeypatch, kind, moment):
    model = make_model()
    path = tmp_path / ENDINGS[kind]
    save(model, path, kind)
    model.train_on_batch(np.ones((4, 50), "float32"), np.zeros((4, 2), "float32"))
    before = state(model)
    adopt, calls = keras.Variable.adopt, []

    def interrupted(variable, array):
        calls.append(variable)
        if len(calls) == moment:
            raise KeyboardInterrupt("now")
        adopt(variable, array)

    monkeypatch.setattr(keras.Variable, "adopt", interrupted)
    with pytest.raises(KeyboardInterrupt, match="now"):
        model.load_weights(path)
    assert len(calls) == moment
    assert_same_state(model, before)
