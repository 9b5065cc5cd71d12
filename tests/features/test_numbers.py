"""Normalization, Discretization, CategoryEncoding, Hashing and HashedCrossing."""

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers, ops

DATA = np.random.default_rng(0).normal(3, 2, size=(60, 4))


class Rows(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return DATA[20 * i : 20 * i + 20], np.zeros(20)


SOURCES = {
    "array": lambda: DATA,
    "tensor": lambda: ops.convert_to_tensor(DATA),
    "list of batches": lambda: [DATA[:7], DATA[7:]],
    "generator of pairs": lambda: ((x, 0) for x in np.split(DATA, 6)),
    "PyDataset": Rows,
}


@pytest.mark.parametrize("source", SOURCES)
def test_data_of_every_kind_are_normalized(source):
    layer = layers.Normalization()
    layer.adapt(SOURCES[source]())
    y = layer(DATA).numpy()
    np.testing.assert_allclose([y.mean(0), y.std(0)], [[0] * 4, [1] * 4], atol=1e-5)
    inverse = layers.Normalization(invert=True)
    inverse.adapt(SOURCES[source]())
    np.testing.assert_allclose(inverse(y).numpy(), DATA, rtol=1e-4)


def test_statistics_are_those_of_the_weights_however_they_came(tmp_path):
    layer = layers.Normalization()
    assert layer.mean is None
    model = keras.Sequential([keras.Input((4,)), layer])
    layer.adapt(DATA)
    mean, variance = layer.mean.numpy(), layer.variance.numpy()
    np.testing.assert_allclose([mean[0], variance[0]], [DATA.mean(0), DATA.var(0)], rtol=1e-5)
    copies = [keras.Sequential([keras.Input((4,)), layers.Normalization()])]
    copies[0].set_weights(model.get_weights())
    for name in ("a.keras", "a.h5"):
        model.save(tmp_path / name)
        copies.append(keras.models.load_model(tmp_path / name, compile=False))
    for copy in copies:
        shown = copy.layers[0].mean.numpy(), copy.layers[0].variance.numpy()
        np.testing.assert_array_equal(shown, [mean, variance])


def test_weights_that_are_set_count():
    layer = layers.Normalization()
    layer.build((None, 1))
    layer.set_weights([np.array([1.0]), np.array([4.0]), np.array(0)])
    assert layer(np.array([[5.0]])).tolist() == [[2.0]]


def test_a_model_uses_what_normalization_learns_later():
    layer = layers.Normalization()
    layer.adapt(np.array([[0.0], [2.0]]))
    model = keras.Sequential([keras.Input((1,)), layer])
    x = np.array([[2.0]])
    assert [model.predict(x, verbose=0).item() for _ in range(2)] == [1.0, 1.0]
    layer.adapt(np.array([[0.0], [4.0]]))
    assert model.predict(x, verbose=0).item() == 0.0


@pytest.mark.parametrize(
    ("options", "data", "error", "message"),
    [
        ({}, [], ValueError, "received no data"),
        ({}, np.zeros((0, 2)), ValueError, "received no data"),
        ({}, [1.0, 2.0], TypeError, "shape"),
        ({}, 3, TypeError, "Unsupported data type"),
        ({}, [np.ones((2, 3)), np.ones((2, 4))], ValueError, "shape that the layer was built for"),
        ({"axis": 2}, np.ones((2, 3)), ValueError, "must be from -2 to 1"),
        ({"mean": 0.0, "variance": 1.0}, np.ones((2, 3)), ValueError, "cannot adapt"),
    ],
)
def test_what_cannot_be_adapted_to(options, data, error, message):
    with pytest.raises(error, match=message):
        layers.Normalization(**options).adapt(data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": 1.0}, "both `mean` and `variance`"),
        ({"mean": [1.0], "variance": [1.0, 2.0]}, "need one shape"),
        ({"mean": [[1.0]], "variance": [[1.0]]}, "more axes than `axis`"),
    ],
)
def test_wrong_statistics(options, message):
    with pytest.raises(ValueError, match=message):
        layers.Normalization(**options)
    with pytest.raises(ValueError, match="do not broadcast"):
        layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(np.ones((2, 3)))


