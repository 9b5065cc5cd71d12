"""Model configs go both ways: what one engine writes the other one reads."""

import keras
import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close
from parity_tests.support import fresh_names
from parity_tests.test_training import X2, X, mlp, two_headed

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("make", [mlp, two_headed], ids=["stack", "graph"])
def test_each_engine_reads_what_the_other_wrote(make):
    fresh_names()
    ours, theirs = make(minikeras), make(keras)
    ours.compile("adam", "mse", metrics=["mae"])
    theirs.compile("adam", "mse", metrics=["mae"])
    for source, engine in ((ours, keras), (theirs, minikeras)):
        read = engine.models.model_from_json(source.to_json())
        assert [layer.name for layer in read.layers] == [layer.name for layer in source.layers]
        assert [v.name for v in read.weights] == [v.name for v in source.weights]
        assert read.optimizer.get_config() == source.optimizer.get_config()
        read.set_weights(source.get_weights())
        x = X if len(source.inputs) == 1 else [X, X2]
        for a, b in zip(_listed(read.predict(x, verbose=0)), _listed(source(x)), strict=True):
            assert_close(a, np.asarray(b), length=8)


def _listed(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


def test_graphs_of_ops_are_read():
    fresh_names()
    a = keras.Input((6,), name="a")
    x = a * 2.0 + a / 4.0
    x = keras.ops.concatenate([keras.ops.mean(x, axis=-1, keepdims=True), x[:, 0:2]], axis=-1)
    x = -((1.0 - keras.ops.relu(x)) ** 2)
    theirs = keras.Model(a, keras.ops.reshape(x, (-1, 3, 1)))
    ours = minikeras.models.model_from_json(theirs.to_json())
    assert [op.name for op in ours.operations] == [op.name for op in theirs.operations]
    assert_close(ours.predict(X, verbose=0), theirs.predict(X, verbose=0), length=8)
