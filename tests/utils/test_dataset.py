"""Data sets: lazy, gone through again and again, in new orders where they are shuffled."""

import json
import threading

import numpy as np
import pytest

import minikeras as keras
from minikeras.utils.dataset import Dataset
from minikeras.utils.shuffling import Shuffle

X, Y = np.arange(20.0).reshape(10, 2), np.arange(10)


def data():
    return Dataset.from_tensor_slices((X, Y))


def labels(dataset):
    return [np.asarray(y).tolist() for _, y in dataset]


def test_loops_get_tensors_and_iterators_arrays():
    x, y = next(iter(data().batch(3)))
    assert isinstance(x, keras.Tensor) and x.dtype == "float64" and y.shape == (3,)
    x, y = next(data().as_numpy_iterator())
    assert isinstance(x, np.ndarray) and isinstance(y, np.int64)


def test_nothing_is_computed_before_it_is_asked_for():
    seen = []

    def function(x, y):
        seen.append(int(y))
        return x

    mapped = data().map(function).batch(2).take(2).skip(1)
    assert not seen
    assert len(list(mapped)) == 1 and seen == [0, 1, 2, 3]


def test_each_pass_has_an_order_of_its_own():
    shuffled = data().shuffle(10, seed=1)
    first, second = labels(shuffled), labels(shuffled)
    assert sorted(first) == sorted(second) == Y.tolist() and first != second
    again = data().shuffle(10, seed=1)
    assert [labels(again), labels(again)] == [first, second]
    one = data().shuffle(10, seed=1, reshuffle_each_iteration=False)
    assert labels(one) == labels(one)
    assert labels(data().shuffle(10)) != labels(data().shuffle(10))


def test_orders_without_a_seed_follow_the_seed_of_the_run():
    orders = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        orders.append(labels(data().shuffle(10)))
    assert orders[0] == orders[1]


def test_a_small_buffer_moves_elements_little():
    order = list(Shuffle(3, seed=0)(range(50)))
    assert sorted(order) == list(range(50))
    assert all(place >= element - 2 for place, element in enumerate(order))
    assert list(Shuffle(1, seed=0)(range(5))) == list(range(5))


def test_known_and_unknown_lengths():
    assert len(data().batch(3)) == 4 and len(data().batch(3, drop_remainder=True)) == 3
    assert len(data().repeat(3).skip(4)) == 26 and len(data().take(99)) == 10
    assert data().repeat().cardinality() == -1 and len(data().repeat().take(5)) == 5
    for unknown, word in ((data().filter(lambda x, y: True), "unknown"), (data().repeat(), "inf")):
        with pytest.raises(TypeError, match=word):
            len(unknown)
        assert unknown


def test_a_cache_is_filled_by_a_whole_pass():
    calls = []
    cached = data().map(lambda x, y: (calls.append(1), (x, y))[1]).cache()
    next(iter(cached))
    assert len(calls) == 1
    assert labels(cached) == labels(cached) == Y.tolist() and len(calls) == 11


@pytest.mark.parametrize("buffer_size", [-1, 0, 1, 4, 50])
def test_prefetched(buffer_size):
    fetched = data().prefetch(buffer_size)
    assert labels(fetched) == labels(fetched) == Y.tolist()
    before = threading.active_count()
    iterator = iter(fetched)
    next(iterator)
    del iterator
    assert threading.active_count() <= before


def test_errors_of_functions_reach_the_loop():
    def function(x, y):
        raise KeyError("mine")

    for wrong in (data().map(function), data().map(function).prefetch(2)):
        with pytest.raises(KeyError, match="mine"):
            list(wrong)


def test_nests():
    nest = Dataset.from_tensor_slices({"a": X, "b": (Y, X)}).batch(4)
    element = next(iter(nest))
    assert element["a"].shape == (4, 2) and element["b"][0].shape == (4,)
    mapped = nest.map(lambda e: {"c": e["a"] + 1, "d": [1, 2]})
    element = next(iter(mapped))
    assert element["c"].dtype == "float64" and element["d"].shape == (2,)
    assert element["d"].dtype == "int32"


def test_the_source_may_change_afterwards():
    x = np.zeros(3)
    copied = Dataset.from_tensor_slices(x)
    x += 1
    assert [float(element) for element in copied] == [0, 0, 0]


