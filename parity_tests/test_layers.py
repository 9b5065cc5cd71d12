"""Layers against Keras: configs, names, shapes, values, gradients, in both modes and dtypes.

One row of `tests/cases/layers.py` gives all tests of a layer. What does not fit a row (masks,
moving averages over several steps, errors) has tables of its own kind in `test_layer_rules.py`.
"""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from minikeras.core import trees
from minikeras.tools.tolerances import assert_close
from parity_tests.support import both, converted, fresh_names, normal, policy, share_weights
from tests.cases.layer_case import UNPACKING
from tests.cases.layers import every_row

pytestmark = pytest.mark.parity


def swaps(case):
    """Whether a row is a convolution with the channels in front.

    TensorFlow lacks most of these on a CPU; and where the last size equals the number of filters
    Keras adds the bias along that axis in place of the channels.
    """
    convolves = "Conv" in case.source or case.name == "STFTSpectrogram"
    return convolves and "channels_first" in case.source


def make_swapped(case, engine):
    """The layer in the layout that a CPU runs in every dtype: on Keras's side only."""
    if not swaps(case) or engine is minikeras:
        return case.make(engine)
    return replace(case, source=case.source.replace("_first", "_last")).make(engine)


def unknown(shape, axes=(0,)):
    """A shape, or each of a list, with some sizes unknown."""
    if isinstance(shape, list):
        return [unknown(s, axes) for s in shape]
    return tuple(None if i in axes else n for i, n in enumerate(shape))


def as_json(saved):
    """What a saved form is in a file."""
    return json.loads(json.dumps(saved))


def called(case, dtype="float32"):
    """Both layers after a call, with the same weights, and their tensors."""
    ours, theirs = both(case.make)
    x = case.data(dtype)
    a, b = converted(minikeras, x), converted(keras, x)
    case.call(ours, a), case.call(theirs, b)
    share_weights(ours, theirs)
    return ours, theirs, a, b


@every_row
def test_config(case):
    ours, theirs = both(case.make)
    saved = theirs.get_config()
    assert ours.get_config() == saved
    assert type(ours).from_config(saved).get_config() == saved
    assert ours.built == theirs.built
    assert ours.supports_masking == theirs.supports_masking


@every_row
def test_names_weights_and_saved_form_after_a_call(case):
    ours, theirs, _, _ = called(case)
    for kind in ("variables", "weights", "trainable_weights", "non_trainable_weights"):
        mine = [(v.path, tuple(v.shape), v.trainable) for v in getattr(ours, kind)]
        assert mine == [(v.path, tuple(v.shape), v.trainable) for v in getattr(theirs, kind)]
    saved = as_json(keras.layers.serialize(theirs))
    assert as_json(minikeras.layers.serialize(ours)) == saved
    assert as_json(minikeras.layers.serialize(minikeras.layers.deserialize(saved))) == saved


@every_row
def test_shapes(case):
    fresh_names()
    ours, theirs = both(case.make)
    for axes in ((0,), (0, 2), (0, 1)):
        shape = unknown(case.shape, axes)
        try:
            expected = case.call(theirs.compute_output_shape, shape)
        except (ValueError, TypeError, NotImplementedError):
            continue  # Keras cannot tell, as where a channel count is unknown
        assert case.call(ours.compute_output_shape, shape) == tuple(expected)


def inputs(engine, shape):
    """A placeholder of a shape, or of each of a list."""
    if isinstance(shape, list):
        return [inputs(engine, s) for s in shape]
    return engine.Input(batch_shape=shape)


@every_row
def test_symbolic_call(case):
    shape = unknown(case.shape)
    y, z = (
        case.call(layer, inputs(engine, shape))
        for engine, layer in zip((minikeras, keras), both(case.make), strict=True)
    )
    assert (y.shape, y.dtype) == (z.shape, z.dtype)


def gradients(engine, tape_of, case, layer, x, direction, options):
    """Output, and the gradients of a linear function of it by inputs and weights, as arrays."""
    tensors = converted(engine, x)
    sources = tensors if isinstance(tensors, list) else [tensors]
    sources = [t for t in sources if "float" in str(t.dtype)]
    weights = [getattr(w, "value", w) if engine is keras else w for w in layer.trainable_weights]
    with tape_of() as tape:
        for source in sources:
            tape.watch(source)
        y = case.call(layer, tensors, **options)
        loss = engine.ops.sum(engine.ops.multiply(y, engine.ops.convert_to_tensor(direction)))
        for penalty in layer.losses:
            loss = loss + penalty
    grads = tape.gradient(loss, [*sources, *weights])
    return [y.numpy()] + [None if g is None else dense(g).numpy() for g in grads]


def dense(gradient):
    """A gradient w.r.t. an embedding table as one array."""
    return tf.convert_to_tensor(gradient) if hasattr(gradient, "indices") else gradient


def last(x):
    return np.moveaxis(x, 1, -1)


def first(x):
    return np.moveaxis(x, -1, 1)


def largest(arrays):
    return max(np.abs(a).max() for a in arrays if a is not None)


def compare(case, dtype, options):
    """Compare outputs, gradients and changed state of one call."""
    their_dtype = "float32" if case.single else dtype
    x = case.data(dtype)
    with policy(dtype):
        ours, _ = both(case.make)
        shape = case.call(ours, converted(minikeras, x)).shape
    with policy(their_dtype):
        _, theirs = both(lambda engine: make_swapped(case, engine))
        z = trees.map_structure(lambda v: v.astype(their_dtype) if v.dtype.kind == "f" else v, x)
        case.call(theirs, converted(keras, last(z) if swaps(case) else z))
    share_weights(ours, theirs)
    if case.name == "Normalization":
        theirs.finalize_state()  # which is to be called for weights that were set to count
    g = normal(shape, dtype, seed=5)
    mine = gradients(minikeras, minikeras.GradientTape, case, ours, x, g, options)
    if swaps(case):
        their = gradients(keras, tf.GradientTape, case, theirs, last(z), last(g), options)
        their[:2] = map(first, their[:2])
    else:
        their = gradients(keras, tf.GradientTape, case, theirs, z, g.astype(their_dtype), options)
    # Of the bias of keys the gradient is zero but for rounding: the softmax does not depend on it.
    scale = largest(their[1:]) if case.name in UNPACKING else 0.0
    for i, (a, b) in enumerate(zip(mine, their, strict=True)):
        if b is None:
            assert a is None or not np.any(a)
        else:
            what = f"gradient {i}" if i else "output"
            b = b.astype(dtype) if case.single else b
            assert_close(a, b, case.length, what, their_dtype, scale if i else 0.0)
    for v, w in zip(ours.variables, theirs.variables, strict=True):
        assert_close(v.numpy(), w.numpy().astype(v.numpy().dtype), case.length, v.path, their_dtype)


def compare_values(case, options):
    """Compare outputs in float32: what prepares images draws and rounds in its own dtypes.

    TensorFlow has no gradient of many of these layers, or one that is not exact.
    """
    ours, theirs = both(case.make)
    x = case.data()
    for _ in range(2):
        y, z = (case.call(layer, x, **options) for layer in (ours, theirs))
        assert_close(y, z, case.length, "output")
    for v, w in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@every_row
def test_values_and_gradients(case, dtype):
    for options in [{"training": False}, {"training": True}] if case.trains else [{}]:
        if not case.pixels:
            compare(case, dtype, options)
        elif dtype == "float32":
            compare_values(case, options)
