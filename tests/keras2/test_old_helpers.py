"""Functions around models that scripts of Keras 1 and 2 call: metrics, files, callbacks, images."""

import copy
import os
import pickle

import h5py
import numpy as np
import pytest

from minikeras.keras2 import backend as K
from minikeras.keras2 import callbacks, layers, metrics
from minikeras.keras2.engine import saving
from minikeras.keras2.layers import Dense, Embedding, Flatten, Input, Layer
from minikeras.keras2.models import Model, Sequential, model_from_json
from minikeras.keras2.preprocessing import image
from minikeras.keras2.regularizers import EigenvalueRegularizer
from minikeras.keras2.utils import generic_utils, h5dict, layer_utils
from minikeras.keras2.utils.test_utils import layer_test

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(12, 4).astype("float32")
Y = (RANDOM.rand(12, 3) < 0.5).astype("float32")


# --- Metrics and penalties of Keras 1 -------------------------------------------------------------


def test_scores_of_ones_and_zeros():
    y, p = np.array([[1.0, 1, 0, 0, 1]]), np.array([[0.9, 0.2, 0.8, 0.1, 0.6]])
    tp, fp, fn, tn = 2, 1, 1, 1
    target, output = K.constant(y), K.constant(p)
    expected = {
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "fmeasure": 2 * tp / (2 * tp + fp + fn),
        "matthews_correlation": (tp * tn - fp * fn) / np.sqrt(3 * 3 * 2 * 2),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(K.eval(metrics.get(name)(target, output)), value, rtol=1e-5)
    two = K.eval(metrics.fbeta_score(target, output, beta=2))
    np.testing.assert_allclose(two, 5 * tp / (5 * tp + 4 * fn + fp), rtol=1e-5)
    assert metrics.fscore is metrics.f1score is metrics.fmeasure
    with pytest.raises(ValueError, match="`beta` is 0"):
        metrics.fbeta_score(target, output, beta=-1)


def test_scores_in_the_logs():
    model = Sequential([Dense(3, input_dim=4, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", ["precision", "recall", "fmeasure"])
    assert model.metrics_names == ["loss", "precision", "recall", "fmeasure"]
    _, precision, recall, both = model.evaluate(X, Y, batch_size=12, verbose=0)
    np.testing.assert_allclose(both, 2 * precision * recall / (precision + recall), rtol=1e-5)


def test_penalty_of_the_largest_eigenvalue():
    kernel = np.diag([5.0, 1.0, 1.0]).astype("float32")
    model = Sequential([Dense(3, input_dim=3, W_regularizer=EigenvalueRegularizer(0.1))])
    model.set_weights([kernel, np.zeros(3, "float32")])
    model.compile("sgd", "mse")
    x = np.zeros((2, 3))
    np.testing.assert_allclose(model.evaluate(x, x, verbose=0), 0.1 * 5.0, rtol=1e-5)
    model.fit(x, x, verbose=0)
    assert model.get_weights()[0][0, 0] < 5.0
    known = {"EigenvalueRegularizer": EigenvalueRegularizer}
    copied = model_from_json(model.to_json(), known)
    assert copied.layers[0].kernel_regularizer.k == pytest.approx(0.1)
    with pytest.raises(ValueError, match="for matrices"):
        EigenvalueRegularizer(1.0)(K.zeros((2, 2, 2)))


# --- Files ----------------------------------------------------------------------------------------


def small(last=2):
    return Sequential([Dense(3, input_dim=4, name="first"), Dense(last, name="last")])


def test_weights_of_some_layers(tmp_path):
    """Scripts of detectors read weights by these functions, without the layers that they train."""
    path = tmp_path / "weights.h5"
    one = small()
    one.save_weights(path)
    for last in (2, 5):
        other = small(last)
        before = other.get_weights()
        with h5py.File(path) as file:
            kept = [layer for layer in other.layers if layer.name != "last"]
            saving.load_weights_from_hdf5_group_by_name(file, kept)
        np.testing.assert_array_equal(other.get_weights()[0], one.get_weights()[0])
        np.testing.assert_array_equal(other.get_weights()[2], before[2])
    with h5py.File(path) as file:
        with pytest.raises(ValueError, match="Layer count mismatch"):
            saving.load_weights_from_hdf5_group(file, small().layers[:1])
        with pytest.raises(ValueError, match="shape"):
            saving.load_weights_from_hdf5_group_by_name(file, small(5).layers)
        with pytest.warns(UserWarning, match="do not fit"):
            saving.load_weights_from_hdf5_group_by_name(file, small(5).layers, skip_mismatch=True)


def test_weights_as_other_releases_stored_them():
    gru = layers.GRU(2, input_shape=(3, 4))
    Sequential([gru])
    pieces = [np.full((4, 2), 1.0), np.full((2, 2), 2.0), np.full(2, 3.0)] * 3
    kernel, recurrent, bias = saving.preprocess_weights_for_loading(gru, pieces, "1.2.2")
    assert kernel.shape == (4, 6) and recurrent.shape == (2, 6) and bias.shape == (6,)
    conv = layers.Conv2D(2, 3, input_shape=(5, 5, 1))
    Sequential([conv])
    stored = [np.arange(18.0).reshape(3, 3, 1, 2), np.zeros(2)]
    turned = saving.preprocess_weights_for_loading(conv, stored, "2.0.0", "theano")
    np.testing.assert_array_equal(turned[0], stored[0][::-1, ::-1])


def test_long_lists_of_names(tmp_path):
    names = [f"layer_{i}_{'x' * 2000}" for i in range(50)]
    with h5py.File(tmp_path / "names.h5", "w") as file:
        saving.save_attributes_to_hdf5_group(file, "names", names)
        saving.save_attributes_to_hdf5_group(file, "none", [])
        assert "names1" in file.attrs
        assert saving.load_attributes_from_hdf5_group(file, "names") == names
        assert saving.load_attributes_from_hdf5_group(file, "none") == []
        with pytest.raises(RuntimeError, match="64512 bytes"):
            saving.save_attributes_to_hdf5_group(file, "long", ["x" * 70000])


def test_models_in_open_files_pickles_and_copies(tmp_path):
    model = small()
    model.compile("adam", "mse", metrics=["acc"])
    model.fit(X, X[:, :2], verbose=0)
    with h5py.File(tmp_path / "model.h5", "w") as file:
        saving.save_model(model, file.create_group("best"))
        loaded = saving.load_model(file["best"])
    copies = [loaded, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    expected = model.predict(X)
    for one in copies:
        np.testing.assert_allclose(one.predict(X), expected, rtol=1e-6)
        assert one.metrics_names == ["loss", "acc"]
    results = [one.train_on_batch(X, X[:, :2])[0] for one in (model, *copies)]
    np.testing.assert_allclose(results[1:], results[0], rtol=1e-6)
    np.testing.assert_allclose(copies[1].get_weights()[0], model.get_weights()[0], rtol=1e-5)


@pytest.mark.parametrize("kind", ["file", "dict"])
def test_files_as_dicts(tmp_path, kind):
    path = str(tmp_path / "values.h5") if kind == "file" else {"old": 1}
    data = h5dict(path, "w")
    data["names"] = ["a", "b"]
    data["size"] = 3
    data["inner"]["x"] = X
    assert "inner" in data and "old" not in data and data.get("nothing", 7) == 7
    np.testing.assert_array_equal(data["inner"]["x"], X)
    assert [generic_utils.to_list(n)[0] for n in data["names"]] in (["a", "b"], [b"a", b"b"])
    assert data["size"] == 3 and data.get("size") == 3
    data.close()
    again = h5dict(path, "r")
    assert "inner" in list(again)
    np.testing.assert_array_equal(again["inner"]["x"], X)
    with pytest.raises(ValueError, match="opened to be read"):
        again["nothing"]
    with pytest.raises(ValueError, match="opened to be read"):
        again["size"] = 4
    again.close()
    with pytest.raises(TypeError, match="a path, a group"):
        h5dict(3)


def test_functions_as_text():
    scale = 3
    parts = pickle.loads(pickle.dumps(generic_utils.func_dump(lambda x, y=2: x * y * scale)))
    assert generic_utils.func_load(parts)(5) == 30
    assert generic_utils.func_load(*parts)(5, 1) == 15
    known = {"Dense": Dense, "longest": max}
    assert generic_utils.get_from_module(None, known, "layer") is None
    assert generic_utils.get_from_module({"name": "Dense", "units": 2}, known, "layer").units == 2
    assert generic_utils.get_from_module("Dense", known, "layer", True, {"units": 3}).units == 3
    with pytest.raises(ValueError, match="Unknown layer: 'Sparse'"):
        generic_utils.get_from_module("Sparse", known, "layer")


# --- Layers and callbacks -------------------------------------------------------------------------


class Wrong(Layer):
    """Says that its output has another shape."""

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 7)

    def call(self, x):
        return x


@pytest.mark.parametrize(
    "cls, arguments, shape",
    [
        (layers.Dense, {"units": 2}, (4, 3)),
        (layers.Conv1D, {"filters": 2, "kernel_size": 2, "padding": "same"}, (2, None, 3)),
        (layers.LSTM, {"units": 2, "return_sequences": True}, (2, 4, 3)),
        (layers.BatchNormalization, {}, (4, 3)),
        (layers.Highway, {}, (4, 3)),
        (layers.MaxoutDense, {"output_dim": 2}, (4, 3)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_layers_are_tested_as_keras_tested_them(cls, arguments, shape):
    output = layer_test(cls, arguments, input_shape=shape)
    assert output.shape[0] == shape[0]


def test_a_wrong_layer_is_found():
    with pytest.raises((AssertionError, ValueError), match="7"):
        layer_test(Wrong, input_shape=(2, 3))
    with pytest.raises(AssertionError, match="Not equal"):
        layer_test(Dense, {"units": 2}, (4, 3), expected_output=np.ones((4, 2)))
    with pytest.raises(ValueError, match="needs `input_data`"):
        layer_test(Dense, {"units": 2})


def test_numbers_of_weights():
    inner = Sequential([Dense(2, input_dim=3), layers.BatchNormalization()])
    outer = Sequential([inner, Dense(1)])
    assert layer_utils.count_total_params(outer.layers) == (8 + 4 + 3, 4)
    seen = {outer.layers[1]}
    assert layer_utils.count_total_params(outer.layers, seen) == (12, 4) and inner in seen


def test_callbacks_as_one():
    heard = []

    class Note(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            heard.append((epoch, logs, self.params, self.model))

    hooks = callbacks.CallbackList([Note()], queue_length=3)
    hooks.append(Note())
    hooks.set_params({"epochs": 2})
    hooks.set_model("model")
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)
    hooks.on_batch_begin(0)
    hooks.on_batch_end(0)
    hooks.on_epoch_end(0)
    hooks.on_train_end()
    assert heard == [(0, {}, {"epochs": 2}, "model")] * 2 and len(list(hooks)) == 2
    plateau = callbacks.ReduceLROnPlateau(epsilon=0.5)
    assert plateau.min_delta == 0.5 and not plateau.in_cooldown()
    with pytest.raises(TypeError, match="raise_error"):
        callbacks.TerminateOnNaN(raise_error=True)


def test_tensorboard(tmp_path):
    events = pytest.importorskip("tests.training.events")
    x, y = np.arange(12).reshape(6, 2) % 5, np.ones((6, 1))
    model = Sequential([Embedding(5, 2, input_length=2, name="e"), Flatten(), Dense(1, name="d")])
    model.compile("adam", "mse")
    board = callbacks.TensorBoard(
        tmp_path, 1, 4, True, True, True, 1, None, "rows.tsv", x, update_freq=4
    )
    model.fit(x, y, 2, epochs=2, validation_data=(x, y), callbacks=[board], verbose=0)
    [values] = events.runs(tmp_path)["."]
    tags = {tag for tag, *_ in values}
    assert {"keras", "loss", "val_loss", "d/kernel_0", "d/kernel_0_grad", "e_out", "d_out"} <= tags
    assert [step for tag, step, *_ in values if tag == "loss"] == [4, 6, 8, 12, 12]
    rows = np.loadtxt(tmp_path / "e_embedding-1.tsv")
    np.testing.assert_allclose(rows, model.layers[0].get_weights()[0][x].reshape(6, 4), atol=1e-3)
    assert 'metadata_path: "rows.tsv"' in (tmp_path / "projector_config.pbtxt").read_text()
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1)
    with pytest.raises(ValueError, match="needs validation data"):
        model.fit(x, y, callbacks=[board], verbose=0)
    board = callbacks.TensorBoard(tmp_path, embeddings_freq=1)
    with pytest.raises(ValueError, match="`embeddings_data`"):
        model.fit(x, y, callbacks=[board], verbose=0)


# --- Images ---------------------------------------------------------------------------------------


def test_transforms_of_images(tmp_path):
    x = np.arange(12.0).reshape(3, 4, 1)
    np.testing.assert_array_equal(image.flip_axis(x, 1), x[:, ::-1])
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    about = image.transform_matrix_offset_center(turn, 3, 3)
    np.testing.assert_allclose(about @ [2.0, 2.0, 1.0], [2.0, 2.0, 1.0])
    same = image.apply_transform(x, np.eye(3), channel_axis=2)
    np.testing.assert_array_equal(same, x)
    down = np.array([[1.0, 0, 1], [0, 1, 0], [0, 0, 1]])
    moved = image.apply_transform(x, down, 2, fill_mode="constant", cval=-1.0)
    np.testing.assert_array_equal(moved[:2], x[1:])
    assert (moved[2] == -1).all()
    (tmp_path / "inner").mkdir()
    for name in ("a.png", "b.jpg", "c.txt", "inner/d.bmp"):
        (tmp_path / name).touch()
    names = sorted(os.path.basename(path) for path in image.list_pictures(tmp_path))
    assert names == ["a.png", "b.jpg", "d.bmp"]


def test_generators_of_images_take_the_arguments_of_keras_1():
    generator = image.ImageDataGenerator(horizontal_flip=True)
    x = np.zeros((5, 4, 4, 3))
    batches = generator.flow(X=x, y=np.arange(5), batch_size=2, shuffle=False)
    assert next(batches)[1].tolist() == [0, 1]
    np.random.seed(0)
    assert image.random_channel_shift(np.ones((2, 2, 2)), intensity=0.0).tolist() == [
        [[1.0] * 2] * 2
    ] * 2


def test_models_of_several_inputs_are_pickled():
    a, b = Input((2,)), Input((3,))
    model = Model([a, b], layers.concatenate([a, b]))
    again = pickle.loads(pickle.dumps(model))
    x, y = np.ones((2, 2)), np.zeros((2, 3))
    np.testing.assert_array_equal(again.predict([x, y]), model.predict([x, y]))
