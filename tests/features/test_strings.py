"""Tensors of strings: how they come in, what moves them, and who refuses them."""

import copy
import pickle

import numpy as np
import pytest

import minikeras as keras
from minikeras import ops

TEXT = [["a", "é"], ["", "日本"]]
BYTES = [[s.encode() for s in row] for row in TEXT]
FORMS = {
    "list": TEXT,
    "str": np.array(TEXT),
    "bytes": np.array(BYTES),
    "objects": np.array(TEXT, object),
    "mixed": np.array([[b"a", "é"], ["", b"\xe6\x97\xa5\xe6\x9c\xac"]], object),
    "StringDType": np.array(TEXT, np.dtypes.StringDType()),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_text_becomes_bytes(form):
    x = ops.convert_to_tensor(FORMS[form])
    assert (x.dtype, x.shape) == ("string", (2, 2))
    assert x.tolist() == BYTES
    assert ops.convert_to_tensor(FORMS[form], dtype="string").tolist() == BYTES


def test_a_tensor_shares_no_memory_with_what_it_was_made_of():
    array = np.array([b"a"], object)
    x = ops.convert_to_tensor(array)
    array[0] = b"b"
    assert x.tolist() == [b"a"]


MOVED = {
    "reshape": lambda x: ops.reshape(x, (4,)),
    "transpose": ops.transpose,
    "expand_dims": lambda x: ops.expand_dims(x, 0),
    "squeeze": lambda x: ops.squeeze(x[None], 0),
    "slice": lambda x: x[1:, 0],
}


@pytest.mark.parametrize("name", MOVED)
def test_strings_move(name):
    expected = MOVED[name](ops.convert_to_tensor(np.arange(4).reshape(2, 2)))
    moved = MOVED[name](ops.convert_to_tensor(TEXT))
    flat = [s for row in BYTES for s in row]
    assert moved.tolist() == np.array(flat, object)[expected.numpy()].tolist()


REFUSED = {
    "add": lambda x: x + 1,
    "equal": lambda x: x == x,
    "relu": ops.relu,
    "sum": ops.sum,
    "cast": lambda x: ops.cast(x, "float32"),
    "concatenate": lambda x: ops.concatenate([x, x]),
    "one_hot": lambda x: ops.one_hot(x, 3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_ops_say_that_they_compute_with_numbers(name):
    with pytest.raises(ValueError, match="string"):
        REFUSED[name](ops.convert_to_tensor(TEXT))
    with pytest.raises(ValueError, match="string"):
        REFUSED[name](keras.Input((2,), dtype="string"))


@pytest.mark.parametrize("value", [None, 1, 2.5, float("nan")], ids=str)
def test_what_is_no_string_among_strings_is_named(value):
    with pytest.raises(ValueError, match="Expected strings, but received"):
        ops.convert_to_tensor(np.array(["a", value], object))


def test_numbers_are_not_cast_to_strings():
    for make in (lambda: ops.convert_to_tensor([1], dtype="string"), lambda: ops.cast(1, "string")):
        with pytest.raises(ValueError, match="string"):
            make()


def test_dtypes():
    assert keras.backend.standardize_dtype("string") == "string"
    assert keras.backend.standardize_dtype(str) == "string"
    with pytest.raises(ValueError, match="string"):
        keras.backend.result_type("string", "float32")


def test_strings_are_copied():
    x = ops.convert_to_tensor(TEXT)
    assert copy.deepcopy(x).tolist() == BYTES
    assert pickle.loads(pickle.dumps(x)).tolist() == BYTES


def test_a_model_takes_strings_in_fit_and_predict():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((1,), dtype="string")
    x = keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(x))
    model.compile("sgd", "mse")
    y = np.zeros((2, 1))
    for form in (np.array([["a"], ["b"]]), [["a"], ["b"]], np.array([b"a", b"b"], object)):
        model.fit(form, y, verbose=0)
        assert model.predict(form, verbose=0).shape == (2, 1)
    assert not model._steps.refusals("train_step")  # the look-up is part of the program
    expected = model.predict(np.array(["b", "a"]), verbose=0)
    np.testing.assert_array_equal(model(np.array([["b"], ["a"]])).numpy(), expected)


def test_batches_of_a_generator_hold_strings():
    inputs = keras.Input((), dtype="string")
    layer = keras.layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=3)
    model = keras.Model(inputs, layer(inputs))
    batches = (np.array(texts) for texts in (["a b", "a"], ["b b a", "z"]))
    expected = [[2, 3, 0], [2, 0, 0], [3, 3, 2], [1, 0, 0]]
    assert model.predict(batches, steps=2, verbose=0).tolist() == expected


@pytest.mark.parametrize("text", ["", "plain", "é", "a\x7f", "a\x80", "日本", "a\x00b"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_text_of_one_width_is_encoded_as_python_does(text, order):
    array = np.array([[text, "x"], ["", text * 2]]).astype(f"{order}U12")
    expected = [[s.encode() for s in row] for row in array.tolist()]
    assert ops.convert_to_tensor(array).tolist() == expected
    assert ops.convert_to_tensor(array[:, 1]).tolist() == [row[1] for row in expected]
