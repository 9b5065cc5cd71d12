"""How data, weights and batches are prepared, and names that modules have of each other."""

import importlib
import pickle

import h5py
import numpy as np
import pytest
import scipy.sparse

import minikeras.keras2 as keras
from minikeras.keras2 import imported, losses
from minikeras.keras2.callbacks import LambdaCallback
from minikeras.keras2.datasets import imdb, reuters
from minikeras.keras2.datasets.cifar import load_batch
from minikeras.keras2.engine import training_generator, training_utils
from minikeras.keras2.layers import LSTM, Dense, Input
from minikeras.keras2.models import Model, Sequential
from minikeras.keras2.utils.io_utils import HDF5Matrix

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(12, 4).astype("float32")
Y = RANDOM.randn(12, 2).astype("float32")


def regression(units=2):
    model = Sequential([Dense(units, input_dim=4)])
    model.compile("sgd", "mse")
    return model


# --- Names of other modules -----------------------------------------------------------------------


def test_modules_have_the_names_that_keras_imported_there():
    assert keras.layers.core.K is keras.backend and keras.models.Layer is keras.layers.Layer
    assert keras.engine.training.cbks is keras.callbacks
    assert keras.applications.vgg16.Dense is keras.layers.Dense
    assert keras.utils.layer_utils.MaxoutDense is keras.layers.MaxoutDense
    assert keras.engine.training.slice_X(X=np.arange(3), stop=2, start=0).tolist() == [0, 1]
    with pytest.raises(AttributeError, match="no attribute 'Dense'"):
        _ = keras.optimizers.Dense
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = keras.layers.core.nothing


@pytest.mark.parametrize("path", [path for path in imported.PATHS if "*" not in path])
def test_every_imported_name_is_defined(path):
    module = importlib.import_module(f"minikeras.keras2.{path}")
    for name in imported.names_of(path):
        assert name == "*" or hasattr(module, name), name


def test_scripts_that_import_everything():
    for package, expected in {
        "layers": ("K", "np", "Layer", "Input", "Dense", "merge"),
        "models": ("K", "np", "Input", "Model", "Sequential"),
        "layers.core": ("Dense", "Merge"),
    }.items():
        names = {}
        exec(f"from minikeras.keras2.{package} import *", names)
        assert set(expected) <= set(names)


# --- Data -----------------------------------------------------------------------------------------


def test_the_next_order_of_samples_is_drawn_from_the_last():
    """After `np.random.seed` the batches are those of Keras 2 in every epoch."""
    x = np.arange(6.0)
    model = Sequential([Dense(1, input_dim=1, weights=[np.ones((1, 1)), np.zeros(1)])])
    model.compile("sgd", losses.mse)
    seen = []
    model._step("train")  # draws nothing from now on
    step = model._compiled()._functions["train"]
    model._compiled()._functions["train"] = lambda arrays: seen.append(arrays[0]) or step(arrays)
    np.random.seed(3)
    model.fit(x, x, epochs=3, batch_size=2, verbose=0)
    order, expected = np.arange(6), []
    np.random.seed(3)
    for _ in range(3):
        np.random.shuffle(order)
        expected += order.tolist()
    assert np.concatenate(seen).ravel().tolist() == expected


