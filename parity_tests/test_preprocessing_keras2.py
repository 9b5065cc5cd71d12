"""Keras 2's preprocessing gives the same results, random ones too, as tf-keras.

The arguments of each call are drawn; both sides draw from Python's `random` and NumPy's global
generator, seeded alike, and have drawn equally much afterwards.
"""

import itertools
import json
import os
import random

import numpy as np
import pytest

from minikeras import preprocessing, utils

k = pytest.importorskip("tf_keras")

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

WORDS = ["cat", "Dog", "mouse!", "don't", "a-b", "Über", "x", "the", "The", "of", "\tq\n", "?"]
TRIALS = pytest.mark.parametrize("trial", range(30))


def seeded(function, trial):
    """The result of a function, and what the generators draw after it."""
    random.seed(trial)
    np.random.seed(trial)
    return function(), random.random(), np.random.random()


def some_text(rng):
    return rng.choice([" ", ", "]).join(rng.choices(WORDS, k=rng.randint(0, 12)))


@TRIALS
def test_tokenizer(trial):
    rng = random.Random(trial)
    options = {
        "num_words": rng.choice([None, 3, 5, 20]),
        "lower": rng.random() < 0.5,
        "char_level": rng.random() < 0.3,
        "oov_token": rng.choice([None, "<oov>"]),
        "split": rng.choice([" ", " ", "a"]),
        "analyzer": rng.choice([None, None, lambda line: line.split("o")]),
    }
    texts = [some_text(rng) for _ in range(rng.randint(1, 6))]
    if rng.random() < 0.3:
        texts = [text.split() for text in texts]
    more = [some_text(rng) for _ in range(3)]
    ours, theirs = (
        preprocessing.text.Tokenizer(**options),
        k.preprocessing.text.Tokenizer(**options),
    )
    for tokenizer in (ours, theirs):
        tokenizer.fit_on_texts(texts)
        tokenizer.fit_on_texts(more[:1])
    same_state(ours, theirs)
    sequences = theirs.texts_to_sequences(more + texts)
    assert ours.texts_to_sequences(more + texts) == sequences
    numbers = [*sequences, [99, 1]]
    assert ours.sequences_to_texts(numbers) == theirs.sequences_to_texts(numbers)
    if theirs.word_index or theirs.num_words:
        for mode in ("binary", "count", "freq", "tfidf"):
            matrices = [t.sequences_to_matrix(sequences, mode) for t in (ours, theirs)]
            assert np.array_equal(*matrices)
    same_state(preprocessing.text.tokenizer_from_json(theirs.to_json()), theirs)
    same_state(ours, k.preprocessing.text.tokenizer_from_json(ours.to_json()))


def same_state(ours, theirs):
    a, b = ours.get_config(), theirs.get_config()
    assert list(a) == list(b)
    for name in a:
        is_json = name.startswith(("word_", "index_"))
        assert (json.loads(a[name]) == json.loads(b[name])) if is_json else (a[name] == b[name])
    assert ours.index_docs == theirs.index_docs
    assert ours.index_word == theirs.index_word


@TRIALS
def test_words_and_hashes(trial):
    rng = random.Random(trial)
    text, split = some_text(rng), rng.choice([" ", "o"])
    ours, theirs = preprocessing.text, k.preprocessing.text
    words = theirs.text_to_word_sequence(text, split=split)
    assert ours.text_to_word_sequence(text, split=split) == words
    assert ours.one_hot(text, 7) == theirs.one_hot(text, 7)
    assert ours.hashing_trick(text, 50, "md5") == theirs.hashing_trick(text, 50, "md5")


