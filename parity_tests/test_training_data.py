"""Where batches come from, against Keras: numbers of steps, generators, PyDataset."""

import random

import pytest
import tensorflow as tf

from parity_tests.scenario import compare, same
from parity_tests.support import both
from parity_tests.test_training import BITS, LENGTH, SAMPLES, X, Y, fit, mlp

pytestmark = pytest.mark.parity

BATCH = 8


def compiled(k):
    m = mlp(k)
    m.compile("sgd", "mse")
    return m


def batches(count=None):
    i = 0
    while count is None or i < count:
        start = i * BATCH % SAMPLES
        yield X[start : start + BATCH], Y[start : start + BATCH]
        i += 1


def dataset(k, workers=1, endless=False, targets=Y):
    class Data(k.utils.PyDataset):
        epochs_ended = 0

        @property
        def num_batches(self):
            return None if endless else SAMPLES // BATCH

        def __getitem__(self, i):
            start = i * BATCH % SAMPLES
            return X[start : start + BATCH], targets[start : start + BATCH]

        def on_epoch_end(self):
            self.epochs_ended += 1

    return Data(workers=workers)


@pytest.mark.parametrize(
    ("batch_size", "epochs", "steps"), [(4, 4, 3), (4, 3, 10), (8, 3, 7), (8, 5, 2), (16, 2, 1)]
)
def test_steps_of_arrays(batch_size, epochs, steps):
    def scenario(k):
        options = {"epochs": epochs, "batch_size": batch_size, "steps_per_epoch": steps}
        return fit(compiled(k), X, Y, **options)

    same(scenario, LENGTH)


def test_steps_of_validation():
    def scenario(k):
        validation = {"validation_data": (X, Y), "validation_steps": 2}
        return fit(compiled(k), X, Y, epochs=3, batch_size=8, steps_per_epoch=2, **validation)

    same(scenario, LENGTH)


@pytest.mark.parametrize("steps", [3, 5, 9])
def test_steps_of_evaluate_and_predict(steps):
    def scenario(k):
        m = compiled(k)
        result = m.evaluate(X, Y, batch_size=8, steps=steps, verbose=0)
        return result, m.predict(X, batch_size=8, steps=steps, verbose=0)

    same(scenario, LENGTH)


def test_endless_generators():
    def scenario(k):
        m = compiled(k)
        options = {"validation_data": batches(), "validation_steps": 2}
        history = fit(m, batches(), epochs=3, steps_per_epoch=4, **options)
        inputs = ((x,) for x, _ in batches(4))
        return history, m.evaluate(batches(), steps=3, verbose=0), m.predict(inputs, verbose=0)

    same(scenario, LENGTH)


@pytest.mark.parametrize("steps", [None, 2, 7])
def test_generators_that_end(steps):
    same(lambda k: fit(compiled(k), batches(5), epochs=3, steps_per_epoch=steps), LENGTH)


@pytest.mark.parametrize("workers", [1, 3])
def test_datasets(workers):
    def scenario(k):
        m, data = compiled(k), dataset(k, workers)
        history = fit(m, data, epochs=2, shuffle=False, validation_data=dataset(k))
        return history, m.evaluate(dataset(k), verbose=0), data.epochs_ended

    same(scenario, LENGTH)


def test_steps_of_datasets():
    def scenario(k):
        m = compiled(k)
        options = {"epochs": 3, "steps_per_epoch": 3, "shuffle": False}
        return fit(m, dataset(k, endless=True), **options), fit(m, dataset(k), **options)

    same(scenario, LENGTH)


def test_the_first_order_of_a_shuffled_dataset():
    def scenario(k):
        m = compiled(k)
        random.seed(3)
        return fit(m, dataset(k))

    same(scenario, LENGTH)


