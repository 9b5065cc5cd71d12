"""Dtypes, first values and old arguments in every form that Keras takes."""

import warnings

import numpy as np
import pytest

from parity_tests.scenario import same
from parity_tests.support import said

pytestmark = pytest.mark.parity

DTYPES = ["int", int, float, bool, np.float32, np.int64, np.double, np.half, "bool", "uint8"]
DTYPES += [np.dtype("float32"), np.dtype(">f4"), None]
NO_DTYPES = ["f4", "float_", "single", "FLOAT32", "int128", object]


def of(tensor):
    return getattr(tensor.dtype, "name", tensor.dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes(dtype):
    def scenario(k):
        layer = k.layers.Dense(2, dtype=dtype)
        return {
            "input": k.Input((2,), dtype=dtype).dtype,
            "placeholder": k.KerasTensor((2,), dtype=dtype).dtype,
            "cast": of(k.ops.cast(np.ones(2), dtype)),
            "converted": of(k.ops.convert_to_tensor([1, 2], dtype=dtype if dtype else "int32")),
            "variable": of(k.Variable(np.ones(2, "float32"), dtype=dtype)),
            "named": of(k.Variable("zeros", shape=(2,), dtype=dtype)),
            "layer": [layer.dtype, layer.compute_dtype],
            "weight": of(layer.add_weight(shape=(2,), dtype=dtype, initializer="zeros")),
            "initializer": of(k.initializers.Zeros()((2,), dtype=dtype)),
            "sum": of(k.ops.sum(k.ops.convert_to_tensor([1, 2], dtype="int32"))),
        }

    same(scenario)


@pytest.mark.parametrize("dtype", NO_DTYPES, ids=str)
def test_what_is_no_dtype(dtype):
    def scenario(k):
        for make in (
            lambda: k.Input((2,), dtype=dtype),
            lambda: k.Variable(np.ones(2), dtype=dtype),
            lambda: k.layers.Dense(2, dtype=dtype),
        ):
            with pytest.raises(ValueError, match="(?i)dtype"):
                make()

    same(scenario)


VARIABLES = {
    "name": lambda k: k.Variable("zeros", shape=(2,)),
    "name, list": lambda k: k.Variable("ones", shape=[np.int64(2)], dtype="int32"),
    "name, no axes": lambda k: k.Variable("ones", shape=()),
    "glorot": lambda k: k.Variable("glorot_uniform", shape=(2, 3)),
    "keyword": lambda k: k.Variable(initializer="ones", shape=(2,), trainable=0),
    "object": lambda k: k.Variable(k.initializers.Ones(), shape=(2,)),
    "function": lambda k: k.Variable(lambda shape, dtype: np.ones(shape, dtype), shape=(2,)),
    "list": lambda k: k.Variable([1, 2]),
    "number": lambda k: k.Variable(1.5, shape=(3,)),
    "other shape": lambda k: k.Variable([1.0, 2.0], shape=(3,)),
    "synchronization": lambda k: k.Variable("ones", (2,), None, True, True, "none", "auto", "v"),
}
NO_VARIABLES = {
    "unknown name": (lambda k: k.Variable("nope", shape=(2,)), "identifier: nope"),
    "no shape": (lambda k: k.Variable("zeros"), "needs its `shape`"),
    "unknown size": (lambda k: k.Variable("zeros", shape=(None, 2)), r"\(None, 2\)"),
    "negative": (lambda k: k.Variable("zeros", shape=(-1,)), r"\(-1,\)"),
    "float": (lambda k: k.Variable("zeros", shape=(2.0,)), r"\(2\.0,\)"),
    "synchronization": (
        lambda k: k.Variable("zeros", shape=(2,), synchronization="x"),
        "`synchronization`",
    ),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_variables(name):
    def scenario(k):
        v = VARIABLES[name](k)
        return v.name == "v", of(v), tuple(v.shape), v.trainable, k.ops.convert_to_numpy(v)

    same(scenario)


@pytest.mark.parametrize("name", NO_VARIABLES)
def test_no_variables(name):
    make, words = NO_VARIABLES[name]

    def scenario(k):
        with pytest.raises(ValueError, match=said(k, words)):
            make(k)

    same(scenario)


LABELS = [[0, 2], (0, 1), np.array([[0], [2]], "uint8"), [[0, 1], [2, 0]], [0.7, 1.2], 2]


@pytest.mark.parametrize("labels", LABELS, ids=str)
def test_one_hot_rows(labels):
    def scenario(k):
        rows = k.utils.to_categorical(labels), k.utils.to_categorical(labels, np.int64(4))
        tensor = k.utils.to_categorical(k.ops.convert_to_tensor(np.array(labels, "int32")), 4)
        return [(row, row.dtype.name) for row in rows], np.asarray(tensor), of(tensor)

    same(scenario)


def test_normalized():
    def scenario(k):
        x = [[3.0, 4.0], [0.0, 0.0]]
        arrays = [k.utils.normalize(np.array(x, d)) for d in ("float32", "float64", "int64")]
        lists = [k.utils.normalize(x), k.utils.normalize(k.ops.convert_to_tensor(x), order=1)]
        return [(y, y.dtype.name) for y in arrays], [(np.asarray(y), of(y)) for y in lists]

    same(scenario, length=4)


LAYERS = {
    "Embedding": lambda k: k.layers.Embedding(5, 2, input_length=3),
    "Embedding, lora": lambda k: k.layers.Embedding(5, 2, lora_rank=None),
    "Dense": lambda k: k.layers.Dense(2, lora_rank=None, quantization_config=None),
    "Dense, shape": lambda k: k.layers.Dense(2, input_shape=[np.int64(3)]),
    "Conv2D": lambda k: k.layers.Conv2D(2, 3, lora_rank=None, input_shape=(8, 8, 3)),
    "LSTM": lambda k: k.layers.LSTM(2, implementation=1, input_shape=(None, 3)),
    "LeakyReLU": lambda k: k.layers.LeakyReLU(alpha=0.2),
    "LayerNormalization": lambda k: k.layers.LayerNormalization(rms_scaling=True),
    "InputLayer": lambda k: k.layers.InputLayer(input_shape=(3,)),
    "InputLayer, batch": lambda k: k.layers.InputLayer(batch_input_shape=(2, 3)),
}
NO_LAYERS = {
    "unknown": (lambda k: k.layers.Dense(2, foo=1), "Dense.*'foo': 1"),
    "trainable": (
        lambda k: k.layers.Dense(2, trainable="no"),
        "`trainable` to be .* Received: trainable=",
    ),
    "shape": (
        lambda k: k.Sequential([k.layers.Dense(2, input_shape=3), k.layers.Dense(2)]),
        "shape",
    ),
    "tensor, shape": (lambda k: k.Input((4,), tensor=k.Input((3,))), "[`']shape[`']"),
    "tensor, dtype": (lambda k: k.Input(tensor=k.Input((3,)), dtype="int32"), "[`']dtype[`']"),
    "tensor, batch": (lambda k: k.Input(tensor=k.Input((3,)), batch_size=2), "[`']batch_size[`']"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_old_arguments(name):
    def scenario(k):
        layer = LAYERS[name](k)
        config = layer.get_config()
        config.pop("dtype")
        return sorted(config), getattr(layer, "batch_shape", None)

    same(scenario)


@pytest.mark.parametrize("name", NO_LAYERS)
def test_refused_arguments(name):
    make, words = NO_LAYERS[name]

    def scenario(k):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(ValueError, match=words):
                make(k)

    same(scenario)