@TRIALS
def test_skipgrams(trial):
    rng = random.Random(trial)
    words = [rng.randint(0, 9) for _ in range(rng.randint(0, 15))]
    table = k.preprocessing.sequence.make_sampling_table(10, 0.1)
    assert np.array_equal(table, preprocessing.sequence.make_sampling_table(10, 0.1))
    options = {
        "window_size": rng.randint(1, 5),
        "negative_samples": rng.choice([0, 1.0, 0.5, 2]),
        "shuffle": rng.random() < 0.6,
        "categorical": rng.random() < 0.5,
        "sampling_table": rng.choice([None, table]),
        "seed": rng.choice([None, 3]),
    }
    ours, theirs = (
        seeded(lambda module=m: module.skipgrams(words, 10, **options), trial)
        for m in (preprocessing.sequence, k.preprocessing.sequence)
    )
    assert ours == theirs


@TRIALS
def test_time_series(trial):
    rng = random.Random(trial)
    steps = rng.randint(9, 40)
    data = np.random.default_rng(trial).random((steps, *rng.choice([(), (2,)])))
    data = rng.choice([data, data.tolist()])
    options = {
        "length": rng.randint(1, 4),
        "sampling_rate": rng.randint(1, 3),
        "stride": rng.randint(1, 3),
        "start_index": rng.randint(0, 2),
        "end_index": rng.choice([None, steps - 2]),
        "shuffle": rng.random() < 0.4,
        "reverse": rng.random() < 0.5,
        "batch_size": rng.randint(1, 9),
    }
    ours, theirs = (
        module.TimeseriesGenerator(data, data, **options)
        for module in (preprocessing.sequence, k.preprocessing.sequence)
    )
    assert len(ours) == len(theirs)
    assert ours.to_json() == theirs.to_json()
    same_draws(lambda: list(ours), lambda: list(theirs), trial)


@TRIALS
def test_pad_sequences(trial):
    rng = random.Random(trial)
    rows = [rng.choices(range(9), k=rng.randint(0, 5)) for _ in range(rng.randint(1, 5))]
    options = {
        "maxlen": rng.choice([None, 1, 3, 7]),
        "dtype": rng.choice(["int32", "float32", object]),
        "padding": rng.choice(["pre", "post"]),
        "truncating": rng.choice(["pre", "post"]),
        "value": rng.choice([0, -1, 2.5]),
    }
    same(utils.pad_sequences(rows, **options), k.utils.pad_sequences(rows, **options))


def image_options(rng, data_format):
    """Arguments of an `ImageDataGenerator`, each of them now and then."""
    shifts = [0.2, 2, 3.0, [1, 2], [0.1, 0.2], (0, 3)]
    choices = {
        "rotation_range": [20, 90.0],
        "width_shift_range": shifts,
        "height_shift_range": shifts,
        "shear_range": [10, 0.2],
        "zoom_range": [0.2, [0.5, 1.5], (1, 1)],
        "channel_shift_range": [20.0, 3, 0],
        "brightness_range": [[0.5, 1.5], (0.1, 0.2)],
        "fill_mode": ["constant", "reflect", "wrap"],
        "cval": [5.5],
        "horizontal_flip": [True],
        "vertical_flip": [True],
        "rescale": [1 / 255, 0, 2.0],
        "preprocessing_function": [lambda x: x + np.random.normal(), lambda x: x[..., ::-1]],
        "samplewise_center": [True],
        "samplewise_std_normalization": [True],
        "featurewise_center": [True],
        "featurewise_std_normalization": [True],
        "zca_whitening": [True],
        "zca_epsilon": [1e-2],
        "interpolation_order": [0, 2, 3],
        "dtype": ["float64"],
    }
    chosen = {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.25}
    if data_format == "channels_first":
        chosen.pop("brightness_range", None)  # there tf-keras takes the rows for channels
    return chosen | {"data_format": data_format, "validation_split": rng.choice([0.25, 0.5])}


def images_of(rng, data_format="channels_last"):
    shape = rng.randint(4, 11), rng.randint(4, 9), rng.randint(4, 9), rng.choice([1, 3, 4])
    x = np.random.default_rng(rng.randint(0, 99)).integers(0, 256, shape)
    x = x.astype(rng.choice(["uint8", "float32", "float64"]))
    return x.transpose(0, 3, 1, 2) if data_format == "channels_first" else x


