"""Data sets of folders, of windows and of parts, against Keras: files, orders, values."""

import contextlib
import io
import wave

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

import minikeras
from minikeras.ops.random import seeds
from minikeras.utils.dataset import Dataset

pytestmark = pytest.mark.parity

CLASSES = {"cat": 11, "dog": 7, "eel": 5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of files of three classes."""
    return write_folder(tmp_path_factory.mktemp("data"))


def write_folder(root):
    """Write images, texts and sounds of three classes, some of them deeper below."""
    rng = np.random.default_rng(0)
    for name, count in CLASSES.items():
        for i in range(count):
            place = root / name / ("deep" if i % 4 == 3 else "")
            place.mkdir(parents=True, exist_ok=True)
            write_image(place / f"{i}{('.png', '.BMP', '.gif')[i % 3]}", rng, i)
            (place / f"{i}.txt").write_bytes(f"{name} {i} \u00e4\n".encode() * (i + 1))
            write_sound(place / f"{i}.wav", rng, 20 + i, 1)
    for name in (".hidden", "empty"):
        (root / name).mkdir()
    return root


def write_image(path, rng, i):
    x = rng.integers(0, 256, (8 + i, 13 - i % 5, 3 if i % 4 else 4), dtype=np.uint8)
    image = Image.fromarray(x if path.suffix == ".png" else x[:, :, :3])
    image.convert("L" if i == 6 else image.mode).save(path)


def write_sound(path, rng, count, channels):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, 8000, 0, "NONE", ""))
        file.writeframes(rng.integers(0, 256, 2 * count * channels, dtype=np.uint8).tobytes())


def elements(data, epochs=1):
    """The elements of some epochs as flat lists of arrays."""
    return [
        [np.asarray(leaf, object if isinstance(leaf, bytes) else None) for leaf in leaves(element)]
        for _ in range(epochs)
        for element in data
    ]


def leaves(element):
    return [leaf.numpy() for leaf in (element if isinstance(element, tuple) else (element,))]


def same(ours, theirs, epochs=1, tolerance=0.0):
    assert ours.cardinality() == int(theirs.cardinality())
    pairs = list(zip(elements(ours, epochs), elements(theirs, epochs), strict=True))
    assert pairs
    for a, b in pairs:
        for x, y in zip(a, b, strict=True):
            assert (x.shape, x.dtype) == (y.shape, y.dtype)
            if tolerance:
                np.testing.assert_allclose(x, y, rtol=0, atol=tolerance)
            else:
                np.testing.assert_array_equal(x, y)


def both(function, *arguments, **options):
    """The data sets of the two engines, and that what they print is the same."""
    results, texts = [], []
    for engine in (minikeras, keras):
        engine.utils.set_random_seed(3) if options.get("seed") is None else None
        with contextlib.redirect_stdout(io.StringIO()) as text:
            results.append(getattr(engine.utils, function)(*arguments, **options))
        texts.append(text.getvalue())
    assert texts[0] == texts[1]
    return results


def compare(function, directory, epochs=1, tolerance=0.0, **options):
    ours, theirs = both(function, directory, **options)
    if options.get("subset") == "both":
        assert type(ours) is type(theirs)
    else:
        ours, theirs = [ours], [theirs]
    for a, b in zip(ours, theirs, strict=True):
        assert a.class_names == b.class_names
        if hasattr(b, "file_paths"):
            assert a.file_paths == b.file_paths
        same(a, b, epochs, tolerance)


FILES = [
    {},
    {"seed": 5},
    {"seed": 5, "batch_size": 2, "label_mode": "categorical"},
    {"seed": 0, "batch_size": None},
    {"shuffle": False, "label_mode": None},
    {"seed": 1, "class_names": ["eel", "cat"], "label_mode": "binary"},
    {"shuffle": False, "labels": list(range(23)), "label_mode": "categorical"},
    {"seed": 2, "labels": [i % 2 for i in range(23)], "label_mode": "binary"},
    {"labels": None, "seed": 9, "batch_size": 3},
    {"seed": 5, "validation_split": 0.3, "subset": "training", "batch_size": 4},
    {"seed": 5, "validation_split": 0.3, "subset": "validation", "batch_size": 2},
    {"seed": 5, "validation_split": 0.3, "subset": "both", "batch_size": 2},
    {"shuffle": False, "validation_split": 0.5, "subset": "both", "verbose": False},
]


@pytest.mark.sampled(rows=4)
@pytest.mark.parametrize("options", FILES, ids=str)
def test_texts(folder, options):
    compare("text_dataset_from_directory", folder, 3, **options)


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("options", FILES[1::3], ids=str)
def test_sounds(folder, options):
    ragged = options.get("batch_size", 1) is None
    if ragged:
        options = options | {"output_sequence_length": 25}
    compare("audio_dataset_from_directory", folder, 2, **options)


def test_cut_off_texts(folder):
    compare("text_dataset_from_directory", str(folder), max_length=7, shuffle=False)


def test_stereo(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "a").mkdir()
    for i in range(3):
        write_sound(tmp_path / "a" / f"{i}.wav", rng, 30 + i, 2)
    for length in (None, 10, 31, 50):
        compare(
            "audio_dataset_from_directory", tmp_path, 1, 0, output_sequence_length=length, seed=1
        )


def test_ragged_sounds(folder):
    ours, theirs = both("audio_dataset_from_directory", folder, ragged=True, shuffle=False)
    for (x, y), (theirs_x, theirs_y) in zip(ours, theirs, strict=True):
        assert np.array_equal(y, theirs_y)
        for a, b in zip(x.numpy(), theirs_x, strict=True):
            assert np.array_equal(a, b.numpy())


@pytest.mark.sampled(rows=5)
# Keras leaves its threads to the garbage collector when it refuses labels.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("function", ["image", "text", "audio"])
@pytest.mark.parametrize(
    "options",
    [
        {"labels": "guessed"},
        {"labels": [1, 2]},
        {"labels": [1] * 23, "class_names": ["1"]},
        {"labels": None, "class_names": ["cat"]},
        {"label_mode": None, "class_names": ["cat"]},
        {"class_names": ["cat", "cow"]},
        {"label_mode": "strings"},
        {"label_mode": "binary"},
        {"validation_split": 2},
        {"validation_split": 0.1},
        {"subset": "training"},
        {"subset": "test", "validation_split": 0.1, "seed": 1},
        {"subset": "training", "validation_split": 0.1},
        {"subset": "training", "validation_split": 0.01, "seed": 1},
    ],
    ids=str,
)
def test_wrong_arguments(folder, function, options):
    for engine in (minikeras, keras):
        with contextlib.redirect_stdout(io.StringIO()), pytest.raises(ValueError, match="."):
            getattr(engine.utils, f"{function}_dataset_from_directory")(folder, **options)


# ---- windows

SERIES = np.arange(60.0).reshape(30, 2)
WINDOWS = [
    {},
    {"sequence_stride": 3, "sampling_rate": 2, "batch_size": 4},
    {"start_index": 5, "end_index": 21, "batch_size": 3},
    {"shuffle": True, "seed": 4, "batch_size": 2},
    {"shuffle": True, "seed": 0, "batch_size": None, "sampling_rate": 3},
    {"shuffle": True, "start_index": 3, "sequence_stride": 2},
    {"batch_size": None, "end_index": 11},
]


@pytest.mark.sampled(rows=5)
@pytest.mark.parametrize("options", WINDOWS, ids=str)
@pytest.mark.parametrize("targets", [None, SERIES[:, 0] * 2, SERIES[:12]], ids=["no", "y", "short"])
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_windows(options, targets, dtype):
    data = SERIES.astype(dtype)
    if targets is not None and len(targets) < len(data) and options.get("start_index"):
        return  # Keras counts windows beyond the end of the targets
    ours, theirs = both("timeseries_dataset_from_array", data, targets, 4, **options)
    same(ours, theirs, 3)


@pytest.mark.parametrize("batch_size", [None, 2])
def test_repeated_and_divided_windows(batch_size):
    options = {"shuffle": True, "seed": 4, "batch_size": batch_size}
    ours, theirs = both("timeseries_dataset_from_array", SERIES, None, 4, **options)
    for part in (lambda d: d.repeat(2), lambda d: d.take(3), lambda d: d.skip(3)):
        same(part(ours), part(theirs), 2)


@pytest.mark.sampled(rows=3)
@pytest.mark.parametrize(
    "options",
    [
        {"start_index": -1},
        {"start_index": 30},
        {"end_index": 30},
        {"end_index": -2},
        {"start_index": 9, "end_index": 9},
        {"sampling_rate": 0},
        {"sampling_rate": 30},
        {"sequence_stride": 0},
        {"sequence_stride": 30},
        {"format": "torch"},
    ],
    ids=str,
)
def test_wrong_windows(options):
    for engine in (minikeras, keras):
        with pytest.raises(ValueError, match="."):
            engine.utils.timeseries_dataset_from_array(SERIES, None, 4, **options)


# ---- parts

X, Y = np.arange(22.0).reshape(11, 2), np.arange(11)
PARTS = [
    {"left_size": 0.7},
    {"right_size": 3},
    {"left_size": 2, "right_size": 0.5, "shuffle": True, "seed": 7},
    {"left_size": 0.25, "right_size": 0.25, "shuffle": True, "seed": 1},
    {"left_size": 5, "shuffle": True},
]


@pytest.mark.sampled(rows=3)
@pytest.mark.parametrize("options", PARTS, ids=str)
@pytest.mark.parametrize("data", [X, [X, Y], (X,), (X, Y)], ids=["array", "list", "one", "tuple"])
def test_parts(data, options):
    for ours, theirs in zip(*both("split_dataset", data, **options), strict=True):
        same(ours, theirs)


@pytest.mark.sampled(rows=3)
@pytest.mark.parametrize("options", PARTS, ids=str)
@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("nest", [(X, Y), {"a": X, "b": Y}], ids=["tuple", "dict"])
def test_parts_of_data_sets(nest, batch_size, options):
    parts = []
    for engine, kind in ((minikeras, Dataset), (keras, tf.data.Dataset)):
        engine.utils.set_random_seed(1)
        data = kind.from_tensor_slices(nest)
        data = data if batch_size is None else data.batch(batch_size)
        parts.append(engine.utils.split_dataset(data, **options))
    for ours, theirs in zip(*parts, strict=True):
        if isinstance(nest, dict):
            ours, theirs = (d.map(lambda e: (e["a"], e["b"])) for d in (ours, theirs))
        same(ours, theirs)


@pytest.mark.sampled(rows=4)
@pytest.mark.parametrize(
    ("data", "options", "error"),
    [
        (X, {}, ValueError),
        (X, {"left_size": 0}, ValueError),
        (X, {"left_size": 0, "right_size": 0}, ValueError),
        (X, {"left_size": 11}, ValueError),
        (X, {"left_size": -0.5}, ValueError),
        (X, {"right_size": 1.0}, ValueError),
        (X, {"left_size": 0.6, "right_size": 0.6}, ValueError),
        (X, {"left_size": 6, "right_size": 6}, ValueError),
        (X, {"left_size": 0.01}, ValueError),
        (X, {"left_size": "1"}, TypeError),
        (X, {"left_size": None, "right_size": np.float64(0.5)}, TypeError),
        ([], {"left_size": 0.5}, ValueError),
        ([X, Y[:5]], {"left_size": 0.5}, ValueError),
        ([X, [1]], {"left_size": 0.5}, ValueError),
        (7, {"left_size": 0.5}, TypeError),
        ("text", {"left_size": 0.5}, TypeError),
        (b"text", {"left_size": 0.5}, TypeError),
        ({"x": X}, {"left_size": 0.5}, TypeError),
        (pd.DataFrame(X), {"left_size": 0.5}, TypeError),
    ],
    ids=range(19),
)
def test_wrong_parts(data, options, error):
    for engine in (minikeras, keras):
        with pytest.raises(error, match="."):
            engine.utils.split_dataset(data, **options)


# ---- the data set itself

CHAINS = {
    "shuffle": lambda d: d.shuffle(5, seed=2),
    "shuffle once": lambda d: d.shuffle(5, seed=2, reshuffle_each_iteration=False),
    "shuffle all": lambda d: d.shuffle(100, seed=0).batch(3),
    "repeat": lambda d: d.shuffle(4, seed=1).repeat(2).batch(4, drop_remainder=True),
    "cache": lambda d: d.shuffle(4, seed=1).cache().batch(2),
    "two shuffles": lambda d: d.shuffle(4, seed=1).shuffle(3, seed=2).prefetch(1),
    "take": lambda d: d.skip(3).take(5).prefetch(2),
    "take all": lambda d: d.take(-1).skip(0),
    "endless": lambda d: d.repeat().skip(4).take(30),
    "map": lambda d: d.map(lambda x, y: (x * 2, y + 1)).batch(4),
    "map to dict": lambda d: d.map(lambda x, y: {"x": x, "n": (y, 1.5, 3)}).map(
        lambda e: (e["x"], e["n"][0], e["n"][1], e["n"][2])
    ),
    "map to strings": lambda d: d.map(lambda x, y: (b"text", x)).batch(3),
    "unbatch": lambda d: d.batch(4).unbatch().batch(3),
    "filter": lambda d: d.filter(lambda x, y: y > 4),
    "two batches": lambda d: d.take(10).batch(2).batch(2, drop_remainder=True),
}


@pytest.mark.sampled(rows=5)
@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("seed", [None, 4])
def test_chains(monkeypatch, chain, seed):
    """Elements, their numbers and orders are those of `tf.data`, with a global seed and without."""
    tf.random.set_seed(seed)
    monkeypatch.setitem(seeds._state, "run_seed", seed)
    ours, theirs = (
        CHAINS[chain](kind.from_tensor_slices((X, Y))) for kind in (Dataset, tf.data.Dataset)
    )
    same(ours, theirs, 3)
    for data in (ours, theirs):  # passes that are begun and left count as well
        data.as_numpy_iterator()
    same(ours, theirs, 1)


def test_padded_batches():
    def lengths(kind, convert):
        data = kind.from_tensor_slices(np.arange(1, 8))
        return data.map(lambda n: convert(n)).padded_batch(3)

    ours = lengths(Dataset, lambda n: np.ones((int(n), 2)))
    same(ours, lengths(tf.data.Dataset, lambda n: tf.ones((n, 2), "float64")))
