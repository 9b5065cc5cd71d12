"""Sequences for training."""

import numpy as np
import pytest

from minikeras import utils

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
