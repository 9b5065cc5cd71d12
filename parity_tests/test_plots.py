"""Drawings of models: the same boxes and edges as Keras's, in the language of Graphviz."""

import itertools
import re

import keras
import pytest

import minikeras
from parity_tests.support import both
from parity_tests.test_configs_models import MODELS

pytestmark = pytest.mark.parity

SHOWN = ["show_shapes", "show_dtype", "show_layer_names", "show_layer_activations"]
OPTIONS = [
    *({name: True} for name in ("show_shapes", "show_dtype", "expand_nested", "subgraph")),
    {"show_trainable": True, "show_shapes": True, "show_dtype": True, "expand_nested": True},
    {"show_layer_activations": True, "show_layer_names": False, "show_trainable": True},
    {"rankdir": "LR", "dpi": 70, "splines": "curved", "show_layer_activations": True},
]


def deep(engine):
    """Models in models, two of them called twice, with several inputs and outputs."""
    layers = engine.layers
    a, b = engine.Input((3,), name="a"), engine.Input((3,), name="b")
    pair = engine.Model([a, b], [layers.Add()([a, b]), layers.Dense(3, "tanh")(a)], name="pair")
    first = engine.Sequential([engine.Input((3,)), layers.Dense(3), layers.ReLU()], name="first")
    stack = engine.Sequential([first, layers.Dense(3, trainable=False)], name="stack")
    x, y = engine.Input((3,), name="x"), engine.Input((3,), name="y")
    u, v = pair([stack(x), y])
    w, _ = pair([v, u])
    return engine.Model([x, y], [first(w) * 2.0, engine.ops.split(u, 3, axis=1)[1]])


def subclass(engine):
    class Mine(engine.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.dense = engine.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Mine()
    model(engine.ops.ones((2, 3)))
    return model


def nested_stacks(engine):
    layers = engine.layers
    inner = engine.Sequential([engine.Input((3,)), layers.Dense(4), layers.Dense(3)], name="inner")
    return engine.Sequential([engine.Input((3,)), inner, layers.Dense(2, "relu")])


BUILT = [make for make in MODELS if make.__name__ not in ("unbuilt_stack", "masked")]


def source_of(engine, model, **options):
    """The drawing as a text, with names in place of the numbers of objects."""
    text = engine.utils.model_to_dot(model, **options).to_string()
    for operation in operations_in(model):
        text = text.replace(str(id(operation)), operation.name)
    assert not re.search(r"\d{9}", text), "an operation of the drawing is not in the model"
    return text


def operations_in(model):
    yield model
    for operation in getattr(model, "operations", None) or getattr(model, "layers", []):
        yield from operations_in(operation)


@pytest.mark.sampled(rows=20, by=lambda row: row["make"])
@pytest.mark.parametrize("options", [{}, *OPTIONS], ids=str)
@pytest.mark.parametrize("make", [deep, subclass, nested_stacks, *BUILT])
def test_drawings(make, options):
    ours, theirs = both(make)
    assert source_of(minikeras, ours, **options) == source_of(keras, theirs, **options)


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [*itertools.product([False, True], repeat=len(SHOWN))])
def test_what_boxes_show(chosen):
    options = dict(zip(SHOWN, chosen, strict=True))
    ours, theirs = both(deep)
    assert source_of(minikeras, ours, **options) == source_of(keras, theirs, **options)


@pytest.mark.parametrize("function", ["model_to_dot", "plot_model"])
def test_errors(function):
    for engine in (minikeras, keras):
        draw = getattr(engine.utils, function)
        with pytest.raises(ValueError, match="built"):
            draw(engine.Sequential([engine.layers.Dense(2)]))
        model = engine.Sequential([engine.Input((3,)), engine.layers.Dense(2)])
        for wrong in ({"layer_range": ["a", "b"]}, {"show": True}):
            with pytest.raises((ValueError, ImportError)):
                draw(model, **wrong)


def test_sources_of_a_tensor():
    def names(engine):
        x, y, z = (engine.Input((3,), name=name) for name in "xyz")
        inner = engine.Model([z], z * 2)
        total = engine.layers.Add()([inner(y), x, y]) + inner(x)
        return [tensor.name for tensor in engine.utils.get_source_inputs(total)]

    ours, theirs = both(names)
    assert ours == theirs == ["y", "x"]
    for thing in (3, None, "x"):
        assert minikeras.utils.get_source_inputs(thing) == keras.utils.get_source_inputs(thing)