def test_strings():
    texts = Dataset.from_tensor_slices((["a", "bc"], [1, 2]))
    (text, _), *_ = texts
    assert text.numpy() == "a" and text.shape == ()
    batch, _ = next(iter(texts.batch(2)))
    assert batch.numpy().tolist() == ["a", "bc"]
    upper = texts.map(lambda text, y: (text.numpy().upper(), y)).batch(2)
    assert next(iter(upper))[0].numpy().tolist() == ["A", "BC"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.batch(0), "batch_size"),
        (lambda d: d.shuffle(0), "buffer_size"),
        (lambda d: list(d.batch(3).batch(4)), "can't be stacked"),
        (lambda d: Dataset.from_tensor_slices((X, Y[:3])), "same number"),
        (lambda d: Dataset.from_tensor_slices(1.0), "same number"),
        (lambda d: Dataset.from_tensor_slices(()), "same number"),
    ],
)
def test_wrong_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        change(data())


def test_padded():
    widths = Dataset.from_tensor_slices(np.arange(1, 4)).map(lambda n: np.ones((int(n), 2)))
    (batch,) = widths.padded_batch(3)
    assert batch.shape == (3, 3, 2) and np.asarray(batch).sum() == 12


def test_training():
    """`fit` takes a new order in each epoch, and layers may be used in `map`."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(2, kernel_initializer="ones", trainable=False)
    train = data().shuffle(10, seed=1).batch(4).map(lambda x, y: (layer(x), y))
    seen = []

    class Model(keras.Model):
        def train_step(self, batch):
            seen.append(np.asarray(batch[1]).tolist())
            return {"loss": 0.0}

    model = Model()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(train, epochs=2, verbose=0)
    first, second = sum(seen[:3], []), sum(seen[3:], [])
    assert sorted(first) == sorted(second) == Y.tolist() and first != second


# ---- the state


def noisy(dataset):
    noise = keras.layers.GaussianNoise(1.0, seed=3)
    return dataset.map(lambda x, y: (noise(x, training=True), y))


STAGES = {
    "shuffle": lambda d: d.shuffle(7),
    "same order": lambda d: d.shuffle(4, reshuffle_each_iteration=False),
    "noise": noisy,
    "cache": lambda d: d.cache(),
    "prefetch": lambda d: d.prefetch(2),
    "repeat": lambda d: d.repeat(2),
    "take": lambda d: d.take(8),
    "skip": lambda d: d.skip(1),
    "filter": lambda d: d.filter(lambda x, y: y != 3),
    "batch": lambda d: d.batch(3).unbatch(),
}


def passes(dataset, count):
    return [[x.tolist() + [y] for x, y in dataset.as_numpy_iterator()] for _ in range(count)]


@pytest.mark.parametrize("draw", range(40))
def test_another_data_set_goes_on_from_a_state(draw):
    """Whatever stages there are; the other one has begun a pass, and does not know the seeds."""
    rng = np.random.default_rng(draw)
    stages = rng.choice(list(STAGES), size=rng.integers(1, 6))
    one, other = data(), data()
    for name in stages:
        one, other = STAGES[name](one), STAGES[name](other)
    passes(one, int(rng.integers(0, 3)))
    next(one.as_numpy_iterator(), None)  # a pass that is left
    state = json.loads(json.dumps(one.state_dict()))
    expected = passes(one, 3)
    next(other.as_numpy_iterator(), None)
    other.load_state_dict(state)
    assert passes(other, 3) == expected, stages
    one.load_state_dict(state)
    assert passes(one, 3) == expected, stages


def test_the_state_of_another_data_set_is_refused():
    with pytest.raises(ValueError, match="with 2 stages that change .* but received that of 1"):
        data().shuffle(3).cache().load_state_dict(data().cache().state_dict())


def test_fit_fills_a_cache_and_then_reads_it():
    """`fit` knows how many batches there are, and does not ask for the end after the last one."""
    calls = []

    def function(x, y):
        calls.append(int(y))
        return x, y

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    cached = data().map(function).cache()
    model.fit(cached.batch(5), epochs=3, verbose=0)
    assert calls == Y.tolist()


def test_when_passes_begin():
    """As in TensorFlow: a stage begins that before it at once; a shuffle, when it is asked."""
    begun = []

    def start():
        begun.append(True)
        return iter(np.arange(3))

    def after(stage):
        begun.clear()
        stage(Dataset(start, 3)).as_numpy_iterator()
        return len(begun)

    for stage in (
        lambda d: d.map(lambda x: x),
        lambda d: d.batch(2),
        lambda d: d.repeat(2),
        lambda d: d.repeat(),
        lambda d: d.cache(),
        lambda d: d.prefetch(1),
    ):
        assert after(stage) == 1
    for stage in (lambda d: d.shuffle(2), lambda d: d.take(0), lambda d: d.skip(-1)):
        assert after(stage) == 0
