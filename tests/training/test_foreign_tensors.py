"""Tensors and data sets of PyTorch, JAX and Grain, wherever an array may stand."""

import numpy as np
import pytest

import minikeras as keras

SAMPLES, BATCH = 12, 4
_rng = np.random.default_rng(0)
X = _rng.integers(0, 9, size=(SAMPLES, 2)).astype("float32")
Y = _rng.integers(0, 9, size=(SAMPLES, 1)).astype("float32")
W = _rng.integers(1, 4, size=SAMPLES).astype("float32")


def of_torch(convert):
    """A kind of tensor of PyTorch, made from an array."""

    def make(array):
        torch = pytest.importorskip("torch")
        return convert(torch, torch.tensor(np.asarray(array)))

    return make


def of_jax(convert):
    """A kind of array of JAX, made from an array."""

    def make(array):
        pytest.importorskip("jax")
        import jax.numpy as jnp

        return convert(jnp, jnp.asarray(array))

    return make


def sparse_of_jax(jnp, array):
    from jax.experimental.sparse import BCOO

    return BCOO.fromdense(array)


# The numbers are small whole ones, which bfloat16 and float8 hold exactly.
KINDS = {
    "torch": of_torch(lambda torch, t: t),
    "torch, float64": of_torch(lambda torch, t: t.double()),
    "torch, bfloat16": of_torch(lambda torch, t: t.bfloat16()),
    "torch, float8": of_torch(lambda torch, t: t.to(torch.float8_e4m3fn)),
    "torch, needs a gradient": of_torch(lambda torch, t: t.requires_grad_()),
    "torch, computed": of_torch(lambda torch, t: t.requires_grad_() * 1),
    "torch, sparse": of_torch(lambda torch, t: t.to_sparse()),
    "torch, transposed": of_torch(lambda torch, t: t.t().contiguous().t()),
    "torch, parameter": of_torch(lambda torch, t: torch.nn.Parameter(t)),
    "jax": of_jax(lambda jnp, a: a),
    "jax, bfloat16": of_jax(lambda jnp, a: a.astype(jnp.bfloat16)),
    "jax, sparse": of_jax(sparse_of_jax),
}


def model():
    m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    m.layers[0].set_weights([np.ones((2, 1)) / 3, np.ones(1)])
    m.compile("sgd", "mse", weighted_metrics=["mae"])
    return m


def fit(*data, **options):
    return model().fit(*data, shuffle=False, verbose=0, **options).history


def batches(*arrays):
    for start in range(0, SAMPLES, BATCH):
        yield tuple(array[start : start + BATCH] for array in arrays)


def as_generator(kind, *arrays):
    return (tuple(kind(part) for part in batch) for batch in batches(*arrays))


