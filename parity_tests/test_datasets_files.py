"""Known data sets and downloaded files, against Keras reading the same files."""

import contextlib
import inspect
import io
import os

import keras
import numpy as np
import pytest

import minikeras
from minikeras.datasets.catalog import SOURCES
from tests.datasets import small_files
from tests.utils.test_files import MEMBERS, archive

pytestmark = pytest.mark.parity

PUBLISHED = dict(SOURCES)
LOADS = {
    "mnist": [{}],
    "fashion_mnist": [{}],
    "cifar10": [{}],
    "cifar100": [{}, {"label_mode": "coarse"}],
    "boston_housing": [{}, {"test_split": 0.33, "seed": 5}, {"test_split": 0}],
    "california_housing": [{}, {"version": "small"}, {"seed": 1, "test_split": 0.999}],
}
TEXTS = [
    {},
    {"num_words": 50},
    {"num_words": 50, "skip_top": 7, "oov_char": None},
    {"maxlen": 12, "seed": 3},
    {"start_char": None},
    {"start_char": None, "index_from": 0, "maxlen": 20},
    {"index_from": 0, "skip_top": 4, "oov_char": 9},
    {"maxlen": 30, "num_words": 400, "start_char": 7, "index_from": 10},
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A cache with small files, from which both engines read."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("downloads")
        small_files.make(folder)
        small_files.fill_cache(folder, folder / "home", patch)
        patch.setenv("KERAS_HOME", str(folder / "home"))
        get_file = keras.utils.get_file

        def without_hash(*arguments, file_hash=None, **options):
            return get_file(*arguments, cache_dir=str(folder / "home"), **options)

        for module in vars(keras.datasets).values():
            if inspect.ismodule(module):
                source = inspect.getmodule(module.load_data)
                patch.setattr(source, "get_file", without_hash)
        yield folder


def same(ours, theirs):
    for a, b in zip(sum(ours, ()), sum(theirs, ()), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert [type(item) for item in a[:1]] == [type(item) for item in b[:1]]
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name in LOADS for options in LOADS[name]]
)
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_arrays(home, name, options, layout):
    if layout == "channels_first" and "cifar" not in name:
        return
    for engine in (keras, minikeras):
        engine.config.set_image_data_format(layout)
    try:
        ours = getattr(minikeras.datasets, name).load_data(**options)
        theirs = getattr(keras.datasets, name).load_data(**options)
    finally:
        for engine in (keras, minikeras):
            engine.config.set_image_data_format("channels_last")
    if name == "cifar10":  # five batches of one image: Keras repeats each to 10,000
        theirs = tuple(part[::10_000] for part in theirs[0]), theirs[1]
    same(ours, theirs)


@pytest.mark.parametrize("options", TEXTS, ids=str)
@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_texts(home, name, options):
    ours = getattr(minikeras.datasets, name).load_data(**options)
    same(ours, getattr(keras.datasets, name).load_data(**options))


def test_splits_of_reuters(home):
    for test_split in (0, 0.5, 0.99):
        same(*(k.datasets.reuters.load_data(test_split=test_split) for k in (minikeras, keras)))


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_words(home, name):
    ours, theirs = (getattr(k.datasets, name) for k in (minikeras, keras))
    assert ours.get_word_index() == theirs.get_word_index()
    if name == "reuters":
        assert ours.get_label_names() == theirs.get_label_names()


def test_addresses_and_checksums(monkeypatch):
    """What Keras asks its `get_file` for, our table has."""
    asked = []

    class Asked(Exception):
        pass

    def get_file(fname, origin, file_hash=None, cache_subdir="datasets", extract=False):
        asked.append((fname, origin, file_hash, cache_subdir, extract))
        if "fashion" not in str(cache_subdir) or len(asked) % 4 == 0:
            raise Asked("for the last file")
        return fname

    for name in (*LOADS, "imdb", "reuters"):
        module = getattr(keras.datasets, name)
        monkeypatch.setattr(inspect.getmodule(module.load_data), "get_file", get_file)
        if name == "fashion_mnist":
            asked, kept = [], asked
        for function in ("load_data", "get_word_index"):
            if hasattr(module, function):
                with pytest.raises(Asked, match="last"):
                    getattr(module, function)()
        if name == "fashion_mnist":
            asked = kept + asked
    ours = {
        (name, source.origin, source.checksum, source.folder, source.is_archive)
        for name, source in PUBLISHED.items()
    }
    assert set(asked) == ours


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("fname", [None, "a", "a.b.c"])
def test_where_files_are_put(tmp_path, form, fname):
    """Names and contents of everything in the cache, for files and for archives."""
    path = archive(tmp_path / "data.zip", MEMBERS, form)
    listings = []
    for engine in (minikeras, keras):
        cache = tmp_path / engine.__name__
        cache.mkdir()
        with contextlib.redirect_stdout(io.StringIO()):
            places = [
                engine.utils.get_file(
                    fname,
                    path.as_uri(),
                    cache_dir=str(cache),
                    cache_subdir=str(extract),
                    extract=extract,
                )
                for extract in (False, True)
            ]
        files = {str(p.relative_to(cache)): p.read_bytes() for p in cache.rglob("*") if p.is_file()}
        listings.append((files, [os.path.relpath(place, cache) for place in places]))
    assert listings[0] == listings[1]
