"""Arrays of strings looked up in tables, and in layers that do not convert them."""

import numpy as np
import pytest

import minikeras as keras
from minikeras.arrays import string_table
from minikeras.arrays.distinct import LEAST
from minikeras.arrays.string_table import StringTable

WORDS = [
    "",
    "a",
    "ab",
    "abcdefgh",
    "abcdefghi",
    "abcdefgh" * 3,
    "\u00e9",
    "\u4e2d\u6587",
    "a\u00e9",
]


@pytest.mark.parametrize("width", [None, 40])
@pytest.mark.parametrize("kind", ["S", "U"])
@pytest.mark.parametrize("collide", [False, True])
def test_every_string_is_found_and_no_other(kind, width, collide, monkeypatch):
    """Also where all strings are hashed into one slot, and where widths differ."""
    if collide:
        monkeypatch.setattr(string_table, "hashed", lambda columns: 0 * columns[0])
    words = [w.encode() for w in WORDS] if kind == "S" else WORDS
    others = [w + w[-1:] + (b"x" if kind == "S" else "x") for w in words]
    array = np.array([*words, *others, *words], f"{kind}{width}" if width else None)
    indices = StringTable(np.array(words)).find(array)
    places = list(range(len(words)))
    assert indices.tolist() == [*places, *[-1] * len(words), *places]


def test_strings_longer_than_all_of_the_table():
    indices = StringTable(np.array(["a", "b"])).find(np.array(["b" * 30, "b", "a" * 9]))
    assert indices.tolist() == [-1, 1, -1]


FORMS = {
    "str": lambda x: x.astype(object),
    "bytes": lambda x: np.char.encode(x, "utf-8").astype(object),
    "mixed": lambda x: np.array([w.encode() if i % 2 else w for i, w in enumerate(x)], object),
    "U": lambda x: x,
    "S": lambda x: np.char.encode(x, "utf-8"),
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "ascii": lambda x: np.where(np.char.str_len(x) > 1, "ab", "zz"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_oov_indices": 3},
        {"mask_token": "a", "output_mode": "multi_hot"},
        {"mask_token": "", "num_oov_indices": 2},
    ],
)
def test_long_arrays_are_looked_up_like_short_ones(form, options):
    """An array with many strings, which is not converted, and its parts, which are short."""
    words = [w for w in WORDS if w and w != options.get("mask_token")]
    layer = keras.layers.StringLookup(vocabulary=words, **options)
    unknown = [f"other{i}" for i in range(5)]
    array = np.resize(np.array([*WORDS, *unknown]), LEAST)
    array = FORMS[form](array).reshape(4, -1)
    expected = np.stack([layer(row).numpy() for row in array.reshape(64, -1)])
    actual = layer(array).numpy()
    if "output_mode" in options:
        expected = expected.reshape(4, 16, -1).max(axis=1)
    np.testing.assert_array_equal(actual, expected.reshape(actual.shape))


@pytest.mark.parametrize("wrong", [None, 3, ["a"]])
def test_what_is_no_string_is_refused(wrong):
    layer = keras.layers.StringLookup(vocabulary=["a"])
    array = np.full(2 * LEAST, "a", object)
    array[5] = wrong
    with pytest.raises(ValueError, match="Expected strings"):
        layer(array)


def test_a_layer_with_a_call_of_its_own_gets_strings():
    class Own(keras.layers.StringLookup):
        def call(self, inputs):
            assert inputs.numpy().ravel()[0] == b"a"
            return super().call(inputs)

    assert Own(vocabulary=["a"])(np.full(2 * LEAST, "a")).numpy().all()
