"""Regularizers against Keras: penalties, gradients, saved forms, names, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from minikeras import regularizers
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.variable import Variable

pytestmark = pytest.mark.parity

CASES = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {"l1": 0.1, "l2": 0.3}),
    ("L1L2", {"l2": 0.3}),
    ("L1L2", {}),
    ("OrthogonalRegularizer", {"factor": 0.7}),
    ("OrthogonalRegularizer", {"factor": 0.7, "mode": "columns"}),
]
BAD_FACTORS = ["a", -1, float("nan"), float("inf"), np.float32(0.5), np.ones(1)]


def both(name, options):
    return getattr(regularizers, name)(**options), getattr(keras.regularizers, name)(**options)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_penalty_and_gradient(name, options, dtype):
    ours, theirs = both(name, options)
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(dtype)
    if name.startswith("Orth") and dtype != "float32":
        pytest.skip("Keras multiplies a float32 factor with the weight and fails")
    a, b = Variable(x), tf.Variable(x)
    with GradientTape() as tape:
        y = ours(a)
    with tf.GradientTape() as their_tape:
        z = theirs(b)
    assert y.dtype == z.dtype.name and y.shape == ()
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=8 * eps)
    g = their_tape.gradient(z, b)
    if g is not None:
        np.testing.assert_allclose(tape.gradient(y, a).numpy(), g.numpy(), rtol=16 * eps, atol=eps)


def test_orthogonal_penalty_in_float64_is_that_of_the_formula():
    x = np.random.default_rng(2).normal(size=(5, 4))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = [abs(unit[i] @ unit[j]) for i in range(5) for j in range(i)]
    ours = regularizers.OrthogonalRegularizer(0.5)(x)
    np.testing.assert_allclose(ours.numpy(), 0.5 * np.mean(cosines), rtol=1e-14)


def test_rows_of_zeros():
    x = np.array([[0.0, 0.0], [1.0, 2.0], [-1.0, 3.0]], "float32")
    ours, theirs = both("OrthogonalRegularizer", {})
    np.testing.assert_allclose(ours(x).numpy(), theirs(tf.constant(x)).numpy(), rtol=1e-6)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_saved_forms(name, options):
    ours, theirs = both(name, options)
    saved = keras.regularizers.serialize(theirs)
    assert regularizers.serialize(ours) == saved
    assert regularizers.serialize(regularizers.deserialize(saved)) == saved
    assert keras.regularizers.serialize(keras.regularizers.deserialize(saved)) == saved


@pytest.mark.parametrize("name", sorted(keras.src.regularizers.ALL_OBJECTS_DICT))
def test_every_name_of_keras_is_known(name):
    if name in ("Regularizer", "regularizer"):
        pytest.skip("an abstract class")
    theirs = keras.regularizers.serialize(keras.regularizers.get(name))
    assert regularizers.serialize(regularizers.get(name)) == theirs


def test_public_names():
    public = {name for name in dir(keras.regularizers) if not name.startswith("_")}
    assert public <= set(dir(regularizers))


@pytest.mark.parametrize("factor", BAD_FACTORS, ids=str)
@pytest.mark.parametrize(
    ("name", "argument"),
    [("L1", "l1"), ("L2", "l2"), ("L1L2", "l2"), ("OrthogonalRegularizer", "factor")],
)
def test_bad_factors(name, argument, factor):
    for module in (keras.regularizers, regularizers):
        with pytest.raises(ValueError, match=f"{argument}.* (non-negative|finite)"):
            getattr(module, name)(**{argument: factor})


def test_bad_modes_and_ranks():
    for module in (keras.regularizers, regularizers):
        with pytest.raises(ValueError, match="Expected one of|must be one of"):
            module.OrthogonalRegularizer(mode="diagonals")
        with pytest.raises(ValueError, match="must have rank 2|takes matrices"):
            module.OrthogonalRegularizer()(np.ones((2, 3, 4), "float32"))
        with pytest.raises(NotImplementedError, match="get_config"):
            module.Regularizer().get_config()


@pytest.mark.parametrize("identifier", ["nothing", 3, {"class_name": "max_norm", "config": {}}])
def test_bad_identifiers(identifier):
    for module in (keras.regularizers, regularizers):
        with pytest.raises(ValueError, match="Could not interpret regularizer identifier"):
            module.get(identifier)


def test_identifiers():
    assert regularizers.get(None) is regularizers.deserialize(None) is None
    assert regularizers.get(len) is len
    assert isinstance(regularizers.get(regularizers.L2), regularizers.L2)
    assert regularizers.get({"class_name": "l2", "config": {"l2": 0.5}}).l2 == 0.5