@TRIALS
def test_batches_of_arrays(trial):
    rng = random.Random(trial)
    data_format = rng.choice(["channels_last", "channels_last", "channels_first"])
    options, x = image_options(rng, data_format), images_of(rng, data_format)
    count = len(x)
    others = rng.choice([None, None, np.arange(count), [np.arange(count), np.ones((count, 2))]])
    flow = {
        "x": x if others is None else (x, others),
        "y": rng.choice([None, np.arange(count) % 2, np.arange(count * 2).reshape(count, 2)]),
        "batch_size": rng.randint(1, 5),
        "shuffle": rng.random() < 0.6,
        "seed": rng.choice([None, 5]),
        "subset": rng.choice([None, "training", "validation"]),
        "ignore_class_split": True,
    }
    if flow["subset"] is None:
        flow["sample_weight"] = rng.choice([None, np.arange(count)])
    fit = {
        "augment": rng.random() < 0.4,
        "rounds": rng.randint(1, 2),
        "seed": rng.choice([None, 3]),
    }
    steps = rng.randint(1, 7)

    def batches(module):
        generator = module.ImageDataGenerator(**options)
        untouched = generator.standardize(np.array(x, "float32"))
        generator.fit(x, **fit)
        iterator = generator.flow(**flow)
        results = [untouched, generator.mean, generator.std, generator.zca_whitening_matrix]
        results += itertools.islice(iterator, steps)
        results += [iterator[i] for i in range(len(iterator))]
        iterator.on_epoch_end()
        iterator.reset()
        parameters = generator.get_random_transform(x.shape[1:], seed=1)
        return [*results, iterator[0], next(iterator), *map(as_float, parameters.values())]

    same_draws(lambda: batches(preprocessing.image), lambda: batches(k.preprocessing.image), trial)


def as_float(value):
    """A bool here is an int there."""
    return None if value is None else float(value)


