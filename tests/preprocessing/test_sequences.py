"""Sequences for training."""

import json
import random

import numpy as np
import pytest

from minikeras import Sequential, layers, utils
from minikeras.preprocessing import sequence

RAGGED = [[1], [2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [4, 5, 6]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [4, 5]]),
        ({"maxlen": 4, "value": -1}, [[-1, -1, -1, 1], [-1, -1, 2, 3], [-1, 4, 5, 6]]),
        ({"maxlen": 0}, [[], [], []]),
        ({"maxlen": 0, "truncating": "post", "padding": "post"}, [[], [], []]),
    ],
)
def test_padding(options, expected):
    padded = utils.pad_sequences(RAGGED, **options)
    assert padded.dtype == "int32"
    assert padded.tolist() == expected


def test_items_with_axes():
    rows = [np.ones((2, 3)), [], np.zeros((1, 3))]
    padded = utils.pad_sequences(rows, dtype="float32", value=7)
    assert padded.shape == (3, 2, 3)
    assert padded[:, 0, 0].tolist() == [1, 7, 7]


def test_strings():
    padded = utils.pad_sequences([["a"], ["bc", "d"]], dtype=object, value="<pad>")
    assert padded.tolist() == [["<pad>", "a"], ["bc", "d"]]


@pytest.mark.parametrize(
    ("sequences", "options", "message"),
    [
        (3, {}, "must be a list of sequences. Received: int"),
        ([[1], 2], {}, "Received: the item 2"),
        ([], {}, "`sequences` is empty"),
        (RAGGED, {"padding": "left"}, "`padding` must be 'pre' or 'post'"),
        (RAGGED, {"truncating": "left"}, "`truncating` must be 'pre' or 'post'"),
        (RAGGED, {"value": "pad"}, "cannot hold the value 'pad'"),
        ([[[1, 2]], [[1]]], {}, r"one shape. Received: \(1,\) in sequence 1, \(2,\)"),
    ],
)
def test_what_cannot_be_padded(sequences, options, message):
    with pytest.raises(ValueError, match=message):
        utils.pad_sequences(sequences, **options)


def series(**options):
    rows = np.arange(40).reshape(20, 2)
    return sequence.TimeseriesGenerator(rows, np.arange(20), **options)


def test_windows_of_a_time_series():
    batches = list(series(length=6, sampling_rate=2, stride=3, batch_size=2, start_index=1))
    assert [y.tolist() for _, y in batches] == [[7, 10], [13, 16], [19]]
    x, _ = batches[0]
    assert x[:, :, 0].tolist() == [[2, 6, 10], [8, 12, 16]]


def test_reversed_windows():
    x, y = series(length=3, reverse=True, end_index=4)[0]
    assert x[:, :, 1].tolist() == [[5, 3, 1], [7, 5, 3]]
    assert y.tolist() == [3, 4]


def test_shuffled_windows_are_drawn():
    generator = series(length=3, shuffle=True, batch_size=50)
    np.random.seed(0)
    x, y = generator[0]
    assert {*y.tolist()} <= {*range(3, 20)}
    assert np.array_equal(x[:, -1, 0] // 2, y - 1)


def test_a_model_fits_a_time_series():
    model = Sequential([layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    rows = np.arange(40.0).reshape(20, 2) / 40
    generator = sequence.TimeseriesGenerator(rows, rows[:, :1], length=3, batch_size=4)
    history = model.fit(generator, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]


def test_config_of_a_time_series():
    config = json.loads(series(length=3).to_json())
    assert config["class_name"] == "TimeseriesGenerator"
    assert json.loads(config["config"]["targets"]) == list(range(20))
    with pytest.raises(TypeError, match="JSON cannot hold `data`"):
        sequence.TimeseriesGenerator([{1}] * 9, range(9), length=2).get_config()


def test_time_series_that_cannot_be():
    with pytest.raises(ValueError, match="3 rows of data and 2 targets"):
        sequence.TimeseriesGenerator([1, 2, 3], [1, 2], length=1)
    with pytest.raises(ValueError, match=r"No window fits.*0 \+ 20 > 19"):
        series(length=20)


def test_skipgrams_near_and_far():
    random.seed(1)
    pairs, labels = sequence.skipgrams([1, 0, 2, 3], 9, window_size=2, negative_samples=2)
    positive = sorted(pair for pair, label in zip(pairs, labels, strict=True) if label)
    assert positive == [[1, 2], [2, 1], [2, 3], [3, 2]]
    assert labels.count(0) == 8
    assert all(0 < other < 9 for _, other in pairs)


def test_skipgrams_in_categories():
    _, labels = sequence.skipgrams([1, 2], 3, categorical=True, shuffle=False)
    assert labels == [[0, 1], [0, 1], [1, 0], [1, 0]]


def test_frequent_words_are_sampled_rarely():
    table = sequence.make_sampling_table(100, sampling_factor=1e-3)
    assert table[0] == table[1]
    assert (np.diff(table[1:]) > 0).all()
    pairs, _ = sequence.skipgrams([1, 2] * 50, 3, 1, 0, sampling_table=[0, 0, 1])
    assert {word for word, _ in pairs} == {2}
