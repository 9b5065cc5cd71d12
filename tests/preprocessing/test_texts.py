"""Texts as numbers."""

import json
import string

import numpy as np
import pytest

from minikeras.preprocessing import text
from minikeras.preprocessing.text import Tokenizer

TEXTS = ["The cat sat on the mat.", "The dog ate the cat!", "A mat"]


def fitted(**options):
    tokenizer = Tokenizer(**options)
    tokenizer.fit_on_texts(TEXTS)
    return tokenizer


def test_words_of_a_text():
    assert text.text_to_word_sequence("Don't, please!") == ["don't", "please"]
    assert text.text_to_word_sequence("a-b C", filters="", lower=False) == ["a-b", "C"]
    assert text.text_to_word_sequence("a;b,c", filters=",", split=";") == ["a", "b", "c"]


def test_hashes():
    assert text.one_hot("one two One", 50)[0] == text.one_hot("one", 50)[0]
    lengths = text.hashing_trick("a bb ccc", 3, hash_function=len)
    assert lengths == [2, 1, 2]
    letters = text.hashing_trick("ab", 200, "md5", analyzer=list)
    assert letters == text.hashing_trick("a b", 200, "md5")
    assert all(0 < i < 10 for i in text.hashing_trick(string.ascii_letters, 10, analyzer=list))


def test_frequent_words_have_small_numbers():
    index = fitted().word_index
    assert list(index) == ["the", "cat", "mat", "sat", "on", "dog", "ate", "a"]
    assert list(index.values()) == list(range(1, 9))


def test_counts():
    tokenizer = fitted()
    assert tokenizer.document_count == 3
    assert (tokenizer.word_counts["the"], tokenizer.word_docs["the"]) == (4, 2)
    assert tokenizer.index_docs[tokenizer.word_index["mat"]] == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[1, 2, 4], []]),
        ({"num_words": 3}, [[1, 2], []]),
        ({"oov_token": "?"}, [[2, 3, 1, 5], [1]]),
        ({"oov_token": "?", "num_words": 3}, [[2, 1, 1, 1], [1]]),
        ({"oov_token": "?", "num_words": 1}, [[1, 1, 1, 1], [1]]),
    ],
)
def test_texts_as_numbers(options, expected):
    assert fitted(**options).texts_to_sequences(["The cat never sat", "bird"]) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["the cat", ""]),
        ({"num_words": 2}, ["the", ""]),
        ({"oov_token": "?"}, ["? the", "?"]),
        ({"oov_token": "?", "num_words": 2}, ["? ?", "?"]),
    ],
)
def test_numbers_as_texts(options, expected):
    assert fitted(**options).sequences_to_texts([[1, 2], [99]]) == expected


def test_lists_of_words_are_taken_as_they_are():
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts([["New York", "is"], ("new york", "was")])
    assert tokenizer.word_counts == {"new york": 2, "is": 1, "was": 1}


def test_characters_and_own_analyzers():
    characters = Tokenizer(char_level=True)
    characters.fit_on_texts(["Aab"])
    assert characters.word_index == {"a": 1, "b": 2}
    cut = Tokenizer(analyzer=lambda line: line.split("|"))
    assert list(cut.texts_to_sequences_generator(["x|y"])) == [[]]
    cut.fit_on_texts(["x|y", "y"])
    assert cut.texts_to_sequences(["x|y"]) == [[2, 1]]


@pytest.mark.parametrize(
    ("mode", "row"),
    [
        ("binary", [0, 1, 1]),
        ("count", [0, 2, 1]),
        ("freq", [0, 2 / 3, 1 / 3]),
        ("tfidf", [0, (1 + np.log(2)) * np.log(1 + 3 / 3), np.log(1 + 3 / 3)]),
    ],
)
def test_matrices(mode, row):
    matrix = fitted(num_words=3).texts_to_matrix(["the cat the dog", "bird"], mode)
    assert matrix.tolist() == [row, [0, 0, 0]]


def test_documents_of_sequences():
    tokenizer = Tokenizer(num_words=4)
    tokenizer.fit_on_sequences([[1, 1, 2], [2]])
    matrix = tokenizer.sequences_to_matrix([[1], [2], [3]], mode="tfidf")
    assert np.allclose(matrix.max(axis=1), np.log([1 + 2 / 2, 1 + 2 / 3, 1 + 2 / 1]))


@pytest.mark.parametrize(
    ("tokenizer", "mode", "message"),
    [
        (Tokenizer(), "binary", "Give `num_words`, or fit texts"),
        (Tokenizer(num_words=3), "tfidf", "fit texts or sequences first"),
        (Tokenizer(num_words=3), "counts", "`mode` must be one of .*Received: mode='counts'"),
    ],
)
def test_matrices_that_cannot_be(tokenizer, mode, message):
    with pytest.raises(ValueError, match=message):
        tokenizer.sequences_to_matrix([[1]], mode)


def test_round_trip_through_json():
    tokenizer = fitted(num_words=6, oov_token="?", lower=False)
    copy = text.tokenizer_from_json(tokenizer.to_json(indent=1))
    assert copy.get_config() == tokenizer.get_config()
    assert copy.texts_to_sequences(TEXTS) == tokenizer.texts_to_sequences(TEXTS)
    assert np.array_equal(
        copy.texts_to_matrix(TEXTS, "tfidf"), tokenizer.texts_to_matrix(TEXTS, "tfidf")
    )
    assert json.loads(tokenizer.to_json())["class_name"] == "Tokenizer"


def test_old_and_unknown_arguments():
    with pytest.warns(UserWarning, match="write `num_words`"):
        assert Tokenizer(nb_words=3).num_words == 3
    with pytest.raises(TypeError, match=r"no arguments \['words'\]"):
        Tokenizer(words=3)
