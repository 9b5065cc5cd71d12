"""Connectionist temporal classification against Keras: wide searches, labels that do not fit."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from parity_tests.support import normal

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("width", [1, 2, 5, 10, 100])
def test_beam_search(width):
    """Dropped beginnings that come back are counted as TensorFlow counts them."""
    logits, lengths = 1.5 * normal((6, 12, 7), "float32"), np.array([12, 12, 12, 9, 3, 1])
    options = {"strategy": "beam_search", "beam_width": width, "top_paths": min(width, 3)}
    ours, theirs = (e.ops.ctc_decode(logits, lengths, **options) for e in (minikeras, keras))
    np.testing.assert_array_equal(ours[0].numpy(), theirs[0].numpy())
    np.testing.assert_allclose(ours[1].numpy(), theirs[1].numpy(), rtol=1e-5)


def test_greedy_ties():
    logits = np.random.default_rng(0).integers(0, 2, (5, 9, 4)).astype("float32")
    for merge in (True, False):
        ours, theirs = (
            e.ops.ctc_decode(logits, [9, 9, 9, 4, 0], merge_repeated=merge)
            for e in (minikeras, keras)
        )
        np.testing.assert_array_equal(ours[0].numpy(), theirs[0].numpy())
        np.testing.assert_array_equal(ours[1].numpy(), theirs[1].numpy())


def test_labels_that_do_not_fit():
    """The loss is large, not infinite, also of no steps at all."""
    arguments = [[1, 1, 1], [1, 2, 3], [2, 2, 2], [1, 2, 3]], normal((4, 6, 4), "float32")
    lengths = np.array([3, 3, 1, 0]), np.array([4, 2, 0, 0])
    ours, theirs = (e.ops.ctc_loss(*map(np.array, arguments), *lengths) for e in (minikeras, keras))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)
    assert np.all(ours.numpy()[:3] > 700) and ours.numpy()[3] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "best"}, "`strategy` must be one of"),
        ({"strategy": "beam_search", "beam_width": 1, "top_paths": 2}, "top_paths=2"),
        ({"sequence_lengths": [4]}, "from 0 to 3"),
    ],
)
def test_errors(options, message):
    arguments = {"sequence_lengths": [3], **options}
    with pytest.raises(ValueError, match=message):
        minikeras.ops.ctc_decode(np.zeros((1, 3, 2), "float32"), **arguments)
    with pytest.raises((ValueError, tf.errors.OpError)):
        keras.ops.ctc_decode(np.zeros((1, 3, 2), "float32"), **arguments)