def test_bins_hold_equally_many_data():
    layer = layers.Discretization(num_bins=4)
    layer.adapt([DATA[:30], DATA[30:]])
    counts = np.bincount(layer(DATA).numpy().ravel())
    assert len(counts) == 4 and abs(counts - 60).max() <= 5
    again = layers.Discretization.from_config(layer.get_config())
    np.testing.assert_array_equal(again(DATA).numpy(), layer(DATA).numpy())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.Discretization(), "either `num_bins` or"),
        (lambda: layers.Discretization([0.0], 2), "not both"),
        (lambda: layers.Discretization(num_bins=-1), "0 or greater"),
        (lambda: layers.Discretization(num_bins=2)(DATA), "call `adapt"),
        (lambda: layers.Discretization([0.0]).adapt(DATA), "this layer has its own"),
        (lambda: layers.Discretization(num_bins=2).adapt([]), "received no data"),
        (lambda: layers.Discretization([0.0], sparse=True), "dense"),
        (lambda: layers.CategoryEncoding(), "needs `num_tokens`"),
        (lambda: layers.CategoryEncoding(0), ">= 1"),
        (lambda: layers.CategoryEncoding(2)([1], count_weights=[1.0]), "weigh the counts of"),
        (lambda: layers.Hashing(0), "non-positive"),
        (lambda: layers.Hashing(3, dtype="float32"), "integer type"),
        (lambda: layers.Hashing(3, salt=[1]), "tuple of size 2"),
        (lambda: layers.HashedCrossing(3)(["a"]), "at least two inputs"),
        (lambda: layers.HashedCrossing(3)((["a"], [1.5])), "integers and strings"),
        (lambda: layers.HashedCrossing(3)((["a"], [1, 2])), "features of one shape"),
        (lambda: layers.HashedCrossing(3)(([[1, 2]], [[1, 2]])), "one value for each sample"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_mask_value_of_another_kind():
    with pytest.raises(TypeError, match="mask_value=1"):
        layers.Hashing(3, mask_value=1)(["a"])


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
def test_categories_that_do_not_exist_count_nowhere(mode):
    assert not layers.CategoryEncoding(3, mode)([-1, 3]).numpy().any()


def test_gradients_reach_the_weights_of_counts():
    weights = keras.Variable([[1.0, 2.0, 3.0]])
    with keras.GradientTape() as tape:
        y = layers.CategoryEncoding(4, "count")([[0, 2, 2]], count_weights=weights)
        loss = ops.sum(y * y)
    assert tape.gradient(loss, weights).tolist() == [[2.0, 10.0, 10.0]]


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (2, 3), (2, 3, 1), (2, 3, 2)])
@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_shape_rules_are_the_shapes_of_results(shape, mode):
    x = np.zeros(shape, "int32")
    kinds = [layers.Hashing(4, output_mode=mode), layers.Discretization([0.5], output_mode=mode)]
    kinds += [layers.IntegerLookup(vocabulary=[1, 2], output_mode=mode)]
    kinds += [layers.CategoryEncoding(4, mode)] if mode != "int" else []
    for layer in kinds:
        assert layer(x).shape == tuple(layer.compute_output_shape(shape)), layer


def test_combinations_of_more_than_two_features():
    layer = layers.HashedCrossing(100, output_mode="one_hot")
    y = layer((np.array(["a", "b"]), np.array([1, 2]), np.array(["c", "c"])))
    assert y.shape == (2, 100) and ops.sum(y, axis=-1).tolist() == [1.0, 1.0]
    inputs = [keras.Input((1,), dtype=dtype) for dtype in ("string", "int64", "string")]
    assert layer(inputs).shape == (None, 100)
