"""Chains of methods of data sets, drawn at random, against `tf.data`: elements, orders, passes.

TensorFlow computes elements ahead in a thread (`autotune`) where passes that are left early would
depend on time; that is switched off. With a seed of the run all orders are determined.
"""

import itertools
import random
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from minikeras.ops.random import seeds
from minikeras.utils.dataset import UNKNOWN, Dataset

pytestmark = pytest.mark.parity

KINDS = (Dataset, tf.data.Dataset)

# Without an end there are only so many elements to compare.
MOST = 40

ALL = 1000


def double(x):
    return x * 2 + 1


def is_kept(x):
    return tf.reduce_all(x % 3 != 0) if tf.is_tensor(x) else np.all(np.asarray(x) % 3 != 0)


def pair(x):
    return x, x


def first(x, y):
    return x


# The methods, and the values from which each argument is drawn.
STAGES = {
    "shuffle": ([1, 2, 3, 5, 20], [None, 0, 1, 7], [True, True, False]),
    "take": ([-1, 0, 1, 2, 3, 5, 8],),
    "skip": ([-1, 0, 1, 2, 3, 5, 8],),
    "repeat": ([None, -1, 1, 2, 2, 3],),
    "batch": ([1, 2, 3, 4], [True, False, False]),
    "prefetch": ([-1, 0, 1, 2],),
    "map": ([double],),
    "filter": ([is_kept],),
    "unbatch": (),
    "cache": (),
}


def stage(rng, names=tuple(STAGES)):
    """A stage: its method and the arguments."""
    name = rng.choice([*names, *["shuffle"] * 3])
    return name, *(rng.choice(values) for values in STAGES[name])


def stages(rng, most, names=tuple(STAGES)):
    return [stage(rng, names) for _ in range(rng.randint(0, most))]


def is_endless(chain):
    return any(name == "repeat" and arguments[0] in (None, -1) for name, *arguments in chain)


def allowed(chain):
    """The chain without stages that cannot be: batches are not nested, and what is endless is not
    searched for elements to keep."""
    is_batched, kept = False, []
    for name, *arguments in chain:
        wrong = {
            "batch": is_batched,
            "unbatch": not is_batched,
            "filter": is_batched or is_endless(kept),
        }
        if not wrong.get(name):
            is_batched = name == "batch" or (is_batched and name != "unbatch")
            kept.append((name, *arguments))
    return kept


def applied(data, chain):
    for name, *arguments in chain:
        data = getattr(data, name)(*arguments)
    return data


def source(kind, size):
    return kind.from_tensor_slices(np.arange(size)[:, np.newaxis])


def on_time(data):
    """A data set of TensorFlow that computes nothing ahead, or one of ours."""
    if isinstance(data, Dataset):
        return data
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def set_seed(monkeypatch, seed):
    tf.random.set_seed(seed)
    monkeypatch.setitem(seeds._state, "run_seed", seed)
    monkeypatch.setitem(seeds._state, "op_seeds", 0)


def listed(data, most):
    return [np.asarray(x).tolist() for x in itertools.islice(data.as_numpy_iterator(), most)]


def same_cardinality(ours, theirs):
    """TensorFlow knows the number of samples in batches of one size."""
    assert int(ours.cardinality()) in (int(theirs.cardinality()), UNKNOWN)


@pytest.mark.sampled(rows=20)
@pytest.mark.parametrize("number", range(300))
def test_one_chain(monkeypatch, number):
    """Three passes and more, some of which are left early."""
    rng = random.Random(number)
    chain = allowed([stage(rng) for _ in range(rng.randint(1, 5))])
    size, run_seed = rng.choice([0, 1, 4, 7, 10]), rng.choice([0, 5])
    # What is computed ahead of a pass that is left is not determined.
    left = [0, 3] if all(name != "prefetch" for name, *_ in chain) else []
    most = [rng.choice([ALL, ALL, *left]) for _ in range(4)]
    results = []
    for kind in KINDS:
        set_seed(monkeypatch, run_seed)
        results.append(on_time(applied(source(kind, size), chain)))
    same_cardinality(*results)
    for count in most:
        ours, theirs = (
            listed(d, min(count, MOST) if is_endless(chain) else count) for d in results
        )
        assert ours == theirs, (size, chain, most)


NOT_AHEAD = tuple(name for name in STAGES if name != "prefetch")


