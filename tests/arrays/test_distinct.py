"""Strings that repeat: arrays of them say which are equal, and nothing else changes."""

import gc
import itertools

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers
from minikeras.arrays import distinct
from minikeras.arrays.distinct import LEAST, distinct_of, first_equal
from minikeras.arrays.strings import as_strings

RNG = np.random.default_rng(0)
NUMBERS = RNG.zipf(1.3, (40, 100)) % 300
WORDS = np.array([f"{'w' * (i % 20)}{i}" for i in range(300)])
ARRAYS = {
    "text": WORDS[NUMBERS],
    "one character": np.array(list("abc"))[NUMBERS % 3],
    "bytes": WORDS.astype("S")[NUMBERS],
    "other letters": np.array([f"é{w}" for w in WORDS])[NUMBERS],
    "another byte order": WORDS[NUMBERS].astype(">U30"),
    "a slice": WORDS[NUMBERS][::2, ::-1],
    "a transposed one": WORDS[NUMBERS].T,
    "zeros inside": np.array(["a", "a\0b", "", "\0b"])[NUMBERS % 4],
    "zeros in bytes": np.array([b"a", b"a\0b", b"", b"\0b"])[NUMBERS % 4],
    "one axis": WORDS[NUMBERS].ravel(),
}


def plain(array):
    return [w if isinstance(w, bytes) else w.encode() for w in array.ravel().tolist()]


@pytest.mark.parametrize("name", ARRAYS)
def test_strings_that_repeat_are_what_they_were(name):
    array = ARRAYS[name]
    strings = as_strings(array)
    assert strings.shape == array.shape and strings.ravel().tolist() == plain(array)
    parts = distinct_of(strings)
    assert parts.strings == list(dict.fromkeys(plain(array)))
    assert [parts.strings[i] for i in parts.codes.ravel()] == plain(array)


@pytest.mark.parametrize("hashed", [0, 1, 2])
def test_hashes_decide_nothing(hashed, monkeypatch):
    """Whether all strings have one hash, or two: equal ones are found, and no others."""
    same = [lambda c: np.zeros(len(c[0]), np.uint64), lambda c: c[0] % 2, lambda c: c[0]][hashed]
    monkeypatch.setattr(distinct, "hashed", same)
    monkeypatch.setattr(distinct, "_rehashed", lambda hashes: hashes)
    values = np.array(["a", "b", "c", "d"])[np.repeat([0, 1, 2, 3], [8000, 4000, 2000, 1000])]
    places = dict(zip("abcd", np.unique(values, return_index=True)[1].tolist(), strict=True))
    assert first_equal(values).tolist() == [places[v] for v in values.tolist()]


def test_strings_that_do_not_repeat_have_no_table():
    assert first_equal(np.arange(10 * LEAST).astype(str)) is None
    assert first_equal(np.array(["a"] * (LEAST - 1))) is None
    assert first_equal(np.array(["a" * 1000] * LEAST)) is None
    assert first_equal(np.zeros(0, "U5")) is None


def test_what_is_remembered_stays_true():
    tensor = keras.ops.convert_to_tensor(ARRAYS["text"])
    assert distinct_of(tensor.data) is not None
    with pytest.raises(ValueError, match="read-only"):
        tensor.data[0, 0] = b"other"
    copies = [tensor.numpy(), np.array(tensor), tensor.data.copy(), tensor.data[:]]
    assert all(distinct_of(copy) is None for copy in copies)
    copies[0][0, 0] = b"other"
    assert tensor.data[0, 0] != b"other"


def test_what_no_array_needs_is_forgotten():
    gc.collect()
    before = set(distinct._remembered)
    strings = as_strings(ARRAYS["text"])
    assert set(distinct._remembered) - before == {id(strings)}
    del strings
    gc.collect()
    assert set(distinct._remembered) <= before


MODES = {
    "int": {},
    "several unknown": {"num_oov_indices": 7},
    "a salt": {"num_oov_indices": 7, "salt": 5},
    "a mask": {"mask_token": "w1"},
    "one_hot": {"output_mode": "one_hot"},
    "multi_hot": {"output_mode": "multi_hot"},
    "count": {"output_mode": "count", "mask_token": "w1"},
    "tf_idf": {"output_mode": "tf_idf"},
}


@pytest.mark.parametrize("mode", MODES)
def test_lookups_of_many_are_lookups_of_each(mode):
    array = ARRAYS["text"]
    layer = layers.StringLookup(max_tokens=100, **MODES[mode])
    layer.adapt(array)
    rows = layers.StringLookup(max_tokens=100, **MODES[mode])
    rows.adapt(row[None] for row in array)
    assert layer.get_vocabulary() == rows.get_vocabulary()
    each = np.stack([rows(row[None]).numpy()[0] for row in array])
    for form in (array, array.tolist(), keras.ops.convert_to_tensor(array), array.astype(object)):
        np.testing.assert_array_equal(layer(form).numpy(), each)


def test_unknown_strings_are_named_once():
    layer = layers.StringLookup(vocabulary=["a"], num_oov_indices=0)
    with pytest.raises(ValueError, match=r"no index for them: \['b', 'c'\]"):
        layer(np.array(["a", "b", "b", "c"] * LEAST))


def test_integers_are_counted_as_before():
    layer = layers.IntegerLookup()
    layer.adapt(NUMBERS)
    counts = {n: len(list(g)) for n, g in itertools.groupby(sorted(NUMBERS.ravel().tolist()))}
    expected = sorted(counts, key=lambda n: (-counts[n], -n))
    assert layer.get_vocabulary(include_special_tokens=False) == expected
