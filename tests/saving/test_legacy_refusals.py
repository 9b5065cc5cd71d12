"""Old files that do not fit, are broken or hold code are refused with a reason; nothing changes."""

import base64
import json
import marshal

import h5py
import numpy as np
import pytest

import minikeras as keras
from minikeras.saving.legacy.texts import model_from_json
from minikeras.saving.legacy.whole import load_model_h5, load_weights_h5
from tests.saving.old_files import drawn, graph, layer, node, placeholder, sequential, write


def code_of(function):
    return base64.encodebytes(marshal.dumps(function.__code__)).decode()


CODE = code_of(lambda x: x * 3)
LAMBDAS = {
    "keras 1": {"function": CODE, "function_type": "lambda"},
    "keras 2": {"function": [CODE, None, None], "function_type": "lambda"},
    "tf-keras": {"function": {"class_name": "__tuple__", "items": [CODE, None, None]},
                 "function_type": "lambda"},
    "tf-keras 2.15": {"function": {"class_name": "__lambda__", "config": {"value": CODE}}},
    "keras 3": {"function": {"class_name": "__lambda__", "config": {"code": CODE,
                "defaults": None, "closure": None}}},
}  # fmt: skip


@pytest.mark.parametrize("options", LAMBDAS.values(), ids=LAMBDAS)
def test_code_is_refused_in_safe_mode(tmp_path, options):
    config = graph([placeholder("x", 2), node("Lambda", "f", "x", **options)], ["f"])
    path = write(tmp_path / "m.h5", [], config=config)
    with pytest.raises(ValueError, match="'f' is a Lambda that holds Python code"):
        load_model_h5(path, compile=False)
    with pytest.raises(ValueError, match="Python code"):
        model_from_json(json.dumps(config))
    model = load_model_h5(path, compile=False, safe_mode=False)
    np.testing.assert_allclose(model.predict(np.ones((1, 2)), verbose=0), [[3, 3]])


@pytest.mark.parametrize("place", ["activation", "kernel_initializer", "kernel_regularizer"])
@pytest.mark.parametrize("name", ["os.system", "eval", "get_file", "__import__"])
def test_names_of_other_things_are_not_found(tmp_path, name, place):
    saved = {"class_name": "function", "module": "builtins", "config": name}
    for value in (name, saved, {"class_name": name, "config": {}}):
        config = sequential(layer("Dense", "d", units=2, batch_input_shape=[None, 2],
                                  **{place: value}))  # fmt: skip
        path = write(tmp_path / "m.h5", [], config=config)
        with pytest.raises(ValueError, match=f"m.h5 can't be made: .*{name}"):
            load_model_h5(path, compile=False)


def test_a_lambda_of_a_named_function(tmp_path):
    options = {"function": "double", "function_type": "function", "output_shape": None,
               "output_shape_type": "raw", "arguments": {}}  # fmt: skip
    config = graph([placeholder("x", 2), node("Lambda", "f", "x", **options)], ["f"])
    path = write(tmp_path / "m.h5", [], config=config)
    model = load_model_h5(path, {"double": lambda x: 2 * x}, compile=False)
    np.testing.assert_allclose(model.predict(np.ones((1, 2)), verbose=0), [[2, 2]])
    with pytest.raises(ValueError, match="double"):
        load_model_h5(path, compile=False)


CONFIGS = {
    "null": None,
    "number": 1,
    "string": "Sequential",
    "list": [],
    "empty": {},
    "no config": {"class_name": "Sequential"},
    "class is a number": {"class_name": 3, "config": {}},
    "layers is a number": {"class_name": "Model", "config": {"layers": 3}},
    "layer is a string": sequential("Dense"),
    "layer without config": sequential({"class_name": "Dense"}),
    "gone layer": sequential(layer("MaxoutDense", "m", output_dim=2, batch_input_shape=[None, 2])),
    "unknown layer": sequential(layer("Nonsense", "m", batch_input_shape=[None, 2])),
    "unknown argument": sequential(layer("Dense", "m", units=2, nonsense=1)),
    "time major": sequential(layer("LSTM", "m", units=2, time_major=True)),
    "mode of a norm": sequential(layer("BatchNormalization", "m", mode=2)),
    "unknown merge": graph([placeholder("x", 2), node("Merge", "m", "x", mode="cos")], ["m"]),
    "missing node": graph([placeholder("x", 2), node("Dense", "d", "y", units=2)], ["d"]),
    "missing end": graph([placeholder("x", 2), node("Dense", "d", "x", units=2)], ["e"]),
    "missing output": graph(
        [placeholder("x", 2), node("Dense", "d", ["x", 0, 7, {}], units=2)], ["d"]
    ),
    "huge output": graph(
        [placeholder("x", 2), node("Dense", "d", ["x", 0, 2**70, {}], units=2)], ["d"]
    ),
    "itself": graph([placeholder("x", 2), node("Dense", "d", "d", units=2)], ["d"]),
    "negative node": graph(
        [placeholder("x", 2), node("Dense", "d", ["x", -1, 0, {}], units=2)], ["d"]
    ),
    "unknown function": graph(
        [placeholder("x", 2), node("TFOpLambda", "f", "x", function="io.read_file")], ["f"]
    ),
    "unknown node": graph(
        [placeholder("x", 2), node("TensorFlowOpLayer", "f", "x", node_def={"op": "ReadFile"})],
        ["f"],
    ),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_configs_that_describe_no_model(tmp_path, config):
    with pytest.raises(ValueError, match="The model of this text can't be made|the model's JSON"):
        model_from_json(json.dumps(config))


def test_text_that_is_no_json():
    for text in ("", "{", "[" * 100_000):
        with pytest.raises(ValueError, match="JSON"):
            model_from_json(text)


def model():
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(3, name="first"),
            keras.layers.Dense(1, name="second"),
        ]
    )


