"""Texts as lists of word indexes: what `imdb` and `reuters` make of the lists in their files.

In the files, index k is the k-th most frequent word. Some numbers at the start are set apart: 0 for
padding, 1 for the start of a text, 2 for words that are left out (out of vocabulary).
"""

import itertools

import numpy as np

from minikeras.saving.guard.errors import damaged


def encode(texts, labels, *, num_words, skip_top, maxlen, start_char, oov_char, index_from, where):
    """Return texts as the options ask for them.

    All words lie in one array, which is cut into texts by their lengths.

    Args:
        texts: arrays of lists of ints, one after the other.
        labels: an array of labels for each of them.
        num_words: indexes from here on are left out; None for no bound. As in Keras, the highest
            index that occurs is then left out.
        skip_top: indexes below are left out.
        maxlen: texts of this length and longer are dropped, None for none.
        start_char: what each text begins with, or None.
        oov_char: what stands for words that are left out; None for nothing.
        index_from: what is added to every index.
        where: the file, for errors.

    Returns:
        For each of `texts`: an array of lists of ints, and the array of labels.

    Raises:
        ValueError: if no text is shorter than `maxlen`.
        FileError: if a list holds anything but ints.
    """
    lengths = np.array([len(text) for part in texts for text in part], dtype=np.int64)
    words = itertools.chain.from_iterable(itertools.chain.from_iterable(texts))
    with damaged(where, TypeError, OverflowError, ValueError):
        flat = np.fromiter(words, np.int64, lengths.sum())
    if start_char is not None or index_from:
        flat += index_from
    if start_char is not None:
        flat = np.insert(flat, np.cumsum(lengths) - lengths, start_char)
        lengths += 1
    counts = [len(part) for part in texts]
    keep = np.ones(len(lengths), bool) if not maxlen else lengths < maxlen
    flat, lengths = flat[np.repeat(keep, lengths)], lengths[keep]
    kept = np.split(keep, np.cumsum(counts)[:-1])
    if not len(flat) or (maxlen and not all(part.any() for part in kept)):
        raise ValueError(
            "No sequence is left: each is empty or has `maxlen` words or more. Give a greater "
            f"number, or None to keep all. Received: maxlen={maxlen}"
        )
    flat, lengths = _without_rare(flat, lengths, num_words or flat.max(), skip_top, oov_char)
    parts = np.split(_lists(flat, lengths), np.cumsum([part.sum() for part in kept])[:-1])
    return [
        (part, label[part_kept]) for part, label, part_kept in zip(parts, labels, kept, strict=True)
    ]


def as_objects(lists):
    """Return lists as NumPy arranges them: one axis, or two where all have the same length."""
    return np.array(list(lists), dtype="object")


def _without_rare(flat, lengths, num_words, skip_top, oov_char):
    """Replace words that are too rare or too frequent, or leave them out."""
    allowed = (flat >= skip_top) & (flat < num_words)
    if oov_char is not None:
        return np.where(allowed, flat, oov_char), lengths
    before = np.concatenate([[0], np.cumsum(allowed)])
    ends = np.cumsum(lengths)
    return flat[allowed], before[ends] - before[ends - lengths]


def _lists(flat, lengths):
    """Cut an array of words into lists."""
    words, ends = flat.tolist(), np.cumsum(lengths).tolist()
    lists = np.empty(len(lengths), dtype="object")
    for i, (end, length) in enumerate(zip(ends, lengths.tolist(), strict=True)):
        lists[i] = words[end - length : end]
    return lists
