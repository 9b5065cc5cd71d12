"""Old files are read by the functions that read those of today."""

import json

import numpy as np
import pytest

import minikeras as keras
from minikeras.saving.guard import FileError
from tests.saving.old_files import drawn, graph, layer, node, placeholder, sequential, write

KERNEL, BIAS = drawn(2, 3), drawn(3)
WEIGHTS = [("first", [("first/kernel:0", KERNEL), ("first/bias:0", BIAS)])]
STACK = sequential(layer("Dense", "first", units=3, batch_input_shape=[None, 2]))


@pytest.mark.parametrize("ending", ["h5", "hdf5"])
def test_load_model(tmp_path, ending):
    path = write(tmp_path / f"m.{ending}", WEIGHTS, config=STACK)
    model = keras.models.load_model(path, compile=False)
    np.testing.assert_allclose(model(np.ones((1, 2))), KERNEL.sum(0)[None] + BIAS, rtol=1e-6)
    with pytest.warns(UserWarning, match="No training configuration"):
        assert not keras.models.load_model(path).compiled


def test_weights_that_the_file_lacks_are_drawn_once(tmp_path):
    config = graph([placeholder("x", 2), node("Dense", "first", "x", units=3)], ["first"])
    path = write(tmp_path / "m.h5", WEIGHTS, config=config)
    model = keras.models.load_model(path, compile=False)
    assert {type(v) for v in model.variables} == {keras.Variable}


@pytest.mark.parametrize("by_name", [True, False])
def test_load_weights(tmp_path, by_name):
    path = write(tmp_path / "w.h5", WEIGHTS)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="first")])
    model.load_weights(path, by_name=by_name)
    np.testing.assert_array_equal(model.weights[0], KERNEL)


def test_the_older_layout_under_a_name_of_today(tmp_path):
    path = write(tmp_path / "w.weights.h5", WEIGHTS)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="first")])
    model.load_weights(path)
    np.testing.assert_array_equal(model.weights[0], KERNEL)


def test_load_weights_by_name_leaves_other_layers(tmp_path):
    path = write(tmp_path / "w.h5", WEIGHTS)
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((2,)), dense(3, name="first"), dense(3, name="second")])
    before = np.array(model.weights[2])
    model.load_weights(path, by_name=True)
    np.testing.assert_array_equal(model.weights[0], KERNEL)
    np.testing.assert_array_equal(model.weights[2], before)
    with pytest.raises(ValueError, match="Layer count mismatch"):
        model.load_weights(path)


@pytest.mark.parametrize("version", [None, "1.2.2", "2.2.4", "2.21.0"])
def test_model_from_json(version):
    text = STACK if version is None else {**STACK, "keras_version": version}
    model = keras.models.model_from_json(json.dumps(text))
    assert model.output_shape == (None, 3)
    assert model.layers[0].name == "first"


BROKEN = ["", "{", "[]", "null", "3", '"Sequential"', "{}", '{"module": "keras"}', "[" * 10**5]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_text_that_is_no_model(text):
    with pytest.raises(ValueError, match="JSON|can't be made"):
        keras.models.model_from_json(text)


def test_errors_name_the_file(tmp_path):
    path = tmp_path / "damaged.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    for load in (keras.models.load_model, model.load_weights):
        with pytest.raises(FileError, match="damaged.h5"):
            load(path)
    path = write(tmp_path / "trained.h5", WEIGHTS, config=STACK, training={"optimizer_config": 3})
    with pytest.raises(ValueError, match=r"trained.h5 \(training_config\)"):
        keras.models.load_model(path)
