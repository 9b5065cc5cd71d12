"""Configs cross between the engines: the object that is read has the config that was written.

What is written is also the same on both sides, for the same constructor's call.
"""

import json

import keras
import pytest

import minikeras
from parity_tests import (
    test_constraints,
    test_initializers,
    test_losses,
    test_metrics,
    test_optimizers,
    test_regularizers,
)
from parity_tests.support import fresh_names
from tests.cases.layers import LAYERS

pytestmark = pytest.mark.parity

# Arguments that Keras 3.15 leaves out of its configs, and refuses or ignores when it reads them.
# Ours are written if they are not the default.
DROPPED = {
    "Huber": {"delta"},
    "CosineSimilarity": {"axis"},
    "SparseCategoricalCrossentropy": {"axis"},
    "SparseTopKCategoricalAccuracy": {"from_sorted_ids"},
    "Identity": {"gain"},
}


def written(engine, thing):
    """The saved form, as it comes from a file."""
    return json.loads(json.dumps(engine.utils.serialize_keras_object(thing)))


def read(engine, saved):
    """The object of a saved form; of a copy, since Keras takes it apart."""
    return engine.utils.deserialize_keras_object(json.loads(json.dumps(saved)))


def assert_crosses(make):
    """What either engine writes is the same, and the other one reads it as it was."""
    saved = {}
    for engine in (minikeras, keras):
        fresh_names()
        saved[engine] = written(engine, make(engine))
    assert saved[minikeras] == saved[keras]
    for engine in saved:
        assert written(engine, read(engine, saved[engine])) == saved[engine]


each_layer = pytest.mark.parametrize("case", LAYERS, ids=str)
some = pytest.mark.sampled(rows=40, by=lambda row: row["case"].name)


@some
@each_layer
def test_layers(case):
    assert_crosses(case.make)


@some
@each_layer
def test_built_layers(case):
    def make(engine):
        layer = case.make(engine)
        inputs = [engine.Input(batch_shape=s, dtype=case.dtype) for s in case.shapes]
        case.call(layer, case.nest(inputs))
        return layer

    assert_crosses(make)


def rows(module, table):
    """`(module of the engine, class, options)` for each different row of another test's table."""
    seen = {}
    for name, options, *_ in table:
        seen.setdefault(f"{module}.{name}({options})", (module, name, options))
    return list(seen.values())


OBJECTS = [
    *rows("losses", test_losses.CASES),
    *rows("metrics", test_metrics.CASES),
    *rows("optimizers", test_optimizers.CASES),
    *rows("initializers", test_initializers.EXACT + test_initializers.CLOSE),
    *rows("initializers", [("Orthogonal", {"gain": 2.0}), ("Identity", {"gain": 2.0})]),
    *rows("initializers", [("STFT", {"side": "imag"})]),
    *rows("regularizers", test_regularizers.CASES),
    *rows("constraints", test_constraints.CASES),
    *rows("losses", [("CategoricalCrossentropy", {"dtype": "float16", "reduction": "sum"})]),
    *rows("metrics", [("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True})]),
    *rows("metrics", [("Mean", {"name": "mine", "dtype": "float16"})]),
    *rows("dtype_policies", [("DTypePolicy", {"name": n}) for n in ("float16", "mixed_float16")]),
]


@pytest.mark.parametrize(("module", "name", "options"), OBJECTS, ids=str)
def test_objects(module, name, options):
    def make(engine):
        return getattr(getattr(engine, module), name)(**options)

    if DROPPED.get(name, set()) & options.keys():
        assert_keeps_more(make, options)
    elif "label_weights" in options:
        assert_keeps_readable(make)
    else:
        assert_crosses(make)


def assert_keeps_more(make, options):
    """We read what we keep beyond Keras's own config, and Keras reads the rest of it."""
    ours = make(minikeras)
    saved = written(minikeras, ours)
    assert options.items() <= saved["config"].items()
    assert written(minikeras, read(minikeras, saved)) == saved
    theirs = read(keras, saved)
    assert written(keras, theirs) == written(keras, make(keras))


def assert_keeps_readable(make):
    """Keras writes weights of labels as a tensor, which it cannot read; both read our list."""
    ours, theirs = written(minikeras, make(minikeras)), written(keras, make(keras))
    assert written(minikeras, read(minikeras, ours)) == ours
    assert written(keras, read(keras, ours)) == theirs
    assert written(minikeras, read(minikeras, theirs)) == ours
    with pytest.raises(ValueError, match="Attempt to convert a value"):
        read(keras, theirs)


SCHEDULES = test_optimizers.SCHEDULES


@pytest.mark.parametrize(("name", "args", "options"), SCHEDULES, ids=str)
def test_schedules(name, args, options):
    def schedule(engine):
        return getattr(engine.optimizers.schedules, name)(*args, **options)

    assert_crosses(schedule)
    assert_crosses(lambda engine: engine.optimizers.Adam(schedule(engine), use_ema=True))


def test_optimizers_around_optimizers():
    assert_crosses(
        lambda engine: engine.optimizers.LossScaleOptimizer(
            engine.optimizers.SGD(0.1, momentum=0.9, gradient_accumulation_steps=2),
            initial_scale=8.0,
            dynamic_growth_steps=5,
        )
    )


@pytest.mark.parametrize("module", ["activations", "losses"])
def test_functions_by_name(module):
    """Configs name functions; both engines find the same names."""
    ours, theirs = getattr(minikeras, module), getattr(keras, module)
    for name in dir(theirs):
        function = getattr(theirs, name)
        helpers = ("get", "serialize", "deserialize", "ctc")
        if name.islower() and callable(function) and name not in helpers:
            saved = theirs.serialize(function)
            assert ours.serialize(getattr(ours, name)) == saved
            assert ours.deserialize(saved) is getattr(ours, name)
            assert name in KEPT_AS_NAMES or theirs.deserialize(saved) is function


# Functions that Keras 3.15 does not find again.
KEPT_AS_NAMES = ("categorical_generalized_cross_entropy",)
