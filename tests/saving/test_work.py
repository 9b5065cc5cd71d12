"""A config makes work in proportion to its size, whatever numbers it holds."""

import json
import time

import pytest

import minikeras as keras
from minikeras.autograd.postponed import postponed_values
from minikeras.core import work
from tests.cases import CASES
from tests.cases.layers import LAYERS
from tests.saving.foreign import numbers_in_configs, watched
from tests.saving.foreign.configs import call_of, compiled, graph, stack, tensor
from tests.saving.foreign.json_mutations import saved
from tests.test_metrics import CLASSES, make

# What a layer or an op warns of, a number too large for the dtype or a transform that is slow, is
# no matter here.
pytestmark = pytest.mark.filterwarnings("ignore")
MOST_SECONDS = 1.0
MOST_MEMORY = 128 << 20


@pytest.fixture
def little_memory():
    watched.limit_memory(MOST_MEMORY)
    yield
    watched.unlimit_memory()


def declare(config):
    """Make an object of a config as loading a file does, in little time; return the error."""
    start = time.process_time()
    try:
        with postponed_values():
            keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
        error = None
    except (ValueError, TypeError, NotImplementedError) as raised:  # as calls of ops raise
        error = raised
    assert time.process_time() - start < MOST_SECONDS
    return error


def try_all(config, around=lambda changed: changed):
    for place, changed in numbers_in_configs.exchanged(config):
        try:
            declare(around(changed))
        except Exception as error:
            raise AssertionError(place) from error


@pytest.mark.sampled(rows=25)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_numbers_in_calls_of_ops(case, little_memory):
    config = numbers_in_configs.of_op(case)
    if config is not None:
        try_all(config)


@pytest.mark.sampled(rows=10)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_numbers_in_configs_of_layers(case, little_memory):
    try_all(numbers_in_configs.of_layer(case))


@pytest.mark.sampled(rows=5)
@pytest.mark.parametrize("name", CLASSES)
def test_numbers_in_configs_of_metrics(name, little_memory):
    config = keras.saving.serialize_keras_object(make(name))
    try_all(config, around=lambda metric: compiled(metrics=[metric]))


# Op, its settings, and the number that asks for too much.
MANY = 10**6
OPS = {
    "Split": {"indices_or_sections": MANY},
    "ArraySplit": {"indices_or_sections": MANY, "axis": 1},
    "Vander": {"N": MANY},
    "Unfold": {"kernel_size": [MANY, 1], "padding": MANY},
    "AdaptiveAveragePool": {"output_size": [MANY]},
    "AdaptiveMaxPool": {"output_size": [MANY]},
    "Linspace": {"num": 1000 * MANY, "stop": 2.0},
    "Logspace": {"num": 1000 * MANY, "stop": 2.0},
    "Geomspace": {"num": 1000 * MANY, "stop": 2.0},
    "Repeat": {"repeats": [MANY, MANY, MANY], "axis": 1},
}
SHAPES = {
    "Vander": [3],
    "Unfold": [1, 1, 3, 3],
    "AdaptiveAveragePool": [2, 9, 3],
    "AdaptiveMaxPool": [2, 9, 3],
}


def op_config(name, shape, **settings):
    """The config of a graph of one op."""
    config = graph(call_of(tensor("x", 0, 0)), output=("op", 0, 0))
    config["config"]["layers"][0]["config"]["batch_shape"] = shape
    config["config"]["layers"][1] |= {
        "module": "keras.src.ops.numpy",
        "class_name": name,
        "config": {"name": "op", **settings},
        "name": "op",
    }
    return config


@pytest.mark.parametrize("name", OPS)
def test_the_error_names_the_op_and_the_number(name, little_memory):
    error = declare(op_config(name, SHAPES.get(name, [None, 3]), **OPS[name]))
    assert isinstance(error, work.TooMuchWork)
    op = "".join("_" * c.isupper() + c.lower() for c in name).strip("_")
    assert f"'{op}'" in str(error) and "000000" in str(error)


@pytest.mark.parametrize(
    "name, settings",
    [
        ("Unstack", {"axis": 1}),
        ("Map", {"f": saved("function", "builtins", "relu") | {"config": "relu"}}),
        ("AssociativeScan", {"f": saved("function", "builtins", "relu") | {"config": "relu"}}),
    ],
)
def test_sizes_of_inputs(name, settings, little_memory):
    shape = [10**9, 10**9]
    assert isinstance(declare(op_config(name, shape, **settings)), (work.TooMuchWork, ValueError))


def doubling(depth):
    """A model that calls a model twice, that calls a model twice, and so on."""
    inner = graph(call_of(tensor("x", 0, 0)))
    inner["config"]["layers"][1]["config"]["units"] = 3
    for _ in range(depth):
        outer = graph(call_of(tensor("x", 0, 0)), call_of(tensor("dense", 0, 0)))
        outer["config"]["layers"][1] |= {**inner, "name": "dense"}
        inner["config"]["name"] = "dense"
        outer["config"]["output_layers"] = [["dense", 2, 0]]
        inner = outer
    return inner


def test_models_that_call_each_other_twice():
    assert declare(doubling(3)) is None
    error = declare(doubling(14))
    assert isinstance(error, work.TooMuchWork) and "Functional 'dense'" in str(error)


def test_axes_without_end():
    layers = [saved("Activation", config={"activation": "relu"}) for _ in range(200)]
    config = stack(*layers)
    shape = config["config"]["build_input_shape"] = [1] * 100_000
    config["config"]["layers"][0]["config"]["batch_shape"] = shape
    assert "100000 axes" in str(declare(config))


METRICS = {
    "AUC": {"num_thresholds": 10**9},
    "PrecisionAtRecall": {"recall": 0.5, "num_thresholds": 10**9},
    "SensitivityAtSpecificity": {"specificity": 0.5, "num_thresholds": 10**9},
    "MeanIoU": {"num_classes": 10**9},
}


@pytest.mark.parametrize("name", METRICS)
def test_numbers_of_metrics(name, little_memory):
    error = declare(compiled(metrics=[saved(name, "keras.metrics", METRICS[name])]))
    assert isinstance(error, work.TooMuchWork) and f"'{name}'" in str(error)


def test_who_trusts_a_config_may_let_it_work():
    config = op_config("ArraySplit", [None, 3], indices_or_sections=30_000, axis=1)
    with pytest.raises(work.TooMuchWork, match="30000 steps"):
        keras.saving.deserialize_keras_object(config)
    model = keras.saving.deserialize_keras_object(config, safe_mode=False)
    assert model.output_shape == (None, 1)


def test_nothing_is_counted_outside_of_configs():
    with pytest.raises(work.TooMuchWork, match="1000000 steps"):
        keras.saving.deserialize_keras_object(op_config("Vander", [3], N=10**6))
    assert work.work.left is None
    assert len(keras.ops.array_split(keras.KerasTensor((2,)), 30_000)) == 30_000