@TRIALS
def test_random_changes_of_one_image(trial):
    rng = random.Random(trial)
    x = images_of(rng)[0]
    order = rng.choice([(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
    place = dict(zip(("row_axis", "col_axis", "channel_axis"), order, strict=True))
    place["fill_mode"] = rng.choice(["nearest", "constant", "reflect", "wrap"])
    place["interpolation_order"] = rng.choice([0, 1, 3])
    scale = rng.random() < 0.5
    values = rng.choice([x, x.astype("float64") - 100, x / 255, x * 3.0])

    def changed(module):
        return [
            module.random_rotation(x, 20, **place),
            module.random_shift(x, 0.3, 0.2, cval=2.0, **place),
            module.random_shear(x, 20, **place),
            module.random_zoom(x, (0.5, 1.5), **place),
            module.random_channel_shift(x.astype("float32"), 20, channel_axis=2),
            module.random_brightness(values, (0.5, 1.5), scale=scale),
        ]

    same_draws(lambda: changed(preprocessing.image), lambda: changed(k.preprocessing.image), trial)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images of three classes, of various sizes, channels and formats."""
    folder, rng = tmp_path_factory.mktemp("images"), random.Random(0)
    for name in ("cats", "dogs", "apes"):
        (folder / name / "more").mkdir(parents=True)
        (folder / name / "notes.txt").write_text("no image")
        for number in range(rng.randint(3, 7)):
            x = images_of(rng)[0]
            kind = "png" if x.shape[2] == 4 else rng.choice(["png", "jpg", "bmp", "tif"])
            image = utils.array_to_img(x, scale=False)
            image.save(folder / name / rng.choice(["", "more"]) / f"{number}.{kind}")
    return folder


def file_options(rng):
    return {
        "target_size": (rng.randint(3, 8), rng.randint(3, 8)),
        "color_mode": rng.choice(["rgb", "rgba", "grayscale"]),
        "classes": rng.choice([None, ["dogs", "cats"]]),
        "batch_size": rng.randint(1, 6),
        "shuffle": rng.random() < 0.5,
        "seed": rng.choice([None, 1]),
        "subset": rng.choice([None, "training", "validation"]),
        "interpolation": rng.choice(["nearest", "bilinear", "lanczos"]),
    }


def small_generator(rng):
    """Arguments of a generator that needs no `fit`."""
    options = image_options(rng, rng.choice(["channels_last", "channels_first"]))
    for name in ("zca_whitening", "featurewise_center", "featurewise_std_normalization"):
        options.pop(name, None)
    return options


def first_batches(iterator):
    return [*itertools.islice(iterator, 2), iterator[0], iterator[len(iterator) - 1]]


@TRIALS
def test_batches_of_directories(folder, tmp_path, trial):
    rng = random.Random(trial)
    options = small_generator(rng)
    flow = file_options(rng) | {
        "class_mode": rng.choice(["categorical", "binary", "sparse", "input", None]),
        "keep_aspect_ratio": rng.random() < 0.3,
    }

    def batches(module, saved):
        saved.mkdir()
        directory = {"save_to_dir": str(saved)} if trial % 5 == 0 else {}
        generator = module.ImageDataGenerator(**options)
        iterator = generator.flow_from_directory(str(folder), **flow, **directory)
        results = [*first_batches(iterator), iterator.classes, iterator.filenames]
        results += iterator.class_indices.items()
        images = [utils.load_img(saved / name) for name in sorted(os.listdir(saved))]
        return [*results, iterator.filepaths, sorted(os.listdir(saved)), [*map(np.array, images)]]

    same_draws(
        lambda: batches(preprocessing.image, tmp_path / "ours"),
        lambda: batches(k.preprocessing.image, tmp_path / "theirs"),
        trial,
    )


COLUMNS = {
    "binary": ["class"],
    "categorical": ["class", "several"],
    "sparse": ["class"],
    "raw": ["a", "text", "small", ["a", "b"], ["small", "b"]],
    "multi_output": [["a", "b"], ["a", "class", "small"]],
    "input": [None],
    None: [None],
}


@TRIALS
def test_batches_of_tables(folder, trial):
    rng = random.Random(trial)
    options, flow = small_generator(rng), file_options(rng)
    mode = rng.choice(list(COLUMNS))
    table = table_of(folder, rng)
    if mode == "binary":
        table, flow["classes"] = table[table["class"] != "apes"], None
    flow |= {
        "directory": str(folder),
        "class_mode": mode,
        "y_col": rng.choice(COLUMNS[mode]),
        "weight_col": rng.choice([None, "a", "b"]),
    }
    if rng.random() < 0.3:
        table, flow["validate_filenames"] = table[table["b"] >= 0], False

    def batches(module):
        iterator = module.ImageDataGenerator(**options).flow_from_dataframe(table, **flow)
        labels = iterator.labels if mode in ("raw", "multi_output") else []
        return [*first_batches(iterator), labels, iterator.filenames, iterator.sample_weight]

    same_draws(lambda: batches(preprocessing.image), lambda: batches(k.preprocessing.image), trial)


def table_of(folder, rng):
    """A table of the images in any order, and of a file that is missing."""
    kinds = ("*.png", "*.jpg", "*.bmp", "*.tif")
    paths = sorted(str(p.relative_to(folder)) for kind in kinds for p in folder.rglob(kind))
    rng.shuffle(paths)
    table = pytest.importorskip("pandas").DataFrame({"filename": [*paths, "cats/missing.png"]})
    table["class"] = [name.split("/")[0] for name in table["filename"]]
    table["several"] = [rng.choice([kind, [kind], (kind, "x")]) for kind in table["class"]]
    table["a"] = np.arange(len(table)) * 1.5
    table["b"] = [*range(len(paths)), -1]
    table["small"] = table["a"].astype("float32")
    table["text"] = "words"
    return table


def same_draws(ours, theirs, trial):
    """Both functions return the same after the same seed, and draw equally much."""
    for a, b in zip(seeded(ours, trial), seeded(theirs, trial), strict=True):
        same(a, b)


def same(ours, theirs):
    """Nests of arrays that are the same to the bit."""
    if isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            same(a, b)
        return
    if theirs is None:
        assert ours is None
        return
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert np.array_equal(ours, theirs)
