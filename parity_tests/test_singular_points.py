"""Gradients where a slope is infinite or undefined and the incoming gradient is 0, against Keras.

`0 * inf` is NaN, so a gradient rule decides whether a point that takes no part in the loss (masked
by `where`, weighted with 0) may make every weight NaN. Each differentiable op of the table of ops
is called on zeros, on ones, and on a mixture with -1 and infinities, all inputs alike. Compared
with TensorFlow is which numbers are NaN, and what the others are.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from minikeras import losses, ops
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from tests.cases import CASES

pytestmark = pytest.mark.parity

INF = float("inf")
FINITE = {"zeros": [0.0], "ones": [1.0]}
POINTS = {**FINITE, "mixed": [0.0, 1.0, -1.0, INF, -INF, 2.0]}

# Decompositions have no answer for infinite matrices; in sums of products it depends on how they
# are computed whether a padded cell or one that a stride skips counts as 0 times infinity. Of CTC,
# Keras's gradient is NaN in the steps after a sequence's end, too (docs/numerics.md).
FINITE_ALONE = {
    "ctc_loss",
    *("eigh", "lu_factor", "pinv", "svd"),
    *("conv", "conv_transpose", "depthwise_conv", "separable_conv"),
}

# Where ours is not Keras's, and why: rows of docs/numerics.md.
EXCEPTIONS = {
    "sinc": "the slope at 0 is 0",
    "hypot": "symmetric in its inputs; Keras's slope depends on which of two infinities is first",
    "lstsq": "the shortest solution where columns depend on each other; Keras goes on with NaN",
    **dict.fromkeys(
        ("cholesky_inverse", "logdet", "qr", "solve_triangular"),
        "a singular matrix is an error; Keras goes on with infinity or NaN",
    ),
    **dict.fromkeys(
        ("cholesky", "det", "digitize", "inv", "slogdet", "solve"), "Keras refuses these inputs"
    ),
}


def _one_row_an_op():
    """The first row of each op that has a gradient; of `norm`, one for each order."""
    rows = {}
    for case in CASES:
        if not (case.is_public and case.public(keras.ops)) or case.raises is not None:
            continue
        if not case.has_gradient or not case.keras_orders or case.name in EXCEPTIONS:
            continue
        if case.differs and case.differs_in in ("refused", "value"):
            continue
        rows.setdefault((case.name, case.name == "norm" and str(case.kwargs.get("ord"))), case)
    return list(rows.values())


ROWS = _one_row_an_op()


def points_of(case):
    decomposed = case.kwargs.get("ord") in ("nuc", 2, -2)
    return FINITE if case.name in FINITE_ALONE or decomposed else POINTS


class Ours:
    ops, tape, constant, unconnected = ops, GradientTape, Tensor, "zero"


class Keras:
    ops, tape, unconnected = keras.ops, tf.GradientTape, tf.UnconnectedGradients.ZERO
    constant = staticmethod(tf.constant)


def name_of(x):
    return keras.backend.standardize_dtype(x.dtype)


def drawn(engine, case, values):
    """The tensors of a row, its floats replaced, and those of them that gradients are taken by."""
    arrays = [
        np.resize(np.array(values, a.dtype), a.shape) if recipe.is_float else a
        for a, recipe in zip(case.draw(), case.recipes, strict=True)
    ]
    tensors = [engine.constant(a) for a in arrays]
    return tensors, [t for t, r in zip(tensors, case.recipes, strict=True) if r.is_float]


def gradients(engine, case, values, recorded=False):
    """The gradients of a call for an incoming gradient of 0; `recorded` by an outer tape."""
    tensors, sources = drawn(engine, case, values)
    with engine.tape() as outer:
        if recorded:
            outer.watch(sources)
        with engine.tape() as inner:
            inner.watch(sources)
            outputs = float_outputs(case.apply(engine.ops, tensors))
        weights = [engine.ops.zeros_like(y) for y in outputs]
        return arrays_of(engine, inner.gradient(outputs, sources, weights, engine.unconnected))


def float_outputs(result):
    leaves = [y for y in trees.flatten(result) if hasattr(y, "dtype")]
    return [y for y in leaves if name_of(y).startswith("float")]


def arrays_of(engine, tensors):
    return [np.asarray(tf.convert_to_tensor(g) if engine is Keras else g) for g in tensors]


def assert_alike(ours, theirs, context):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True, err_msg=context)


@pytest.mark.sampled(rows=80)
@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.id)
def test_an_incoming_gradient_of_zero_meets_what_it_meets_in_keras(case):
    for name, values in points_of(case).items():
        theirs = gradients(Keras, case, values)
        for recorded in (False, True):
            ours = gradients(Ours, case, values, recorded)
            assert_alike(ours, theirs, f"{name}, recorded={recorded}")


TWICE = (
    "sqrt rsqrt reciprocal log log2 log10 log1p arcsin arccos arctanh arccosh exp tanh sigmoid "
    "square absolute power divide divide_no_nan"
)


@pytest.mark.parametrize("name", TWICE.split())
def test_second_gradients_are_nan_where_those_of_keras_are(name):
    case = next(case for case in CASES if case.name == name and case.has_gradient)

    def second(engine, first, upstream):
        tensors, sources = drawn(engine, case, POINTS["mixed"])
        with engine.tape() as outer:
            outer.watch(sources)
            with engine.tape() as inner:
                inner.watch(sources)
                output = case.apply(engine.ops, tensors)
            weights = engine.ops.full_like(output, first)
            outer.watch(weights)
            grads = inner.gradient([output], sources, [weights], engine.unconnected)
        upstreams = [engine.ops.full_like(s, upstream) for s in sources]
        wrt = [*sources, weights]
        return arrays_of(engine, outer.gradient(grads, wrt, upstreams, engine.unconnected))

    for first, upstream in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0)):
        ours, theirs = (second(engine, first, upstream) for engine in (Ours, Keras))
        assert_alike(ours, theirs, f"first={first}, upstream={upstream}")


@pytest.mark.parametrize("name", ["sqrt", "rsqrt", "reciprocal"])
def test_what_where_masks_out_takes_no_part(name):
    for dtype in ("float16", "float32", "float64"):
        grads = []
        for engine in (Ours, Keras):
            t = engine.constant(np.array([0.0, 4.0, -1.0], dtype))
            with engine.tape() as tape:
                tape.watch(t)
                masked = engine.ops.where(t > 0, getattr(engine.ops, name)(t), 0.0)
                total = engine.ops.sum(masked)
            grads.append(np.asarray(tape.gradient(total, t)))
        assert np.isfinite(grads[0]).all()
        np.testing.assert_allclose(*grads, rtol=1e-3)


def siamese(keras_like):
    """One Dense layer on two inputs, their distance, and the contrastive loss."""
    layers, k_ops = keras_like.layers, keras_like.ops
    a, b = keras_like.Input((4,)), keras_like.Input((4,))
    shared = layers.Dense(3, kernel_initializer=keras_like.initializers.Constant(0.25))
    gap = layers.Lambda(
        lambda pair: k_ops.sqrt(k_ops.sum(k_ops.square(pair[0] - pair[1]), axis=1, keepdims=True))
    )([shared(a), shared(b)])

    def contrastive(same, distance):
        apart = k_ops.square(k_ops.maximum(1.0 - distance, 0.0))
        return k_ops.mean(same * k_ops.square(distance) + (1.0 - same) * apart)

    model = keras_like.Model([a, b], gap)
    model.compile(keras_like.optimizers.SGD(0.1), loss=contrastive, run_eagerly=True)
    return model


def test_a_siamese_net_learns_from_equal_pairs():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 8, 4)).astype("float32")
    same = np.array([1, 0] * 4, "float32")[:, None]
    b[::2] = a[::2]
    ours, theirs = siamese(minikeras), siamese(keras)
    options = {"epochs": 4, "batch_size": 8, "shuffle": False, "verbose": 0}
    expected = theirs.fit([a, b], same, **options).history["loss"]
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(ours.fit([a, b], same, **options).history["loss"], expected, 1e-5)
    ours = siamese(minikeras)
    ours.run_eagerly = False
    np.testing.assert_allclose(ours.fit([a, b], same, **options).history["loss"], expected, 1e-5)


BASE = losses.Loss.__module__
LOSSES = [
    name
    for name, value in vars(losses).items()
    if isinstance(value, type)
    and issubclass(value, losses.Loss)
    and value.__module__ != BASE
    and value is not losses.CTC  # of sequences
]
# Losses whose targets are numbers of classes.
OF_CLASSES = {"Circle", "CategoricalGeneralizedCrossEntropy", "SparseCategoricalCrossentropy"}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_samples_that_do_not_count(name):
    for values in FINITE.values():
        array = np.resize(np.array(values, "float32"), (3, 4))
        targets = np.zeros(3, "int32") if name in OF_CLASSES else array
        results = []
        for engine, library in ((Ours, minikeras), (Keras, keras)):
            x = engine.constant(array)
            with engine.tape() as tape:
                tape.watch(x)
                loss = getattr(library.losses, name)()(targets, x, sample_weight=np.zeros(3, "f"))
            results.append(np.asarray(tape.gradient(loss, x)))
        np.testing.assert_allclose(*results, atol=1e-6)