class Data(keras.utils.PyDataset):
    """A data set whose batches are of some kind."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def __len__(self):
        return SAMPLES // BATCH

    def __getitem__(self, i):
        return tuple(self.kind(part) for part in list(batches(X, Y))[i])


WAYS = {
    "fit": lambda k: fit(k(X), k(Y), sample_weight=k(W), batch_size=BATCH),
    "fit, split": lambda k: fit(k(X), k(Y), validation_split=0.25, epochs=2),
    "fit, validation": lambda k: fit(X, Y, validation_data=(k(X), k(Y), k(W))),
    "fit, class weights": lambda k: fit(k(X), k(Y), class_weight={1: 2.0, 3: 0.5}),
    "fit, generator": lambda k: fit(as_generator(k, X, Y, W), steps_per_epoch=3),
    "fit, PyDataset": lambda k: fit(Data(k)),
    "evaluate": lambda k: model().evaluate(k(X), k(Y), verbose=0),
    "predict": lambda k: model().predict(k(X), verbose=0),
    "predict, generator": lambda k: model().predict(as_generator(k, X), steps=3, verbose=0),
    "train_on_batch": lambda k: model().train_on_batch(k(X), k(Y), k(W)),
    "train_on_batch, class weights": lambda k: model().train_on_batch(
        k(X), k(Y), class_weight={1: 2.0}
    ),
    "predict_on_batch": lambda k: model().predict_on_batch(k(X)),
    "call": lambda k: np.asarray(model()(k(X))),
    "layer": lambda k: np.asarray(keras.layers.Activation("tanh")(k(X))),
    "convert_to_tensor": lambda k: np.asarray(keras.ops.convert_to_tensor(k(X), dtype="float32")),
    "convert_to_numpy": lambda k: keras.ops.convert_to_numpy(k(X)),
    "op": lambda k: np.asarray(keras.ops.add(k(X), 1.0)),
    "two of them": lambda k: np.asarray(keras.ops.concatenate([k(X), k(X)])),
    "operator": lambda k: np.asarray(keras.ops.convert_to_tensor(X) * k(X)),
    "variable": lambda k: np.asarray(keras.Variable(k(X))),
    "assign": lambda k: np.asarray(keras.Variable(np.zeros_like(X)).assign(k(X))),
    "loss": lambda k: float(keras.losses.MeanSquaredError()(k(Y), k(Y) if k else Y)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_stand_where_arrays_may(kind):
    KINDS[kind](X)  # skip where the library is missing
    for name, way in WAYS.items():
        ours, plain = way(KINDS[kind]), way(np.array)
        for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(plain), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


@pytest.mark.parametrize("kind", ["torch", "jax"])
def test_operators_work_from_both_sides(kind):
    x = keras.ops.convert_to_tensor(X)
    other = KINDS[kind](X)
    for result in (x + other, x - other, x * other, other + x, other * x):
        assert isinstance(result, keras.Tensor), type(result)


def test_integers_stay_integers():
    torch = pytest.importorskip("torch")
    assert keras.ops.convert_to_tensor(torch.arange(3)).dtype == "int64"
    assert keras.ops.convert_to_tensor(torch.tensor([True])).dtype == "bool"
    assert keras.ops.zeros(2, dtype=torch.float16).dtype == "float16"


def test_memory_is_not_shared_with_what_may_be_written_again():
    torch = pytest.importorskip("torch")
    theirs = torch.ones(3)
    ours, variable = keras.ops.convert_to_tensor(theirs), keras.Variable(theirs)
    theirs.zero_()
    np.testing.assert_array_equal(ours, np.ones(3))
    np.testing.assert_array_equal(variable, np.ones(3))


def loader(shuffle=False, endless=False, **options):
    torch = pytest.importorskip("torch")
    if not endless:
        data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
        return torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=shuffle, **options)

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            while True:
                yield from zip(torch.tensor(X), torch.tensor(Y), strict=True)

    return torch.utils.data.DataLoader(Stream(), batch_size=BATCH)


def test_data_loaders():
    wanted = fit(X, Y, batch_size=BATCH, epochs=2, validation_data=(X, Y))
    assert fit(loader(), epochs=2, validation_data=loader()) == wanted
    assert fit(loader(endless=True), epochs=2, steps_per_epoch=3)["loss"] == wanted["loss"]
    m = model()
    assert m.evaluate(loader(), verbose=0) == m.evaluate(X, Y, batch_size=BATCH, verbose=0)
    np.testing.assert_array_equal(m.predict(loader(), verbose=0), m.predict(X, verbose=0))
    assert len(fit(loader(shuffle=True), epochs=3)["loss"]) == 3


def seen_by(data, **options):
    """The first numbers of the samples of each step of `fit`, and of each of its validations."""
    seen = []

    class Noting(keras.Model):
        def call(self, x):
            return x

        def train_step(self, batch):
            seen.append(first_column(batch[0]))
            return {"loss": 0.0}

        def test_step(self, batch):
            seen.append(("test", first_column(batch[0])))
            return {"loss": 0.0}

    noting = Noting()
    noting.compile(loss="mse", run_eagerly=True)
    noting.fit(data, verbose=0, **options)
    return seen


def first_column(x):
    return np.asarray(x)[:, 0].tolist()


PARTS = [first_column(batch) for (batch,) in batches(X)]


SOURCES = {
    "torch": lambda: loader(),
    "grain, map": lambda: source("map"),
    "grain, iter": lambda: source("iter"),
}


@pytest.mark.filterwarnings("ignore")  # that data ran out; Grain's own
@pytest.mark.parametrize("name", SOURCES)
def test_epochs_of_fewer_steps_go_on_where_the_last_one_stopped(name):
    """And one in which the data end ends with them."""
    make = SOURCES[name]
    assert seen_by(make(), epochs=3, steps_per_epoch=2) == [*PARTS, *PARTS[:2]]
    options = {"validation_data": make(), "validation_steps": 1}
    once = [*PARTS, ("test", PARTS[0])]
    assert seen_by(make(), epochs=2, **options) == once * 2


@pytest.mark.filterwarnings("ignore")  # that data ran out
def test_an_iterator_over_a_loader_goes_on_where_it_is():
    iterator = iter(loader())
    next(iterator)
    assert seen_by(iterator) == PARTS[1:]


def test_each_epoch_of_a_shuffled_loader_has_all_samples():
    torch = pytest.importorskip("torch")
    steps = seen_by(loader(True, generator=torch.Generator().manual_seed(0)), epochs=3)
    orders = [sum(steps[i : i + 3], []) for i in (0, 3, 6)]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == sorted(first_column(X)) for order in orders)


@pytest.mark.slow
def test_data_loaders_with_processes():
    wanted = fit(X, Y, batch_size=BATCH, epochs=2)
    options = {"num_workers": 2, "multiprocessing_context": "spawn"}
    assert fit(loader(**options), epochs=2) == wanted
    m = model()
    np.testing.assert_array_equal(m.predict(loader(**options), verbose=0), m.predict(X, verbose=0))


def test_targets_beside_a_data_loader_are_refused():
    with pytest.raises(ValueError, match="hold their own `y`"):
        model().fit(loader(), Y, verbose=0)


def source(kind):
    """A data set of Grain, by the ways in which it makes them."""
    grain = pytest.importorskip("grain")
    samples = [(x, y) for x, y in zip(X, Y, strict=True)]
    if kind == "map":
        return grain.MapDataset.source(samples).batch(BATCH)
    if kind == "iter":
        return grain.MapDataset.source(samples).to_iter_dataset().batch(BATCH)
    if kind == "repeated":
        return grain.MapDataset.source(samples).repeat().batch(BATCH)
    sampler = grain.samplers.IndexSampler(SAMPLES, shuffle=False, num_epochs=1, seed=0)
    operations = [grain.transforms.Batch(BATCH)]
    return grain.DataLoader(data_source=samples, sampler=sampler, operations=operations)


@pytest.mark.filterwarnings("ignore")  # Grain's own
@pytest.mark.parametrize("kind", ["map", "iter", "loader"])
def test_data_sets_of_grain(kind):
    wanted = fit(X, Y, batch_size=BATCH, epochs=2)
    assert fit(source(kind), epochs=2) == wanted
    m = model()
    assert m.evaluate(source(kind), verbose=0) == m.evaluate(X, Y, batch_size=BATCH, verbose=0)


@pytest.mark.filterwarnings("ignore")
def test_an_endless_data_set_of_grain():
    wanted = fit(X, Y, batch_size=BATCH, epochs=2)
    assert fit(source("repeated"), epochs=2, steps_per_epoch=3) == wanted
