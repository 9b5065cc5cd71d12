"""What becomes a tensor, and how: byte orders, odd dtypes, and sizes that are not known yet."""

import re

import numpy as np
import pytest

import minikeras as keras
from minikeras import ops
from minikeras.autograd.gradient import GradientTape

FOREIGN = [">f2", ">f4", ">f8", ">i2", ">i4", ">i8", ">u2", ">u4", ">u8"]
VALUES = [1, 2, 3, 4]

CONVERSIONS = {
    "tensor": ops.convert_to_tensor,
    "sum": ops.sum,
    "argument": lambda x: ops.add(x, 1),
    "operator": lambda x: ops.ones(4, "int32") * x,
    "list": lambda x: ops.convert_to_tensor([x, x]),
    "list of numbers": lambda x: ops.convert_to_tensor(list(x)),
    "number": lambda x: ops.convert_to_tensor(x[0]),
    "variable": keras.Variable,
    "cast": lambda x: ops.cast(x, "float32"),
    "matmul": lambda x: ops.matmul(x[None], x[:, None]),
}


@pytest.mark.parametrize("dtype", FOREIGN)
@pytest.mark.parametrize("way", CONVERSIONS)
def test_another_byte_order_gives_native_values(way, dtype):
    convert = CONVERSIONS[way]
    actual = convert(np.array(VALUES, dtype))
    expected = convert(np.array(VALUES, dtype[1:]))
    assert np.asarray(actual).dtype.isnative
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(np.asarray(actual), np.asarray(expected))


def test_variables_take_values_of_another_byte_order():
    v = keras.Variable(np.zeros(4, "float32"))
    v.assign(np.array(VALUES, ">f8"))
    v.assign_add(np.array(VALUES, ">f4"))
    assert v.numpy().tolist() == [2, 4, 6, 8]
    assert v.array.dtype == np.float32


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i8"])
def test_training_on_another_byte_order(dtype):
    def fitted(kind):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x, y = np.arange(8).reshape(4, 2).astype(kind), np.ones((4, 1), kind)
        history = model.fit(x, y, sample_weight=y[:, 0], verbose=0, batch_size=2)
        batch = model.train_on_batch(x, y)
        return history.history["loss"], batch, model.predict(x, verbose=0).tolist()

    assert fitted(dtype) == fitted(dtype[1:])


def test_words_of_another_byte_order_are_looked_up():
    table = keras.layers.Embedding(5, 1, embeddings_initializer="ones")
    assert table(np.array(VALUES, ">i8")).shape == (4, 1)


@pytest.mark.parametrize(
    "dtype", ["complex64", "complex128", "datetime64[s]", "timedelta64[s]", "O", "V2"]
)
@pytest.mark.parametrize(
    "convert", [ops.convert_to_tensor, keras.Variable, ops.sqrt, lambda x: ops.ones(2) + x]
)
def test_what_is_no_number_is_refused_by_its_dtype(convert, dtype):
    x = np.zeros(2, dtype) if dtype == "V2" else np.array([1, 0]).astype(dtype)
    with pytest.raises(ValueError, match=re.escape(f"dtype {x.dtype}")):
        convert(x)


@pytest.mark.parametrize("dtype", ["U1", "S1"])
@pytest.mark.parametrize("op", [ops.sqrt, lambda x: ops.ones(2) + x, ops.sum])
def test_text_becomes_strings_that_no_op_computes_with(op, dtype):
    text = np.array([1, 0]).astype(dtype)
    assert ops.convert_to_tensor(text).dtype == "string"
    with pytest.raises(ValueError, match="computes with numbers.*'string'"):
        op(text)


@pytest.mark.skipif(np.dtype(np.longdouble) == np.float64, reason="no wider float here")
def test_long_doubles_are_refused():
    with pytest.raises(ValueError, match="Expected numbers of a dtype among"):
        ops.convert_to_tensor(np.ones(2, np.longdouble))