@pytest.mark.sampled(rows=6)
@pytest.mark.parametrize("number", range(200))
def test_data_sets_that_share_a_shuffle(monkeypatch, number):
    """Passes of several data sets made of one, in turns and at once."""
    rng = random.Random(number)
    shared = [*stages(rng, 2, NOT_AHEAD), stage(rng, ["shuffle"]), *stages(rng, 2, NOT_AHEAD)]
    chains = [allowed(shared + stages(rng, 3, NOT_AHEAD)) for _ in range(rng.choice([2, 3]))]
    shared = allowed(shared)
    size, run_seed = rng.choice([4, 7, 10]), rng.choice([0, 5, 9])
    turns = [(rng.randrange(len(chains)), rng.choice([ALL, ALL, 3, 0])) for _ in range(7)]
    results = []
    for kind in KINDS:
        set_seed(monkeypatch, run_seed)
        base = applied(source(kind, size), shared)
        data = [on_time(applied(base, chain[len(shared) :])) for chain in chains]
        passes = [
            listed(data[i], min(count, MOST) if is_endless(chains[i]) else count)
            for i, count in turns
        ]
        iterators = [d.as_numpy_iterator() for d in data]
        at_once = [np.asarray(next(i, None)).tolist() for _ in range(6) for i in iterators]
        results.append([*passes, at_once])
    for ours, theirs in zip(*results, strict=True):
        assert ours == theirs, (size, chains, turns)


# ---- in `fit`


def noting(engine, seen):
    """A model whose steps note what they see."""

    def note(step, data):
        x = data[0] if isinstance(data, tuple) else data
        seen.append((step, np.asarray(x).reshape(-1).tolist()))
        return x

    class Noting(engine.Model):
        def __init__(self):
            super().__init__()
            self.dense = engine.layers.Dense(1)

        def call(self, x):
            return self.dense(engine.ops.cast(x, "float32"))

        def train_step(self, data):
            note("train", data)
            return {"loss": 0.0}

        def test_step(self, data):
            note("test", data)
            return {"loss": 0.0}

        def predict_step(self, data):
            return self(note("predict", data))

    return Noting()


def drawn_fit(rng):
    """Training and validation data that come out of one shuffle, and the arguments of `fit`."""
    names = ("take", "skip", "shuffle", "cache", "repeat", "filter")
    shared = allowed([*stages(rng, 2, names), stage(rng, ["shuffle"]), *stages(rng, 1, names)])
    cut, end = rng.choice([2, 3, 4]), stages(rng, 1, ("shuffle", "cache"))
    repeat = ("repeat", None)
    train = rng.choice([[("skip", cut)], [], [("take", cut)], [repeat], [("skip", cut), repeat]])
    test = rng.choice([[("take", cut)], [], [repeat], [("take", cut), repeat]])
    train, test = train + end, test + stages(rng, 1, ("shuffle", "cache"))
    steps, test_steps = [None, None, 2, 1], [None, None, 1, 2]
    options = {
        "steps_per_epoch": rng.choice([2, 5] if is_endless(shared + train) else steps),
        "validation_steps": rng.choice([1, 2] if is_endless(shared + test) else test_steps),
        "validation_freq": rng.choice([1, 1, 2, [1, 3]]),
    }
    return shared, train, test, options


def run(model, train, test, options, rng):
    """Train, evaluate and predict, twice perhaps."""
    for _ in range(rng.choice([1, 1, 2])):
        model.fit(train, epochs=3, verbose=0, validation_data=test, **options)
        if rng.random() < 0.5:
            model.evaluate(test, steps=options["validation_steps"], verbose=0)
        if rng.random() < 0.3 and test.cardinality() >= 0:
            model.predict(test.map(first), verbose=0)


@pytest.mark.sampled(rows=3)
@pytest.mark.parametrize("number", range(100))
def test_training_and_validation_from_one_shuffle(number):
    """Each step of `fit`, `evaluate` and `predict` sees the samples that it sees in Keras."""
    rng = random.Random(number)
    shared, train, test, options = drawn_fit(rng)
    size, batch_size, at_once = rng.choice([6, 9, 12]), rng.choice([1, 2, 4]), rng.choice([1, 1, 2])
    if not listed(applied(source(Dataset, size), shared + train), 1) or not listed(
        applied(source(Dataset, size), shared + test), 1
    ):
        return  # no data set without samples is trained on
    results = []
    for engine, kind in zip((minikeras, keras), KINDS, strict=True):
        engine.utils.set_random_seed(5)
        base, seen = applied(source(kind, size), shared), []
        data = (on_time(applied(base, c).batch(batch_size).map(pair)) for c in (train, test))
        model = noting(engine, seen)
        model.compile("sgd", "mse", run_eagerly=True, steps_per_execution=at_once)
        with warnings.catch_warnings(action="ignore"):  # that data ran out
            run(model, *data, options, random.Random(number))
        results.append(seen)
    assert results[0] == results[1], (size, shared, train, test, options)
