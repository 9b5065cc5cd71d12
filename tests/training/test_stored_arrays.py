"""Arrays that are read batch by batch: memory maps, HDF5 datasets, sparse matrices."""

import h5py
import numpy as np
import pytest

import minikeras as keras
from minikeras.training.data.stored import StoredRows

SAMPLES, BATCH = 20, 6
_rng = np.random.default_rng(0)
X = _rng.integers(0, 3, size=(SAMPLES, 3)).astype("float64")
Y = _rng.integers(0, 2, size=(SAMPLES, 1)).astype("float64")


def mapped(array, folder):
    path = folder / f"{array.shape}.npy"
    np.save(path, array)
    return np.load(path, mmap_mode="r")


def view_of_mapped(array, folder):
    return np.asarray(mapped(array, folder))


class Counted:
    """An HDF5 dataset that counts the rows that are read at a time."""

    def __init__(self, dataset):
        self.dataset = dataset
        self.shape, self.dtype, self.chunks = dataset.shape, dataset.dtype, dataset.chunks
        self.read = []

    def __getitem__(self, rows):
        block = self.dataset[rows]
        self.read.append(len(block))
        return block

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the whole array was read")


def in_hdf5(array, folder):
    file = h5py.File(folder / f"{array.shape}.h5", "w")
    return Counted(file.create_dataset("data", data=array))


def sparse(make):
    def convert(array, folder):
        return getattr(pytest.importorskip("scipy.sparse"), make)(array)

    return convert


KINDS = {
    "memory map": mapped,
    "view of a memory map": view_of_mapped,
    "HDF5": in_hdf5,
    "SciPy, CSR": sparse("csr_matrix"),
    "SciPy, COO": sparse("coo_array"),
}


def model():
    m = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    m.layers[0].set_weights([np.ones((3, 1)) / 3, np.ones(1)])
    m.compile("sgd", "mse", metrics=["mae"])
    return m


def fit(*data, **options):
    keras.utils.set_random_seed(1)
    return model().fit(*data, batch_size=BATCH, verbose=0, **options).history


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_the_array(kind, tmp_path):
    x, y = (KINDS[kind](a, tmp_path) for a in (X, Y))
    for options in (
        {"shuffle": "batch", "epochs": 2},
        {"shuffle": True, "epochs": 2},
        {"shuffle": False, "validation_split": 0.3},
        {"class_weight": {1: 3.0}},
        {"steps_per_epoch": 2, "epochs": 3, "validation_data": (x, y)},
    ):
        arrays = {
            **options,
            **({"validation_data": (X, Y)} if "validation_data" in options else {}),
        }
        assert fit(x, y, **options) == fit(X, Y, **arrays), options
    m = model()
    assert m.evaluate(x, y, verbose=0) == m.evaluate(X, Y, verbose=0)
    np.testing.assert_array_equal(m.predict(x, verbose=0), m.predict(X, verbose=0))
    assert m.test_on_batch(x[:5], y[:5]) == m.test_on_batch(X[:5], Y[:5])


def test_a_file_is_read_batch_by_batch(tmp_path):
    x, y = in_hdf5(X, tmp_path), in_hdf5(Y, tmp_path)
    fit(x, y, shuffle="batch", validation_split=0.4, class_weight={1: 2.0})
    model().predict(x, batch_size=BATCH, verbose=0)
    assert max(x.read) == BATCH
    order = np.array([7, 3, 12, 4])
    x.read.clear()
    np.testing.assert_array_equal(StoredRows(x, "x")[order], X[order])
    np.testing.assert_array_equal(StoredRows(x, "x", 2, 9)[np.array([4, 2, 3])], X[[6, 4, 5]])
    assert x.read == [4, 3]


def test_an_array_may_be_larger_than_memory():
    size = 1 << 40  # so many numbers cannot be held in memory
    sizes = []

    class Huge:
        shape, dtype, chunks = (size, 1), np.dtype("float32"), None

        def __getitem__(self, rows):
            sizes.append(rows.stop - rows.start)
            return np.zeros((rows.stop - rows.start, 1), "float32")

        def __array__(self, dtype=None, copy=None):
            raise AssertionError("the whole array was read")

    m = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    m.compile("sgd", "mse")
    m.fit(Huge(), Huge(), batch_size=8, steps_per_epoch=2, shuffle=False, verbose=0)
    assert max(sizes) == 8


def test_columns_of_a_data_frame_do_not_say_what_it_is():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["chunks", "tocsr", "detach"])
    assert fit(frame, Y, shuffle=False) == fit(X, Y, shuffle=False)


def test_what_is_no_number_is_refused_before_training(tmp_path):
    text = h5py.File(tmp_path / "text.h5", "w").create_dataset("data", data=["a"] * SAMPLES)
    m = model()
    with pytest.raises(ValueError, match="computes with numbers"):
        m.fit(X, text, verbose=0)
    assert not m.optimizer.built
