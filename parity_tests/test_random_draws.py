"""Every random draw, and the order of samples in `fit`, against Keras on TensorFlow."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from minikeras.arrays import order, random, rejection

SEEDS = [(0, 0), (1, 0), (12345, 7), (2**62 + 5, 2**40 + 1), (-3, -9)]
SHAPES = [(0,), (), (1,), (3,), (4,), (5,), (7, 9), (1000,), (100_001,)]
DTYPES = ["float16", "float32", "float64"]

# Our logarithm is correctly rounded to float32; the C library's is not in under 1% of arguments,
# which moves a sample by one place, or two once it has been scaled.
ULP = 2

# The share of samples that may differ at all, judged where there are enough of them to tell.
UNEQUAL_SHARE = {"float16": 1e-4, "float32": 5e-3, "float64": 5e-3}
ENOUGH = 100_000


def assert_samples(actual, expected):
    expected = expected.numpy()
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_max_ulp(actual, expected, maxulp=ULP)
    if actual.size >= ENOUGH:
        assert (actual != expected).mean() <= UNEQUAL_SHARE[actual.dtype.name]


def assert_equal(actual, expected):
    expected = expected.numpy()
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", SEEDS)
def test_floating_draws(seed, dtype):
    low, high = np.asarray([-0.3, 0.7], dtype)
    for shape in SHAPES:
        expected = tf.random.stateless_uniform(shape, seed, low, high, dtype)
        assert_equal(random.uniform(np, seed, shape, low, high, dtype), expected)
        expected = tf.random.stateless_normal(shape, seed, dtype=dtype)
        assert_samples(random.normal(np, seed, shape, dtype=dtype), expected)
        expected = tf.random.stateless_truncated_normal(shape, seed, dtype=dtype)
        assert_samples(random.truncated_normal(np, seed, shape, dtype=dtype), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_and_deviation(dtype):
    for ours, theirs in (
        (random.normal, tf.random.stateless_normal),
        (random.truncated_normal, tf.random.stateless_truncated_normal),
    ):
        actual = ours(np, (4, 1), (3000,), 0.0, 0.05, dtype)
        assert_samples(actual, theirs((3000,), (4, 1), 0.0, 0.05, dtype))


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_randint(seed, dtype):
    for shape in SHAPES:
        for low, high in ((0, 10), (-5, 1_000_003), (-(2**31), 2**31 - 1)):
            expected = tf.random.stateless_uniform(shape, seed, low, high, dtype)
            assert_equal(random.randint(np, seed, shape, low, high, dtype), expected)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint32", "int32", "int64"])
def test_keras_randint(dtype):
    expected = keras.random.randint((1000,), 0, 300, dtype=dtype, seed=5)
    assert_equal(random.randint(np, (5, 0), (1000,), 0, 300, dtype), expected)


@pytest.mark.parametrize("seed", [0, 1, -3, 2**31 - 2, 2**31 + 4, 2**40 + 3])
def test_keras_folds_its_seeds(seed):
    folded = random.fold_seed((seed, 0))
    assert_equal(random.uniform(np, folded, (9,)), keras.random.uniform((9,), seed=seed))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout(dtype):
    dropped = keras.random.dropout(np.ones((1000, 33), dtype), 0.3, seed=5)
    assert_equal(random.dropout_mask(np, (5, 0), (1000, 33), 0.3, dtype), dropped != 0)
    dropped = keras.random.dropout(np.ones((4, 6, 5), dtype), 0.3, (4, 1, 5), seed=5)
    mask = random.dropout_mask(np, (5, 0), (4, 1, 5), 0.3, dtype)
    assert_equal(np.broadcast_to(mask, (4, 6, 5)), dropped != 0)


@pytest.mark.parametrize("size", [0, 1, 2, 1000, 100_001])
def test_shuffle(size):
    x = np.arange(size)
    assert_equal(random.shuffle(np, (5, 0), x), keras.random.shuffle(x, seed=5))


def test_shuffle_along_an_axis():
    x = np.arange(60.0).reshape(3, 5, 4)
    for axis in (0, 1, 2, -1):
        expected = keras.random.shuffle(x, axis=axis, seed=5)
        assert_equal(random.shuffle(np, (5, 0), x, axis), tf.cast(expected, "float64"))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows, classes, samples", [(1, 5, 7), (3, 4, 5), (2, 1000, 3), (0, 3, 2)])
def test_categorical(rows, classes, samples, dtype):
    logits = np.random.default_rng(0).normal(size=(rows, classes)).astype(dtype)
    expected = tf.random.stateless_categorical(logits, samples, (9, 4))
    assert_equal(random.categorical(np, (9, 4), logits, samples), expected)


def test_categorical_with_logits_that_are_not_finite():
    logits = np.array([[0, np.inf, 1, -np.inf, np.nan, 2.0]])
    expected = tf.random.stateless_categorical(logits, 50, (9, 4))
    assert_equal(random.categorical(np, (9, 4), logits, 50), expected)


GAMMAS = [1.0, 0.3, 2.5, 50.0, [1.0, 0.5, 3.0], [[0.1, 2], [1, 7]]]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("alpha", GAMMAS)
def test_gamma(alpha, dtype):
    alpha = np.asarray(alpha, dtype)
    shape = (3000, *alpha.shape)
    expected = keras.random.gamma(shape, alpha, dtype=dtype, seed=5)
    assert_samples(rejection.gamma(np, (5, 0), shape, alpha, dtype), expected)


@pytest.mark.parametrize("alpha", GAMMAS)
def test_gamma_in_double(alpha):
    alpha = np.asarray(alpha)
    shape = (3000, *alpha.shape)
    expected = keras.random.gamma(shape, alpha, dtype="float64", seed=5)
    actual = rejection.gamma(np, (5, 0), shape, alpha, "float64")
    np.testing.assert_allclose(actual, expected, rtol=4e-15)


@pytest.mark.parametrize("seed", [5, 2**31 - 3])
def test_beta(seed):
    alpha = np.array([0.5, 1, 2], "float32")
    expected = keras.random.beta((400, 3), alpha, 2.0, seed=seed)
    assert_samples(rejection.beta(np, (seed, 0), (400, 3), alpha, 2.0), expected)


BINOMIALS = [
    (10.0, 0.3), (10.0, 0.9), (100.0, 0.4), (1000.0, 0.01), (50.0, 0.5), (0.0, 0.5), (1e6, 0.77),
    (10.0, 0.0), (10.0, 1.0), (40.0, 1.0), ([5.0, 40, 300], 0.35),
    ([[5.0], [400]], [0.2, 0.5, 0.9]),
]  # fmt: skip


@pytest.mark.parametrize("counts, chances", BINOMIALS)
def test_binomial(counts, chances):
    shape = (3000, *np.broadcast(counts, chances).shape)
    actual = rejection.binomial(np, (5, 0), shape, np.array(counts, "float32"), chances)
    assert_equal(actual, keras.random.binomial(shape, counts, chances, seed=5))


class Recorder(keras.Model):
    """A model whose training step notes which samples it was given."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.compile(optimizer="sgd", loss="mse")

    def call(self, x):
        return x

    def note(self, x):
        self.seen.append(x.numpy()[:, 0])

    def train_step(self, data):
        tf.py_function(self.note, [data[0]], [])
        return {"loss": tf.constant(0.0)}

    def orders(self, size, **arguments):
        """The order of each epoch of one fit."""
        self.seen.clear()
        x = np.arange(size)[:, None]
        self.fit(x, x, verbose=0, **arguments)
        return np.concatenate(self.seen).astype("int64")


