"""What ModelCheckpoint leaves on disk, by real saving, and with averages that are swapped in."""

import io
import tempfile
import warnings
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close
from parity_tests.scenario import same

pytestmark = pytest.mark.parity

LENGTH = 40 * 6
_rng = np.random.default_rng(0)
X = _rng.normal(size=(40, 6)).astype("float32")
Y = _rng.normal(size=(40, 2)).astype("float32")

BEST = {"save_best_only": True}
WEIGHTS = {"save_weights_only": True}
NO_METRIC = {"save_best_only": True, "monitor": "nothing", "mode": "min"}

# The file's name, the options, and `swap_on_epoch` of a SwapEMAWeights before it, or None.
CHECKPOINTS = {
    "each epoch": ("{epoch}.keras", {}, None),
    "weights": ("a/{epoch}.weights.h5", WEIGHTS, None),
    "weights after batches": ("{epoch}-{batch}.weights.h5", {"save_freq": 3, **WEIGHTS}, None),
    "no such metric": ("m.keras", NO_METRIC, None),
    "best": ("{epoch}-{val_mae:.1f}.keras", {"monitor": "val_mae", **BEST}, None),
    "best, averages in evaluations": ("{epoch}.keras", BEST, False),
    "best of the averages": ("{epoch}.keras", BEST, True),
    "weights of the averages": ("{epoch}.weights.h5", WEIGHTS, True),
    "averages after batches": ("{epoch}-{batch}.keras", {"save_freq": 3}, True),
}


def arrays(path):
    """The names in a file, and the arrays by name."""
    names, file = [], path
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            names = sorted(archive.namelist())
            file = io.BytesIO(archive.read("model.weights.h5"))
    by_name = {}

    def keep(name, node):
        by_name[name] = node[()] if isinstance(node, h5py.Dataset) else sorted(node.attrs)

    with h5py.File(file) as h5:
        h5.visititems(keep)
    return names, by_name


def files(k, name, options, swap):
    m = k.Sequential([k.Input((6,)), k.layers.Dense(5, activation="tanh"), k.layers.Dense(2)])
    adam = k.optimizers.Adam(0.05, use_ema=swap is not None, ema_momentum=0.5)
    m.compile(adam, "mse", metrics=["mae"], run_eagerly=True)
    callbacks = [] if swap is None else [k.callbacks.SwapEMAWeights(swap)]
    with tempfile.TemporaryDirectory() as folder:
        callbacks.append(k.callbacks.ModelCheckpoint(str(Path(folder, name)), **options))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run = {"batch_size": 20, "epochs": 2, "validation_data": (X, Y), "verbose": 0}
            m.fit(X, Y, callbacks=callbacks, **run)
        paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        saved = {path.relative_to(folder).as_posix(): arrays(path) for path in paths}
    return saved, sum("best model" in str(w.message) for w in caught)


@pytest.mark.sampled(rows=3)
@pytest.mark.parametrize("case", CHECKPOINTS)
def test_files_of_checkpoints(case):
    same(lambda k: files(k, *CHECKPOINTS[case]), LENGTH)


def small(k):
    return k.Sequential([k.Input((6,)), k.layers.Dense(2)])


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5", "m.h5"])
@pytest.mark.parametrize(("writer", "reader"), [(minikeras, keras), (keras, minikeras)])
def test_the_other_engine_reads_a_checkpoint(writer, reader, name, tmp_path):
    path, only_weights = str(tmp_path / name), name.endswith(".weights.h5")
    m = small(writer)
    m.compile("sgd", "mse", run_eagerly=True)
    save = writer.callbacks.ModelCheckpoint(path, "loss", save_weights_only=only_weights)
    m.fit(X, Y, epochs=2, verbose=0, callbacks=[save])
    if only_weights:
        other = small(reader)
        other.load_weights(path)
    else:
        other = reader.models.load_model(path, compile=False)
    outputs = m.predict(X, verbose=0)
    assert_close(other.predict(X, verbose=0), outputs, 6, name, dtype="float32")