def stored(first=(2, 3), second=(3, 1), names=("first", "second")):
    shapes = dict(zip(names, (first, second), strict=True))
    return [
        (name, [(f"{name}/kernel:0", drawn(*s)), (f"{name}/bias:0", drawn(s[-1]))])
        for name, s in shapes.items()
    ]


def test_all_that_does_not_fit_is_said_at_once_and_nothing_is_assigned(tmp_path):
    path = write(tmp_path / "w.h5", stored((2, 4), (4, 1)))
    ours = model()
    before = ours.get_weights()
    with pytest.raises(ValueError, match="do not fit") as error:
        load_weights_h5(ours, path)
    for part in ("first/kernel", "(2, 4)", "(2, 3)", "second/kernel", "(4, 1)", "(3, 1)", "w.h5"):
        assert part in str(error.value)
    for old, new in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_layers_that_fit_are_taken_if_asked_for(tmp_path):
    path = write(tmp_path / "w.h5", stored(second=(3, 2)))
    ours = model()
    before = ours.get_weights()
    with pytest.warns(UserWarning, match="second"):
        load_weights_h5(ours, path, skip_mismatch=True)
    np.testing.assert_array_equal(ours.get_weights()[0], drawn(2, 3))
    np.testing.assert_array_equal(ours.get_weights()[2], before[2])


def test_by_name(tmp_path):
    path = write(tmp_path / "w.h5", stored((9, 9), (3, 1), names=("other", "second")))
    ours = model()
    before = ours.get_weights()
    load_weights_h5(ours, path, by_name=True)
    np.testing.assert_array_equal(ours.get_weights()[0], before[0])
    np.testing.assert_array_equal(ours.get_weights()[2], drawn(3, 1))


def test_in_order_whatever_the_names(tmp_path):
    ours = model()
    load_weights_h5(ours, write(tmp_path / "w.h5", stored(names=("dense_7", "dense_8"))))
    np.testing.assert_array_equal(ours.get_weights()[2], drawn(3, 1))


@pytest.mark.parametrize("more", [[], stored() + stored(names=("third", "fourth"))[:1]])
def test_another_number_of_layers(tmp_path, more):
    path = write(tmp_path / "w.h5", more)
    with pytest.raises(ValueError, match="Layer count mismatch"):
        load_weights_h5(model(), path)


def _without_names(file):
    del file["first"].attrs["weight_names"]


def _without_array(file):
    del file["first/first/kernel:0"]


def _group_for_array(file):
    del file["first/first/kernel:0"]
    file["first/first"].create_group("kernel:0")


def _strings(file):
    del file["first/first/kernel:0"]
    file["first/first"].create_dataset("kernel:0", data=[b"a"])


def _complex(file):
    del file["first/first/kernel:0"]
    file["first/first"].create_dataset("kernel:0", data=np.zeros((2, 3), complex))


def _without_layer(file):
    del file["first"]


def _without_list(file):
    del file.attrs["layer_names"]


def _far_too_large(file):
    del file["first/first/kernel:0"]
    file["first/first"].create_dataset(
        "kernel:0", shape=(2**20, 2**20), dtype="f4", chunks=(64, 64)
    )


FAULTS = [
    *(_without_names, _without_array, _group_for_array, _strings, _complex, _without_layer),
    *(_without_list, _far_too_large),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_broken_weight_files(tmp_path, fault):
    path = write(tmp_path / "w.h5", stored())
    with h5py.File(path, "a") as file:
        fault(file)
    ours = model()
    before = ours.get_weights()
    with pytest.raises(ValueError, match="w.h5"):
        load_weights_h5(ours, path)
    np.testing.assert_array_equal(ours.get_weights()[0], before[0])


def test_a_file_of_weights_is_no_model(tmp_path):
    with pytest.raises(ValueError, match=r"model\.load_weights"):
        load_model_h5(write(tmp_path / "w.h5", stored()))


def test_a_model_without_weights_is_to_be_built_first(tmp_path):
    unbuilt = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="Build it first"):
        load_weights_h5(unbuilt, write(tmp_path / "w.h5", stored()))
