"""HDF5 files that are written here give the same numbers in tf-keras 2.21 and in Keras 3.15."""

import keras
import pytest

import minikeras
from minikeras.saving.legacy.writing import save_weights_h5
from parity_tests.test_saving_legacy_tf_keras import (
    ABSENT,
    OPTIMIZERS,
    ROWS_IN,
    ROWS_OUT,
    all_close,
    drawn_weights,
    float64,
    model_of,
    trains_on,
)
from tests.cases.layers import FIRST
from tests.saving.test_legacy_writing import GRAPHS, data_of

k = pytest.importorskip("tf_keras")

__all__ = ["float64"]
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

# What each reader cannot make from such a file.
UNREADABLE = {
    "tf-keras": ABSENT | {"Lambda"},  # its functions are bytecode there
    "Keras": {
        "Attention",  # its own `.h5` neither: the score mode is taken for a loss
        "GroupQueryAttention",  # by another name than its own
        "MultiHeadAttention",  # in its own `.h5` neither: shapes are not there when it is built
    },
}
DAILY = ("BatchNormalization", "Bidirectional", "Concatenate", "Dense", "ZeroPadding1D")


def written(tmp_path, case):
    model = model_of(minikeras, case)
    drawn_weights(model)
    model.save(tmp_path / "m.h5")
    return model


def read(reader, path):
    engine = k if reader == "tf-keras" else keras
    options = {} if reader == "tf-keras" else {"safe_mode": False}
    return engine.models.load_model(path, compile=False, **options)


@pytest.mark.parametrize("reader", UNREADABLE)
@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[] if n in DAILY else pytest.mark.slow) for n, c in FIRST.items()],
    ids=list(FIRST),
)
def test_layers(tmp_path, case, reader):
    ours, x = written(tmp_path, case), case.data()
    if case.name in UNREADABLE[reader]:
        with pytest.raises((KeyError, TypeError, ValueError), match="."):
            read(reader, tmp_path / "m.h5")
        return
    theirs = read(reader, tmp_path / "m.h5")
    all_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), case.length)


@pytest.mark.parametrize("make", GRAPHS)
def test_graphs(tmp_path, make):
    ours = make(minikeras)
    drawn_weights(ours)
    ours.save(tmp_path / "m.h5")
    theirs, x = read("tf-keras", tmp_path / "m.h5"), data_of(ours)
    all_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), 64)
    save_weights_h5(ours, tmp_path / "w.h5")
    again = make(k)
    again.load_weights(tmp_path / "w.h5")
    all_close(ours.predict(x, verbose=0), again.predict(x, verbose=0), 64)


def scheduled(optimizers):
    return optimizers.Adam(optimizers.schedules.ExponentialDecay(0.05, 3, 0.75))


@pytest.mark.sampled(rows=5)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_in_tf_keras(tmp_path, float64, name):
    optimizer = (OPTIMIZERS | {"scheduled": scheduled})[name](minikeras.optimizers)
    dense, norm = minikeras.layers.Dense, minikeras.layers.BatchNormalization()
    ours = minikeras.Sequential([minikeras.Input((4,)), dense(3, "tanh"), norm, dense(2)])
    ours.compile(optimizer, "mse", metrics=["mae"])
    for _ in range(2):
        ours.train_on_batch(ROWS_IN, ROWS_OUT)
    ours.save(tmp_path / "m.h5")
    trains_on(ours, k.models.load_model(tmp_path / "m.h5"))
