"""Each layer through files: written here and read by Keras, written by Keras and read here.

One row of `tests/cases/layers.py` gives all tests of a layer: the same groups and arrays in the
file, the same outputs on the other side, by `.keras` and by `.weights.h5`.
"""

import json

import h5py
import keras
import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close
from parity_tests.support import both, share_weights
from parity_tests.test_layers import swaps
from tests.cases.layers import FIRST, LAYERS

pytestmark = pytest.mark.parity

# In Keras's graph of a model each of these is its own input.
NOT_IN_A_GRAPH = ("Equalization",)

# Rows after the first of a class differ in arguments that files hold as they hold the others.
each_row = pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, id=str(c), marks=[] if FIRST[c.name] is c else [pytest.mark.slow])
        for c in LAYERS
        if c.name not in NOT_IN_A_GRAPH
    ],
)


def as_json(layer):
    """The config of a layer as a file holds it: lists in place of tuples."""
    return json.loads(json.dumps(layer.get_config()))


def model_of(case, engine):
    """A functional model of one layer."""
    inputs = [engine.Input(s[1:], batch_size=s[0], dtype=case.dtype) for s in case.shapes]
    layer = case.make(engine)
    outputs = case.call(layer, case.nest(inputs))
    return engine.Model(case.nest(inputs), outputs)


def pair(case):
    """Both models with the same weights."""
    ours, theirs = both(lambda engine: model_of(case, engine))
    share_weights(ours, theirs)
    return ours, theirs


def tree(file):
    """The groups of an HDF5 file with their attributes, and its arrays with shapes and dtypes."""
    items = {}

    def note(name, item):
        shape = (item.shape, str(item.dtype)) if isinstance(item, h5py.Dataset) else ()
        items[name] = (*shape, dict(item.attrs))

    file.visititems(note)
    return items


def outputs(model, case):
    result = model(case.data(), training=False)  # layers that augment images would do so
    parts = result if isinstance(result, (list, tuple)) else [result]
    return [np.asarray(part) for part in parts]


def assert_same_outputs(one, other, case):
    if swaps(case):  # TensorFlow lacks most of these on a CPU; the weights say it all
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        return
    for a, b in zip(outputs(one, case), outputs(other, case), strict=True):
        assert_close(a, b, length=case.length)


@each_row
def test_archive(case, tmp_path):
    ours, theirs = pair(case)
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    read_there = keras.models.load_model(tmp_path / "ours.keras")
    read_here = minikeras.models.load_model(tmp_path / "theirs.keras")
    read_again = minikeras.models.load_model(tmp_path / "ours.keras")
    for layer, here, again in zip(ours.layers, read_here.layers, read_again.layers, strict=True):
        assert as_json(here) == as_json(layer) == as_json(again)
    assert_same_outputs(read_here, ours, case)
    assert_same_outputs(read_again, ours, case)
    assert_same_outputs(read_here, read_there, case)


@each_row
def test_weights(case, tmp_path):
    ours, theirs = pair(case)
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    with (
        h5py.File(tmp_path / "ours.weights.h5") as written,
        h5py.File(tmp_path / "theirs.weights.h5") as expected,
    ):
        assert tree(written) == tree(expected)
    values = ours.get_weights()
    for model, name in ((ours, "theirs"), (ours, "ours"), (theirs, "ours")):
        model.set_weights([np.zeros_like(v) for v in values])
        model.load_weights(tmp_path / f"{name}.weights.h5")
        for value, read in zip(values, model.get_weights(), strict=True):
            np.testing.assert_array_equal(read, value)
