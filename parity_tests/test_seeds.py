"""Seed generators and the functions of `keras.random` against Keras."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from minikeras import random as ours
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.variable import Variable
from minikeras.core import registry
from minikeras.ops.random import seeds
from parity_tests.support import said

pytestmark = pytest.mark.parity

DRAWS = [
    ("uniform", ((3, 5), -0.3, 0.7)),
    ("uniform", ((2,), [0.0, 1.0], [1.0, 5.0])),
    ("normal", ((7,), 1.0, 2.0)),
    ("normal", ((2,), [0.0, 1.0], [1.0, 5.0])),
    ("truncated_normal", ((9,), 1.0, 0.5)),
    ("gamma", ((5,), 2.0)),
    ("gamma", ((2, 3), [0.5, 1.0, 3.0])),
    ("beta", ((5,), 2.0, 3.0)),
    ("beta", ((2, 3), [[2.0], [1.0]], 3.0)),
    ("binomial", ((5,), 5, 0.5)),
    ("binomial", ((2, 3), [[5.0], [60.0]], [0.5, 0.1, 0.3])),
]
SEEDS = [0, 5, -7, 2**31 - 2, 2**40 + 3]


def assert_same(actual, expected, ulps=4):
    expected = np.asarray(expected)
    assert (actual.dtype, actual.shape) == (expected.dtype.name, expected.shape)
    if expected.dtype.kind == "f":
        eps = np.finfo(expected.dtype).eps
        np.testing.assert_allclose(actual.numpy(), expected, rtol=ulps * eps, atol=ulps * eps)
    else:
        np.testing.assert_array_equal(actual.numpy(), expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "arguments"), DRAWS, ids=str)
def test_draws(name, arguments, seed, dtype):
    expected = getattr(keras.random, name)(*arguments, dtype=dtype, seed=seed)
    assert_same(getattr(ours, name)(*arguments, dtype=dtype, seed=seed), expected)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int16"])
def test_integers(dtype):
    expected = keras.random.randint((40,), 3, 120, dtype=dtype, seed=2)
    assert_same(ours.randint((40,), 3, 120, dtype=dtype, seed=2), expected)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
def test_categorical(dtype):
    logits = np.random.default_rng(5).normal(size=(3, 6)).astype("float32")
    expected = keras.random.categorical(logits, 9, dtype=dtype, seed=4)
    assert_same(ours.categorical(logits, 9, dtype=dtype, seed=4), expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_shuffle(axis):
    x = np.arange(30).reshape(5, 6)
    assert_same(ours.shuffle(x, axis=axis, seed=6), keras.random.shuffle(x, axis=axis, seed=6))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("noise_shape", [None, (None, 1), (4, 1), (1, 6), (6,)])
@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_dropout(rate, noise_shape, dtype):
    x = np.random.default_rng(6).normal(size=(4, 6)).astype(dtype)
    x[0, :3] = np.nan, np.inf, -0.0
    a, b = Variable(x), tf.Variable(x)
    with GradientTape() as tape:
        y = ours.dropout(a, rate, noise_shape=noise_shape, seed=3)
        y = y * 2.0
    with tf.GradientTape() as their_tape:
        z = keras.random.dropout(tf.convert_to_tensor(b), rate, noise_shape, seed=3)
        z = z * 2.0
    np.testing.assert_array_equal(y.numpy(), z.numpy())
    g = their_tape.gradient(z, b)
    expected = np.zeros_like(x) if g is None else g.numpy()
    np.testing.assert_array_equal(tape.gradient(y, a).numpy(), expected)


@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal"])
def test_gradients_reach_the_parameters(name):
    x = np.array([2.0, 3.0], "float32")
    a, b = Variable(x), tf.Variable(x)
    with GradientTape() as tape:
        y = getattr(ours, name)((2,), a, a * 2.0, seed=1)
    with tf.GradientTape() as their_tape:
        z = getattr(keras.random, name)((2,), b, b * 2.0, seed=1)
    assert_same(y, z)
    assert_same(tape.gradient(y, a), their_tape.gradient(z, b))


def test_generators_step_alike():
    mine, theirs = seeds.SeedGenerator(3), keras.random.SeedGenerator(3)
    for ordered in (True, True, False, True, False):
        assert mine.next(ordered).tolist() == theirs.next(ordered).numpy().tolist()
        assert mine.state.numpy().tolist() == theirs.state.numpy().tolist()
    assert mine.state.dtype == theirs.state.dtype == "int64"
    for _ in range(2):
        assert_same(ours.uniform((3,), seed=mine), keras.random.uniform((3,), seed=theirs))


def test_state_variable():
    mine = seeds.SeedGenerator(3, name="g").state
    theirs = keras.random.SeedGenerator(3, name="g").state
    for attribute in ("name", "path", "trainable", "shape", "aggregation"):
        assert getattr(mine, attribute) == getattr(theirs, attribute)


def test_draws_without_a_seed():
    keras.utils.set_random_seed(5)
    expected = [keras.random.uniform((3,)).numpy() for _ in range(4)]
    seeds.set_random_seed(5)
    np.testing.assert_array_equal([ours.uniform((3,)).numpy() for _ in range(4)], expected)


def test_set_random_seed_sets_python_and_numpy():
    drawn = []
    for module in (keras.utils, seeds):
        module.set_random_seed(9)
        drawn.append((random.random(), np.random.rand(), seeds.make_default_seed()))
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("seed", [None, 3, -1, 2**40])
def test_configs(seed):
    mine = seeds.SeedGenerator(seed, name="g")
    theirs = keras.random.SeedGenerator(seed, name="g")
    saved = keras.saving.serialize_keras_object(theirs)
    assert mine.get_config() == theirs.get_config()
    assert registry.serialize(mine) == saved
    assert registry.deserialize(saved).get_config() == theirs.get_config()


@pytest.mark.parametrize(
    "arguments",
    [{"seed": 1.5}, {"seed": "a"}, {"seed": 2**63}, {"seed": np.int64(3)}, {"seed": True}]
    + [{"seed": 3, "name": "a/b"}, {"seed": 3, "name": 3}, {"seed": 3, "foo": 1}],
    ids=str,
)
def test_bad_generators(arguments):
    # Keras leaves some seeds to TensorFlow, in whose words they are a Python sequence.
    words = f"`?{list(arguments)[-1]}|Can't convert Python sequence"
    for module in (keras.random, seeds):
        with pytest.raises(ValueError, match=words):
            module.SeedGenerator(**arguments)


@pytest.mark.parametrize("seed", ["a", -1, 2**40, 1.0, np.int64(3)], ids=str)
def test_bad_global_seeds(seed):
    for module in (keras.utils, seeds):
        with pytest.raises(ValueError, match="[Ss]eed.* (an int|between 0 and 2)"):
            module.set_random_seed(seed)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("uniform", {"shape": (2,), "dtype": "int32"}, "floating point `dtype`. .*dtype=int32"),
        ("uniform", {"shape": (2,), "seed": "a"}, "`seed` must be .* Received: seed='a'"),
        ("uniform", {"shape": (2,), "seed": 1.5}, "`seed` must be .* Received: seed=1.5"),
        (
            "randint",
            {"shape": (2,), "minval": 0, "maxval": 5, "dtype": "float32"},
            "must be an integer type, .* Received: dtype=float32",
        ),
        ("categorical", {"logits": np.ones(3), "num_samples": 2}, "`logits` must be"),
        ("dropout", {"inputs": np.ones(3), "rate": -0.1}, "`rate` must be .* Received: rate=-0.1"),
        ("dropout", {"inputs": np.ones(3), "rate": 1.1}, "`rate` must be .* Received: rate=1.1"),
        ("dropout", {"inputs": np.arange(3), "rate": 0.5}, "(?s)float.* scaled. Received: .*int64"),
    ],
    ids=str,
)
def test_bad_draws(name, arguments, words):
    for module in (keras.random, ours):
        with pytest.raises(ValueError, match=said(module, words)):
            getattr(module, name)(**arguments)
