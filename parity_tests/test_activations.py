"""Activations against Keras: values, gradients, signatures, saved forms, names, errors."""

import inspect
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from minikeras import activations
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.symbolic import KerasTensor
from minikeras.autograd.variable import Variable
from minikeras.core import registry
from minikeras.ops.nn.activation import relu as relu_op

pytestmark = pytest.mark.parity

NAMES = sorted(
    name
    for name in dir(keras.activations)
    if not name.startswith("_") and name not in ("get", "serialize", "deserialize")
)
REQUIRED = {"threshold": {"threshold": 0.3, "default_value": -1.0}}
OPTIONS = [
    *((name, REQUIRED.get(name, {})) for name in NAMES),
    ("celu", {"alpha": 0.5}),
    ("elu", {"alpha": 2.0}),
    ("gelu", {"approximate": True}),
    ("glu", {"axis": 0}),
    ("hard_shrink", {"threshold": 1.0}),
    ("leaky_relu", {"negative_slope": 0.4}),
    ("log_softmax", {"axis": 0}),
    ("soft_shrink", {"threshold": 1.0}),
    ("softmax", {"axis": 0}),
    ("softmax", {"axis": (0, 1)}),
    ("sparsemax", {"axis": 0}),
    ("squareplus", {"b": 1}),
]
RELU = [
    {},
    {"threshold": 0.5},
    {"threshold": -1},
    {"max_value": 6},
    {"max_value": 2.0},
    {"max_value": 0},
    {"max_value": -1},
    {"negative_slope": 0.1},
    {"negative_slope": 0.1, "threshold": 0.5},
    {"negative_slope": 0.1, "threshold": 1, "max_value": 6},
    {"negative_slope": 0.1, "max_value": 2},
    {"negative_slope": 0.1, "max_value": 6},
    {"negative_slope": 0.1, "threshold": 3, "max_value": 2},
]
# TensorFlow keeps the constants of these ops as float32, also where the tensors are float64.
FLOAT32_CONSTANTS = ("gelu", "leaky_relu")
EDGES = np.array([-np.inf, -2, -0.0, 0, 0.5, 1, 2, 3, 6, 7, np.inf, np.nan])


def with_gradients(name, options, x):
    """Values and gradients of ours and theirs, the gradients for a fixed upstream one."""
    upstream = np.linspace(0.5, 1.5, x.size).reshape(x.shape).astype(x.dtype)
    a, b = Variable(x), tf.Variable(x)
    with GradientTape() as tape:
        y = getattr(activations, name)(a, **options)
        total = y * upstream[: y.shape[0], : y.shape[1]] if x.ndim > 1 else y * upstream
    with tf.GradientTape() as their_tape:
        z = getattr(keras.activations, name)(tf.convert_to_tensor(b), **options)
        their_total = z * upstream[: z.shape[0], : z.shape[1]] if x.ndim > 1 else z * upstream
    assert isinstance(y, Variable) or y.dtype == z.dtype.name
    gradients = tape.gradient(total, a).numpy(), their_tape.gradient(their_total, b).numpy()
    return (np.asarray(y), z.numpy()), gradients


@pytest.mark.sampled(by=lambda row: row["name"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_values_and_gradients(name, options, dtype):
    x = (3 * np.random.default_rng(4).normal(size=(6, 8))).astype(dtype)
    eps = np.finfo(dtype).eps
    for ours, theirs in with_gradients(name, options, x):
        if dtype == "float64" and name in FLOAT32_CONSTANTS:
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=32 * eps, atol=32 * eps)


def test_float64_is_exact_where_that_of_keras_is_not():
    x = np.linspace(-4, 4, 33)
    erf = np.array([math.erf(v / math.sqrt(2)) for v in x])
    tanh = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    for ours, exact in [
        (activations.gelu(x), 0.5 * x * (1 + erf)),
        (activations.gelu(x, approximate=True), 0.5 * x * (1 + tanh)),
        (activations.leaky_relu(x, 0.3), np.where(x > 0, x, 0.3 * x)),
        (activations.relu(x, negative_slope=0.3), np.where(x > 0, x, 0.3 * x)),
    ]:
        np.testing.assert_allclose(ours.numpy(), exact, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", RELU, ids=str)
def test_relu_at_its_edges(options, dtype):
    # A slope alone is TensorFlow's leaky_relu, which keeps the slope as float32.
    precision = "float32" if options.keys() == {"negative_slope"} else dtype
    for ours, theirs in with_gradients("relu", options, EDGES.astype(dtype)):
        np.testing.assert_allclose(ours, theirs, rtol=2 * np.finfo(precision).eps)


@pytest.mark.parametrize(
    "options", [{}, {"threshold": 1}, {"max_value": 6}, {"negative_slope": 0.5}], ids=str
)
def test_relu_of_integers(options):
    x = np.array([-1, 0, 2, 8], "int32")
    ours, theirs = activations.relu(x, **options), keras.activations.relu(x, **options)
    assert ours.dtype == theirs.dtype.name
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_softmax_of_a_vector():
    x = np.array([1.0, 2.0, 4.0], "float32")
    ours, theirs = activations.softmax(x), keras.activations.softmax(x)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)
    with pytest.raises(ValueError, match="axis 3 is out of bounds .* from -1 to 0"):
        activations.softmax(x, axis=3)


@pytest.mark.parametrize("name", NAMES)
def test_signatures(name):
    ours, theirs = getattr(activations, name), getattr(keras.activations, name)
    expected = [(p.name, p.default) for p in inspect.signature(theirs).parameters.values()]
    assert [(p.name, p.default) for p in inspect.signature(ours).parameters.values()] == expected


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    assert activations.get(name) is getattr(activations, name)
    saved = keras.activations.serialize(getattr(keras.activations, name))
    assert activations.serialize(getattr(activations, name)) == saved
    assert activations.deserialize(saved) is activations.get(name)


@pytest.mark.parametrize("name", NAMES)
def test_symbolic_calls_add_one_node(name):
    x = KerasTensor((2, 6))
    y = getattr(activations, name)(x, **REQUIRED.get(name, {}))
    if name == "linear":
        assert y is x
        return
    assert y._keras_history.operation._inbound_nodes[0].input_tensors == [x]
    assert y.shape == keras.ops.shape(
        getattr(keras.activations, name)(np.zeros((2, 6), "float32"), **REQUIRED.get(name, {}))
    )


def test_functions_of_ones_own():
    def cube(x):
        return x * x * x

    assert activations.serialize(cube) == keras.activations.serialize(cube)
    saved = activations.serialize(cube)
    assert activations.deserialize(saved, custom_objects={"cube": cube}) is cube
    assert activations.deserialize("cube", custom_objects={"cube": cube}) is cube
    keras.saving.register_keras_serializable("lab")(cube)
    registry.register_keras_serializable("lab")(cube)
    assert activations.serialize(cube) == keras.activations.serialize(cube)
    assert activations.get(activations.serialize(cube)) is cube


def test_ops_are_saved_by_name():
    assert keras.activations.serialize(keras.ops.relu) == activations.serialize(relu_op) == "relu"


@pytest.mark.parametrize("identifier", ["nothing", "Relu", 3])
def test_bad_identifiers(identifier):
    for module in (keras.activations, activations):
        with pytest.raises(ValueError, match="Could not interpret activation function identifier"):
            module.get(identifier)


def test_identifiers():
    assert activations.get(None) is activations.linear
    assert activations.deserialize(None) is None
    assert activations.get(len) is len
    assert activations.linear(3) == 3
    with pytest.raises(ValueError, match="cannot be serialized"):
        activations.serialize("relu")
