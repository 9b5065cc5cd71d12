"""CTC against the sum over all alignments, one by one, in float64."""

import itertools
import math

import numpy as np
import pytest

import minikeras as keras

CLASSES, LENGTHS = 4, np.array([6, 5, 4], "int32")
LOGITS = np.random.default_rng(0).normal(size=(len(LENGTHS), 6, CLASSES))


def labels_of(alignment, blank):
    """What an alignment says: repeated classes once, blanks left out."""
    merged = [key for key, _ in itertools.groupby(alignment)]
    return tuple(k for k in merged if k != blank)


def log_probabilities(logits, length, blank):
    """The logarithm of the probability of each sequence of labels."""
    rows = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    terms = {}
    for alignment in itertools.product(range(CLASSES), repeat=int(length)):
        p = math.exp(math.fsum(rows[t, k] for t, k in enumerate(alignment)))
        terms.setdefault(labels_of(alignment, blank), []).append(p)
    return {labels: math.log(math.fsum(parts)) for labels, parts in terms.items()}


@pytest.mark.parametrize("blank", [0, 2])
def test_the_likeliest_labels(blank):
    """A beam that holds all prefixes finds the best sequence, and its probability."""
    options = {"strategy": "beam_search", "beam_width": 2000, "mask_index": blank}
    decoded, scores = keras.ops.ctc_decode(LOGITS, LENGTHS, **options)
    for logits, length, path, score in zip(LOGITS, LENGTHS, decoded[0], scores, strict=True):
        exact = log_probabilities(logits, length, blank)
        best = max(exact, key=exact.__getitem__)
        assert tuple(k for k in path.tolist() if k >= 0) == best
        assert float(score[0]) == pytest.approx(exact[best], abs=1e-12)


@pytest.mark.parametrize("blank", [0, 2])
def test_the_loss_of_labels(blank):
    target = np.array([[1, 3, 1], [1, 1, 3], [3, 0, 0]], "int32")
    sizes = np.array([3, 3, 1], "int32")
    losses = keras.ops.ctc_loss(target, LOGITS, sizes, LENGTHS, mask_index=blank)
    for i, loss in enumerate(losses.tolist()):
        exact = log_probabilities(LOGITS[i], LENGTHS[i], blank)
        assert loss == pytest.approx(-exact[tuple(target[i, : sizes[i]].tolist())], abs=1e-12)
