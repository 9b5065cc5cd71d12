"""Keras 2's preprocessing gives the same results, random ones too, as tf-keras.

The arguments of each call are drawn; both sides draw from Python's `random` and NumPy's global
generator, seeded alike, and have drawn equally much afterwards.
"""

import json
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
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert np.array_equal(ours, theirs)