def test_class_weights_of_a_dataset():
    def scenario(k):
        m = mlp(k, 1, "sigmoid")
        m.compile("sgd", "mse")
        data = dataset(k, targets=BITS)
        return fit(m, data, epochs=2, shuffle=False, class_weight={0: 1.0, 1: 3.0})

    same(scenario, LENGTH)


def steps_without_a_batch_size(k):
    """The numbers of samples that a model sees in each step; a metric writes them down."""

    class Count(k.metrics.Metric):
        def __init__(self):
            super().__init__(name="count")
            self.total = self.add_variable((), "zeros", name="total")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign(self.total * 100 + k.ops.cast(k.ops.shape(y_true)[0], "float32"))

        def result(self):
            return self.total * 1.0

    m = mlp(k)
    m.compile("sgd", "mse", metrics=[Count()], run_eagerly=True)
    validation = {"validation_data": (X[:10], Y[:10]), "validation_steps": 3}
    return (
        fit(m, X, Y, steps_per_epoch=3, **validation),
        fit(m, X, Y, steps_per_epoch=3, batch_size=7, epochs=2, **validation),
        fit(m, X, Y, batch_size=20, **validation),
        fit(m, X, Y, steps_per_epoch=1, validation_batch_size=4, **validation),
        fit(m, X[:5], Y[:5], steps_per_epoch=4),
        fit(m, X[:5], Y[:5], steps_per_epoch=0, batch_size=0),
        m.evaluate(X, Y, steps=1, verbose=0),
        m.evaluate(X, Y, steps=3, verbose=0),
        m.evaluate(X, Y, steps=2, batch_size=9, verbose=0),
        m.predict(X, steps=3, verbose=0).shape,
        m.predict(X, steps=2, batch_size=9, verbose=0).shape,
        m.predict(X[:5], steps=4, verbose=0).shape,
    )


def test_steps_without_a_batch_size():
    same(steps_without_a_batch_size, LENGTH)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("known", [True, False])
def test_datasets_of_tensorflow(known):
    def scenario(k):
        data = tf.data.Dataset.from_tensor_slices((X.astype("float64"), Y)).batch(BATCH)
        data = data if known else data.filter(lambda x, y: True)
        m = compiled(k)
        history = fit(m, data, epochs=3, validation_data=data, shuffle=False)
        return history, m.evaluate(data, verbose=0), m.predict(data.take(2), verbose=0).shape

    if known:
        same(scenario, LENGTH)
    else:  # how often both warn of an end that they could not know differs
        compare(*both(scenario, seed=7), LENGTH)


def test_the_first_order_of_a_dataset_that_tensorflow_shuffles():
    def scenario(k):
        data = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(SAMPLES, seed=1).batch(BATCH)
        return fit(compiled(k), data, shuffle=False)

    same(scenario, LENGTH)


def test_tensors_of_generators():
    def scenario(k):
        convert = k.ops.convert_to_tensor
        return fit(compiled(k), ((convert(x), convert(y)) for x, y in batches(5)))

    same(scenario, LENGTH)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_which_batches_of_a_dataset_are_asked_for(length):
    """What a data set draws at random in `__getitem__` depends on it."""

    def asked(k):
        class Data(k.utils.PyDataset):
            log = []

            def __len__(self):
                return length

            def __getitem__(self, i):
                self.log.append(i)
                return X[:BATCH], Y[:BATCH]

            def on_epoch_end(self):
                self.log.append("end")

        model = compiled(k)
        model.fit(data := Data(), epochs=2, shuffle=False, verbose=0)
        trained = list(data.log)
        model.evaluate(data, verbose=0)
        model.predict(data, verbose=0)
        return trained, data.log

    ours, theirs = both(asked)
    assert ours == theirs


def test_a_dataset_without_batches():
    def train(k):
        class Data(k.utils.PyDataset):
            def __len__(self):
                return 0

            def __getitem__(self, i):
                raise IndexError(i)

        with pytest.raises(ValueError, match="length 0"):
            compiled(k).fit(Data(), verbose=0)

    both(train)
