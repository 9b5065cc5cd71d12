"""The backend of Keras 2 gives the values and gradients of tf-keras where that kept the rules."""

import numpy as np
import pytest

from minikeras.keras2 import backend as K
from minikeras.tools.tolerances import assert_close
from tests.cases.keras2_backend import ROWS

tf = pytest.importorskip("tensorflow")
theirs = pytest.importorskip("tf_keras").backend

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

KEPT = [row for row in ROWS if row.later is None and hasattr(theirs, row.name)]


SINGLE = {"in_top_k", "normalize_batch_in_training", "batch_normalization", "pool3d"}
"""What TensorFlow computes in single precision only."""

TERMS = 120
"""No sum in a row has more terms."""


@pytest.fixture
def precision():
    """A function that sets the float type of both sides, which are reset at the end."""
    before = K.floatx(), theirs.floatx()

    def set_both(name):
        K.set_floatx(name)
        theirs.set_floatx(name)
        return name

    yield set_both
    K.set_floatx(before[0])
    theirs.set_floatx(before[1])


@pytest.mark.sampled(rows=25)
@pytest.mark.parametrize("row", KEPT, ids=[f"{n}-{row.name}" for n, row in enumerate(KEPT)])
def test_values_and_gradients(row, precision):
    dtype = precision("float32" if row.name in SINGLE else "float64")
    variables = [tf.Variable(a, dtype=dtype) for a in row.arrays]
    with tf.GradientTape() as tape:
        expected = row.call(theirs, *variables)
        weights = np.random.default_rng(0).normal(size=expected.shape).astype(dtype)
        total = tf.reduce_sum(tf.cast(expected, dtype) * weights)
    own = [K.variable(a) for a in row.arrays]
    y = row.call(K, *own)
    assert K.dtype(y) == expected.dtype.name
    assert_close(K.eval(y), expected.numpy(), TERMS, row.name)
    if not row.smooth:
        return
    gradients = tape.gradient(total, variables)
    received = K.function([], K.gradients(K.sum(y * K.constant(weights)), own))([])
    for ours, their in zip(received, gradients, strict=True):
        if their is not None:  # TensorFlow's fused kernel has none for the statistics
            assert_close(ours, tf.convert_to_tensor(their).numpy(), TERMS, row.name)


def labels_and_outputs(seed, steps=8, classes=5):
    rng = np.random.default_rng(seed)
    y = rng.random((3, steps, classes)) ** 3
    labels = rng.integers(0, classes - 1, (3, 3))
    return labels, y / y.sum(-1, keepdims=True), rng.integers(6, steps + 1, 3), np.array([3, 2, 1])


@pytest.mark.parametrize("seed", range(5))
def test_ctc_batch_cost(seed):
    labels, y, steps, counts = labels_and_outputs(seed)
    arguments = labels, y, steps[:, None], counts[:, None]
    expected = theirs.ctc_batch_cost(*map(tf.constant, arguments)).numpy()
    received = K.eval(K.ctc_batch_cost(*(K.constant(a) for a in arguments)))
    np.testing.assert_allclose(received, expected, rtol=1e-6)


@pytest.mark.parametrize("greedy", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_ctc_decode(seed, greedy):
    _, y, steps, _ = labels_and_outputs(seed)
    options = {} if greedy else {"beam_width": 50, "top_paths": 2}
    paths, scores = theirs.ctc_decode(
        tf.constant(y, "float32"), tf.constant(steps), greedy, **options
    )
    own_paths, own_scores = K.ctc_decode(
        K.constant(y, "float32"), K.constant(steps), greedy, **options
    )
    for own, path in zip(own_paths, paths, strict=True):
        filled, path = K.eval(own), path.numpy()
        width = filled.shape[1]  # tf-keras fills up to the number of steps
        np.testing.assert_array_equal(filled, path[:, :width])
        assert np.all(path[:, width:] == -1) and np.any(filled[:, -1] >= 0)
    np.testing.assert_allclose(K.eval(own_scores), scores.numpy(), rtol=1e-4)


def test_labels_as_a_sparse_tensor():
    labels, _, _, counts = labels_and_outputs(0)
    expected = theirs.ctc_label_dense_to_sparse(
        tf.constant(labels, "int32"), tf.constant(counts, "int32")
    )
    received = K.ctc_label_dense_to_sparse(K.constant(labels, "int32"), K.constant(counts, "int32"))
    for part in ("indices", "values", "dense_shape"):
        np.testing.assert_array_equal(
            K.eval(getattr(received, part)), getattr(expected, part).numpy()
        )
    np.testing.assert_array_equal(K.eval(received), tf.sparse.to_dense(expected).numpy())