def test_sparse_matrices_and_data_in_files(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"], file["y"] = X, Y
    kinds = {
        "arrays": (X, Y),
        "sparse": (scipy.sparse.csr_matrix(X), Y),
        "file": tuple(HDF5Matrix(tmp_path / "data.h5", name) for name in "xy"),
    }
    first, results = regression().get_weights(), {}
    for kind, (x, y) in kinds.items():
        model = regression()
        model.set_weights(first)
        model.fit(x, y, epochs=2, batch_size=5, shuffle=False, verbose=0, validation_split=0.25)
        results[kind] = model.predict(x, batch_size=5), model.evaluate(x, y, verbose=0)
    for kind in ("sparse", "file"):
        np.testing.assert_array_equal(results[kind][0], results["arrays"][0])
        assert results[kind][1] == results["arrays"][1]
    x = Input((4,), sparse=True)
    model = Model(x, Dense(2)(x))
    np.testing.assert_array_equal(model.predict(scipy.sparse.csr_matrix(X)), model.predict(X))


def test_targets_must_fit_their_losses():
    model = Sequential([Dense(3, input_dim=4, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy")
    with pytest.raises(ValueError, match="expected dense_.* to have shape"):
        model.fit(X, np.ones((12, 1)), verbose=0)
    targets, shape = [np.ones((4, 1))], [(None, 1)]
    check = training_utils.check_loss_and_target_compatibility
    with pytest.raises(ValueError, match="to_categorical"):
        check(targets, [losses.categorical_crossentropy], shape)
    check(targets, [losses.mae], [(None, 7)])  # a loss that may stretch them
    check([None], [losses.mse], [(None, 7)])


def test_data_by_name_and_in_lists():
    standardize = training_utils.standardize_input_data
    assert standardize(None, ["a", "b"]) == [None, None] and standardize([], []) == []
    assert standardize([[1.0, 2.0], [3.0, 4.0]], ["a"])[0].shape == (2, 2)
    assert standardize([1.0, 2.0], ["a"])[0].shape == (2, 1)
    assert standardize([X, Y], ["a", "b"], [(None, 4), None])[1] is Y
    assert standardize(X, ["a"], [(5, 4)], check_batch_axis=False)[0] is X
    for data, names, shapes, message in [
        (X, ["a"], [(5, 4)], "have shape"),
        (X, ["a"], [(None, 3)], "have shape"),
        (X, ["a"], [(None, 4, 1)], "3 axes"),
        (X, [], None, "no input data"),
        (X, ["a", "b"], None, "only received one"),
        ([X], ["a", "b"], None, "got 1"),
        ({"a": X}, ["a", "b"], None, 'No data provided for "b"'),
    ]:
        with pytest.raises(ValueError, match=message):
            standardize(data, names, shapes, exception_prefix="input")


def test_lengths_of_inputs_targets_and_weights():
    check = training_utils.check_array_length_consistency
    check([X], [Y], [np.ones(12)])
    check([X, None], None)
    for inputs, targets, weights in [
        ([X, X[:3]], [Y], None),
        ([X], [Y[:3]], None),
        ([X], [Y], [np.ones(3)]),
    ]:
        with pytest.raises(ValueError, match="samples"):
            check(inputs, targets, weights)


# --- Weights --------------------------------------------------------------------------------------


def test_weights_of_samples_classes_and_steps():
    weights = training_utils.standardize_weights
    labels = np.array([[0], [2], [2]])
    rows = np.eye(3)[[0, 2, 2]]
    for y in (labels, rows):
        assert weights(y, None, {0: 1.0, 1: 9.0, 2: 3.0}).tolist() == [1, 3, 3]
    assert weights(rows).dtype == "float32"
    steps = np.ones((2, 5, 1))
    assert weights(steps, sample_weight_mode="temporal").shape == (2, 5)
    with pytest.warns(UserWarning, match="no effect beside"):
        assert weights(labels, np.array([1.0, 2.0, 4.0]), {0: 5.0}).tolist() == [1, 2, 4]
    for y, arguments, message in [
        (labels, {"sample_weight_mode": "steps"}, "'temporal' or None"),
        (labels, {"sample_weight_mode": "temporal"}, "time axis"),
        (labels, {"sample_weight": np.ones(4)}, r"the shape \(3,\)"),
        (steps, {"sample_weight": np.ones((2, 5))}, "For weights of steps compile"),
        (steps, {"class_weight": {0: 1.0}}, "at most two axes"),
        (labels, {"class_weight": {0: 1.0}}, r"no weight for the classes \[2\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            weights(y, **arguments)


def test_weights_by_output():
    listed = training_utils.standardize_sample_weights
    assert listed([X], ["a"])[0] is X and listed({"a": X}, ["a"])[0] is X
    assert listed({}, ["a", "b"]) == [None, None]
    assert training_utils.standardize_class_weights({0: 2.0}, ["a"]) == [{0: 2.0}]
    with pytest.raises(TypeError, match="2 outputs"):
        listed(X, ["a", "b"])
    with pytest.raises(ValueError, match="2 outputs"):
        listed([X], ["a", "b"])


# --- Loops ----------------------------------------------------------------------------------------


def test_batches_and_their_numbers():
    order = training_utils.batch_shuffle(np.arange(7), 2)
    assert sorted(order[:6].reshape(3, 2).tolist()) == [[0, 1], [2, 3], [4, 5]] and order[6] == 6
    count = training_utils.check_num_samples
    assert count([X]) == 12 and count([X], steps=3) == 12 and count([], steps=3) is None
    with pytest.raises(ValueError, match="either `n` or"):
        count([X], 2, 3, "n")
    with pytest.raises(ValueError, match="batches"):
        count([])


def test_samples_and_steps_are_not_mixed():
    model = regression()
    for method in (model.fit, model.evaluate):
        steps = "steps_per_epoch" if method == model.fit else "steps"
        with pytest.raises(ValueError, match="Give either `steps"):
            method(X, Y, 4, verbose=0, **{steps: 2})
    with pytest.raises(ValueError, match="Give either `steps"):
        model.predict(X, 4, steps=2)
    assert model.predict(X, steps=2).shape == (24, 2)


def test_states_need_whole_batches():
    """It is said before the first batch has changed a state."""
    model = Sequential([LSTM(2, stateful=True, batch_input_shape=(4, 3, 1)), Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((10, 3, 1)), np.ones((10, 1))
    for run in (
        lambda: model.fit(x, y, batch_size=4, verbose=0),
        lambda: model.evaluate(x, y, batch_size=4, verbose=0),
        lambda: model.predict(x, batch_size=4),
    ):
        with pytest.raises(ValueError, match="a multiple of the batch size"):
            run()
    assert model.predict(x[:8], batch_size=4).shape == (8, 1)


def test_metrics_by_output():
    collect = training_utils.collect_metrics
    assert collect(None, ["a", "b"]) == [[], []]
    assert collect(["acc"], ["a", "b"]) == [["acc"], ["acc"]]
    assert collect([["acc"], ["mse", "mae"]], ["a", "b"]) == [["acc"], ["mse", "mae"]]
    assert collect({"b": ("acc",)}, ["a", "b"]) == [[], ["acc"]]


def test_training_by_generators_as_functions():
    def endless():
        while True:
            yield X, Y

    model, epochs = regression(), []
    callback = LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    training_generator.fit_generator(model, endless(), 2, epochs=2, verbose=0, callbacks=[callback])
    assert epochs == [0, 1]
    value = training_generator.evaluate_generator(model, endless(), steps=2)
    np.testing.assert_allclose(value, model.evaluate(X, Y, verbose=0), rtol=1e-6)
    outputs = training_generator.predict_generator(model, endless(), steps=1)
    np.testing.assert_allclose(outputs, model.predict(X), rtol=1e-6)


def test_several_outputs_with_weights():
    x = Input((4,))
    model = Model(x, [Dense(1, name="a")(x), Dense(2, name="b")(x)])
    model.compile("sgd", "mse", loss_weights={"a": 2.0, "b": 0.5})
    weights = {"b": np.arange(12.0)}
    total, a, b = model.test_on_batch(X, [Y[:, :1], Y], sample_weight=weights)
    p, q = model.predict(X)
    np.testing.assert_allclose(a, np.mean((p - Y[:, :1]) ** 2), rtol=1e-5)
    each = np.mean((q - Y) ** 2, axis=1) * np.arange(12)
    np.testing.assert_allclose(b, np.mean(each) / (11 / 12), rtol=1e-5)
    np.testing.assert_allclose(total, 2 * a + 0.5 * b, rtol=1e-5)


# --- Data sets ------------------------------------------------------------------------------------


def test_a_batch_of_cifar(tmp_path):
    rows = np.arange(2 * 3072, dtype="uint32").astype("uint8").reshape(2, 3072)
    with open(tmp_path / "batch", "wb") as file:
        pickle.dump({"data": rows, "fine_labels": [3, 1]}, file)
    x, y = load_batch(tmp_path / "batch", "fine_labels")
    np.testing.assert_array_equal(x, rows.reshape(2, 3, 32, 32))
    assert y == [3, 1] and keras.datasets.cifar10.load_batch is load_batch


@pytest.mark.parametrize("module", [imdb, reuters])
def test_data_sets_of_texts_take_the_arguments_of_keras_1(module, monkeypatch):
    received = {}

    def load(**arguments):
        received.update(arguments)
        return "data"

    loader = keras.datasets.texts.text_loader(load, "file.npz", "test_split=0.2, ")
    assert loader(nb_words=50, seed=7) == "data"
    assert received["num_words"] == 50 and received["test_split"] == 0.2
    drawn = np.random.rand()
    assert drawn == np.random.RandomState(7).rand()
    for wrong in ({"words": 3}, {"nb_words": 3, "num_words": 4}):
        with pytest.raises(TypeError, match="words"):
            module.load_data(**wrong)
