"""Known data sets: what is in the files, in Keras's splits and orders."""

import gzip
import os
import re

import numpy as np
import pytest

import minikeras as keras
from minikeras.datasets.catalog import SOURCES
from minikeras.saving.guard import FileError
from tests.datasets import small_files

DOWNLOADED = sorted(set(keras.datasets.__all__) - {"digits"})
FILE_OF = {
    "cifar10": "cifar-10-batches-py-target",
    "cifar100": "cifar-100-python-target",
    "fashion_mnist": "t10k-images-idx3-ubyte.gz",
}


def load(name, **options):
    return getattr(keras.datasets, name).load_data(**options)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_downloaded_once(cache, capsys, name):
    first = load(name)
    assert "Downloading data from" in capsys.readouterr().out
    second = load(name)
    assert "Downloading" not in capsys.readouterr().out
    for a, b in zip(sum(first, ()), sum(second, ()), strict=True):
        assert a.dtype == b.dtype and (a == b).all()


@pytest.mark.parametrize("name", DOWNLOADED)
def test_what_another_engine_has_downloaded(downloads, tmp_path, monkeypatch, capsys, name):
    small_files.fill_cache(downloads, tmp_path, monkeypatch)
    load(name)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(set(DOWNLOADED) - {"fashion_mnist"}))
def test_another_checksum_is_refused(cache, monkeypatch, name):
    file = FILE_OF.get(name, f"{name}.npz")
    source = SOURCES[file]
    monkeypatch.setitem(
        SOURCES, file, source.__class__(source.origin, "0" * 64, source.folder, source.is_archive)
    )
    with pytest.raises(ValueError, match="is damaged"):
        load(name)


def test_addresses_and_checksums_are_whole():
    for name, source in SOURCES.items():
        assert source.origin.startswith("https://")
        if source.checksum is None:
            assert source.folder == "datasets/fashion-mnist"
        else:
            assert re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", source.checksum), name


@pytest.mark.parametrize("name", ["boston_housing", "california_housing"])
@pytest.mark.parametrize(("test_split", "count"), [(0, 700), (0.2, 560), (0.999, 0)])
def test_splits(cache, name, test_split, count):
    (x_train, y_train), (x_test, y_test) = load(name, test_split=test_split)
    assert (len(x_train), len(y_train)) == (count, count)
    assert (len(x_test), len(y_test)) == (700 - count, 700 - count)
    with np.load(cache / f"{name}.npz") as file:
        both = np.concatenate([x_train, x_test])
        assert not np.array_equal(both, file["x"])
        assert np.array_equal(np.sort(both, axis=0), np.sort(file["x"], axis=0))


def test_versions_of_california(cache):
    (x, _), _ = load("california_housing", version="small", test_split=0)
    assert len(x) == 600


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("boston_housing", {"test_split": 1}, "test_split"),
        ("california_housing", {"test_split": -0.1}, "test_split"),
        ("california_housing", {"version": "medium"}, "`version` must be one of"),
        ("cifar100", {"label_mode": "rough"}, "label_mode"),
        ("mnist", {"path": "../mnist.npz"}, "fname"),
    ],
)
def test_arguments(cache, name, options, message):
    with pytest.raises(ValueError, match=message):
        load(name, **options)
    assert not cache.exists()


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_texts(cache, name):
    (x, _), _ = load(name)
    assert isinstance(x[0], list) and x[0][0] == 1 and type(x[0][1]) is int
    highest = max(max(text) for text in x)
    (x, _), _ = load(name, num_words=100, skip_top=5, oov_char=None, start_char=None)
    assert all(5 <= word < 100 for text in x for word in text) and highest >= 100
    (x, y), _ = load(name, maxlen=10)
    assert len(x) == len(y) and max(map(len, x)) == 9
    with pytest.raises(ValueError, match="Give a greater number"):
        load(name, maxlen=1)


def test_the_word_index(cache):
    for name in ("imdb", "reuters"):
        assert getattr(keras.datasets, name).get_word_index()["and"] == 2
    assert len(set(keras.datasets.reuters.get_label_names())) == 46


def test_arguments_of_older_keras(cache):
    with pytest.warns(UserWarning, match="nb_words"):
        load("imdb", nb_words=10)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "fashion_mnist", "mnist"])
def test_images(cache, name):
    keras.config.set_image_data_format("channels_first")
    for x, y in load(name):
        assert x.dtype == np.uint8 and len(x) == len(y)
        assert x.shape[1:] == ((3, 32, 32) if "cifar" in name else (28, 28))


def test_labels_of_cifar100(cache):
    (_, fine), _ = load("cifar100")
    (_, coarse), _ = load("cifar100", label_mode="coarse")
    assert fine.shape == coarse.shape and not np.array_equal(fine, coarse)


DAMAGED = {
    "no gzip": b"no gzip",
    "cut off": gzip.compress(small_files.idx(np.zeros((3, 28, 28), np.uint8)))[:-9],
    "too few pixels": gzip.compress(small_files.idx(np.zeros((3, 28, 28), np.uint8))[:-1]),
    "another number": gzip.compress(small_files.idx(np.zeros((4, 28, 28), np.uint8))),
    "another rank": gzip.compress(small_files.idx(np.zeros(3, np.uint8))),
    "a huge size": gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12),
    "a bomb": gzip.compress(bytes(80 << 20)),
    "empty": b"",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_images(downloads, tmp_path, monkeypatch, content):
    small_files.fill_cache(downloads, tmp_path, monkeypatch)
    path = tmp_path / "datasets" / "fashion-mnist" / FILE_OF["fashion_mnist"]
    path.write_bytes(content)
    with pytest.raises(FileError, match="t10k-images"):
        load("fashion_mnist")


def test_without_a_network(cache, monkeypatch):
    monkeypatch.setitem(
        SOURCES, "mnist.npz", SOURCES["mnist.npz"].__class__("http://127.0.0.1:9/m", None)
    )
    with pytest.raises(
        OSError, match=rf"http://127.0.0.1:9/m: .*{re.escape(os.path.join(cache, 'mnist.npz'))}"
    ):
        load("mnist")
