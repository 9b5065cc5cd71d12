"""From texts to words: standardizing, splitting, n-grams.

Texts are `bytes` in UTF-8. As in Keras on TensorFlow, only letters of ASCII are lowered, and only
punctuation and whitespace of ASCII count as such; these are single bytes in UTF-8, so whole texts
are translated without being decoded.
"""

import math
import string

import numpy as np

from minikeras.arrays.strings import as_strings, filled
from minikeras.layers.preprocessing.adapting import host_array_of, is_array

_SAME = bytes(range(256))
_LOWER = _SAME.lower()
_PUNCTUATION = string.punctuation.encode()

STANDARDIZATIONS = {
    "lower_and_strip_punctuation": (_LOWER, _PUNCTUATION),
    "lower": (_LOWER, b""),
    "strip_punctuation": (_SAME, _PUNCTUATION),
}
"""What each byte becomes, and which are left out."""

SPLITS = {
    "whitespace": bytes.split,
    "character": lambda text: [c.encode() for c in text.decode("utf-8", "replace")],
}
"""Functions of a text that return its tokens."""


def standardized(texts, how):
    """Return texts in a standard form.

    Args:
        texts: array of `bytes`.
        how: one of `STANDARDIZATIONS`, None, or a function of an array of text that returns one.
    """
    if how is None:
        return texts
    if callable(how):
        return _string_array(how(_decoded(texts)))
    table, left_out = STANDARDIZATIONS[how]
    return filled([text.translate(table, left_out) for text in texts.ravel()], texts.shape)


def split_texts(texts, how):
    """Return the list of tokens of each text.

    Args:
        texts: array of `bytes`, of one axis or none.
        how: one of `SPLITS`, or a function of an array of text that returns a list for each.
    """
    if callable(how):
        return _rows(how(_decoded(np.atleast_1d(texts))))
    return list(map(SPLITS[how], np.atleast_1d(texts).tolist()))


def ngrams_of(rows, widths):
    """Return the n-grams of each row of tokens, joined by spaces: first all of one width.

    Args:
        rows: lists of tokens, or an array of them, whose last axis is a row.
        widths: how many tokens are joined.

    Returns:
        What `rows` is: lists or an array.
    """
    if not isinstance(rows, np.ndarray):
        return [_joined(row, widths) for row in rows]
    length = rows.shape[-1] if rows.ndim else 1
    count = math.prod(rows.shape[:-1])
    joined = [_joined(row, widths) for row in rows.reshape(count, length).tolist()]
    width = sum(max(length - width + 1, 0) for width in widths)
    return filled([token for row in joined for token in row], (*rows.shape[:-1], width))


def _joined(row, widths):
    return [b" ".join(row[i : i + width]) for width in widths for i in range(len(row) - width + 1)]


def _decoded(texts):
    """Texts as a NumPy array of str, which NumPy's and TensorFlow's functions of text take."""
    return np.array([text.decode() for text in texts.ravel()], dtype=str).reshape(texts.shape)


def _string_array(value):
    return as_strings(host_array_of(value) if is_array(value) else np.asarray(value))


def _rows(value):
    """What a user's function made of texts as lists of `bytes`."""
    if hasattr(value, "to_list"):  # a ragged tensor of TensorFlow
        value = value.to_list()
    return [_string_array(row).ravel().tolist() for row in value]
