"""Random functional models, built on both sides from one recipe and compared in float64."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, note, reject, settings

import minikeras
from parity_tests.networks import build, recipes
from parity_tests.support import policy

BATCH = 3

# `make test` draws 50 networks, `make fuzz` thousands.
DRAWS = int(os.environ.get("MINIKERAS_FUZZ_EXAMPLES", "50"))


@pytest.fixture(autouse=True)
def in_float64():
    """Both sides compute in float64, where they must agree to 1e-10."""
    for side in (keras, minikeras):
        side.config.set_floatx("float64")
    with policy("float64"):
        yield


def _values(recipe, rng):
    return [
        rng.integers(0, largest + 1, (BATCH, *shape)).astype("int32")
        if dtype == "int32"
        else rng.normal(size=(BATCH, *shape))
        for shape, dtype, largest in recipe.inputs
    ]


def _relative_gap(ours, theirs):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    scale = max(1.0, np.abs(theirs).max(initial=0.0))
    return np.abs(ours - theirs).max(initial=0.0) / scale


def _check(ours, theirs, what):
    assert _relative_gap(ours, theirs) <= 1e-10, what


def _forward_and_gradients(tape_of, watchable, model, xs, weights, training):
    """Outputs, and gradients of a fixed projection by float inputs and trainable weights."""
    with tape_of() as tape:
        for x in watchable:
            tape.watch(x)
        outputs = model(xs, training=training)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        total = sum(_projected(y) for y in outputs)
    wanted = [*watchable, *weights]
    return outputs, tape.gradient(total, wanted)


def _projected(y):
    size = int(np.prod(y.shape))
    weights = np.cos(np.arange(size) + 1.0).reshape(y.shape)
    module = tf.reduce_sum if isinstance(y, tf.Tensor) else minikeras.ops.sum
    return module(y * weights)


def _compare(recipe, seed):
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    minikeras.utils.set_random_seed(seed)
    theirs, ours = build(keras, recipe), build(minikeras, recipe)
    weights = theirs.get_weights()
    assert [w.shape for w in weights] == [w.shape for w in ours.get_weights()]
    weights = [w + 0.1 * rng.normal(size=w.shape) if w.ndim else w for w in weights]
    weights = [
        np.abs(w) + 0.1 if "variance" in v.path else w
        for w, v in zip(weights, theirs.weights, strict=True)
    ]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    values = _values(recipe, rng)
    for training in (False, True):
        tf_xs = [tf.constant(v) for v in values]
        my_xs = [minikeras.ops.convert_to_tensor(v) for v in values]
        tf_floats = [x for x in tf_xs if x.dtype.is_floating]
        my_floats = [x for x in my_xs if x.dtype.startswith("float")]
        try:
            y_tf, g_tf = _forward_and_gradients(
                tf.GradientTape,
                tf_floats,
                theirs,
                tf_xs,
                [v.value for v in theirs.trainable_weights],
                training,
            )
        except Exception as error:
            note(f"Keras itself cannot run this: {error}")
            reject()
        y_my, g_my = _forward_and_gradients(
            minikeras.GradientTape, my_floats, ours, my_xs, ours.trainable_weights, training
        )
        for i, (a, b) in enumerate(zip(y_my, y_tf, strict=True)):
            _check(a, b, f"output {i}, training={training}")
        labels = [f"input {i}" for i in range(len(my_floats))]
        labels += [v.path for v in ours.trainable_weights]
        for label, a, b in zip(labels, g_my, g_tf, strict=True):
            if isinstance(b, tf.IndexedSlices):
                b = tf.convert_to_tensor(b)
            assert (a is None) == (b is None), f"gradient w.r.t. {label}: {a} against {b}"
            if a is not None:
                _check(a, b, f"gradient w.r.t. {label}, training={training}")
    for v, w in zip(ours.non_trainable_weights, theirs.non_trainable_weights, strict=True):
        _check(v, w, f"state {v.path}")


_quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


@pytest.mark.parity
@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore::UserWarning")  # both sides warn of lost masks and the like
@given(recipes())
@settings(max_examples=DRAWS, deadline=None, suppress_health_check=_quiet)
def test_random_networks(recipe):
    """Outputs, gradients and updated state agree, in inference and in training mode."""
    note(recipe)
    _compare(recipe, seed=7)


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore::UserWarning")
@given(recipes())
@settings(max_examples=DRAWS, deadline=None, suppress_health_check=_quiet)
def test_recorded_steps_of_random_networks(recipe):
    """A recorded step leaves the weights that the step leaves as it is written, bit for bit."""
    note(recipe)
    try:
        expected, _ = _trained(recipe, eagerly=True)
    except ValueError as error:
        note(f"Neither side can train this: {error}")
        reject()
    weights, model = _trained(recipe, eagerly=False)
    assert [kind.refusal for kind in model._steps._kinds.values()] == [None]
    for v, a, b in zip(model.variables, weights, expected, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=v.path)


def _trained(recipe, eagerly):
    """The variables after a few batches, and the model."""
    rng = np.random.default_rng(7)
    minikeras.utils.set_random_seed(7)
    model = build(minikeras, recipe)
    model.compile("sgd", "mse", run_eagerly=eagerly)
    for _ in range(5):
        xs = _values(recipe, rng)
        model.train_on_batch(xs, [rng.normal(size=(BATCH, *y.shape[1:])) for y in model.outputs])
    return [v.numpy() for v in model.variables], model