# Each says what it makes of a batch; the first size, unknown in the model, is 2 in the end.
WITH_A_SIZE = {
    "cast": lambda x: x / ops.cast(ops.shape(x)[0], "float32"),
    "divide": lambda x: ops.divide(x, ops.shape(x)[0]),
    "operators": lambda x: ops.shape(x)[0] * x + x * ops.shape(x)[0] - ops.shape(x)[0] / x,
    "reflected": lambda x: (ops.shape(x)[0] - x) ** ops.shape(x)[0],
    "arithmetic": lambda x: ops.sum(x, axis=0, keepdims=True) / (ops.shape(x)[0] * 2 - 1) + x * 0,
    "negative": lambda x: x * -ops.shape(x)[0],
    "compared": lambda x: x * ops.cast(ops.equal(ops.shape(x)[0], 2), "float32"),
    "larger": lambda x: ops.where(ops.shape(x)[0] > 1, x, 0.0),
    "convert_to_tensor": lambda x: x * ops.convert_to_tensor(ops.shape(x)[0], dtype="float32"),
    "shape as a tensor": lambda x: x * ops.cast(ops.convert_to_tensor(ops.shape(x)), "float32")[0],
    "stack": lambda x: x * ops.cast(ops.stack([ops.shape(x)[0], 3])[0], "float32"),
    "maximum": lambda x: x + ops.cast(ops.maximum(ops.shape(x)[0], 1), "float32"),
    "sqrt": lambda x: x * ops.sqrt(ops.cast(ops.shape(x)[0], "float32")),
    "full": lambda x: x + ops.full((ops.shape(x)[0], 3), ops.shape(x)[0]),
    "arange": lambda x: x * ops.cast(ops.arange(ops.shape(x)[0]), "float32")[:, None],
    "ones": lambda x: x + ops.ones((ops.shape(x)[0], 1)),
    "eye": lambda x: ops.matmul(ops.eye(ops.shape(x)[0]), x),
    "repeat": lambda x: ops.repeat(x[:1], ops.shape(x)[0], axis=0),
    "tile": lambda x: ops.tile(x[:1], (ops.shape(x)[0], 1)),
    "broadcast_to": lambda x: ops.broadcast_to(x[:1], (ops.shape(x)[0], 3)),
    "size": lambda x: x / ops.cast(ops.size(x), "float32"),
}


@pytest.mark.parametrize("name", WITH_A_SIZE)
def test_an_unknown_size_is_a_value(name):
    function = WITH_A_SIZE[name]
    x = np.arange(1, 7, dtype="float32").reshape(2, 3)
    expected = function(ops.convert_to_tensor(x)).numpy()
    inputs = keras.Input((3,))
    outputs = keras.layers.Lambda(function)(inputs)
    assert outputs.shape == (None, 3)
    assert outputs.dtype == "float32"
    model = keras.Model(inputs, outputs)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    with GradientTape() as tape:
        tape.watch(t := ops.convert_to_tensor(x))
        y = function(t)
    assert tape.gradient(y, t).shape == (2, 3)


def test_a_size_is_weak_as_the_number_that_it_becomes():
    inputs = keras.Input((3,), dtype="int8")
    outputs = keras.layers.Lambda(lambda x: ops.multiply(x, ops.shape(x)[0]))(inputs)
    assert outputs.dtype == "int8"
    assert keras.Model(inputs, outputs).predict(np.ones((2, 3), "int8"), verbose=0).dtype == "int8"


def test_a_decision_by_an_unknown_size_is_refused():
    inputs = keras.Input((3,))
    with pytest.raises(Exception, match="not known before data arrive"):
        keras.layers.Lambda(lambda x: x if ops.shape(x)[0] > 1 else 2 * x)(inputs)


def test_recorded_steps_take_the_size_of_each_kind_of_batch():
    inputs = keras.Input((3,))
    mean = keras.layers.Lambda(
        lambda x: ops.sum(x, axis=0, keepdims=True) / ops.cast(ops.shape(x)[0], "float32") + 0 * x
    )
    model = keras.Model(inputs, mean(keras.layers.Dense(2, kernel_initializer="ones")(inputs)))
    x = np.arange(33, dtype="float32").reshape(11, 3)
    actual = model.predict(x, batch_size=2, verbose=0)
    eager = [np.mean(x[i : i + 2].sum(axis=1)) for i in range(0, 11, 2) for _ in x[i : i + 2]]
    np.testing.assert_allclose(actual[:, 0], eager, rtol=1e-6)
