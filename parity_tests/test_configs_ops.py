"""Ops in the configs of graph models: what one engine writes, the other one reads.

One row for each call in the table of ops. It becomes a model of each engine, the configs cross, and
the model that is read gives the bits of that engine's own.
"""

import json

import keras
import numpy as np
import pytest

import minikeras
from minikeras.core import trees
from parity_tests.support import fresh_names
from parity_tests.test_ops import DECLARED, leaves_of, rows

pytestmark = pytest.mark.parity


def model_of(case, engine):
    """The row's call as a model of one engine, with its arrays as inputs."""
    inputs = [
        engine.Input(batch_shape=a.shape, dtype=a.dtype.name, name=f"in{i}")
        for i, a in enumerate(case.draw())
    ]
    leaves = trees.flatten(case.apply(engine.ops, inputs))
    return engine.Model(inputs, [x for x in leaves if isinstance(x, engine.KerasTensor)])


def assert_same_results(case, engine, read, own):
    inputs = [engine.ops.convert_to_tensor(a) for a in case.draw()]
    for a, b in zip(leaves_of(read(inputs)), leaves_of(own(inputs)), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def crosses(case, source, target):
    """Read the row's model of one engine in another one, and compare it with that one's own."""
    fresh_names()
    read = target.models.model_from_json(model_of(case, source).to_json())
    assert_same_results(case, target, read, model_of(case, target))


# Keras cannot read what it writes itself, or cannot write it; each row says why.
FAULTS = {
    "clip(float32(3,4),float32(4,),float32(3,1))": "bounds that are tensors are not written",
    "softmax(float32(3,4,2),axis=[1,2])": "a list of axes, as JSON has it, is refused",
    "log_softmax(float32(3,4,2),axis=[1,2])": "a list of axes, as JSON has it, is refused",
    "adaptive_average_pool(float32(4,5,6,3),[2,3])": "a list of sizes is joined to a tuple",
    "adaptive_max_pool(float32(4,5,6,3),[2,3])": "a list of sizes is joined to a tuple",
    **{
        case.id: "ConvTranspose.call gives `padding` and `output_padding` in the wrong order"
        for case in DECLARED
        if case.name == "conv_transpose"
    },
}

# `shape` gives no tensor to make a model of.
WRITTEN = [c for c in DECLARED if c.name != "shape"]
READ_BY_KERAS = [
    c for c in WRITTEN if c.id not in FAULTS and not (c.differs and c.differs_in == "refused")
]
READ_BY_US = [c for c in WRITTEN if not c.id.startswith("clip(float32(3,4),float32")]


some = pytest.mark.sampled(rows=100)


@some
@rows(READ_BY_KERAS)
def test_keras_reads_ours(case):
    crosses(case, minikeras, keras)


@some
@rows(READ_BY_US)
def test_we_read_keras(case):
    crosses(case, keras, minikeras)


FAULTY = [c for c in WRITTEN if c.id in FAULTS]


@rows(FAULTY)
def test_keras_does_not_read_itself(case):
    with pytest.raises(Exception):  # noqa: B017, PT011 - TypeError, AttributeError and others
        crosses(case, keras, keras)


@rows(FAULTY)
def test_we_read_ourselves_where_keras_does_not(case):
    crosses(case, minikeras, minikeras)


def test_every_fault_is_one_of_a_row():
    assert FAULTS.keys() == {case.id for case in FAULTY}


# What Python's operators and indexing record, and arguments that are constants.
EXPRESSIONS = {
    "x + y": lambda ops, x, y: x + y,
    "1 - x": lambda ops, x, y: 1 - x,
    "-x": lambda ops, x, y: -x,
    "x ** 2": lambda ops, x, y: x**2,
    "2 ** x": lambda ops, x, y: 2**x,
    "x / 3, x // 3, x % 3": lambda ops, x, y: (x / 3, x // 3, x % 3),
    "abs(x)": lambda ops, x, y: abs(x),
    "x @ transposed": lambda ops, x, y: x @ ops.transpose(y),
    "x > y": lambda ops, x, y: x > y,
    "x != y": lambda ops, x, y: x != y,
    "~(x > 0)": lambda ops, x, y: ~(x > 0),
    "(x > 0) & (y > 0)": lambda ops, x, y: (x > 0) & (y > 0),
    "x[1]": lambda ops, x, y: x[1],
    "x[1:, None]": lambda ops, x, y: x[1:, None],
    "x[..., ::2]": lambda ops, x, y: x[..., ::2],
    "x[0, 1]": lambda ops, x, y: x[0, 1],
    "x[:, -1]": lambda ops, x, y: x[:, -1],
    "x * array": lambda ops, x, y: x * np.arange(4, dtype="float32"),
    "x * tensor": lambda ops, x, y: x * ops.convert_to_tensor([1.0, 2.0, 3.0, 4.0]),
    "x + scalar tensor": lambda ops, x, y: x + ops.convert_to_tensor(0.1),
    "where": lambda ops, x, y: ops.where(x > y, x, 0.0),
    "split": lambda ops, x, y: ops.split(x, 2, axis=1),
    "one of split": lambda ops, x, y: ops.split(x, [1], axis=1)[1] + 1,
    "top_k": lambda ops, x, y: ops.top_k(x, k=2),
    "stack by name": lambda ops, x, y: ops.stack(x=[x, y], axis=-1),
    "mean by name": lambda ops, x, y: ops.mean(keepdims=True, x=x),
    "cast": lambda ops, x, y: ops.cast(x, "int32"),
    "einsum": lambda ops, x, y: ops.einsum("ij,kj->ik", x, y),
    "average": lambda ops, x, y: ops.average(x, 1, y),
    "one op twice": lambda ops, x, y: ops.concatenate([x + y, x + y], axis=0),
    "rearrange": lambda ops, x, y: ops.rearrange(x, "a (b c) -> a b c", b=2),
    "a list as index": lambda ops, x, y: ops.take(x, [2, 0], axis=1),
}


def expression(name, engine):
    x, y = (engine.Input(batch_shape=(3, 4), name=n) for n in "xy")
    return engine.Model([x, y], EXPRESSIONS[name](engine.ops, x, y))


@pytest.mark.parametrize(
    "source, target", [(minikeras, keras), (keras, minikeras)], ids=["ours", "theirs"]
)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions_cross(name, source, target):
    fresh_names()
    read = target.models.model_from_json(expression(name, source).to_json())
    own = expression(name, target)
    rng = np.random.default_rng(0)
    inputs = [target.ops.convert_to_tensor(rng.normal(size=(3, 4)).astype("float32")) for _ in "xy"]
    for a, b in zip(leaves_of(read(inputs)), leaves_of(own(inputs)), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


# Where a tensor stands by name in one engine's file and by place in the other's.
BY_NAME = ("average", "where")


@pytest.mark.parametrize("name", [name for name in EXPRESSIONS if name not in BY_NAME])
def test_configs_of_expressions_are_those_of_keras(name):
    fresh_names()
    ours, theirs = expression(name, minikeras), expression(name, keras)
    assert written_ops(ours) == written_ops(theirs)


def written_ops(model):
    layers = json.loads(model.to_json())["config"]["layers"]
    return [saved for saved in layers if saved["module"].startswith("keras.src.ops")]


@pytest.mark.parametrize("target", [minikeras, keras], ids=["minikeras", "keras"])
def test_a_numpy_number_keeps_its_dtype(target):
    """Keras writes a Python number in its place, which gives way to the tensor's dtype."""
    x = minikeras.Input(batch_shape=(3,), dtype="float16")
    read = target.models.model_from_json(minikeras.Model(x, x * np.float32(0.1)).to_json())
    assert read.outputs[0].dtype == "float32"


def test_settings_may_be_tensors_of_the_graph():
    x, low = minikeras.Input(batch_shape=(3,)), minikeras.Input(batch_shape=(3,))
    model = minikeras.Model([x, low], minikeras.ops.clip(x, low, 1.0))
    read = minikeras.models.model_from_json(model.to_json())
    inputs = [np.zeros(3, "float32"), np.array([0.5, -1.0, 0.0], "float32")]
    np.testing.assert_array_equal(read(inputs), [0.5, 0.0, 0.0])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"class_name": "Nothing"}, "'keras.src.ops.numpy.Nothing', which does not exist here"),
        ({"config": {"name": "multiply", "axis": 1}}, "'multiply' has no setting 'axis'"),
    ],
)
def test_unknown_ops_and_settings_are_refused(changes, message):
    x = minikeras.Input(batch_shape=(3,))
    config = minikeras.Model(x, x * 2).get_config()
    config["layers"][1].update(changes)
    with pytest.raises(ValueError, match=message):
        minikeras.Model.from_config(config)


@pytest.mark.parametrize("key", [("multiply", -1, 0), ("multiply", 0, 1), ("nothing", 0, 0)])
def test_references_to_what_is_not_there_are_refused(key):
    x = minikeras.Input(batch_shape=(3,))
    config = minikeras.Model(x, x * 2).get_config()
    config["output_layers"] = [list(key)]
    with pytest.raises(ValueError, match="The model's config "):
        minikeras.Model.from_config(config)
