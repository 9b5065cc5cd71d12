"""What a copy is, in Keras and here: independent even by `copy.copy`, and named as the original."""

import copy
import pickle

import keras
import numpy as np
import pytest

import minikeras
from parity_tests.support import fresh_names

pytestmark = pytest.mark.parity

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = np.zeros((8, 2), "float32")
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}


def _stack(engine):
    layers = engine.layers
    parts = [engine.Input((3,)), layers.Dense(4, "tanh"), layers.BatchNormalization()]
    parts[1].trainable = False
    return engine.Sequential([*parts, layers.Dropout(0.5, seed=1), layers.Dense(2)])


def _graph(engine):
    x = engine.Input((3,), name="x")
    shared = engine.layers.Dense(3, "gelu", kernel_regularizer="l2")
    y = engine.ops.concatenate([shared(x), shared(shared(x)) * 2.0], axis=-1)
    return engine.Model(x, engine.layers.Dense(2)(y), name="graph")


def _nested(engine):
    inner = engine.Sequential([engine.Input((3,)), engine.layers.Dense(3)])
    x = engine.Input((3,))
    return engine.Model(x, engine.layers.Dense(2)(inner(inner(x))))


def _name(name, scope):
    """A name without the scope of a Sequential, which Keras's copies lose and ours keep."""
    return name.removeprefix(scope)


def _facts(model, way):
    copied = way(model)
    before = copied.predict(X, verbose=0)
    facts = {
        "class": type(copied).__name__,
        "name": copied.name,
        "layers": [(layer.name, layer.trainable, layer.built) for layer in copied.layers],
        "weights": [_name(v.path, "sequential/") for v in copied.weights],
        "trainable": [v.trainable for v in copied.weights],
        "optimizer": [_name(v.name, "sequential_") for v in copied.optimizer.variables],
        "steps": int(copied.optimizer.iterations),
        "rate": float(copied.optimizer.learning_rate),
        "compiled": copied.compiled,
        "metrics": copied.metrics_names,
        "same outputs": np.array_equal(before, model.predict(X, verbose=0)),
    }
    model.fit(X, Y, verbose=0)
    facts["stays"] = np.array_equal(before, copied.predict(X, verbose=0))
    layer = way(copied.layers[-1])
    facts["layer"] = (layer.name, layer.built, len(layer._inbound_nodes))
    facts["equal"] = np.array_equal(layer.kernel, copied.layers[-1].kernel)
    facts["another"] = layer.kernel is not copied.layers[-1].kernel
    return facts


@pytest.mark.parametrize(
    ("make", "way"), [(_stack, "copy"), (_graph, "deepcopy"), (_nested, "pickle")]
)
def test_copies_of_trained_models(make, way):
    facts = {}
    for engine in (minikeras, keras):
        fresh_names()
        model = make(engine)
        options = {"metrics": ["mae"], "run_eagerly": engine is keras}  # to trace takes seconds
        model.compile(engine.optimizers.Adam(0.05), "mse", **options)
        model.fit(X, Y, epochs=2, verbose=0)
        facts[engine] = _facts(model, WAYS[way])
    assert facts[minikeras] == facts[keras]