@pytest.mark.parametrize("seed", [0, 1, 123456, 2**31 - 1, 2**31 + 5, 2**32 - 1])
def test_epoch_order(seed):
    keras.utils.set_random_seed(seed)
    seen = Recorder().orders(1000, epochs=2).reshape(2, 1000)
    np.testing.assert_array_equal(seen, [order.epoch_order(seed, 1000)] * 2)


def test_epoch_order_of_many_samples():
    keras.utils.set_random_seed(5)
    seen = Recorder().orders(100_001, batch_size=20_000)
    np.testing.assert_array_equal(seen, order.epoch_order(5, 100_001))


def test_epoch_order_ignores_everything_but_the_seed():
    keras.utils.set_random_seed(5)
    expected = order.epoch_order(5, 200)
    model = Recorder()
    np.testing.assert_array_equal(model.orders(200), expected)
    tf.random.normal((3,))
    keras.random.uniform((3,))
    keras.layers.Dense(3).build((None, 4))
    np.testing.assert_array_equal(model.orders(200, batch_size=7), expected)
    np.testing.assert_array_equal(Recorder().orders(200), expected)
    kept = Recorder().orders(200, validation_split=0.25)
    np.testing.assert_array_equal(kept, order.epoch_order(5, 150))


@pytest.mark.parametrize(
    "seed, size, batch", [(5, 20, 6), (1, 300, 32), (0, 50, 9), (3, 52, 17), (4, 9, 4), (4, 5, 1)]
)
def test_batch_order(seed, size, batch):
    keras.utils.set_random_seed(seed)
    seen = Recorder().orders(size, batch_size=batch, shuffle="batch", epochs=2)
    expected = order.batch_order(seed, size, batch)
    np.testing.assert_array_equal(seen, np.concatenate([expected, expected]))
